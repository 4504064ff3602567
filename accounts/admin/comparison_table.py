"""Compare the state here and in Cognito: of a user now, of a difference when it was found.

Numbers are masked for operators who may not see them whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.admin import base, display
from accounts.models import Difference, User
from accounts.sync import remote_state

_NONE = "–"  # noqa: RUF001 - a dash, as the pages have it


@dataclass(frozen=True)
class Compared:
    """A line of the table: ``here`` and ``there`` are words, or a dash for nothing."""

    label: str
    here: str
    there: str
    differs: bool = False


def of_user(request: HttpRequest, user: User, now: remote_state.RemoteState) -> list[Compared]:
    """Compare a user with ``now``. Without an answer of Cognito, its side has dashes."""
    labels = (
        _("Phone"),
        _("Number verified"),
        _("May sign in"),
        _("Status"),
        _("Made"),
        _("Compared, changed"),
    )
    here = (
        base.phone_for(request, user),
        _yes_or_no(user.phone_verified),
        _yes_or_no(user.is_active),
        user.cognito_status,
        display.moment(user.date_joined),
        display.moment(user.checked_at),
    )
    theirs = now.cognito
    if theirs is None:
        return [
            Compared(label, ours or _NONE, _NONE) for label, ours in zip(labels, here, strict=True)
        ]
    there = (
        base.phone_for(request, theirs.phone),
        _yes_or_no(theirs.phone_verified),
        _yes_or_no(theirs.enabled),
        theirs.status,
        display.moment(theirs.created_at),
        display.moment(theirs.modified_at),
    )
    differs = (
        (user.phone or "") != theirs.phone,
        user.phone_verified != theirs.phone_verified,
        user.is_active != theirs.enabled,
        bool(user.cognito_status) and user.cognito_status != theirs.status,
        False,
        False,
    )
    return [
        Compared(label, ours or _NONE, others or _NONE, differ)
        for label, ours, others, differ in zip(labels, here, there, differs, strict=True)
    ]


def of_difference(request: HttpRequest, difference: Difference) -> list[Compared]:
    """Compare both sides of a difference as they were when it was found."""
    lines: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("phone", _("Phone"), lambda phone: base.phone_for(request, phone)),
        ("phone_verified", _("Number verified"), _yes_or_no),
        ("status", _("Status"), str),
        ("enabled", _("May sign in"), _yes_or_no),
    )
    ours, theirs = difference.ours, difference.theirs
    return [
        Compared(
            label,
            (spelled(ours[name]) if ours else "") or _NONE,
            (spelled(theirs[name]) if theirs else "") or _NONE,
            ours.get(name) != theirs.get(name),
        )
        for name, label, spelled in lines
    ]


def in_words(request: HttpRequest, side: dict[str, Any], other: dict[str, Any]) -> str:
    """Describe one side of a difference; its status only if the other side has another one."""
    if not side:
        return _("nothing")
    words = [base.phone_for(request, side["phone"]) or _("no number")]
    if not side["phone_verified"]:
        words.append(_("unproven"))
    if side["status"] and side["status"] != other.get("status"):
        words.append(side["status"])
    if not side["enabled"]:
        words.append(_("disabled"))
    return ", ".join(words)


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else _("yes") if value else _("no")
