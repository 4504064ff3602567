from django.conf import settings
from django.urls import include, path

from tests.bench.peer.views import Bare

urlpatterns = [path("", Bare.as_view(), name="home")]
if settings.PEER == "allauth":
    urlpatterns.append(path("accounts/", include("allauth.urls")))
if settings.PEER == "oidc":
    urlpatterns.append(path("oidc/", include("mozilla_django_oidc.urls")))
