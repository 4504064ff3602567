from django.urls import path

from accounts.views import login

app_name = "accounts"

urlpatterns = [
    path("login/", login.PhoneView.as_view(), name="login"),
    path("login/code/", login.CodeView.as_view(), name="code"),
    path("login/resend/", login.ResendView.as_view(), name="resend"),
    path("logout/", login.SignOutView.as_view(), name="logout"),
]
