"""Who a request comes from, out of the session's own row: one query for both."""

from functools import partial

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, load_backend, middleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode

from accounts import after_response, sessions
from accounts.models import User


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Django's, with the user that was read with the session, and a word to whose session ended."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]
        request.auser = partial(sync_to_async(_user_of), request)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        # A request that asked nothing of the session, such as for a file, costs no query here.
        session = sessions.for_request(request)
        if not session.accessed:
            return response
        if session.row:
            after_response.do(request, partial(sessions.touch, request))
        elif session.ended and _is_for_a_page(request):
            return _ended_page(request)
        return response


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    # An attribute of our own: accounts.sync.revalidation looks whether a view asked for the user.
    if not hasattr(request, "session_user"):
        request.session_user = _signed_in(request) or AnonymousUser()  # type: ignore[attr-defined]
    return request.session_user  # type: ignore[attr-defined,no-any-return]


def _signed_in(request: HttpRequest) -> User | None:
    """Check what django.contrib.auth.get_user checks, without asking for the user again."""
    row = sessions.for_request(request).row
    user = row.user if row else None
    path = request.session.get(BACKEND_SESSION_KEY)
    if user is None or path not in settings.AUTHENTICATION_BACKENDS:
        return None
    backend = load_backend(path)
    if not backend.user_can_authenticate(user):  # type: ignore[attr-defined]
        return None
    known = request.session.get(HASH_SESSION_KEY, "")
    if constant_time_compare(known, user.get_session_auth_hash()):
        return user
    # Hashed with a secret key that has been replaced since, and still counts.
    if any(constant_time_compare(known, old) for old in user.get_session_auth_fallback_hash()):
        request.session.cycle_key()
        request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        return user
    request.session.flush()
    return None


# The page that tells it, and the one for people whose number was changed: they need it now.
_NOT_INTERRUPTED = ("accounts:ended", "changed")


def _is_for_a_page(request: HttpRequest) -> bool:
    page = request.resolver_match
    return (
        request.method == "GET"
        and request.headers.get("Sec-Fetch-Dest", "document") == "document"
        and request.accepts("text/html")
        and not (page and page.view_name in _NOT_INTERRUPTED)
    )


def _ended_page(request: HttpRequest) -> HttpResponseBase:
    target = request.GET.get("next", request.get_full_path())
    is_sign_in = target.startswith(resolve_url("accounts:login"))
    query = "" if is_sign_in else f"?{urlencode({'next': target})}"
    response = redirect(f"{resolve_url('accounts:ended')}{query}")
    add_never_cache_headers(response)
    return response
