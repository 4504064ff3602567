"""Base of the pages to which an address in a text or a mail leads."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import devices
from accounts.login import errors
from accounts.views.refusals import too_many


@method_decorator([never_cache, sensitive_post_parameters("phone")], name="dispatch")
class MessagePageView(View):
    """A page that acts on POST alone, since scanners open links. It limits guesses of its word."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except errors.TooMany as error:
            response = too_many(request, error)
        devices.remember(request, response)
        return response
