"""Texts beside those of a sign-in: the proof of a number, and notices.

A function of the triggers' stack sends them, since the limits, the key of the codes and the
senders are there. Every call is sent once: a repeated one is a second text, or a code taken twice.

    TextsError
    ├── Unavailable      no answer, or one that makes no sense: try again later
    │   └── NoAnswer         it was asked, and what was asked may have been done
    └── Misconfigured    TEXTS_FUNCTION is not set, or the site may not invoke it

None of them holds a phone or a code, so each may be logged.
"""

import json
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from django.views.decorators.debug import sensitive_variables

from accounts import outbound
from accounts.cognito import Challenge
from accounts.conf import conf

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Notice = Literal["number_changed", "invited"]
# What a code is good for; a sign-in's is no business of this function.
Purpose = Literal["change_number", "confirm"]

_OUR_FAULTS = (
    "AccessDeniedException",
    "InvalidSignatureException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
)


class TextsError(Exception):
    pass


class Unavailable(TextsError):
    pass


class NoAnswer(Unavailable):
    pass


class Misconfigured(TextsError):
    pass


@dataclass(frozen=True)
class Proof:
    """A code on its way to a number, or what looks like one.

    Times are in seconds since the epoch. ``delivery`` is "sent" or why no text left, and
    ``texted_at`` when the code was texted last (``Begun`` in lambdas/triggers/codes.py);
    ``said_at`` is when the function said so, by its clock;
    ``reference`` is what support finds it by.
    """

    challenge_id: str
    expires_at: int
    resend_at: int
    tries_left: int
    code_length: int
    delivery: str
    reference: str
    texted_at: int | None = None
    said_at: int | None = None


def prove(phone: str, *, user_sub: str, language: str, purpose: Purpose = "change_number") -> Proof:
    """Text a code to ``phone`` (E.164) that proves it for the user, and for nobody else.

    ``language`` is that of the page, such as ``pt-br``. Raises TextsError.
    """
    asked = {"action": "prove", "phone": phone, "user": user_sub, "language": language}
    reply = _ask({**asked, "purpose": purpose})
    try:
        return Proof(
            challenge_id=str(reply["challenge_id"]),
            expires_at=int(reply["expires_at"]),
            resend_at=int(reply["resend_at"]),
            tries_left=int(reply["tries_left"]),
            code_length=int(reply["code_length"]),
            delivery=str(reply["delivery"]),
            reference=str(reply["reference"])[:8],
            texted_at=int(reply["texted_at"]) if reply.get("texted_at") else None,
            said_at=int(reply["now"]) if reply.get("now") else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("The reply makes no sense") from error


def challenge_of(proof: Proof) -> Challenge:
    """Return a proof in the form in which what a browser waits for is kept."""
    return Challenge(
        session=proof.challenge_id,
        username="",
        expires_at=proof.expires_at,
        resend_at=proof.resend_at,
        tries_left=proof.tries_left,
        code_length=proof.code_length,
        delivery=proof.delivery,
        reference=proof.reference,
        texted_at=proof.texted_at,
        said_at=proof.said_at,
    )


@sensitive_variables("code")
def check(
    phone: str,
    *,
    user_sub: str,
    challenge_id: str,
    expires_at: int,
    code: str,
    purpose: Purpose = "change_number",
) -> bool:
    """Tell whether ``code`` is the one that was texted. It is so once. Raises TextsError."""
    reply = _ask(
        {
            "action": "check",
            "phone": phone,
            "user": user_sub,
            "challenge_id": challenge_id,
            "expires_at": expires_at,
            "code": code,
            "purpose": purpose,
        }
    )
    if not isinstance(reply.get("is_correct"), bool):
        raise Unavailable("The reply makes no sense")
    return bool(reply["is_correct"])


def tell(phone: str, message: Notice, *, language: str) -> str:
    """Text a notice without a code. Returns "sent", or why it was not. Raises TextsError."""
    reply = _ask({"action": "tell", "phone": phone, "message": message, "language": language})
    if not isinstance(reply.get("delivery"), str):
        raise Unavailable("The reply makes no sense")
    return str(reply["delivery"])


@sensitive_variables()
def _ask(event: dict[str, Any]) -> dict[str, Any]:
    if not conf.texts_function:
        raise Misconfigured("TEXTS_FUNCTION is not set")
    try:
        payload, failed = outbound.calls_to(conf.texts_function).run(partial(_invoke, event))
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        raise (Misconfigured if code in _OUR_FAULTS else Unavailable)(code) from error
    except (ReadTimeoutError, ConnectionClosedError, outbound.NoAnswer) as error:
        raise NoAnswer(type(error).__name__) from error
    except (BotoCoreError, outbound.CallError) as error:
        raise Unavailable(type(error).__name__) from error
    except Exception as error:
        # botocore lets a garbage reply through as it comes.
        raise Unavailable("The reply makes no sense") from error
    if not isinstance(payload, dict):
        raise Unavailable("The reply makes no sense")
    if failed:
        raise Unavailable(f"The function failed: {payload.get('errorType', 'unknown')!s:.60}")
    return payload


@sensitive_variables()
def _invoke(event: dict[str, Any]) -> tuple[Any, bool]:
    """Return what the function answers, and whether it failed."""
    reply = _client().invoke(FunctionName=conf.texts_function, Payload=json.dumps(event))
    return json.loads(reply["Payload"].read()), bool(reply.get("FunctionError"))


@cache
def _client() -> "LambdaClient":
    return boto3.Session().client(
        "lambda",
        region_name=conf.region,
        endpoint_url=conf.endpoint_url,
        # The function has 5 s, and a cold start comes before them.
        config=Config(connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 1}),
    )
