"""Filters of the list of users. Their choices are fixed, so they need no query."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.events import totals
from accounts.models import Passkey, User
from accounts.models.users import LOCKED


class _ChoiceFilter(admin.SimpleListFilter):
    """A filter with fixed choices: name → (label, condition or function that returns one)."""

    choices_: dict[str, Any] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(name, label) for name, (label, _wanted) in self.choices_.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in self.choices_:
            return queryset
        wanted = self.choices_[str(self.value())][1]
        return queryset.filter(wanted() if callable(wanted) else wanted)


def _without_factor() -> Q:
    opening = Passkey.objects.filter(user=OuterRef("pk"), opens_admin=True, copied_at=None)
    return Q(is_staff=True, app_opens_admin=False) & ~Q(Exists(opening))


class StatusFilter(_ChoiceFilter):
    title = _("status")
    parameter_name = "status"
    choices_ = {
        "active": (_("active"), Q(is_active=True, cognito_enabled=True)),
        "disabled": (_("disabled here"), Q(is_active=False)),
        "disabled_there": (_("disabled in Cognito"), Q(cognito_enabled=False)),
        "unconfirmed": (_("unconfirmed"), Q(cognito_status="UNCONFIRMED")),
        "invited": (
            _("made by an operator or the site"),
            Q(cognito_status="FORCE_CHANGE_PASSWORD"),
        ),
        "reset": (_("reset required"), Q(cognito_status="RESET_REQUIRED")),
    }


class StaffFilter(_ChoiceFilter):
    title = _("operators")
    parameter_name = "staff"
    choices_ = {
        "yes": (_("operators"), Q(is_staff=True)),
        "super": (_("superusers"), Q(is_superuser=True)),
        "no_factor": (_("operators with nothing that opens the admin"), _without_factor),
        "no": (_("not operators"), Q(is_staff=False)),
    }


class SharingFilter(_ChoiceFilter):
    title = _("sharing")
    parameter_name = "sharing"
    choices_ = {
        # Nobody shares who never signed in: the index of sign-ins begins after them.
        "any": (
            _("any sign of sharing"),
            Q(sharing__gte=User.Sharing.SOME, last_login__isnull=False),
        ),
        "likely": (_("likely shared"), Q(sharing=User.Sharing.LIKELY)),
    }


class HeldFilter(_ChoiceFilter):
    title = _("number")
    parameter_name = "held"
    choices_ = {
        "held": (_("held"), lambda: Q(held_until__gt=timezone.now())),
        "locked": (_("locked"), Q(held_until=LOCKED)),
        "unverified": (_("never verified"), Q(phone_verified=False)),
    }


def _lately(column: str) -> dict[str, Any]:
    """Return the choices of times that lie behind, the nearest first."""

    def since(days: int) -> Q:
        return Q(**{f"{column}__gte": timezone.now() - timedelta(days=days)})

    return {
        "day": (_("within 24 hours"), lambda: since(1)),
        "week": (_("within 7 days"), lambda: since(7)),
        "month": (_("within 30 days"), lambda: since(30)),
        "this_month": (
            _("this month, in UTC"),
            lambda: Q(**{f"{column}__gte": totals.start_of_month(timezone.now())}),
        ),
    }


class SignedInFilter(_ChoiceFilter):
    title = _("last sign-in")
    parameter_name = "signed_in"
    choices_ = _lately("last_login") | {
        "long_ago": (
            _("longer than 90 days ago"),
            lambda: Q(last_login__lt=timezone.now() - timedelta(days=90)),
        ),
        "never": (_("never"), Q(last_login=None)),
    }


class JoinedFilter(_ChoiceFilter):
    title = _("first sign-in")
    parameter_name = "joined"
    choices_ = _lately("date_joined")
