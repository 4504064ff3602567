from django.urls import include, path

from tests.bench.peer.views import Bare

urlpatterns = [path("bare/", Bare.as_view()), path("", include("config.urls"))]
