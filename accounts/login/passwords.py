"""Begin a sign-in with a password, which Cognito checks before a code is texted.

The password is in memory for this one request: nothing keeps it, logs it or sends it on. What is
wrong is the same for everybody, and takes as long: a wrong password, a number without an account,
one that may not sign in.
"""

import logging

from django.views.decorators.debug import sensitive_variables

from accounts import phones
from accounts.aws import cognito
from accounts.aws.cognito_values import PasswordAsked
from accounts.login import attempt_steps, challenges
from accounts.login.code_flow import Begun
from accounts.login.errors import FurtherStep, WrongPassword
from accounts.models import User

log = logging.getLogger(__name__)

# The further step of somebody whose password was right, and must be replaced.
NEW_PASSWORD = "NEW_PASSWORD"  # noqa: S105 - the name of a step


@sensitive_variables("password")
def begin(phone: str, known: User | None, password: str) -> Begun:
    """Start a challenge, which texts a code if the password is right.

    Raises WrongPassword, FurtherStep for a password that must be replaced first, Unavailable.
    """
    try:
        gateway = cognito.gateway()
        asked = _ask(gateway, phone, known)
        challenge = gateway.prove_password(asked, password)
    except cognito.NewPasswordNeeded as error:
        raise FurtherStep(NEW_PASSWORD, reason="further_step") from error
    except (cognito.Refused, cognito.UnknownUser) as error:
        log.info("Wrong password for %s", phones.mask(phone))
        is_shut_out = known is not None and not known.is_active
        raise WrongPassword(reason="shut_out" if is_shut_out else "wrong_password") from error
    except cognito.OtherChallenge as error:
        if error.name == "NEW_PASSWORD_REQUIRED":
            raise FurtherStep(NEW_PASSWORD, reason="further_step") from error
        raise attempt_steps.unavailable(error) from error
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error
    return Begun(challenge, known.sub if known else None)


def _ask(gateway: cognito.Gateway, phone: str, known: User | None) -> PasswordAsked:
    """Let Cognito ask for the password; for somebody who may not sign in, that of nobody."""
    if known is None or known.is_active:
        try:
            return gateway.ask_password(phone)
        except (cognito.Refused, cognito.UnknownUser) as error:
            log.info("Cognito asks %s for no password (%s)", phones.mask(phone), error)
    return gateway.ask_password(challenges.nobody(phone))
