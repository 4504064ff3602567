"""Sign-in by number and backup code, for people whose phone is gone.

A function of the triggers' stack counts and takes the code, and ``proven_login`` does the rest.
Whether a number has an account, or any codes, is not told.
"""

from dataclasses import replace
from functools import partial

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import backup_codes, functions
from accounts.conf import conf
from accounts.login import (
    attempt_steps,
    challenges,
    completion,
    known_browsers,
    proven_login,
    throttle,
)
from accounts.login.attempt_steps import Step
from accounts.login.errors import BackupCodeRefused
from accounts.models import User

# Where a sign-in has others, a backup code alone would be weaker than it.
_STEPS = {"proof", "captcha", "code"}
# How the tokens name it (RFC 8176).
_METHODS = "otp"


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
    return proven_login.finish(
        request,
        code,
        way="backup_code",
        prove=partial(_proven, code=code),
        refused=BackupCodeRefused,
        phone=phone,
        next_url=next_url,
    )


@sensitive_variables("code")
def _proven(this: Step, *, code: str) -> User:
    """Return the person whose code it is, which is used up. Raises BackupCodeRefused."""
    phone = this.required().phone
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
    this.waiting = replace(this.required(), sub=user.sub, methods=_METHODS)
    return user
