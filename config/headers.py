"""The one header of the site that neither Django nor django-csp sends."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def permissions_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Tell browsers what of theirs the pages may use: ``settings.PERMISSIONS_POLICY``."""
    policy = ", ".join(f"{name}=({who})" for name, who in settings.PERMISSIONS_POLICY.items())

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Permissions-Policy"] = policy
        return response

    return handle
