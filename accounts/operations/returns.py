"""Returns to dormant accounts: what their people ask, and what operators decide.

    ask                  "it is my account", or "this number is mine now"   → waits for an operator
    decide               an operator, who knows by other means who asks, approves or refuses
    let_back             an operator has given the account another number
    keep                 a newcomer has the number; the old account is kept without it

An approval opens the account to a code alone, in the browser that asked, for some days.
"""

from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import devices, phones
from accounts.conf import conf
from accounts.events import audit, sign_ins
from accounts.models import Return, User

Kind, State = Return.Kind, Return.State

# An operator may decide on a Friday what the person reads on a Monday.
_OPENS_FOR = timedelta(days=7)
_NO_BROWSER = "none"


def is_dormant(user: User) -> bool:
    """Tell whether nobody has signed in to an account for long. Nothing is asked of the database.

    An account that was made for somebody who never came counts from then on.
    """
    since = user.last_login or user.date_joined
    days = conf.dormant_days
    return bool(days) and timezone.now() - since > timedelta(days=days)


def opens(user: User, browser: str) -> bool:
    """Tell whether an operator lets a code alone open the account, in this browser."""
    found = Return.objects.filter(
        user=user,
        kind__in=(Kind.OWNER, Kind.RENUMBERED),
        state=State.APPROVED,
        opens_until__gt=timezone.now(),
    )
    return found.filter(browser__in=("", browser)).exists()


def ask(
    kind: Return.Kind,
    user: User,
    *,
    by: HttpRequest,
    phone: str,
    reference: str,
    other: User | None = None,
) -> Return:
    """Put somebody who has proven the number of ``user`` into the queue, once for each browser."""
    device = devices.of(by)
    found, _is_new = Return.objects.get_or_create(
        user=user,
        kind=kind,
        browser=device.browser or _NO_BROWSER,
        state=State.WAITING,
        defaults={
            "other": other,
            "phone": phones.mask(phone),
            "reference": reference,
            "device": device.name,
            "network": device.network,
            "last_login": user.last_login,
        },
    )
    return found


def keep(user: User, newcomer: User, *, by: HttpRequest, phone: str, reference: str) -> None:
    """Write down that ``user`` is kept without the number, which ``newcomer`` has now."""
    device = devices.of(by)
    Return.objects.create(
        user=user,
        other=newcomer,
        kind=Kind.NEWCOMER,
        state=State.KEPT,
        browser=device.browser,
        phone=phones.mask(phone),
        reference=reference,
        device=device.name,
        network=device.network,
        last_login=user.last_login,
    )


def let_back(user: User) -> None:
    """Let a code to the number that an operator has given to an account open it once more."""
    if not is_dormant(user):
        return
    now = timezone.now()
    Return.objects.create(
        user=user,
        kind=Kind.RENUMBERED,
        state=State.APPROVED,
        phone=phones.mask(user.phone or ""),
        last_login=user.last_login,
        decided_at=now,
        opens_until=now + _OPENS_FOR,
    )


def decide(row: Return, state: Return.State, *, by: User) -> bool:
    """Approve or refuse. False where another operator was faster."""
    now = timezone.now()
    is_way_back = row.kind == Kind.OWNER and state == State.APPROVED
    with transaction.atomic():
        decided = Return.objects.filter(pk=row.pk, state=State.WAITING).update(
            state=state,
            decided_at=now,
            decided_by=str(by),
            opens_until=now + _OPENS_FOR if is_way_back else None,
        )
        if decided:
            audit.note(row.user, {"return": [str(row), state]})
            sign_ins.record(
                sign_ins.Kind.DORMANT,
                None,
                user=row.user,
                phone=row.user.phone or "",
                reference=row.reference,
                reason="approved" if state == State.APPROVED else "not_approved",
            )
    return bool(decided)
