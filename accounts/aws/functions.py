"""Ask a function of the triggers' stack, once: a repeated call is a second text, or a code used up.

    FunctionError
    ├── Unavailable      no answer, or one that makes no sense: try again later
    │   └── NoAnswer         it was asked, and no answer says whether it was done
    └── Misconfigured    its setting is empty, or the site may not invoke it

Each names the setting of its function. None holds a phone or a code, so each may be logged.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from django.views.decorators.debug import sensitive_variables

from accounts.aws import call_limits, clients
from accounts.conf import conf

T = TypeVar("T")

Setting = Literal["LEDGER_FUNCTION", "TEXTS_FUNCTION"]

_THEIR_FAULT = 500  # and above: statuses of HTTP
_OUR_FAULTS = (
    "AccessDeniedException",
    "InvalidSignatureException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
)


class FunctionError(Exception):
    pass


class Unavailable(FunctionError):
    pass


class NoAnswer(Unavailable):
    pass


class Misconfigured(FunctionError):
    pass


@sensitive_variables()
def ask(setting: Setting, event: dict[str, Any], read: Callable[[dict[str, Any]], T]) -> T:
    """Return what ``read`` makes of the answer to ``event``. Raises FunctionError.

    A KeyError, TypeError or ValueError of ``read`` means that the answer makes no sense.
    """
    name = {"LEDGER_FUNCTION": conf.ledger_function, "TEXTS_FUNCTION": conf.texts_function}[setting]
    if not name:
        raise Misconfigured(f"{setting} is not set")

    def invoke() -> tuple[Any, bool]:
        reply = _client().invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(reply["Payload"].read()), bool(reply.get("FunctionError"))

    try:
        answer, has_failed = call_limits.calls_to(name).run(invoke)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind: type[FunctionError] = NoAnswer if status >= _THEIR_FAULT else Unavailable
        if code in _OUR_FAULTS:
            kind = Misconfigured
        raise kind(f"{setting}: {code}") from error
    except call_limits.NO_ANSWER as error:
        raise NoAnswer(f"{setting}: {type(error).__name__}") from error
    except (BotoCoreError, call_limits.CallError) as error:
        raise Unavailable(f"{setting}: {type(error).__name__}") from error
    except Exception as error:
        # botocore lets a garbage reply through as it comes.
        raise NoAnswer(f"{setting}: the answer makes no sense") from error
    if has_failed and isinstance(answer, dict):
        raise Unavailable(f"{setting}: it failed: {answer.get('errorType', 'unknown')!s:.60}")
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise NoAnswer(f"{setting}: the answer makes no sense") from error


@cache
def _client() -> Any:
    return clients.make(
        "lambda",
        region=conf.region,
        endpoint_url=conf.endpoint_url,
        # Seconds. The functions have 5, and a cold start comes before them.
        read_timeout=8,
        connections=conf.web_threads,
    )
