"""Invite people by one number or by a pasted list, which is checked first."""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import operations
from accounts.admin import order_operations
from accounts.conf import conf
from accounts.fields import PhoneField
from accounts.login import reauthentication
from accounts.models import User
from accounts.operations.queue import Kind

_MAX_PASTED = 40_000
_MAX_NAME = 150


@dataclass(frozen=True)
class Line:
    """One line as it was typed. If ``problem`` says why nobody is invited, ``phone`` is ""."""

    typed: str
    phone: str = ""
    name: str = ""
    problem: str = ""
    has_account: bool = False


class InviteForm(forms.Form):
    """A list of people, one on each line, and whether to text them."""

    people = forms.CharField(
        label=_("People"),
        max_length=_MAX_PASTED,
        widget=forms.Textarea(attrs={"rows": 10, "cols": 60, "spellcheck": "false"}),
    )
    tell = forms.BooleanField(
        label=_("Text each of them that they can sign in now"),
        required=False,
        help_text=_("One text for each number. Without it, nobody hears of the invitation."),
    )

    def clean_people(self) -> str:
        people: str = self.cleaned_data["people"]
        if sum(1 for line in people.splitlines() if line.strip()) > order_operations.MOST:
            raise ValidationError(gettext("At most %d lines at once.") % order_operations.MOST)
        return people


def invite_view(request: HttpRequest) -> HttpResponseBase:
    """Ask for a list, show what it means, then order the invitations. Raises PermissionDenied."""
    if not request.user.has_perm("accounts.invite_user"):
        raise PermissionDenied
    return _confirmed_invite_view(request)


@reauthentication.required
def _confirmed_invite_view(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST if request.method == "POST" else None)
    lines: list[Line] = []
    if form.is_valid() and "back" not in request.POST:
        lines = read(form.cleaned_data["people"])
        welcome = [line for line in lines if line.phone]
        if "go" in request.POST and welcome:
            params = {"tell": form.cleaned_data["tell"], "language": ""}
            return order_operations.order_many(
                request,
                [
                    (Kind.INVITE, None, {"phone": line.phone, "name": line.name, **params})
                    for line in welcome
                ],
            )
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Invite these people?") if lines else gettext("Invite people"),
        "opts": User._meta,
        "form": form,
        "lines": lines,
        "welcome": sum(bool(line.phone) for line in lines),
        "most": order_operations.MOST,
        "batch": operations.draw_batch(),
    }
    return render(request, "admin/accounts/user/invite.html", context)


def read(pasted: str) -> list[Line]:
    """Read a number from each line, and a name after a comma, semicolon or tab."""
    field, seen = PhoneField(), set[str]()
    lines = []
    for typed in (line.strip() for line in pasted.splitlines()):
        if not typed:
            continue
        number, name = _split(typed)
        try:
            phone = field.clean(number)
        except ValidationError as error:
            lines.append(Line(typed, problem=" ".join(error.messages)))
            continue
        if phone in seen:
            lines.append(Line(typed, problem=gettext("The number stands above already.")))
            continue
        seen.add(phone)
        lines.append(Line(typed, phone=phone, name=name[:_MAX_NAME]))
    known = set(
        User.objects.filter(pool=conf.user_pool_id, phone__in=seen).values_list("phone", flat=True)
    )
    return [replace(line, has_account=line.phone in known) for line in lines]


def _split(typed: str) -> tuple[str, str]:
    for mark in ("\t", ";", ","):
        number, found, name = typed.partition(mark)
        if found:
            return number.strip(), " ".join(name.split())
    return typed, ""
