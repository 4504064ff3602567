"""Queue and run operations on accounts, which operators order, and people on their own account.

An operation is written to the database before anything is done. If it shuts somebody out, it is
done here first, at once, and then in Cognito; if it lets somebody in, the other way round. Every
step may be repeated. So an operation that Cognito did not accept waits, with the error, and is
tried again until it is done: by ``run_due``, which ``manage.py run_operations`` and every page of
an operator call, or by hand. A later operation overtakes an earlier one that it contradicts
(docs/adr/0009).

    perform → order → run → claim        one at a time per account; check rules; shut out here
                          → remote       ask Cognito or the ledger, outside of any transaction
                          → finish       let in here, together with the state
                          → notify       send a text, if one is wanted, at most once

Kinds and their parameters (``Operation.Kind``):

    disable, enable, sign_out, unlock, forget_answer, delete, make_staff, unmake_staff
    invite                               phone, name="", tell=False, language=""
    change_number                        phone, verified, tell=False, language=""
    free_number                          phone, last_login (rules.last_login)
    recover                              phone, recovery: its id, tell=False, language=""
    add_to_group, remove_from_group      group: the name of a Django group

``verified`` is true only when the person has proven the new number with a code.
"""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import phones
from accounts.aws import cognito, functions
from accounts.events import audit
from accounts.models import Operation, User
from accounts.operations import rules
from accounts.operations.handlers import HANDLERS

log = logging.getLogger(__name__)

Kind, State, Remark = Operation.Kind, Operation.State, Operation.Remark

# Longer than the calls of one try may take together.
_LEASE = timedelta(seconds=60)
_BEHIND_ANOTHER = timedelta(seconds=5)
_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 2 * 60, 10 * 60, 60 * 60))

Later = Callable[[Callable[[], None]], None]


def perform(
    kind: str,
    user: User | None,
    *,
    by: User | None,
    batch: str = "",
    later: Later | None = None,
    **params: Any,
) -> Operation:
    """Order an operation and try it at once. ``by`` is None for the shell, ``user`` for ``invite``.

    ``later`` is called with work that nobody should wait for, such as sending a text.

    Never raises for an error of Cognito: the state of the result says how far it got, ``remark``
    and ``error`` say why.
    """
    return run(order(kind, user, by=by, batch=batch, **params), later=later)


def order(
    kind: str,
    user: User | None,
    *,
    by: User | None,
    batch: str = "",
    reason: str = "",
    **params: Any,
) -> Operation:
    """Write an operation to the database, with its reason. ``run`` or ``run_due`` will do it."""
    phone = params.get("phone")
    with audit.acting(by, reason=reason):
        return Operation.objects.create(
            kind=Kind(kind),
            user=user,
            sub=user.sub if user else "",
            who=str(user) if user else params.get("name") or phones.mask(phone or ""),
            params=params,
            by=by,
            by_name=str(by) if by else "",
            reason=reason,
            batch=batch,
        )


def draw_batch() -> str:
    """Return a random name for operations that are ordered together."""
    return secrets.token_urlsafe(8)


def run(operation: Operation, *, later: Later | None = None) -> Operation:
    """Try an operation now, unless it is over or under way, and return it as it is then."""
    with audit.acting(_orderer(operation), reason=operation.reason):
        claimed = _claim(operation.pk)
        if claimed:
            try:
                _do_remote(claimed, later or _at_once)
            except Exception as error:
                # A bug in one operation must not stop the others.
                log.exception("%s failed", claimed)
                _wait(claimed, type(error).__name__)
    operation.refresh_from_db()
    return operation


def run_due(*, seconds: float = 8, limit: int = 100, batch: str = "") -> int:
    """Try operations that are due, oldest first; begin none after ``seconds``. Return how many."""
    deadline = time.monotonic() + seconds
    tried = 0
    for operation in _due(batch)[:limit]:
        if time.monotonic() > deadline:
            break
        run(operation)
        tried += 1
    return tried


# One try


def _due(batch: str) -> QuerySet[Operation]:
    now = timezone.now()
    due = Operation.objects.filter(state=State.WAITING, next_try_at__lte=now)
    due = due.filter(Q(lease_until=None) | Q(lease_until__lte=now))
    if batch:
        due = due.filter(batch=batch)
    return due.order_by("next_try_at", "pk")


def _orderer(operation: Operation) -> User | None:
    return User.objects.filter(pk=operation.by_id).first() if operation.by_id else None


def _claim(pk: int) -> Operation | None:
    """Take an operation for one try and shut out in the same transaction, or return None."""
    now = timezone.now()
    with transaction.atomic():
        user_id, user = _lock(pk)
        taken = (
            Operation.objects.filter(pk=pk, state=State.WAITING)
            .filter(Q(lease_until=None) | Q(lease_until__lte=now))
            .update(lease_until=now + _LEASE)
        )
        if not taken:
            return None
        operation = Operation.objects.get(pk=pk)
        if user_id and _is_somebody_at(user_id, besides=pk):
            operation.lease_until = None
            operation.next_try_at = now + _BEHIND_ANOTHER
            operation.save(update_fields=["lease_until", "next_try_at"])
            return None
        if rules.is_overtaken(operation):
            _close(operation, State.OVERTAKEN)
            return None
        if user_id and user is None:
            _close(operation, State.DONE if operation.kind == Kind.DELETE else State.OVERTAKEN)
            return None
        if why := _why_not(operation, user):
            _close(operation, State.REFUSED, why)
            if operation.tries and user:
                _take_back(operation, user)
            return None
        operation.user = user
        # Set the next try before this one begins, since the process may die in it.
        operation.next_try_at = now + _DELAYS[min(operation.tries, len(_DELAYS) - 1)]
        operation.tries += 1
        operation.save(update_fields=["next_try_at", "tries"])
        HANDLERS[operation.kind].local_before(operation, user)
        return operation


