"""The link in a mail with a code: it signs in the browser that asked, and no other.

    in the browser that asked   its word is an answer to the challenge, as the code is
    anywhere else               the page says who asked, and shows the code to type there

Only a button does either. Whoever did not ask has nothing to approve: a stranger who asked gets in
with the code alone, which would have to be told to them (ADR 30).

Pages show a reference to everybody who types a number, and a word can be invented. So whatever is
shown or done here is the same whether a code left or not: else it would tell who has an account.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions, sms
from accounts.events import sign_ins
from accounts.login import attempt_steps, challenges, completion, phone_login, throttle
from accounts.login.pending import Pending
from accounts.models import SignInEvent, User

log = logging.getLogger(__name__)

# As long as a code can live (CodeLifetimeSeconds of the stack).
_LOOKED_BACK = timedelta(minutes=10)


@dataclass(frozen=True)
class Asked:
    """A browser that asked for a code. ``device`` is "" where it said nothing.

    ``user`` is whose code it is, None where they have never signed in here, or are nobody.
    """

    device: str
    at: datetime
    user: User | None


def waiting_here(request: HttpRequest, reference: str) -> Pending | None:
    """Return the sign-in of this browser, if the mail with this reference is for it."""
    found = attempt_steps.current(request)
    is_for_it = found is not None and found.code is not None and found.reference == reference
    return found if is_for_it else None


def asked(reference: str) -> Asked | None:
    """Return which browser asked for the code first, None where that was too long ago or nobody.

    Whether it left is not looked at, nor how: those of strangers are blocked.
    """
    event = (
        SignInEvent.objects.filter(
            reference=reference,
            kind__in=(sign_ins.Kind.SENT, sign_ins.Kind.RESENT, sign_ins.Kind.BLOCKED),
            at__gt=timezone.now() - _LOOKED_BACK,
        )
        .select_related("user")
        .order_by("at", "pk")
        .first()
    )
    return Asked(event.device, event.at, event.user) if event else None


@sensitive_variables("word")
def finish(request: HttpRequest, word: str, *, attempt: str) -> completion.SignedIn:
    """Sign in here with the word in place of the code; see ``code_flow.finish``."""
    return phone_login.finish(request, word, attempt=attempt)


@sensitive_variables("word")
def code_for(request: HttpRequest, found: Asked, word: str) -> str:
    """Return the code to type in the browser that asked, once, or "".

    Raises TooMany, Unavailable.
    """
    user = found.user
    phone = user.phone if user else None
    if user is None or phone is None:
        # Asked about all the same, so that the answer takes as long.
        sub, phone = challenges.nobody(""), challenges.NO_NUMBER
    else:
        sub = user.sub
    # Counted before it is asked, as a code is: somebody may be trying words.
    attempt_steps.within_limits("wrong_codes", request)
    try:
        code = sms.open_link(phone, user_sub=sub, word=word)
    except functions.FunctionError as error:
        throttle.give_back(request)
        raise attempt_steps.unavailable(error) from error
    if code:
        throttle.give_back(request)
        sign_ins.record(sign_ins.Kind.LINK, request, phone=phone, user=user, reason="shown")
    return code
