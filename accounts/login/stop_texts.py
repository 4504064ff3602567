"""Stop texts to a number for its owner, who got one that somebody else had asked for."""

import logging
from datetime import UTC, datetime

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts import phones
from accounts.aws import functions, sms
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, throttle
from accounts.models import User

log = logging.getLogger(__name__)


def is_offered() -> bool:
    """Tell whether the function that stops texts can be asked."""
    return bool(conf.texts_function)


@sensitive_variables("word")
def stop(request: HttpRequest, phone: str, word: str) -> datetime | None:
    """Stop them, and return until when; None where the word is of no text to ``phone`` (E.164).

    Raises TooMany and Unavailable.
    """
    stopped = _ask(request, phone, word, lift=False)
    return datetime.fromtimestamp(stopped.until, UTC) if stopped else None


@sensitive_variables("word")
def allow(request: HttpRequest, phone: str, word: str) -> bool:
    """Send them again. False where the word is of no text to ``phone`` (E.164).

    Raises TooMany and Unavailable.
    """
    return _ask(request, phone, word, lift=True) is not None


@sensitive_variables("word")
def _ask(request: HttpRequest, phone: str, word: str, *, lift: bool) -> sms.Stopped | None:
    # Counted before it is asked, as a code is: somebody may be trying words.
    attempt_steps.within_limits("wrong_codes", request)
    try:
        stopped = sms.stop(phone, word, lift=lift)
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
