"""Sign-in by number and backup code, for people whose phone is gone.

A function of the triggers' stack counts and takes the code. Then the site states to Cognito that it
has proven the person, as after a passkey (ADR 23). Who has an account, or any codes, is not told.
"""

import logging
import secrets
import time
from dataclasses import replace

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import backup_codes, cognito, functions
from accounts.aws.cognito_values import Tokens
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, challenges, completion, known_browsers, throttle
from accounts.login.attempt_steps import Step
from accounts.login.errors import BackupCodeRefused
from accounts.login.pending import Pending
from accounts.models import User

log = logging.getLogger(__name__)

# Where a sign-in has others, a backup code alone would be weaker than it.
_STEPS = {"proof", "captcha", "code"}
# How the tokens name it (RFC 8176).
_METHODS = ("otp",)


def is_offered() -> bool:
    """Tell whether the site can ask for backup codes, and for Cognito's tokens after one.

    There is no such way where a sign-in asks for more than a code.
    """
    is_enough = _STEPS.issuperset(conf.sign_in_plan)
    return bool(is_enough and conf.texts_function and conf.site_client_id and conf.site_key)


@sensitive_variables("code")
def finish(request: HttpRequest, phone: str, code: str, *, next_url: str) -> completion.SignedIn:
    """Sign in the person with this number (E.164) and backup code.

    Raises BackupCodeRefused, whatever of the two is wrong; InUse, TooMany, Unavailable.
    """
    with attempt_steps.step("login", request) as this:
        if session := this.held.just_signed_in(answer=code):
            return completion.replay(request, session)
        this.waiting = Pending(
            attempt=secrets.token_urlsafe(12),
            phone=phone,
            next_url=next_url,
            challenge=None,
            reference=sign_ins.draw_reference(),
            texted_at=time.time(),
            methods=" ".join(_METHODS),
            way="backup_code",
        )
        attempt_steps.within_limits("wrong_codes", request, reason="network")
        found = _proven(this, phone, code)
        throttle.give_back(request)
        user = completion.authenticated_user(this, this.required(), _granted(found))
        if not completion.let_in(this, user):
            return completion.ask_about_others()
        this.held.signed_in(request.session.session_key or "", answer=code)
    return completion.after_sign_in(user, next_url, way="backup_code")


@sensitive_variables("code")
def _proven(this: Step, phone: str, code: str) -> User:
    """Return the person whose code it is, which is used up. Raises BackupCodeRefused."""
    user = User.objects.by_phone(conf.user_pool_id, phone)
    try:
        # Asked for strangers as well, so that the answer takes as long.
        is_right = backup_codes.check(
            user.sub if user else challenges.nobody(phone),
            code,
            is_known=user is not None and known_browsers.is_known(this.request, user),
        )
    except functions.FunctionError as error:
        throttle.give_back(this.request)
        raise attempt_steps.unavailable(error) from error
    if user is None or not is_right:
        raise BackupCodeRefused(reason="wrong_backup_code")
    this.user = user
    this.waiting = replace(this.required(), sub=user.sub)
    if not user.is_active:
        raise BackupCodeRefused(reason="shut_out")
    return user


def _granted(user: User) -> Tokens:
    """Return Cognito's tokens for the person. Raises BackupCodeRefused, Unavailable."""
    try:
        return cognito.site_gateway().sign_in_proven(user.sub, methods=_METHODS)
    except (cognito.Refused, cognito.UnknownUser) as error:
        log.info("Cognito refuses %s, who used a backup code: %s", user.sub, error)
        raise BackupCodeRefused(reason="refused") from error
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error
