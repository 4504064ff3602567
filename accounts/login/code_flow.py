"""The flow of a typed code, whatever the code is good for: text it, text it again, take it.

    start    a phone was typed   → a code is on its way
    resend   nothing arrived     → another text is on its way
    finish   a code was typed    → what the flow makes of the right one

Each is one step (``attempt_steps``); a sign-in may have others, as the stack's plan says. A
``Flow`` says where codes come from and what a right one does.
"""

import logging
import secrets
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from accounts import phones
from accounts.aws import cognito, functions
from accounts.aws.challenges import Challenge, CodeChallenge
from accounts.events import sign_ins
from accounts.login import attempt_steps, throttle, work
from accounts.login.attempt_steps import Step, one_try_less, step, within_limits
from accounts.login.errors import (
    Expired,
    FurtherStep,
    NextStep,
    StartOver,
    TooSoon,
    Unavailable,
    WrongCode,
    WrongPassword,
)
from accounts.login.flow import Flow, Proof, Result, Texted
from accounts.login.pending import Pending

log = logging.getLogger(__name__)

Kind = sign_ins.Kind


def start(flow: Flow[Any, Any], request: HttpRequest, phone: str, *, next_url: str = "") -> Texted:
    """Text a code to ``phone`` (E.164, allowed) and remember that one is awaited.

    Typing the same number again right away texts nothing: the first text is still on its way.
    Raises TooMany, Unavailable.
    """
    with step(flow.purpose, request, mine=flow.mine) as this:
        earlier = this.waiting
        if earlier and earlier.phone == phone and earlier.seconds_to_resend():
            this.store(replace(earlier, next_url=next_url))
            return "before" if earlier.is_texted() else ""
        attempt = secrets.token_urlsafe(12)
        new = Pending(attempt, phone, next_url, challenge=None, purpose=flow.purpose, way=flow.way)
        this.waiting = new
        return _text(flow, this, first=True)


def resend(flow: Flow[Any, Any], request: HttpRequest) -> Texted:
    """Text the number of the attempt under way again, its code or another one.

    A code that was texted before works to its end. Raises NothingPending, TooSoon, TooMany,
    Unavailable.
    """
    with step(flow.purpose, request, mine=flow.mine) as this:
        if wait := this.required().seconds_to_resend():
            raise TooSoon(wait)
        return _text(flow, this, first=False)


@sensitive_variables("code", "outcome")
def finish(
    flow: Flow[Any, Result],
    request: HttpRequest,
    code: str,
    *,
    attempt: str = "",
    kind: str = CodeChallenge.kind,
) -> Result:
    """Do what the digits that were typed are good for, if they are right.

    ``attempt`` is what the page's form carried, if anything, and ``kind`` is that of the challenge
    on the page. Raises WrongCode, NextStep, Expired, StartOver, NothingPending, OtherAttempt,
    TooMany, FurtherStep, Unavailable, and what the flow raises.
    """
    with step(flow.purpose, request, mine=flow.mine) as this:
        if session := this.held.just_signed_in(answer=code):
            return flow.repeat(request, session)
        waiting = this.required()
        if attempt:
            attempt_steps.check_attempt(attempt, waiting)
        if waiting.challenge is None:
            raise flow.over(waiting)
        if waiting.challenge.kind != kind:
            raise NextStep  # a second press on the page of an earlier step
        if waiting.is_expired():
            raise Expired(reason="expired")
        wrong_answer = _digest(waiting.attempt, code)
        if waiting.wrong_answer == wrong_answer:
            # A second press of the same wrong code: the first one has cost the try.
            raise WrongCode(waiting.challenge.tries_left)
        within_limits("wrong_codes", request)
        if work.is_done(waiting.challenge, code):
            throttle.give_back(request)
            _text(flow, this, first=True, has_worked=True)
            raise NextStep
        outcome = _answer(flow, this, waiting, waiting.challenge, code)
        if isinstance(outcome, Challenge) and outcome.kind == kind:
            log.info("Wrong %s for %s", kind, phones.mask(waiting.phone))
            raise WrongCode(
                outcome.tries_left,
                reason="wrong_code" if kind == CodeChallenge.kind else "wrong_answer",
                becomes=replace(
                    waiting,
                    challenge=waiting.challenge.asked_again(outcome),
                    wrong_answer=wrong_answer,
                ),
            )
        throttle.give_back(request, code_used=waiting.code is not None)
        proven_more = waiting.proven_more or waiting.challenge.proves_more
        how = f"{waiting.methods} {waiting.challenge.method}".strip()
        this.waiting = replace(waiting, proven_more=proven_more, methods=how)
        if isinstance(outcome, Challenge):
            await_code(flow, this, outcome)
            raise NextStep
        then = flow.complete(this, outcome)
        this.held.signed_in(request.session.session_key or "", answer=code)
    return then()


