"""Errors of the user pool, and the one translation of what AWS says into them.

    CognitoError
    ├── Refused          the sign-in is over: too many tries, session spent or expired, disabled
    │   ├── UsedUp           others typed wrong codes, and no try is left here
    │   ├── NotConfirmed     nobody ever proved to have the number that the account is named by
    │   └── NewPasswordNeeded    an operator of the pool has ordered that the password be reset
    ├── UnknownUser      no such user (at sign-in, only pools that reveal it say so)
    │   ├── NumberUnproven   accounts have the number, and none of them has proven it
    │   └── NumberShared     several accounts have proven the number
    ├── WrongAnswer      to a challenge of Cognito's own, which may be answered again
    │   └── ExpiredAnswer    a code that is too old, or was used before
    ├── PhoneTaken       the number belongs to another user
    ├── Busy             Cognito asks for fewer requests
    └── Unavailable      no answer, a fault on their side, or a reply that makes no sense
        ├── NoAnswer         it was asked, and no reply says whether it was done
        ├── LaneClosed       no flow began in the lane of known browsers
        └── Misconfigured    a fault on ours: settings, permissions, client, triggers
            └── OtherChallenge(name)    a step of Cognito's own, which this site cannot answer

None of them holds a phone, a code or a session, so each may be logged; AWS's own error is the
``__cause__`` and may not. Callers name them ``cognito.Refused`` and so on.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from accounts.aws import call_limits


class CognitoError(Exception):
    pass


class Refused(CognitoError):
    pass


class UsedUp(Refused):
    pass


class NotConfirmed(Refused):
    pass


class NewPasswordNeeded(Refused):
    pass


class UnknownUser(CognitoError):
    pass


class NumberUnproven(UnknownUser):
    pass


class NumberShared(UnknownUser):
    pass


class WrongAnswer(CognitoError):
    pass


class ExpiredAnswer(WrongAnswer):
    pass


class PhoneTaken(CognitoError):
    pass


class Busy(CognitoError):
    pass


class Unavailable(CognitoError):
    pass


class NoAnswer(Unavailable):
    pass


class LaneClosed(Unavailable):
    pass


class Misconfigured(Unavailable):
    pass


class OtherChallenge(Misconfigured):
    """``name`` is Cognito's, such as SOFTWARE_TOKEN_MFA."""

    def __init__(self, name: str, why: str = "") -> None:
        super().__init__(f"The pool asks for {name!r:.40}{why and ': '}{why}")
        self.name = name


_OUR_FAULTS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    NoRegionError,
    ParamValidationError,
)

_BY_CODE: dict[str, type[CognitoError]] = {
    "NotAuthorizedException": Refused,
    "PasswordResetRequiredException": NewPasswordNeeded,
    "UserNotConfirmedException": NotConfirmed,
    "CodeMismatchException": WrongAnswer,
    "EnableSoftwareTokenMFAException": WrongAnswer,
    "ExpiredCodeException": ExpiredAnswer,
    "UserNotFoundException": UnknownUser,
    "UsernameExistsException": PhoneTaken,
    "AliasExistsException": PhoneTaken,
    "TooManyRequestsException": Busy,
    "LimitExceededException": Busy,
    "ThrottlingException": Busy,
    # A trigger failed, most often because the text could not be sent.
    "UserLambdaValidationException": Unavailable,
    "UnexpectedLambdaException": Unavailable,
    "InvalidLambdaResponseException": Unavailable,
    "InternalErrorException": NoAnswer,
    "ServiceUnavailable": NoAnswer,
    "AccessDeniedException": Misconfigured,
    "ForbiddenException": Misconfigured,
    "ExpiredTokenException": Misconfigured,
    "InvalidSignatureException": Misconfigured,
    "UnrecognizedClientException": Misconfigured,
    "InvalidParameterException": Misconfigured,
    "InvalidPasswordException": Misconfigured,
    "InvalidUserPoolConfigurationException": Misconfigured,
    "ResourceNotFoundException": Misconfigured,
    "UnsupportedUserStateException": Misconfigured,
}

# After these the next step can be had by nobody before an operator has changed something.
_BROKEN_FACTORS = {
    "InvalidSmsRoleAccessPolicyException": "SMS_MFA",
    "InvalidSmsRoleTrustRelationshipException": "SMS_MFA",
    "InvalidEmailRoleAccessPolicyException": "EMAIL_OTP",
    "SoftwareTokenMFANotFoundException": "SOFTWARE_TOKEN_MFA",
    "MFAMethodNotFoundException": "SELECT_MFA_TYPE",
}

_THEIR_FAULT = 500  # and above: statuses of HTTP
_DIGITS = re.compile(r"\+?[0-9]{5,}")


@contextmanager
def translated() -> Iterator[None]:
    """Raise a CognitoError for whatever a call raises, and whatever reading its reply raises."""
    try:
        yield
    except CognitoError:
        raise
    except ClientError as error:
        raise _from_code(error) from error
    except _OUR_FAULTS as error:
        raise Misconfigured(type(error).__name__) from error
    except call_limits.NO_ANSWER as error:
        raise NoAnswer(type(error).__name__) from error
    except (BotoCoreError, call_limits.NotSent) as error:
        raise Unavailable(type(error).__name__) from error
    except Exception as error:
        # botocore lets a garbage reply through as it comes: UnicodeDecodeError for binary,
        # AttributeError for a list, and an empty object is a KeyError in cognito_values.
        raise NoAnswer("The reply makes no sense") from error


def _from_code(error: ClientError) -> CognitoError:
    details = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", ""))
    if factor := _BROKEN_FACTORS.get(code):
        return OtherChallenge(factor, code)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = _BY_CODE.get(code, NoAnswer if status >= _THEIR_FAULT else Unavailable)
    if kind is Unavailable and message.startswith("PreAuthentication "):
        # It refuses, or fails, before anything else is done.
        kind = LaneClosed
    if code == "NotAuthorizedException" and "secret" in message.lower():
        kind = Misconfigured
    if code == "InvalidParameterException" and "session" in message.lower():
        kind = Refused
    if kind is Misconfigured:
        # The person who has to correct it needs AWS's words, which may quote a phone.
        return kind(f"{code}: {_DIGITS.sub('…', message)[:300]}")
    return kind(code)
