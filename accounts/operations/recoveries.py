"""Recoveries: people who lost their number are let back in by operators who know them.

    start       an operator knows who calls     → a second one must agree, where it takes two
    agree       another operator does           → the waiting time begins
                the waiting time is over        → a code to be read out (``recovery_codes``)
    order       a new number is proven          → ``recover`` gives it to the account
    stop, cancel, expire

The number, a second one, a verified address and the browsers that are signed in are told when the
waiting time begins. Each change of state names the state before it, so of many at once one is done.
ADR 31.
"""

import logging
import secrets
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import devices, sessions
from accounts.aws import functions, sms
from accounts.conf import conf
from accounts.events import audit, sign_ins
from accounts.models import Operation, Recovery, User
from accounts.operations import queue, rules

log = logging.getLogger(__name__)

State = Recovery.State

# A recovery that was agreed to on a Friday is still good on a Monday.
_GOOD_FOR = timedelta(hours=72)
_WORD_LENGTH = 8


def is_offered() -> bool:
    """Tell whether there are recoveries: people can be told, and can prove a new number."""
    return bool(conf.recovery_hours and conf.texts_function)


def refusal(user: User, by: User) -> str:
    """Return the ``Remark`` why an operator may not let ``user`` back in, or ""."""
    if by.pk == user.pk:
        return Operation.Remark.YOURSELF
    # As for their number, but that two operators are enough where one is not.
    return rules.refusal(Operation.Kind.RECOVER, user, by)


def lacks_second(row: Recovery) -> bool:
    """Tell whether a second operator must agree who has not: perhaps by what they became since."""
    return row.agreed_by_id is None and rules.takes_two_operators(row.user)


def start(user: User, *, by: User, reason: str) -> Recovery | None:
    """Begin one, and tell the person where one operator is enough. None where one is under way."""
    expire(user)
    word = draw(_WORD_LENGTH)
    now = timezone.now()
    try:
        with transaction.atomic():
            row = Recovery.objects.create(
                user=user,
                reason=reason,
                needs_second=rules.takes_two_operators(user),
                started_by=by,
                started_by_name=str(by),
                started_at=now,
                ends_at=now + _GOOD_FOR,
                stop_key=digest("stop", word),
            )
            note(row, reason="recovery_started")
            audit.note(user, {"recovery": ["", reason]})
    except IntegrityError:
        return None
    if not row.needs_second and not _tell_and_wait(row, word):
        Recovery.objects.filter(pk=row.pk).update(needs_second=True)
        note(row, reason="recovery_untold")
    row.refresh_from_db()
    return row


def agree(row: Recovery, *, by: User) -> bool:
    """Agree as a second operator, and begin the waiting time. False where that cannot be.

    Whoever agreed may do so again where the process ended before the waiting time began.
    """
    if row.started_by_id == by.pk:
        return False
    word = draw(_WORD_LENGTH)
    waiting = Recovery.objects.filter(
        Q(agreed_by=None) | Q(agreed_by=by), pk=row.pk, state=State.AGREEMENT
    )
    # With another word: the first one was perhaps never sent.
    if not waiting.update(agreed_by=by, agreed_by_name=str(by), stop_key=digest("stop", word)):
        return False
    note(row, reason="recovery_agreed")
    audit.note(row.user, {"recovery": ["", "agreed"]})
    _tell_and_wait(row, word, even_untold=True)
    return True


def cancel(row: Recovery, *, by: User) -> bool:
    """End one as an operator. False where it is over already."""
    return _end(row, State.CANCELLED, reason="recovery_cancelled", ended_by=str(by))


def stop(row: Recovery, *, by: HttpRequest) -> bool:
    """End one for the person, or for whoever was told. False where it is over already."""
    device = devices.of(by)
    named = " · ".join(filter(None, (device.name, device.network)))
    return _end(row, State.STOPPED, reason="recovery_stopped", source=by, ended_by=named[:150])


def expire(user: User) -> None:
    """End what was live for too long, before another one begins."""
    _expire(Recovery.objects.filter(user=user))


def expire_all() -> None:
    """End all that was live for too long."""
    _expire(Recovery.objects.all())


def _expire(rows: QuerySet[Recovery]) -> None:
    old = rows.filter(state__in=Recovery.LIVE, ends_at__lte=timezone.now())
    for row in old.select_related("user"):
        _end(row, State.EXPIRED, reason="recovery_expired")


def live(user: User) -> Recovery | None:
    """Return the one that is under way."""
    now = timezone.now()
    return Recovery.objects.filter(user=user, state__in=Recovery.LIVE, ends_at__gt=now).first()


