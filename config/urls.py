from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import TemplateView

from accounts.views import login
from accounts.views.recovery import StopView
from accounts.views.stop_texts import StopTextsView
from config import health

handler500 = "accounts.views.site.server_error"

urlpatterns: list[URLResolver | URLPattern] = [
    path("", login.HomeView.as_view(), name="home"),
    path("accounts/", include("accounts.urls")),
    # The text to an old number names this address (lambdas/triggers/messages).
    re_path(
        "^changed/?$",
        TemplateView.as_view(template_name="accounts/changed.html"),
        name="changed",
    ),
    # Texts with a code name this address, with a word.
    re_path("^no/(?P<word>[A-Za-z0-9]{1,8})/?$", StopTextsView.as_view(), name="stop_texts"),
    # Those of a recovery as well.
    re_path("^stop/(?P<word>[A-Za-z0-9]{1,12})/?$", StopView.as_view(), name="stop_recovery"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

if settings.LOCAL_CLOUD:
    urlpatterns.append(path("local/", include("localcloud.urls")))
