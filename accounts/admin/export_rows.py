"""Rows of each list as exported files have them: what the list shows, in words for programs.

Times are in ISO 8601, in UTC; kinds and reasons are those of the filters in the list's address.
"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import base, display
from accounts.exports import Exported
from accounts.models import SignInEvent, User
from accounts.models.users import LOCKED
from accounts.sync import number_types

Row = tuple[Any, ...]


def _person(request: HttpRequest, user: User) -> Row:
    return (
        user.sub,
        user.name,
        base.phone_for(request, user),
        display.status_of(user),
        display.staff_of(user),
        User.Sharing(user.sharing).name.lower() if user.sharing else "",
        number_types.is_internet_phone(user),
        _held(user.held_until),
        _time(user.last_login),
    )


PEOPLE = Exported(
    columns=(
        "sub",
        "name",
        "number",
        "status",
        "operator",
        "sharing",
        "internet_phone",
        "held_until",
        "last_sign_in",
    ),
    row=_person,
)


def _event(_request: HttpRequest, event: SignInEvent) -> Row:
    gone = "removed" if event.user_id else ""
    return (
        _time(event.at),
        event.kind,
        event.reason,
        str(event.user) if event.user else gone,
        event.user.sub if event.user else "",
        event.phone,
        event.country,
        event.reference,
        event.device,
    )


EVENTS = Exported(
    columns=(
        "time",
        "event",
        "reason",
        "person",
        "sub",
        "number",
        "country",
        "reference",
        "device",
    ),
    row=_event,
    time="at",
)


def _entry(_request: HttpRequest, logged: Any) -> Row:
    entry = display.entry(logged)
    return (
        _time(logged.timestamp),
        entry.by,
        entry.what,
        logged.content_type.model,
        logged.object_repr,
        display.changes(entry),
        entry.reason,
    )


ENTRIES = Exported(
    columns=("time", "by", "action", "kind", "object", "changes", "reason"),
    row=_entry,
    time="timestamp",
)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _held(until: datetime | None) -> str | None:
    if until is None or until <= timezone.now():
        return None
    return "locked" if until == LOCKED else _time(until)