def _lock(pk: int) -> tuple[int | None, User | None]:
    """Lock the account of an operation. Return its id, and its row if it still exists."""
    order = Operation.objects.filter(pk=pk)
    user_id, kind = order.values_list("user_id", "kind").get()
    wanted = Q(pk=user_id)
    if kind in rules.NOT_TO_ONESELF and User.objects.filter(wanted, is_superuser=True).exists():
        # Lock all superusers, so that two of them cannot remove each other.
        wanted |= Q(is_superuser=True)
    # Leave the key unlocked: the audit log refers to operators, and would deadlock.
    locked = User.objects.select_for_update(no_key=True).filter(wanted).order_by("pk")
    return user_id, next((each for each in locked if each.pk == user_id), None)


def _why_not(operation: Operation, user: User | None) -> str:
    if user and operation.kind != Kind.DELETE:
        deletions = _waiting(user.pk).filter(kind=Kind.DELETE, pk__lt=operation.pk)
        if deletions.exists():
            return Remark.BEING_DELETED
    if operation.tries and HANDLERS[operation.kind].shuts_out:
        # Half of it is done. It was allowed at that time, so it goes on.
        return ""
    by = _orderer(operation)
    if operation.by_id and not _may_still_order(operation, by):
        # Without its operator it would look like an order of the shell, which may do anything.
        return Remark.ORDERER_GONE
    return rules.refusal(operation.kind, user, by, operation.params) if user else ""


def _take_back(operation: Operation, user: User) -> None:
    """Order the opposite of a try whose answer was lost: Cognito may have done it all the same."""
    group = operation.params.get("group")
    if operation.kind == Kind.ENABLE and not user.is_active:
        order(Kind.DISABLE, user, by=None)
    elif operation.kind == Kind.MAKE_STAFF and not user.is_staff:
        order(Kind.UNMAKE_STAFF, user, by=None)
    elif operation.kind == Kind.ADD_TO_GROUP and not user.groups.filter(name=group).exists():
        order(Kind.REMOVE_FROM_GROUP, user, by=None, group=group)
    elif operation.kind in (Kind.CHANGE_NUMBER, Kind.FREE_NUMBER) and user.phone:
        verified = user.phone_verified
        order(Kind.CHANGE_NUMBER, user, by=None, phone=user.phone, verified=verified)


def _may_still_order(operation: Operation, by: User | None) -> bool:
    is_own = operation.by_id == operation.user_id
    return by is not None and by.is_active and (by.is_staff or is_own)


def _at_once(work: Callable[[], None]) -> None:
    work()


def _do_remote(operation: Operation, later: Later = _at_once) -> None:
    handler = HANDLERS[operation.kind]
    try:
        remark = handler.remote(operation, operation.user)
    except cognito.PhoneTaken:
        _finish(operation, State.REFUSED, Remark.PHONE_TAKEN)
    except cognito.UnknownUser:
        if handler.is_done_when_gone:
            _finish(operation, State.DONE, Remark.GONE)
        else:
            _finish(operation, State.REFUSED, Remark.UNKNOWN_USER)
    except (cognito.CognitoError, functions.FunctionError) as error:
        log.warning("%s waits, try %d: %r", operation, operation.tries, error)
        _wait(operation, f"{type(error).__name__}: {error}")
    else:
        if _finish(operation, State.DONE, remark) and operation.params.get("tell"):
            later(partial(handler.notify, operation))


def _finish(operation: Operation, state: str, remark: str = "") -> bool:
    """Do the last local step and close, in one transaction. False: another process has done so."""
    with transaction.atomic():
        current = Operation.objects.select_for_update().get(pk=operation.pk)
        if not current.is_waiting or current.tries != operation.tries:
            return False
        if state == State.DONE:
            HANDLERS[operation.kind].local_after(operation, operation.user)
        current.user_id, current.sub = operation.user_id, operation.sub
        _close(current, state, remark)
    log.info("%s: %s", operation, state)
    return True


def _close(operation: Operation, state: str, remark: str = "") -> None:
    operation.state = State(state)
    operation.remark = remark
    operation.error = ""
    operation.lease_until = None
    operation.finished_at = timezone.now()
    if phone := operation.params.get("phone"):
        operation.params = {**operation.params, "phone": phones.mask(phone)}
    operation.save()


def _wait(operation: Operation, error: str) -> None:
    Operation.objects.filter(pk=operation.pk, tries=operation.tries).update(
        error=error[:400], lease_until=None
    )


def _waiting(user_id: int) -> QuerySet[Operation]:
    return Operation.objects.filter(user_id=user_id, state=State.WAITING)


def _is_somebody_at(user_id: int, *, besides: int) -> bool:
    others = _waiting(user_id).filter(lease_until__gt=timezone.now()).exclude(pk=besides)
    return others.exists()
