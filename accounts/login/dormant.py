"""A right code for an account that nobody used for long: its number may have a new owner by now.

    stops           is the code enough?
    ask_operators   "it is my account"   → operators find it in their queue
    begin_afresh    "I am new here"      → signed in to a new account; the old one has no number

The way back without an operator is another proof: a step that takes more than the number, or a
browser that the account was used in before (docs/adr/0028).
"""

import logging
import time
from dataclasses import dataclass, replace
from functools import partial

from django.http import HttpRequest

from accounts import after_response, devices, operations, phones
from accounts.aws import cognito
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, completion, known_browsers, locale, passkeys, throttle
from accounts.login.attempt_steps import Step
from accounts.login.errors import Dormant, OperatorsOnly, StartOver, TooMany
from accounts.login.pending import Pending
from accounts.models import Operation, Return, SignInEvent, User
from accounts.operations import returns
from accounts.sync import unproven_accounts

log = logging.getLogger(__name__)

Kind = sign_ins.Kind
# The status in Cognito of an account to which nobody has ever had a password.
_AS_MADE = "FORCE_CHANGE_PASSWORD"


@dataclass(frozen=True)
class Question:
    """The question to somebody whose code was right. ``has_asked``: operators know of them.

    ``has_passkeys`` is the site's: whether the account has one is told to nobody.
    """

    attempt: str
    phone: str
    reference: str
    next_url: str
    has_asked: bool
    may_begin_afresh: bool
    has_passkeys: bool


def stops(this: Step, user: User) -> bool:
    """Tell whether a code alone does not open the account; then the person is asked about it."""
    if not returns.is_dormant(user) or not _by_number_alone(this.required()):
        return False
    if _is_known(this.request, user) or returns.opens(user, devices.of(this.request).browser):
        return False
    # As in completion.let_in: the session is worth something from here on.
    this.request.session.cycle_key()
    this.note(Kind.FAILED, user=user, reason="dormant")
    this.store(
        replace(
            this.required(),
            challenge=None,
            dormant=user.pk,
            proven_at=time.time(),
            methods=" ".join(user.signed_in_by),
        )
    )
    log.info("A code alone does not open the account of %s", phones.mask(user.phone or ""))
    return True


def ask() -> completion.SignedIn:
    """Raise Dormant, after the step in which the person was not let in."""
    raise Dormant


def pending_question(request: HttpRequest) -> Question | None:
    """Return what the person whose code was right is asked, None where nobody is."""
    waiting = attempt_steps.current(request)
    user = _account_of(waiting)
    if waiting is None or user is None:
        return None
    return Question(
        attempt=waiting.attempt,
        phone=phones.mask(waiting.phone),
        reference=waiting.reference,
        next_url=waiting.next_url,
        has_asked=waiting.has_asked,
        may_begin_afresh=not waiting.has_asked and _may_begin_afresh(waiting, user),
        has_passkeys=passkeys.site(request) is not None,
    )


def ask_operators(request: HttpRequest, *, attempt: str) -> None:
    """Put whoever is asked into the queue of operators. Harmless when repeated.

    Raises NothingPending, StartOver, OtherAttempt, Unavailable.
    """
    with attempt_steps.step("login", request) as this:
        waiting, user = _asked(this, attempt)
        if waiting.has_asked:
            return
        found = returns.ask(
            Return.Kind.OWNER, user, by=request, phone=waiting.phone, reference=waiting.reference
        )
        this.note(Kind.DORMANT, user=user, reason="asked")
        # They may have asked before, under another reference.
        this.store(replace(waiting, has_asked=True, reference=found.reference))


def begin_afresh(request: HttpRequest, *, attempt: str) -> completion.SignedIn:
    """Free the number, and sign its owner in to a new account.

    The right code has proven the number, by a token that was verified, so no other text is needed.
    Raises OperatorsOnly, NothingPending, StartOver, OtherAttempt, TooMany, Unavailable.
    """
    with attempt_steps.step("login", request) as this:
        if session := this.held.just_signed_in(answer=attempt):
            return completion.replay(request, session)
        waiting, user = _asked(this, attempt)
        newcomer = _newcomer(this, waiting, user)
        returns.keep(user, newcomer, by=request, phone=waiting.phone, reference=waiting.reference)
        this.note(Kind.DORMANT, user=user, reason="new_account")
        completion.let_in(this, newcomer)
        this.held.signed_in(request.session.session_key or "", answer=attempt)
    return completion.after_sign_in(newcomer, waiting.next_url)


def _by_number_alone(waiting: Pending) -> bool:
    """Tell whether whoever has the number could have signed in like this."""
    return not (waiting.proven_more or conf.asks_password)


def _is_known(request: HttpRequest, user: User) -> bool:
    """Tell whether somebody signed in to the account with this browser, and it was not forgotten.

    The cookie of a known browser is good for ninety days. The one by which we recognise a browser
    lasts longer, and so do events.
    """
    if known_browsers.is_known(request, user):
        return True
    browser = devices.of(request).browser
    if not browser:
        return False
    earlier = SignInEvent.objects.filter(user=user, browser=browser, kind=Kind.SUCCEEDED)
    if user.browsers_forgotten_at:
        earlier = earlier.filter(at__gt=user.browsers_forgotten_at)
    return earlier.exists()


def _account_of(waiting: Pending | None) -> User | None:
    """Return the account that is asked about, as long as it and its number are as they were."""
    if waiting is None or waiting.dormant is None:
        return None
    found = User.objects.filter(
        pk=waiting.dormant, phone=waiting.phone, is_active=True, cognito_enabled=True
    ).first()
    return found if found and returns.is_dormant(found) else None


def _asked(this: Step, attempt: str) -> tuple[Pending, User]:
    waiting = this.required()
    user = _account_of(waiting)
    if user is None:
        raise StartOver
    attempt_steps.check_attempt(attempt, waiting)
    return waiting, user


def _may_begin_afresh(waiting: Pending, user: User) -> bool:
    """Tell whether a number may be taken from the account without an operator.

    Not by a code that went elsewhere than to the number. Not where only operators make accounts,
    nor from one of them. Nor where the account is perhaps used elsewhere: in a pool with other user
    names, or with a password.
    """
    return (
        not waiting.way
        and conf.sign_up == "open"
        and conf.username == "phone"
        and not (user.is_staff or user.is_superuser)
        and user.cognito_status in ("", _AS_MADE)
    )


def _newcomer(this: Step, waiting: Pending, user: User) -> User:
    """Return a new account with the number. Each step may be repeated after a fault."""
    if not _may_begin_afresh(waiting, user):
        raise OperatorsOnly
    try:
        throttle.sign_up(phone=waiting.phone, country=phones.country_of(waiting.phone))
    except throttle.LimitReached as error:
        raise TooMany(error.retry_after, reason="sign_ups") from error
    try:
        gateway = cognito.gateway()
        if gateway.read_user(user.sub).status != _AS_MADE:
            raise OperatorsOnly
        freed = operations.perform(
            Operation.Kind.FREE_NUMBER,
            user,
            by=None,
            later=partial(after_response.do, this.request),
            phone=waiting.phone,
            last_login=operations.last_login(user),
        )
        if not freed.is_done:
            raise attempt_steps.unavailable()
        created = gateway.create_user(waiting.phone, locale=locale.page_locale())
        sub = (created or gateway.find_user(waiting.phone)).sub
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error
    if created:
        unproven_accounts.note(sub)
    newcomer = User.objects.for_identity(sub, waiting.phone, phone_verified=False)
    newcomer.texted_in = locale.page_locale()
    return newcomer
