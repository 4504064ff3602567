"""One attempt at an AWS service, and the meaning of its refusal.

A retried call is a second text: no service takes a token that would tell it is the same one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from .. import environment
from .contract import Reason, SendError

_CONNECT_TIMEOUT = 0.5
_READ_TIMEOUT = 1.5
_CONFIG = Config(
    connect_timeout=_CONNECT_TIMEOUT,
    read_timeout=_READ_TIMEOUT,
    retries={"total_max_attempts": 1},
)
# Seconds. The handshake of TLS comes after that of TCP, under the same limit.
LONGEST_ATTEMPT = 2 * _CONNECT_TIMEOUT + _READ_TIMEOUT

_REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"
# No digits, so that no phone and no code can be in it, whatever a service answers.
_WORD = re.compile(r"[A-Za-z_.]{1,100}")
_THROTTLES = {
    "KMSThrottling",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottledRequestException",
    "ThrottlingException",
    "TooManyRequestsException",
}
_UNREACHABLE = (exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError)
# Raised before a connection is opened.
_OWN_FAULT = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.ParamValidationError,
)


@dataclass(frozen=True)
class Refusal:
    """The refusal of a service; fields are empty where it said nothing that can be read.

    ``reason`` and ``fields`` (the parameters that it blames) come from few services.
    """

    status: int
    code: str
    reason: str
    fields: frozenset[str]
    message: str = field(repr=False)


def client(service: str) -> Any:
    """Return a client for ``service`` in SMS_REGION, or in the function's own region."""
    region = environment.matching("SMS_REGION", _REGION, hint="a region such as eu-west-1")
    make: Any = boto3.client
    return make(service, region_name=region, config=_CONFIG)


def call(
    client: Any,
    operation: str,
    parameters: dict[str, Any],
    reason_of: Callable[[Refusal], Reason | None],
) -> dict[str, Any]:
    """Call ``operation`` of ``client`` once and return its reply. Raises SendError.

    ``reason_of`` knows the service's own refusals, and leaves the others with None.
    """
    send = getattr(client, operation, None)
    if send is None:
        # The runtime brings its own boto3, which may be older than the operation.
        raise SendError(Reason.MISCONFIGURED, "UnknownOperation", certain=True)
    try:
        reply = send(**parameters)
        if isinstance(reply, dict):
            return reply
        failure = unreadable("NoReply")
    except exceptions.ClientError as error:
        failure = _refused(_read(error.response), reason_of)
    except _UNREACHABLE as error:
        failure = SendError(Reason.PROVIDER_DOWN, type(error).__name__, certain=True)
    except _OWN_FAULT as error:
        failure = SendError(Reason.MISCONFIGURED, type(error).__name__, certain=True)
    # All the rest: a reply that never came, and the builtins that botocore lets through when
    # one came that it cannot read. Either way the text may be gone.
    except Exception as error:
        failure = unreadable(type(error).__name__)
    finally:
        # A connection that is kept may die while the function is frozen. One learns that by using
        # it, and then there is no second attempt, nor a way to tell whether the text has left.
        client.close()
    # Raised out here it has no context: botocore's error quotes the phone and the text.
    raise failure


def message_id(reply: dict[str, Any], name: str = "MessageId") -> str:
    """Return the id in a reply, which services call ``name``. Raises SendError."""
    found = reply.get(name)
    if not (isinstance(found, str) and found):
        raise unreadable("NoMessageId")
    return found


def unreadable(detail: str) -> SendError:
    """Return the error for a reply that does not say whether the text has left."""
    return SendError(Reason.PROVIDER_DOWN, detail, certain=False)


def word(value: Any) -> str:
    """Return ``value`` if it can be one of a service's own words, else an empty string."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _read(response: Any) -> Refusal:
    """Read the response of a ClientError. Never raises."""
    error = response.get("Error") or {}
    fields = response.get("Fields") or []
    return Refusal(
        status=response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
        code=word(error.get("Code")),
        reason=word(response.get("Reason")),
        fields=frozenset(word(one.get("Name")) for one in fields if isinstance(one, dict)),
        message=str(error.get("Message")),
    )


def _refused(refusal: Refusal, reason_of: Callable[[Refusal], Reason | None]) -> SendError:
    reason = reason_of(refusal)
    if reason is None:
        if refusal.code in _THROTTLES or refusal.status == 429:
            reason = Reason.THROTTLED
        elif refusal.status >= 500:
            reason = Reason.PROVIDER_DOWN
        else:
            reason = Reason.MISCONFIGURED
    detail = " ".join(filter(None, (refusal.code or f"HTTP {refusal.status}", refusal.reason)))
    # A 5xx without the service's own code comes from a proxy before it that gave up waiting.
    return SendError(reason, detail, certain=bool(refusal.code) or refusal.status < 500)
