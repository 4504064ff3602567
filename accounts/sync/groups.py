"""Apply the groups of a person in the user pool to their groups and rights here.

Only groups that the settings name count, so an invented name has no effect. Attributes are never
read, since users may be able to write them.
"""

import logging

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.conf import conf
from accounts.models import Operation, User

log = logging.getLogger(__name__)

_OF_GROUPS = (
    Operation.Kind.MAKE_STAFF,
    Operation.Kind.UNMAKE_STAFF,
    Operation.Kind.ADD_TO_GROUP,
    Operation.Kind.REMOVE_FROM_GROUP,
)


def apply(user: User, theirs: frozenset[str]) -> None:
    """Give ``user`` the Django groups that stand for ``theirs``, and take the others of the map.

    ``theirs`` are names of groups of the pool. Django groups outside the map are left alone. A
    mapped group that does not exist is made without permissions. With ACCOUNTS_STAFF_GROUP, the
    person becomes an operator or ceases to be one; superusers are not changed here. While an
    operation on groups waits for Cognito, nothing is changed, since it is newer than Cognito's
    answer.
    """
    mapped = conf.groups
    if mapped:
        _set_groups(user, set(mapped.values()), {mapped[name] for name in theirs & mapped.keys()})
    if conf.staff_group:
        is_staff = conf.staff_group in theirs
        if user.is_staff != is_staff and not _is_ordered_otherwise(user):
            user.is_staff = is_staff
            user.save(update_fields=["is_staff"])
            log.info("%s is %s operator, says Cognito", user.sub, "an" if is_staff else "no longer")


def are_configured() -> bool:
    """Tell whether the settings give any group of the pool a meaning here."""
    return bool(conf.groups or conf.staff_group)


def _is_ordered_otherwise(user: User) -> bool:
    waiting = Operation.objects.filter(user=user, state=Operation.State.WAITING)
    return waiting.filter(kind__in=_OF_GROUPS).exists()


def _set_groups(user: User, mapped: set[str], wanted: set[str]) -> None:
    has = set(user.groups.filter(name__in=mapped).values_list("name", flat=True))
    if has == wanted or _is_ordered_otherwise(user):
        return
    with transaction.atomic():
        for name in sorted(wanted - has):
            user.groups.add(Group.objects.get_or_create(name=name)[0])
        user.groups.remove(*Group.objects.filter(name__in=has - wanted))
    log.info("Groups of %s set to %s, says Cognito", user.sub, sorted(wanted))
