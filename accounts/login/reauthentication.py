"""A fresh code from somebody who is signed in, and the acts that need one.

A right code ends with a new session key and a fresh ``confirmed_at``. With TEXTS_FUNCTION it comes
from the function that texts for the site, within limits that strangers cannot use up; without it,
from Cognito as for a sign-in.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial, wraps
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.debug import sensitive_variables

from accounts import phones, sessions
from accounts.aws import cognito, sms
from accounts.aws.challenges import Challenge, CodeChallenge
from accounts.aws.cognito_values import Tokens
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import (
    attempt_steps,
    challenges,
    code_flow,
    completion,
    known_browsers,
    other_channel,
    pending,
    site_codes,
)
from accounts.login.attempt_steps import Step
from accounts.login.errors import NothingPending, StartOver
from accounts.login.flow import Begun, Texted
from accounts.login.login_flow import Login
from accounts.login.pending import Purpose
from accounts.models import User

log = logging.getLogger(__name__)

Kind = sign_ins.Kind
View = Callable[..., HttpResponseBase]


def is_recent(request: HttpRequest) -> bool:
    """Tell whether the person typed a code within the last ACCOUNTS_CONFIRM_SECONDS."""
    row = sessions.for_request(request).row
    if row is None or row.confirmed_at is None:
        return False
    return bool(timezone.now() - row.confirmed_at < timedelta(seconds=conf.confirm_seconds))


def required(view: View) -> View:
    """Let a signed-in person pass who has confirmed lately, and send others to do so first.

    They come back to the address they asked for, or, from a form, to the page that it stood on.
    People who are not signed in are left to the view.
    """

    @wraps(view)
    def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated or is_recent(request):
            return view(request, *args, **kwargs)
        query = urlencode({"next": _page_of(request)})
        return redirect(f"{resolve_url('accounts:confirm')}?{query}")

    return confirmed


def _page_of(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()}):
        parts = urlsplit(came_from)
        return parts._replace(scheme="", netloc="").geturl()
    return resolve_url(settings.LOGIN_REDIRECT_URL)


class Confirmation(Login):
    """A right code lets somebody who is signed in do what is sensitive."""

    purpose: Purpose = "confirm"
    reason_of_start: str | None = "confirm"

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        if not conf.texts_function:
            here = known_browsers.proof(request, user)
            begun = challenges.begin(phone, user, insist=not first, may_create=False, proof=here)
            if not isinstance(begun.challenge, CodeChallenge):
                # A check asks for TEXTS_FUNCTION where sign-ins have other steps.
                raise attempt_steps.unavailable(cognito.OtherChallenge(begun.challenge.kind))
            return begun
        sub = cast(User, request.user).sub
        proof = site_codes.send(phone, user_sub=sub, purpose="confirm")
        return Begun(sms.challenge_of(proof), sub)

    @sensitive_variables("code")
    def answer(
        self, request: HttpRequest, phone: str, challenge: Challenge, code: str
    ) -> Challenge | Tokens | None:
        if challenge.username or not challenge.session:
            outcome = super().answer(request, phone, challenge, code)
            if isinstance(outcome, Challenge) and outcome.kind != challenge.kind:
                raise cognito.OtherChallenge(outcome.cognito_name)
            return outcome
        if not request.user.is_authenticated:
            raise NothingPending
        sub = request.user.sub
        if site_codes.is_right(phone, challenge, code, user_sub=sub, purpose="confirm"):
            return None
        return attempt_steps.one_try_less(challenge)

    def send_by(
        self, request: HttpRequest, phone: str, challenge: CodeChallenge, channel: str
    ) -> CodeChallenge:
        if challenge.username:
            return super().send_by(request, phone, challenge, channel)
        sub = cast(User, request.user).sub
        proof = site_codes.send(phone, user_sub=sub, purpose="confirm", channel=channel)
        # It may be the code of a new challenge, which has tries of its own.
        return replace(sms.challenge_of(proof), channel=channel, tries_left=challenge.tries_left)

    def complete(self, step: Step, proof: Tokens | None) -> Callable[[], completion.SignedIn]:
        request, waiting = step.request, step.required()
        user = cast(User, request.user)
        if proof is not None:
            user = completion.authenticated_user(step, waiting, proof)
        if user.pk != request.user.pk or user.phone != waiting.phone:
            masked = phones.mask(waiting.phone)
            log.warning("A code of %s was typed to confirm somebody else", masked)
            over = replace(waiting, challenge=None)
            raise StartOver(reason="other_user", becomes=over, user=user)
        pending.forget(request)
        if not sessions.for_request(request).confirm():
            raise NothingPending
        seconds = max(0, round(time.time() - waiting.texted_at))
        step.note(Kind.CONFIRMED, user=user, seconds=seconds)
        return partial(completion.after_sign_in, user, waiting.next_url)


CONFIRMATION = Confirmation()


def start(request: HttpRequest, phone: str, *, next_url: str) -> Texted:
    """Text a code to ``phone``; see ``code_flow.start``."""
    return code_flow.start(CONFIRMATION, request, phone, next_url=next_url)


def resend(request: HttpRequest) -> Texted:
    """Text the number again; see ``code_flow.resend``."""
    return code_flow.resend(CONFIRMATION, request)


def send_by(request: HttpRequest, channel: str) -> Texted:
    """Send the code by another channel; see ``other_channel.send``."""
    return other_channel.send(CONFIRMATION, request, channel)


@sensitive_variables("code")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> completion.SignedIn:
    """Confirm with the digits that were typed who is signed in; see ``code_flow.finish``."""
    return code_flow.finish(CONFIRMATION, request, code, attempt=attempt)
