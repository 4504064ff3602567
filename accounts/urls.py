from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("login/", views.PhoneView.as_view(), name="login"),
    path("login/code/", views.CodeView.as_view(), name="code"),
    path("login/resend/", views.ResendView.as_view(), name="resend"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
]
