"""One person per account: what a sign-in means for the person's other devices.

off      nothing happens
notify   the other devices show a notice
ask      who signs in says whether to end the sessions of the other devices
strict   the newest device wins
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import devices, sessions
from accounts.conf import SHARING_POLICIES, conf
from accounts.models import Session, User
from accounts.models.statements import update

_WEEK = timedelta(days=7)


class InUse(Exception):
    """The person is signed in on another device, and is to be asked what to do about it."""


class ShutOut(Exception):
    """The account was disabled, removed or given another number a moment ago."""


@dataclass(frozen=True)
class Entry:
    """``overlaps`` other devices were signed in at that moment; ``ended`` of them no longer are."""

    overlaps: int
    ended: int


def policy(user: User) -> str:
    """Return what holds for ``user``: the strictest of their groups, else that of the site."""
    by_group = conf.sharing_policy_by_group
    if not by_group:
        return conf.sharing_policy
    names = user.groups.filter(name__in=by_group).values_list("name", flat=True)
    found = [by_group[name] for name in names]
    return max(found, key=SHARING_POLICIES.index) if found else conf.sharing_policy


def others(request: HttpRequest, user: User) -> QuerySet[Session]:
    """Return the live sessions of ``user`` in other browsers than this one, newest use first."""
    found = sessions.live(user).order_by("-last_seen")
    browser = devices.of(request).browser
    return found.exclude(browser=browser) if browser else found


def enter(request: HttpRequest, user: User, *, may_end_others: bool = False) -> Entry:
    """Sign ``user`` in with this browser, as the sharing policy has it.

    Sign-ins of one person take turns here, so that of two at the same instant the later one sees
    the earlier. A browser that signs in again replaces its own session, and nobody is told.
    Raises InUse, ShutOut.
    """
    here = devices.of(request)
    with transaction.atomic():
        # As they were when their code was right: who changed that has ended all sessions by now.
        same = {"id": user.pk, "is_active": True, "cognito_enabled": True, "phone": user.phone}
        now = timezone.now()
        # This locks the row as well. Django's own way (disconnected in apps.py) would read it again
        # for the audit log.
        if not update(User, same, {"last_login": now}):
            raise ShutOut
        chosen = policy(user)
        replaced, elsewhere = sessions.by_browser(user, here.browser)
        if elsewhere and chosen == "ask" and not may_end_others:
            raise InUse
        if replaced:
            sessions.close(Session.objects.filter(pk__in=replaced), Session.Ended.SIGNED_OUT)
        user.last_login = now
        sessions.begin(request, user)
        ended = 0
        if elsewhere:
            theirs = Session.objects.filter(pk__in=elsewhere)
            if chosen in ("ask", "strict"):
                ended = sessions.close(theirs, Session.Ended.TAKEN_OVER, by=here.name)
            elif chosen == "notify":
                theirs.update(newcomer=here.name, newcomer_at=now)
    return Entry(overlaps=len(elsewhere), ended=ended)
