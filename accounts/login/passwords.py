"""Begin a sign-in with a password, which Cognito checks before a code is texted.

The password is in memory for this one request: nothing keeps it, logs it or sends it on. A wrong
password, a number without an account and an account that may not sign in get the same answer,
after the same time.
"""

import logging

from django.views.decorators.debug import sensitive_variables

from accounts import phones
from accounts.aws import cognito
from accounts.aws.challenges import Challenge
from accounts.aws.cognito_by_attribute import GatewayByAttribute
from accounts.aws.cognito_values import PasswordAsked
from accounts.conf import conf
from accounts.login import attempt_steps, challenges
from accounts.login.errors import FurtherStep, WrongPassword
from accounts.login.flow import Begun
from accounts.models import User

log = logging.getLogger(__name__)

# The further step of somebody whose password was right, and must be replaced.
NEW_PASSWORD = "NEW_PASSWORD"  # noqa: S105 - the name of a step


@sensitive_variables("password")
def begin(phone: str, known: User | None, password: str, *, proof: str = "") -> Begun:
    """Start a challenge, which texts a code if the password is right.

    Raises WrongPassword, FurtherStep for a password that must be replaced first, Unavailable.
    """
    sub = known.sub if known else None
    reason = "wrong_password"
    try:
        gateway = cognito.gateway()
        name = phone
        if isinstance(gateway, GatewayByAttribute):
            holder, why = challenges.holder_of(gateway, phone, known)
            sub, reason = (holder.sub, reason) if holder else (None, why)
            name = holder.username if holder else ""
            proof = proof if known and known.sub == sub else ""
        elif known and not known.is_active:
            name, reason = "", "shut_out"
        challenge = _challenge(gateway, phone, name, proof, password)
    except cognito.NewPasswordNeeded as error:
        raise FurtherStep(NEW_PASSWORD, reason="further_step") from error
    except (cognito.Refused, cognito.UnknownUser) as error:
        log.info("Wrong password for %s", phones.mask(phone))
        raise WrongPassword(reason=reason) from error
    except cognito.OtherChallenge as error:
        if error.name == "NEW_PASSWORD_REQUIRED":
            raise FurtherStep(NEW_PASSWORD, reason="further_step") from error
        raise attempt_steps.unavailable(error) from error
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error
    return Begun(challenge, sub)


@sensitive_variables("password")
def _challenge(
    gateway: cognito.Gateway, phone: str, name: str, proof: str, password: str
) -> Challenge:
    """Prove the password of ``name``, or of nobody where that is "". Raises CognitoError.

    Where Cognito asks ``name`` for none, there are as many calls, and the same arithmetic, as for a
    wrong password.
    """
    nobody = challenges.nobody(phone)
    if not name:
        return gateway.prove_password(gateway.ask_password(nobody), password)
    try:
        given = _ask_in_lane(gateway, name, proof)
    except (cognito.Refused, cognito.UnknownUser) as error:
        log.info("Cognito asks %s for no password (%s)", phones.mask(phone), error)
        given = gateway.ask_password(nobody)
        given.proof.answers(given.asked, password, pool_id=conf.user_pool_id)
        # No password was asked for, so nothing may be said of it.
        raise cognito.Refused(type(error).__name__) from error
    return gateway.prove_password(given, password)


def _ask_in_lane(gateway: cognito.Gateway, name: str, proof: str) -> PasswordAsked:
    try:
        return gateway.ask_password(name, proof=proof)
    except (cognito.LaneClosed, cognito.Misconfigured) as error:
        if not proof:
            raise
        log.error("The lane of known browsers is closed: %r", error)  # noqa: TRY400
        return gateway.ask_password(name)
