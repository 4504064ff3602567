"""Set-up codes, with which operators make the passkey that opens the admin."""

from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts import operations
from accounts.login import reauthentication, second_factor
from accounts.models import Operation, User


def context(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what an operator's page says about the admin; empty for everybody else."""
    if not second_factor.is_needed(user):
        return {}
    return {"opens_admin": second_factor.held(user), "may_give_code": _may_give(request, user)}


@reauthentication.required
def setup_code_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a set-up code for another operator on POST, and show it once.

    Raises PermissionDenied, Http404.
    """
    user = User.objects.filter(pk=pk).first()
    if user is None or not second_factor.is_needed(user):
        raise Http404
    if not _may_give(request, user):
        raise PermissionDenied
    if request.method != "POST":
        return redirect("admin:accounts_user_change", pk)
    shown = {
        **admin.site.each_context(request),
        "title": _("Set-up code for %s") % user,
        "opts": User._meta,
        "original": user,
        "code": second_factor.draw(user),
        "hours": round(second_factor.LIVES.total_seconds() / 3600),
    }
    return render(request, "admin/accounts/user/setup_code.html", shown)


def _may_give(request: HttpRequest, user: User) -> bool:
    """Tell whether this operator may let ``user`` into the admin, who could do no more there."""
    by = cast(User, request.user)
    # Their own next passkey needs no code.
    if by.pk == user.pk or not by.has_perm("accounts.manage_staff"):
        return False
    return not operations.refusal(Operation.Kind.MAKE_STAFF, user, by)
