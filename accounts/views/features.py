"""Features of browsers that a page needs and all others forbid (``PERMISSIONS_POLICY``)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_permissions_policy.decorators import permissions_policy_override

from accounts.conf import conf

Page = Callable[..., HttpResponse]


def passkeys(feature: str) -> Callable[[Page], Page]:
    """Let a page use a feature of passkeys, where the site has them."""
    policy: dict[str, Any] = {**settings.PERMISSIONS_POLICY, feature: "self"}

    def decorate(page: Page) -> Page:
        allowed = permissions_policy_override(policy)(page)

        @wraps(page)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return (allowed if conf.passkeys else page)(request, *args, **kwargs)

        return shown

    return decorate
