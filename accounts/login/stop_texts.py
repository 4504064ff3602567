"""Stop texts to a number for its owner, who got one that somebody else had asked for."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import phones
from accounts.aws import functions, sms
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, challenges, throttle
from accounts.models import SignInEvent, User

log = logging.getLogger(__name__)

# As long as the words of texts count.
_LOOKED_BACK = timedelta(days=1)
_MOST = 3


def is_offered() -> bool:
    """Tell whether the function that stops texts can be asked."""
    return bool(conf.texts_function)


@dataclass(frozen=True)
class Asked:
    """A device on which a text was asked for. ``device`` is "" where the browser said nothing."""

    device: str
    at: datetime


@dataclass(frozen=True)
class Stopped:
    """``asked`` has the devices on which texts of the last day were asked for, the newest first."""

    until: datetime
    asked: list[Asked]


@sensitive_variables("word")
def stop(request: HttpRequest, phone: str, word: str) -> Stopped | None:
    """Stop them; None where the word is of no text to ``phone`` (E.164).

    Raises TooMany and Unavailable.
    """
    stopped = _ask(request, phone, word, lift=False)
    if stopped is None:
        return None
    return Stopped(datetime.fromtimestamp(stopped.until, UTC), _asked(phone))


@sensitive_variables("word")
def allow(request: HttpRequest, phone: str, word: str) -> bool:
    """Send them again. False where the word is of no text to ``phone`` (E.164).

    Raises TooMany and Unavailable.
    """
    return _ask(request, phone, word, lift=True) is not None


def _asked(phone: str) -> list[Asked]:
    """Return who asked, for somebody who has got the text."""
    events = SignInEvent.objects.filter(
        phone_key=sign_ins.phone_key(phone),
        kind__in=(sign_ins.Kind.SENT, sign_ins.Kind.RESENT),
        at__gt=timezone.now() - _LOOKED_BACK,
    ).order_by("-at")
    return [Asked(each.device, each.at) for each in events[:_MOST]]


def _second_of(phone: str) -> list[tuple[str, str]]:
    """Return number and sub of some accounts whose second number it is, or of nobody's.

    A question less to the table would tell, by the clock, that it is one.
    """
    rows = User.objects.filter(pool=conf.user_pool_id, second_phone=phone).exclude(phone=None)
    found = [(str(first), sub) for first, sub in rows.values_list("phone", "sub")[:_MOST]]
    return found or [(phone, challenges.nobody(phone))]


@sensitive_variables("word")
def _ask(request: HttpRequest, phone: str, word: str, *, lift: bool) -> sms.Stopped | None:
    # Counted before it is asked, as a code is: somebody may be trying words.
    attempt_steps.within_limits("wrong_codes", request)
    try:
        stopped = sms.stop(phone, word, lift=lift, second_of=_second_of(phone))
    except functions.FunctionError as error:
        throttle.give_back(request)
        raise attempt_steps.unavailable(error) from error
    if stopped is None:
        log.info("A word that stops no texts to %s", phones.mask(phone))
        return None
    throttle.give_back(request)
    sign_ins.record(
        sign_ins.Kind.STOPPED,
        request,
        phone=phone,
        user=User.objects.by_phone(conf.user_pool_id, phone),
        reason="allowed_again" if lift else "",
    )
    return stopped
