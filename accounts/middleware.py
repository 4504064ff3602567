"""Every middleware of the app, in the order of the settings.

    work_after_response         do what nobody waits for when the response has left
    limit_calls                 give all calls to AWS of one request one deadline
    AuthenticationMiddleware    the user, out of the session's own row
    revalidate                  ask Cognito about the user, where it is time to
    name_the_actor              enter what is changed under the user's name

Those of the whole site, for bodies and health checks, are in config.
"""

from collections.abc import Callable
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
from accounts.aws import call_limits
from accounts.events import audit
from accounts.models import User
from accounts.sync import revalidation

View = Callable[[HttpRequest], HttpResponseBase]


def work_after_response(get_response: View) -> View:
    """Do the work that a request left to after its response (``after_response``)."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        after_response.let_work_at_close(request, response)
        return response

    return handle


def limit_calls(get_response: View) -> View:
    """Give all calls of a request one deadline. After the response, each call has its own."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        with call_limits.deadline(call_limits.LONGEST):
            return get_response(request)

    return handle


def revalidate(get_response: View) -> View:
    """Look up who made a request, where it is time to, when the response has left."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        # Where no view asked who it is, nobody is served.
        user = getattr(request, "session_user", None)
        if isinstance(user, User) and revalidation.due(user):
            after_response.do(request, lambda: revalidation.check(user))
        return response

    return handle


def name_the_actor(get_response: View) -> View:
    """Enter what a request changes under the name of whoever is signed in."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return get_response(request)
        # The user is looked up when something is entered, if it is.
        with audit.acting(request.user, request):  # type: ignore[arg-type]
            return get_response(request)

    return handle


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Django's, with the user that was read with the session, and a word to whose session ended."""

    def process_request(self, request: HttpRequest) -> None:
        """Set ``request.user`` and ``request.auser``, which are looked up at their first use."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]
        request.auser = partial(sync_to_async(_user_of), request)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Note that the browser was here, or say on a page that its session ended."""
        # A request that asked nothing of the session, such as for a file, costs no query here.
        session = sessions.for_request(request)
        if not session.accessed:
            return response
        if session.row:
            sessions.touch(request)
        elif session.ended and _is_for_a_page(request):
            return _ended_page(request)
        return response


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    # An attribute of our own: revalidate() looks whether a view asked for the user.
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
        # Under the same key: of several requests at once, the others have only that.
        request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        return user
    request.session.flush()
    return None


# The page that tells it, and those that texts lead to: people need them now.
_NOT_INTERRUPTED = ("accounts:ended", "changed", "stop_texts", "stop_recovery")


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
