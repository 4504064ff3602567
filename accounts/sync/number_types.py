"""Types of numbers, as carriers know them: one person can have many of an internet phone service.

Carriers are asked once for each number, after the response to its first right code. Accounts under
the sharing policy ``strict`` may not have such a number, unless an operator allows it.
"""

import logging
from functools import partial

from django.http import HttpRequest
from django.utils import timezone

from accounts import after_response, sessions
from accounts.aws import functions, sms
from accounts.conf import conf
from accounts.models import Session, User
from accounts.sessions import concurrency

log = logging.getLogger(__name__)

_INTERNET_PHONE = "VOIP"


def is_internet_phone(user: User) -> bool:
    """Tell whether the number of ``user`` is one of an internet phone service, as far as known."""
    return user.number_type == _INTERNET_PHONE and user.number_type_of == user.phone


def is_refused(user: User) -> bool:
    """Tell whether ``user`` may not sign in with their number. No query for most of them."""
    if not is_internet_phone(user) or user.number_allowed:
        return False
    return concurrency.policy(user) == "strict"


def refresh(request: HttpRequest, user: User) -> None:
    """Ask for the type of a number that is new here, after the response to ``request``."""
    if conf.carrier_lookup and user.phone and user.number_type_of != user.phone:
        after_response.do(request, partial(_look_up, user))


def _look_up(user: User) -> None:
    phone = user.phone or ""
    try:
        found = sms.look_up(phone, user_sub=user.sub)
    except functions.FunctionError as error:
        # The next sign-in asks again.
        log.warning("The type of a number is not known: %s", error)
        return
    if not found:
        return
    same = User.objects.filter(pk=user.pk, phone=phone)
    same.update(
        number_type=found,
        number_type_of=phone,
        number_type_at=timezone.now(),
        number_allowed=False,
    )
    fresh = same.first()
    if fresh and is_refused(fresh):
        log.warning("Signed out, since the sharing policy takes no internet phones: %s", fresh)
        sessions.end_all(fresh, Session.Ended.SHUT_OUT, reason="internet_phone")
