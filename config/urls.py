from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.views import login
from config import health

handler500 = "accounts.views.site.server_error"

urlpatterns: list[URLResolver | URLPattern] = [
    path("", login.HomeView.as_view(), name="home"),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

if settings.LOCAL_CLOUD:
    urlpatterns.append(path("local/", include("localcloud.urls")))
