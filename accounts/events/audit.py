"""Keep with django-auditlog who changed what: accounts, groups, and orders on accounts.

auditlog stores what it is given, so phones and names of people are masked before. Its own
middleware is not used: it believes X-Forwarded-For, and does not nest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.db.models.signals import pre_save
from django.http import HttpRequest

from accounts import devices, phones
from accounts.models import Operation, User

# The rest changes without anybody having decided it.
_TOLD_OF_USERS = [
    "sub",
    "phone",
    "phone_verified",
    "name",
    "cognito_status",
    "cognito_enabled",
    "is_active",
    "is_staff",
    "is_superuser",
]
_TOLD_OF_OPERATIONS = ["kind", "state", "user", "by", "remark"]


@dataclass(frozen=True)
class _Acting:
    user: User | None = None
    request: HttpRequest | None = None
    reason: str = ""


_acting: ContextVar[_Acting] = ContextVar("acting", default=_Acting())  # noqa: B039 - frozen


def register() -> None:
    """Let django-auditlog watch accounts, groups and operations."""
    auditlog.register(
        User,
        include_fields=_TOLD_OF_USERS,
        mask_fields=["phone"],
        mask_callable="accounts.events.audit.mask",
        m2m_fields={"groups", "user_permissions"},
    )
    auditlog.register(Group, include_fields=["name"], m2m_fields={"permissions"})
    auditlog.register(Operation, include_fields=_TOLD_OF_OPERATIONS)
    pre_save.connect(_name_the_actor, sender=LogEntry, dispatch_uid="accounts.events.audit")


def mask(value: str) -> str:
    """Mask a value that is a phone, and return any other as it is."""
    return phones.mask(value) if value.startswith("+") else value


@contextmanager
def acting(
    user: User | None, request: HttpRequest | None = None, *, reason: str = ""
) -> Iterator[None]:
    """Let what is changed meanwhile be entered under this name, with the reason if one is given.

    Without a request, that of the same person stays.
    """
    outer = _acting.get()
    if request is None and user is not None and user == outer.user:
        request = outer.request
    token = _acting.set(_Acting(user, request, reason))
    try:
        yield
    finally:
        _acting.reset(token)


def note(target: Model, changes: dict[str, Any], *, action: int = LogEntry.Action.UPDATE) -> None:
    """Enter what is kept elsewhere than in the account itself, or what is only read."""
    LogEntry.objects.log_create(target, action=action, changes=changes)


def entries_of(user: User) -> QuerySet[Any]:
    """Return what was changed on ``user``, newest first."""
    entries: QuerySet[Any] = LogEntry.objects.get_for_object(user)
    return entries.select_related("actor", "content_type").order_by("-timestamp")


def _name_the_actor(sender: Any, instance: Any, **kwargs: Any) -> None:
    now = _acting.get()
    if instance.actor_id is None and isinstance(now.user, User) and now.user.pk is not None:
        instance.actor = now.user
        # Kept when the operator's own account is gone.
        network = devices.of(now.request).network if now.request else ""
        instance.additional_data = {"by": str(now.user), "network": network}
        if now.reason:
            instance.additional_data["reason"] = now.reason
