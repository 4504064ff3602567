"""Rules of operations: who may order which on whom, and which a later one overtakes."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from accounts.conf import conf
from accounts.models import Operation, User

Kind, State, Remark = Operation.Kind, Operation.State, Operation.Remark

_OF_NUMBERS = (Kind.CHANGE_NUMBER, Kind.FREE_NUMBER, Kind.RECOVER)
# The kinds of later operations that make an earlier one pointless.
_OVERTAKEN_BY: dict[str, frozenset[str]] = {
    Kind.DISABLE: frozenset({Kind.DISABLE, Kind.ENABLE, Kind.DELETE}),
    Kind.ENABLE: frozenset({Kind.DISABLE, Kind.ENABLE, Kind.DELETE}),
    Kind.SIGN_OUT: frozenset({Kind.SIGN_OUT, Kind.DELETE}),
    Kind.UNLOCK: frozenset({Kind.UNLOCK, Kind.DELETE}),
    Kind.RESET_AUTHENTICATOR: frozenset({Kind.RESET_AUTHENTICATOR, Kind.DELETE}),
    Kind.REMOVE_EMAIL: frozenset({Kind.REMOVE_EMAIL, Kind.DELETE}),
    Kind.REMOVE_SECOND_NUMBER: frozenset({Kind.REMOVE_SECOND_NUMBER, Kind.DELETE}),
    Kind.FORGET_ANSWER: frozenset({Kind.FORGET_ANSWER, Kind.DELETE}),
    Kind.DELETE: frozenset({Kind.DELETE}),
    Kind.INVITE: frozenset(),
    Kind.CHANGE_NUMBER: frozenset({*_OF_NUMBERS, Kind.DELETE}),
    Kind.FREE_NUMBER: frozenset({*_OF_NUMBERS, Kind.DELETE}),
    Kind.RECOVER: frozenset({*_OF_NUMBERS, Kind.DELETE}),
    Kind.MAKE_STAFF: frozenset({Kind.MAKE_STAFF, Kind.UNMAKE_STAFF, Kind.DELETE}),
    Kind.UNMAKE_STAFF: frozenset({Kind.MAKE_STAFF, Kind.UNMAKE_STAFF, Kind.DELETE}),
    Kind.ADD_TO_GROUP: frozenset({Kind.ADD_TO_GROUP, Kind.REMOVE_FROM_GROUP, Kind.DELETE}),
    Kind.REMOVE_FROM_GROUP: frozenset({Kind.ADD_TO_GROUP, Kind.REMOVE_FROM_GROUP, Kind.DELETE}),
}
_OF_GROUPS = (Kind.ADD_TO_GROUP, Kind.REMOVE_FROM_GROUP)
NOT_TO_ONESELF = (Kind.DISABLE, Kind.DELETE, Kind.UNMAKE_STAFF)
# People may order these on their own account without being an operator.
_OWN_BUSINESS = (Kind.CHANGE_NUMBER, Kind.RECOVER, Kind.SIGN_OUT)


def refusal(kind: str, user: User, by: User | None, params: dict[str, Any] | None = None) -> str:
    """Return the ``Remark`` why ``by`` may not do this to ``user``, or "". None is the shell.

    The pages check permissions; these rules hold with every permission. Without ``params``, rules
    that need them are left out.
    """
    if by is not None and by.pk == user.pk and kind in _OWN_BUSINESS:
        return ""
    if by is not None and by.pk == user.pk and kind in NOT_TO_ONESELF:
        return Remark.YOURSELF
    if by is not None and user.is_superuser and not by.is_superuser:
        return Remark.SUPERUSER
    if by is not None and _has_more_rights(user, by):
        # An operator who changes a number can sign in as its owner, and get their rights.
        return Remark.STRONGER
    is_mere_operator = by is not None and not by.is_superuser
    if kind == Kind.CHANGE_NUMBER and is_mere_operator and takes_two_operators(user):
        # One operator alone could do by it what takes two.
        return Remark.TWO_OPERATORS
    if kind in NOT_TO_ONESELF and _is_last_superuser(user):
        return Remark.LAST_SUPERUSER
    if kind in _OF_GROUPS and params is not None:
        group = Group.objects.filter(name=params.get("group")).first()
        if group is None:
            return Remark.NO_GROUP
        if by is not None and not grantable(by).filter(pk=group.pk).exists():
            return Remark.MORE_RIGHTS
    if kind == Kind.FREE_NUMBER and params is not None and _was_used(user, params):
        # Its owner came back while Cognito was away.
        return Remark.IN_USE
    if kind == Kind.UNLOCK and not user.phone:
        return Remark.NO_PHONE
    if kind in (Kind.UNLOCK, Kind.FORGET_ANSWER) and not conf.ledger_function:
        return Remark.NO_LEDGER
    return ""


def takes_two_operators(user: User) -> bool:
    """Tell whether two operators must agree before somebody gets the account with a new number."""
    groups = conf.recovery_two_operators
    if user.is_staff or user.is_superuser or "*" in groups:
        return True
    return bool(groups) and user.groups.filter(name__in=groups).exists()


def grantable(by: User) -> QuerySet[Group]:
    """Return the groups that ``by`` may give: those with no right that ``by`` lacks."""
    groups = Group.objects.order_by("name")
    if by.is_superuser:
        return groups
    lacking = Permission.objects.exclude(pk__in=_rights(by))
    return groups.exclude(permissions__in=lacking)


def _was_used(user: User, params: dict[str, Any]) -> bool:
    return (user.phone, last_login(user)) != (params["phone"], params["last_login"])


def last_login(user: User) -> str:
    """Return the last sign-in as an order to free a number has it."""
    return user.last_login.isoformat() if user.last_login else ""


def _has_more_rights(user: User, by: User) -> bool:
    return not by.is_superuser and _rights(user).exclude(pk__in=_rights(by)).exists()


def _rights(user: User) -> QuerySet[Permission]:
    return Permission.objects.filter(Q(user=user) | Q(group__user=user))


def is_overtaken(operation: Operation) -> bool:
    """Tell whether a later operation, done or begun, makes this one pointless."""
    if operation.user_id is None:
        return False
    later = Operation.objects.filter(
        user_id=operation.user_id,
        pk__gt=operation.pk,
        kind__in=_OVERTAKEN_BY[operation.kind],
    )
    # One that nobody has tried yet may be refused, and comes after this one anyway.
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
