"""The page for forms without a valid CSRF token: an old tab, the back button, cookies off."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.views import login


@never_cache
@sensitive_post_parameters("phone", "password", "code")
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what happened and lead on. A number that was typed here is kept."""
    stale = "no_cookies" if reason == REASON_NO_CSRF_COOKIE else "old"
    # "Origin checking failed …": the form and its values come from another site.
    is_ours = not reason.startswith(("Origin", "Referer"))
    is_sign_in = request.path == resolve_url("accounts:login")
    if is_ours and is_sign_in and not request.user.is_authenticated:
        return login.typed_page(request, stale=stale)
    # Every URL that takes a form has a page, or leads to the page with the form.
    context = {"stale": stale, "onward": request.get_full_path() if is_ours else ""}
    return render(request, "403_csrf.html", context, status=403)
