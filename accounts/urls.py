from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("login/", views.PhoneView.as_view(), name="login"),
    path("login/code/", views.CodeView.as_view(), name="code"),
    path("login/forget/", views.ForgetView.as_view(), name="forget"),
    path("login/resend/", views.ResendView.as_view(), name="resend"),
    path("brand.css", views.brand_css, name="brand_css"),
    path("language/", views.LanguageView.as_view(), name="language"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
]