def _text(flow: Flow[Any, Any], this: Step, *, first: bool, has_worked: bool = False) -> Texted:
    """Ask for a text, remember what is awaited now, and write down what happened."""
    request, waiting, asked_at = this.request, this.required(), timezone.now()
    attempt = replace(
        waiting,
        reference=waiting.reference or sign_ins.draw_reference(),
        texted_at=asked_at.timestamp(),
        proven_more=False,
        methods="",
        dormant=None,
    )
    this.begin(attempt, flow.user_of(request, attempt.phone))
    is_new = first and not has_worked
    if not has_worked:
        within_limits("sends", request, reason="network", user=this.user)
        if work.is_wanted(flow.purpose, request, this.user, first=first):
            _note_start(flow, this, asked_at, is_new=is_new)
            return await_code(flow, this, work.draw(), why_no_text="only_asks")
    try:
        begun = flow.begin(request, attempt.phone, this.user, first=first)
    except (FurtherStep, Unavailable, WrongPassword) as error:
        if isinstance(error, FurtherStep):
            # A password, before any code.
            error.becomes = replace(attempt, further_step=error.challenge)
        _note_start(flow, this, asked_at, is_new=is_new)
        raise
    # Once it is known by which reference the person and the triggers call this attempt.
    reference = begun.challenge.reference or attempt.reference
    this.waiting = replace(attempt, sub=begun.sub, reference=reference, address=begun.address)
    _note_start(flow, this, asked_at, is_new=is_new)
    return await_code(flow, this, begun.challenge, why_no_text=begun.why_no_text, first=first)


def await_code(
    flow: Flow[Any, Any],
    this: Step,
    challenge: Challenge,
    *,
    why_no_text: str = "",
    first: bool = True,
) -> Texted:
    """Remember what is awaited now, and write down whether a text left."""
    attempt = this.required()
    reference = challenge.reference or attempt.reference
    cleared = replace(attempt, wrong_answer="", proven=None, further_step="")
    this.waiting = awaited = replace(cleared, challenge=challenge, reference=reference)
    if not isinstance(challenge, CodeChallenge):
        if why_no_text:
            this.note(Kind.BLOCKED, reason=why_no_text)
        this.store(awaited)
        return ""
    if reason := why_no_text or _why_not_texted(challenge):
        this.note(Kind.BLOCKED, reason=reason)
    else:
        by = "" if challenge.channel == "text" else challenge.channel
        this.note(Kind.SENT if first else Kind.RESENT, reason=by or flow.reason_of_text)
    # Later, since the session may be gone.
    this.store(awaited)
    if not first or challenge.delivery in ("not_sent", "locked"):
        # Perhaps nothing arrived because the number is held.
        this.refresh_lockout()
    if challenge.is_texted_now:
        return "now"
    return "before" if challenge.is_sent else ""


def _note_start(flow: Flow[Any, Any], this: Step, at: Any, *, is_new: bool) -> None:
    if is_new and (reason := flow.reason_of_start) is not None:
        this.note(Kind.STARTED, reason=reason, at=at)


def _why_not_texted(challenge: CodeChallenge) -> str:
    """Return the reason of the event, "" where a text left; and call out what concerns all."""
    if challenge.delivery == "over_budget":
        log.error("No text left: the user pool's budget of texts is used up")
        return "pool"
    if challenge.is_sent:
        return "" if challenge.is_texted_now else "cooldown"
    return challenge.delivery


@sensitive_variables("code")
def _answer(
    flow: Flow[Proof, Any], this: Step, waiting: Pending, challenge: Challenge, code: str
) -> Challenge | Proof:
    try:
        try:
            return flow.answer(this.request, waiting.phone, challenge, code)
        except cognito.ExpiredAnswer as error:
            becomes = replace(waiting, challenge=one_try_less(challenge))
            raise Expired(reason="expired", becomes=becomes) from error
        except cognito.WrongAnswer:
            # Its session serves again, as often as we let it.
            return one_try_less(challenge)
    except (cognito.Refused, cognito.UnknownUser) as error:
        log.info("An attempt ended for %s", phones.mask(waiting.phone))
        this.refresh_lockout()
        is_used_up = isinstance(error, cognito.UsedUp)
        over = replace(waiting, challenge=None, is_used_up=is_used_up)
        raise StartOver(reason="used_up" if is_used_up else "over", becomes=over) from error
    except cognito.OtherChallenge as error:
        log.error("A sign-in cannot end here: %r", error)  # noqa: TRY400
        # The code was right, and is used up.
        throttle.give_back(this.request)
        becomes = replace(waiting, challenge=None, further_step=error.name)
        raise FurtherStep(error.name, reason="further_step", becomes=becomes) from error
    except (cognito.CognitoError, functions.FunctionError) as error:
        throttle.give_back(this.request)
        raise attempt_steps.unavailable(error) from error


def _digest(attempt: str, code: str) -> str:
    return salted_hmac("accounts.attempts", f"{attempt} {code}", algorithm="sha256").hexdigest()
