"""The type of a person's number, and whether it may sign in all the same."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import operations
from accounts.events import audit
from accounts.login import reauthentication
from accounts.models import Operation, User
from accounts.sync import number_types


def context(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the page of a person says of the type of their number."""
    if not user.number_type or user.number_type_of != user.phone:
        return {}
    is_internet_phone = number_types.is_internet_phone(user)
    return {
        "number_type": _("internet phone") if is_internet_phone else user.number_type.lower(),
        "is_number_refused": number_types.is_refused(user),
        "may_allow_number": is_internet_phone and _may_allow(request, user),
    }


@reauthentication.required
def allow_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Allow the number of a person, or refuse it again, on POST. Raises PermissionDenied, Http404.

    ``sync.number_types`` says which types are refused, and for whom.
    """
    user = User.objects.filter(pk=pk).first()
    if user is None:
        raise Http404
    if not _may_allow(request, user):
        raise PermissionDenied
    if request.method == "POST":
        is_allowed = request.POST.get("allowed") == "true"
        User.objects.filter(pk=pk).update(number_allowed=is_allowed)
        before, after = str(user.number_allowed), str(is_allowed)
        audit.note(user, {"number_allowed": [before, after]})
        done = _("That number may sign in.") if is_allowed else _("That number is refused again.")
        messages.success(request, done)
    return redirect("admin:accounts_user_change", pk)


def _may_allow(request: HttpRequest, user: User) -> bool:
    by = cast(User, request.user)
    if not by.has_perm("accounts.unlock_user"):
        return False
    return not operations.refusal(Operation.Kind.SIGN_OUT, user, by)
