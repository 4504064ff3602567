"""What operators order on accounts, and people on their own: done here and in Cognito.

An order is written down before anything is done. What shuts out is done here first, at once, and
then in Cognito; what lets in, the other way round. Every step may be repeated, so an order that
Cognito did not take waits, with the error, and is tried again until it is done: by ``run_due``,
which ``manage.py run_operations`` and every page of an operator call, or by hand. A later order
overtakes an earlier one that it contradicts.

    perform → order → run → claim        one at a time per account; rules; what shuts out
                          → there        Cognito or the ledger, outside of any transaction
                          → finish       what lets in, together with the state
                          → tell         a text, if one is wanted, at most once

Kinds and their parameters (``Operation.Kind``):

    disable, enable, sign_out, unlock, delete, make_staff, unmake_staff
    invite                               phone, name="", tell=False, language=""
    change_number                        phone, verified, tell=False, language=""
    add_to_group, remove_from_group      group: the name of a Django group

``verified`` says that the person has proved the new number; an operator's word does not.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import phones, sessions
from accounts.aws import cognito, functions, ledger, sms
from accounts.conf import conf
from accounts.events import audit, sign_ins
from accounts.models import Operation, Session, User

log = logging.getLogger(__name__)

Kind, State, Remark = Operation.Kind, Operation.State, Operation.Remark

# Longer than the calls of one try may take together.
_LEASE = timedelta(seconds=60)
_BEHIND_ANOTHER = timedelta(seconds=5)
_DELAYS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
)

# What a later order of these kinds makes pointless.
_OVERTAKEN_BY: dict[str, frozenset[str]] = {
    Kind.DISABLE: frozenset({Kind.DISABLE, Kind.ENABLE, Kind.DELETE}),
    Kind.ENABLE: frozenset({Kind.DISABLE, Kind.ENABLE, Kind.DELETE}),
    Kind.SIGN_OUT: frozenset({Kind.SIGN_OUT, Kind.DELETE}),
    Kind.UNLOCK: frozenset({Kind.UNLOCK, Kind.DELETE}),
    Kind.DELETE: frozenset({Kind.DELETE}),
    Kind.INVITE: frozenset(),
    Kind.CHANGE_NUMBER: frozenset({Kind.CHANGE_NUMBER, Kind.DELETE}),
    Kind.MAKE_STAFF: frozenset({Kind.MAKE_STAFF, Kind.UNMAKE_STAFF, Kind.DELETE}),
    Kind.UNMAKE_STAFF: frozenset({Kind.MAKE_STAFF, Kind.UNMAKE_STAFF, Kind.DELETE}),
    Kind.ADD_TO_GROUP: frozenset({Kind.ADD_TO_GROUP, Kind.REMOVE_FROM_GROUP, Kind.DELETE}),
    Kind.REMOVE_FROM_GROUP: frozenset({Kind.ADD_TO_GROUP, Kind.REMOVE_FROM_GROUP, Kind.DELETE}),
}
_OF_GROUPS = (Kind.ADD_TO_GROUP, Kind.REMOVE_FROM_GROUP)
_NOT_TO_ONESELF = (Kind.DISABLE, Kind.DELETE, Kind.UNMAKE_STAFF)
# What a person may order on their own account without being its operator.
_OWN_BUSINESS = (Kind.CHANGE_NUMBER, Kind.SIGN_OUT)


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
    """Order something and try it at once. ``by`` is None for the shell, ``user`` for ``invite``.

    ``later`` is handed what nobody should wait for, such as a text.

    Never raises for what Cognito does: the state says how far it got, ``remark`` and ``error``
    why.
    """
    return run(order(kind, user, by=by, batch=batch, **params), later=later)


def order(
    kind: str, user: User | None, *, by: User | None, batch: str = "", **params: Any
) -> Operation:
    """Write down what is to be done. ``run`` or ``run_due`` will do it."""
    phone = params.get("phone")
    with audit.acting(by):
        return Operation.objects.create(
            kind=Kind(kind),
            user=user,
            sub=user.sub if user else "",
            who=str(user) if user else params.get("name") or phones.mask(phone or ""),
            params=params,
            by=by,
            by_name=str(by) if by else "",
            batch=batch,
        )


def draw_batch() -> str:
    """Return a name for what is ordered at once."""
    return secrets.token_urlsafe(8)


def run(operation: Operation, *, later: Later | None = None) -> Operation:
    """Try an order now, unless it is over or somebody is at it, and return how it stands."""
    with audit.acting(_orderer(operation)):
        claimed = _claim(operation.pk)
        if claimed:
            try:
                _go_there(claimed, later or _at_once)
            except Exception as error:
                # A fault of ours must not keep others from being tried.
                log.exception("%s failed", claimed)
                _wait(claimed, type(error).__name__)
    operation.refresh_from_db()
    return operation


def run_due(*, seconds: float = 8, limit: int = 100, batch: str = "") -> int:
    """Try what is due, oldest first, for about so long. Return how many were tried."""
    deadline = time.monotonic() + seconds
    tried = 0
    for operation in _due(batch)[:limit]:
        if time.monotonic() > deadline:
            break
        run(operation)
        tried += 1
    return tried


def refusal(kind: str, user: User, by: User | None, params: dict[str, Any] | None = None) -> str:
    """Return the ``Remark`` why ``by`` may not do this to ``user``, or "". The shell may.

    Permissions are the pages' business; this is what no permission allows. Without ``params``
    only what they do not matter for is looked at.
    """
    if by is not None and by.pk == user.pk and kind in _OWN_BUSINESS:
        return ""
    if by is not None and by.pk == user.pk and kind in _NOT_TO_ONESELF:
        return Remark.YOURSELF
    if by is not None and user.is_superuser and not by.is_superuser:
        return Remark.SUPERUSER
    if by is not None and _has_more_rights(user, by):
        # Whose number one can change is whom one can become, and whom one can remove sees nothing.
        return Remark.STRONGER
    if kind in _NOT_TO_ONESELF and _is_last_superuser(user):
        return Remark.LAST_SUPERUSER
    if kind in _OF_GROUPS and params is not None:
        group = Group.objects.filter(name=params.get("group")).first()
        if group is None:
            return Remark.NO_GROUP
        if by is not None and not grantable(by).filter(pk=group.pk).exists():
            return Remark.MORE_RIGHTS
    if kind == Kind.UNLOCK and not user.phone:
        return Remark.NO_PHONE
    if kind == Kind.UNLOCK and not conf.ledger_function:
        return Remark.NO_LEDGER
    return ""


def grantable(by: User) -> QuerySet[Group]:
    """Return the groups all of whose rights ``by`` has: nobody gives away more than their own."""
    groups = Group.objects.order_by("name")
    if by.is_superuser:
        return groups
    lacking = Permission.objects.exclude(pk__in=_rights(by))
    return groups.exclude(permissions__in=lacking)


def _has_more_rights(user: User, by: User) -> bool:
    return not by.is_superuser and _rights(user).exclude(pk__in=_rights(by)).exists()


def _rights(user: User) -> QuerySet[Permission]:
    return Permission.objects.filter(Q(user=user) | Q(group__user=user))


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
    """Take an order for one try, doing what shuts out in the same breath, or return None."""
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
        if _is_overtaken(operation):
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
        # The next try is set before this one begins, which may end in any way.
        operation.next_try_at = now + _DELAYS[min(operation.tries, len(_DELAYS) - 1)]
        operation.tries += 1
        operation.save(update_fields=["next_try_at", "tries"])
        if first := _COURSES[operation.kind].first:
            first(operation, user)
        return operation


def _lock(pk: int) -> tuple[int | None, User | None]:
    """Let orders on one account come one after the other. Return its id, and what is there."""
    order = Operation.objects.filter(pk=pk)
    user_id, kind = order.values_list("user_id", "kind").get()
    wanted = Q(pk=user_id)
    if kind in _NOT_TO_ONESELF and User.objects.filter(wanted, is_superuser=True).exists():
        # Superusers are locked together, so that two of them do not remove each other.
        wanted |= Q(is_superuser=True)
    # Not the key: the audit log refers to operators, and would wait for each other.
    locked = User.objects.select_for_update(no_key=True).filter(wanted).order_by("pk")
    return user_id, next((each for each in locked if each.pk == user_id), None)


def _why_not(operation: Operation, user: User | None) -> str:
    if user and operation.kind != Kind.DELETE:
        deletions = _waiting(user.pk).filter(kind=Kind.DELETE, pk__lt=operation.pk)
        if deletions.exists():
            return Remark.BEING_DELETED
    if operation.tries and _COURSES[operation.kind].first:
        # Half of it is done. It was allowed then, and is carried on whatever has become of whom.
        return ""
    by = _orderer(operation)
    if operation.by_id and not _may_still_order(operation, by):
        # Without them it would pass for an order of the shell, which may do anything.
        return Remark.ORDERER_GONE
    return refusal(operation.kind, user, by, operation.params) if user else ""


def _take_back(operation: Operation, user: User) -> None:
    """Order what undoes a try whose answer was lost: Cognito may have taken it all the same."""
    group = operation.params.get("group")
    if operation.kind == Kind.ENABLE and not user.is_active:
        order(Kind.DISABLE, user, by=None)
    elif operation.kind == Kind.MAKE_STAFF and not user.is_staff:
        order(Kind.UNMAKE_STAFF, user, by=None)
    elif operation.kind == Kind.ADD_TO_GROUP and not user.groups.filter(name=group).exists():
        order(Kind.REMOVE_FROM_GROUP, user, by=None, group=group)
    elif operation.kind == Kind.CHANGE_NUMBER and user.phone:
        verified = user.phone_verified
        order(Kind.CHANGE_NUMBER, user, by=None, phone=user.phone, verified=verified)


def _may_still_order(operation: Operation, by: User | None) -> bool:
    is_own = operation.by_id == operation.user_id
    return by is not None and by.is_active and (by.is_staff or is_own)


def _at_once(work: Callable[[], None]) -> None:
    work()


def _go_there(operation: Operation, later: Later = _at_once) -> None:
    course = _COURSES[operation.kind]
    try:
        remark = course.there(operation, operation.user)
    except cognito.PhoneTaken:
        _finish(operation, State.REFUSED, Remark.PHONE_TAKEN)
    except cognito.UnknownUser:
        if course.is_done_when_gone:
            _finish(operation, State.DONE, Remark.GONE)
        else:
            _finish(operation, State.REFUSED, Remark.UNKNOWN_USER)
    except (cognito.CognitoError, functions.FunctionError) as error:
        log.warning("%s waits, try %d: %r", operation, operation.tries, error)
        _wait(operation, f"{type(error).__name__}: {error}")
    else:
        if _finish(operation, State.DONE, remark or "") and course.tell:
            later(partial(course.tell, operation))


def _finish(operation: Operation, state: str, remark: str = "") -> bool:
    """Do what comes last and say that it is over, in one transaction. False: another did."""
    with transaction.atomic():
        current = Operation.objects.select_for_update().get(pk=operation.pk)
        if not current.is_waiting or current.tries != operation.tries:
            return False
        then = _COURSES[operation.kind].then
        if state == State.DONE and then:
            then(operation, operation.user)
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


def _is_overtaken(operation: Operation) -> bool:
    if operation.user_id is None:
        return False
    later = Operation.objects.filter(
        user_id=operation.user_id,
        pk__gt=operation.pk,
        kind__in=_OVERTAKEN_BY[operation.kind],
    )
    # What nobody has tried yet may be refused, and comes after this one anyway.
    later = later.filter(Q(state=State.DONE) | Q(state=State.WAITING, tries__gt=0))
    if operation.kind in _OF_GROUPS:
        group = operation.params.get("group")
        later = later.filter(Q(kind=Kind.DELETE) | Q(params__group=group))
    return later.exists()


def _is_last_superuser(user: User) -> bool:
    those = User.objects.filter(is_superuser=True, is_staff=True, is_active=True)
    return bool(
        user.is_superuser
        and user.is_staff
        and user.is_active
        and not those.exclude(pk=user.pk).exists()
    )


# What each kind does


def _shut_out(operation: Operation, user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])
    sessions.end_all(user, Session.Ended.SHUT_OUT, reason="operator")


def _disable(operation: Operation, user: User) -> None:
    cognito.gateway().disable(user.sub)


def _note_disabled(operation: Operation, user: User) -> None:
    user.cognito_enabled = False
    user.save(update_fields=["cognito_enabled"])


def _enable(operation: Operation, user: User) -> None:
    cognito.gateway().enable(user.sub)


def _let_in(operation: Operation, user: User) -> None:
    user.is_active = user.cognito_enabled = True
    user.save(update_fields=["is_active", "cognito_enabled"])


def _end_sessions(operation: Operation, user: User) -> None:
    # A try that comes later does not end what began since.
    before = Session.objects.filter(user=user, signed_in_at__lte=operation.ordered_at)
    sessions.end_all(user, Session.Ended.ENDED_BY_OPERATOR, among=before)


def _sign_out(operation: Operation, user: User) -> None:
    cognito.gateway().sign_out_everywhere(user.sub)


def _unlock(operation: Operation, user: User) -> None:
    if user.phone:
        ledger.unlock(user.phone, user_sub=user.sub)


def _note_unlocked(operation: Operation, user: User) -> None:
    User.objects.filter(pk=user.pk).update(held_until=None)


def _delete(operation: Operation, user: User) -> None:
    cognito.gateway().delete(user.sub)


def _remove(operation: Operation, user: User) -> None:
    user.delete()


def _invite(operation: Operation, user: None) -> str:
    phone, gateway = operation.params["phone"], cognito.gateway()
    created = gateway.create_user(phone)
    operation.sub = (created or gateway.find_user(phone)).sub
    return "" if created else Remark.HAD_ACCOUNT


def _note_invited(operation: Operation, user: None) -> None:
    name = operation.params.get("name", "")
    invited = User.objects.for_identity(operation.sub, operation.params["phone"])
    if name and not invited.name:
        invited.name = name
        invited.save(update_fields=["name"])
    operation.user = invited


def _tell_invited(operation: Operation) -> None:
    _tell(operation, operation.params["phone"], "invited")


def _change_number(operation: Operation, user: User) -> None:
    params = operation.params
    cognito.gateway().change_phone(user.sub, params["phone"], verified=params["verified"])


def _note_number(operation: Operation, user: User) -> None:
    params = operation.params
    changed = User.objects.for_identity(
        user.sub, params["phone"], phone_verified=params["verified"], pool=user.pool
    )
    if not params["verified"]:
        # Whoever holds the sessions has not shown that the new number is theirs.
        sessions.end_all(changed, Session.Ended.NUMBER_CHANGED, reason="operator")
        sign_ins.record(
            sign_ins.Kind.NUMBER_CHANGED,
            None,
            phone=params["phone"],
            user=changed,
            reason="operator",
        )


def _tell_old_number(operation: Operation) -> None:
    # The account as it was when this try began.
    if operation.user and operation.user.phone != operation.params["phone"]:
        _tell(operation, operation.user.phone, "number_changed")


def _tell(operation: Operation, phone: str | None, message: sms.Notice) -> None:
    if not (phone and operation.params.get("tell")):
        return
    try:
        delivery = sms.tell(phone, message, language=operation.params.get("language", ""))
    except functions.FunctionError as error:
        delivery = f"{type(error).__name__}: {error}"
        log.warning("No text about %s: %s", operation, delivery)
    is_sent = delivery == "sent"
    Operation.objects.filter(pk=operation.pk).update(
        remark=Remark.TEXT_SENT if is_sent else Remark.TEXT_FAILED,
        error="" if is_sent else delivery[:400],
    )


def _enter_staff(operation: Operation, user: User) -> None:
    if group := conf.staff_group:
        cognito.gateway().add_to_group(user.sub, group)


def _note_staff(operation: Operation, user: User) -> None:
    user.is_staff = True
    user.save(update_fields=["is_staff"])


def _drop_staff(operation: Operation, user: User) -> None:
    user.is_staff = user.is_superuser = False
    user.save(update_fields=["is_staff", "is_superuser"])


def _leave_staff(operation: Operation, user: User) -> None:
    if group := conf.staff_group:
        cognito.gateway().remove_from_group(user.sub, group)


def _join_group(operation: Operation, user: User) -> None:
    for name in _names_in_cognito(operation.params["group"])[:1]:
        cognito.gateway().add_to_group(user.sub, name)


def _note_group(operation: Operation, user: User) -> None:
    user.groups.add(*Group.objects.filter(name=operation.params["group"]))


def _drop_group(operation: Operation, user: User) -> None:
    user.groups.remove(*Group.objects.filter(name=operation.params["group"]))


def _leave_group(operation: Operation, user: User) -> None:
    for name in _names_in_cognito(operation.params["group"]):
        cognito.gateway().remove_from_group(user.sub, name)


def _names_in_cognito(group: str) -> list[str]:
    """Return the groups of the pool that stand for a Django group."""
    return [theirs for theirs, ours in conf.groups.items() if ours == group]


@dataclass(frozen=True)
class _Course:
    """The steps of a kind, in their order: ``first`` here, ``there``, ``then`` here, ``tell``.

    ``is_done_when_gone``: what Cognito does not know needs nothing more.
    """

    there: Callable[[Operation, Any], Any]
    first: Callable[[Operation, Any], None] | None = None
    then: Callable[[Operation, Any], None] | None = None
    tell: Callable[[Operation], None] | None = None
    is_done_when_gone: bool = False


_COURSES: dict[str, _Course] = {
    Kind.DISABLE: _Course(_disable, first=_shut_out, then=_note_disabled, is_done_when_gone=True),
    Kind.ENABLE: _Course(_enable, then=_let_in),
    Kind.SIGN_OUT: _Course(_sign_out, first=_end_sessions, is_done_when_gone=True),
    Kind.UNLOCK: _Course(_unlock, then=_note_unlocked),
    Kind.DELETE: _Course(_delete, first=_shut_out, then=_remove, is_done_when_gone=True),
    Kind.INVITE: _Course(_invite, then=_note_invited, tell=_tell_invited),
    Kind.CHANGE_NUMBER: _Course(_change_number, then=_note_number, tell=_tell_old_number),
    Kind.MAKE_STAFF: _Course(_enter_staff, then=_note_staff),
    Kind.UNMAKE_STAFF: _Course(_leave_staff, first=_drop_staff, is_done_when_gone=True),
    Kind.ADD_TO_GROUP: _Course(_join_group, then=_note_group),
    Kind.REMOVE_FROM_GROUP: _Course(_leave_group, first=_drop_group, is_done_when_gone=True),
}