def to_stop(word: str) -> Recovery | None:
    """Return the one that a word of a text or mail stops."""
    found = Recovery.objects.filter(
        stop_key=digest("stop", word.upper()), state__in=Recovery.LIVE, ends_at__gt=timezone.now()
    )
    return found.select_related("user").first()


def order(row: Recovery, phone: str, **params: Any) -> Operation | None:
    """Order the new number, which is proven. None where it was stopped a moment ago.

    The person orders it on their own account, as a change of number.
    """
    with transaction.atomic():
        if not move(row, (State.OPENED,), state=State.PROVEN):
            return None
        # There is nothing to stop any more.
        User.objects.filter(pk=row.user_id).update(recovery_until=None)
        return queue.order(
            Operation.Kind.RECOVER, row.user, by=row.user, phone=phone, recovery=row.pk, **params
        )


def reopen(row: Recovery) -> None:
    """Let the person type another number, since Cognito refused the one that was proven."""
    try:
        with transaction.atomic():
            if move(row, (State.PROVEN,), state=State.OPENED):
                User.objects.filter(pk=row.user_id).update(recovery_until=row.ends_at)
    except IntegrityError:
        log.info("Another recovery has begun since the one of %s", row.user)


def is_refused(row: Recovery) -> bool:
    """Tell whether Cognito has refused the number, perhaps while the person was away."""
    orders = row.user.operations.filter(kind=Operation.Kind.RECOVER, params__recovery=row.pk)
    last = orders.order_by("-pk").first()
    return last is not None and last.state == Operation.State.REFUSED


def _tell_and_wait(row: Recovery, word: str, *, even_untold: bool = False) -> bool:
    """Tell everybody, and begin the waiting time. False where the number could not be told."""
    user = row.user
    why_no_text = "no_phone"
    texted = _warned(phone=user.phone, word=word) if user.phone else why_no_text
    mailed = _warned(user_sub=user.sub, word=word)
    if user.second_phone:
        # Whoever has it needs no recovery. It takes the place of no other notice.
        _warned(phone=user.second_phone, word=word)
    browsers = sessions.live(user).count()
    is_told = texted == "sent" or even_untold
    now = timezone.now()
    ready_at = now + timedelta(hours=conf.recovery_hours)
    begins: dict[str, Any] = {"told": f"{texted} {mailed} {browsers}"[:200]}
    if is_told:
        ends_at = ready_at + _GOOD_FOR
        begins |= {"state": State.WAITING, "ready_at": ready_at, "ends_at": ends_at}
    with transaction.atomic():
        if move(row, (State.AGREEMENT,), **begins) and is_told:
            # The pages of every browser that is signed in say so from now on.
            User.objects.filter(pk=user.pk).update(recovery_until=begins["ends_at"])
            note(row, reason="recovery_waits")
    return is_told


def _warned(**whom: str) -> str:
    try:
        return sms.warn("recovery_started", **whom)
    except functions.FunctionError as error:
        log.warning("Could not tell somebody of a recovery: %r", error)
        return type(error).__name__


def _end(
    row: Recovery,
    state: State,
    *,
    reason: str,
    ended_by: str = "",
    source: HttpRequest | None = None,
) -> bool:
    with transaction.atomic():
        ended = move(
            row,
            Recovery.LIVE,
            state=state,
            ended_by=ended_by,
            finished_at=timezone.now(),
            code_name=None,
            code_key="",
        )
        if ended:
            User.objects.filter(pk=row.user_id).update(recovery_until=None)
            note(row, reason=reason, source=source)
            audit.note(row.user, {"recovery": ["", state]})
    return ended


def move(row: Recovery, before: tuple[State, ...], **values: Any) -> bool:
    """Write ``values`` if the state is still one of these. Of many at once, one does."""
    return bool(Recovery.objects.filter(pk=row.pk, state__in=before).update(**values))


def note(row: Recovery, *, reason: str, source: HttpRequest | None = None) -> None:
    """Write an event of it (accounts/events/reasons.py)."""
    phone = row.user.phone or ""
    kind = sign_ins.Kind.RECOVERY
    sign_ins.record(kind, source, phone=phone, user=row.user, reason=reason)


def draw(length: int) -> str:
    """Return random letters and digits, without those that look alike."""
    return "".join(secrets.choice(sign_ins.ALPHABET) for _ in range(length))


def digest(purpose: str, value: str) -> str:
    """Return how a secret stands in the row."""
    return salted_hmac(f"accounts.recoveries.{purpose}", value, algorithm="sha256").hexdigest()
