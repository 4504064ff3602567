"""Send texts outside a sign-in: a code that proves a number, and notices.

And the code of a sign-in by another channel, which Cognito cannot be asked for.

A function of the triggers' stack sends them, since the limits, the key of the codes and the
senders are there. Every call is sent once: a repeated one is a second text, or a code taken twice.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions
from accounts.aws.challenges import CodeChallenge
from accounts.aws.challenges.code import read_channels

T = TypeVar("T")

Notice = Literal[
    "number_changed",
    "invited",
    "passkey_added",
    "passkey_removed",
    "email_changed",
    "second_number_changed",
    "second_number_used",
]
# With a word, by which whoever gets it stops what it tells.
Warned = Literal["recovery_started"]
# The act that a code allows. Codes of a sign-in are sent by Cognito's triggers, but for those that
# go elsewhere than to the number that was typed.
Purpose = Literal["change_number", "confirm", "address", "second_number", "by_mail", "by_second"]


@dataclass(frozen=True)
class Proof:
    """A code on its way to a number, or what looks like one.

    Times are in seconds since the epoch. ``delivery`` is "sent" or why no text left, ``open_at``
    when one leaves to every number again, and ``texted_at`` when the code was texted last
    (``StartedChallenge`` in lambdas/triggers/codes/sending.py); ``said_at`` is when the function
    said so, by its clock; ``reference`` is what support finds it by, and ``channels`` how else it
    can be sent.
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
    channels: str = ""
    open_at: int = 0


@sensitive_variables()
def prove(
    phone: str,
    *,
    user_sub: str,
    language: str,
    purpose: Purpose = "change_number",
    channel: str = "text",
    address: str = "",
    second: str = "",
    is_known: bool = False,
) -> Proof:
    """Text a code to ``phone`` (E.164) that proves it for the user, and for nobody else.

    ``language`` is that of the page, such as ``pt-br``. With ``channel`` it comes by another one,
    by "email" to the ``address`` that it proves, within limits of the user and of the mailbox.
    "by_mail" and "by_second" (the number ``second``) are sign-ins of the account with ``phone``,
    whose code goes elsewhere; ``is_known``: the browser is known to it. Raises FunctionError.
    """
    return functions.ask(
        "TEXTS_FUNCTION",
        {
            "action": "prove",
            "phone": phone,
            "user": user_sub,
            "language": language,
            "purpose": purpose,
            "channel": channel,
            **_named(address=address, second=second, is_known=is_known),
        },
        _proof,
    )


@sensitive_variables()
def send_by(channel: str, *, username: str, is_known: bool) -> Proof:
    """Send the code of a sign-in by another channel. Raises FunctionError.

    ``username`` is Cognito's name of the account, or the one that took its place. ``is_known``: the
    sign-in is of the client for known browsers.
    """
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "send_by", "channel": channel, "user_name": username, "is_known": is_known},
        _proof,
    )


def challenge_of(proof: Proof) -> CodeChallenge:
    """Return a proof in the form in which what a browser waits for is kept."""
    return CodeChallenge(
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
        open_at=proof.open_at,
        channels=proof.channels,
    )


def sent_again(challenge: CodeChallenge, proof: Proof, *, channel: str) -> CodeChallenge:
    """Return a challenge whose code went out again, and which has the tries that it had."""
    return replace(
        challenge,
        expires_at=proof.expires_at,
        resend_at=proof.resend_at,
        code_length=proof.code_length,
        delivery=proof.delivery,
        reference=proof.reference,
        texted_at=proof.texted_at,
        said_at=proof.said_at,
        open_at=proof.open_at,
        channel=channel,
    )


@sensitive_variables()
def check(
    phone: str,
    *,
    user_sub: str,
    challenge_id: str,
    expires_at: int,
    code: str,
    purpose: Purpose = "change_number",
    address: str = "",
    second: str = "",
    is_known: bool = False,
) -> bool:
    """Tell whether ``code`` is the one that was texted. It is so once. Raises FunctionError."""
    return functions.ask(
        "TEXTS_FUNCTION",
        {
            "action": "check",
            "phone": phone,
            "user": user_sub,
            "challenge_id": challenge_id,
            "expires_at": expires_at,
            "code": code,
            "purpose": purpose,
            **_named(address=address, second=second, is_known=is_known),
        },
        lambda answer: _typed(answer["is_correct"], bool),
    )


@sensitive_variables()
def tell(phone: str, message: Notice, *, language: str) -> str:
    """Text a notice without a code. Returns "sent", or why it was not. Raises FunctionError."""
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "tell", "phone": phone, "message": message, "language": language},
        lambda answer: _typed(answer["delivery"], str),
    )


@sensitive_variables()
def warn(
    message: Warned, *, word: str, phone: str = "", user_sub: str = "", language: str = ""
) -> str:
    """Text a notice to ``phone``, or mail it to the verified address of the account ``user_sub``.

    Returns "sent", or why it was not. Raises FunctionError.
    """
    whom = {"phone": phone, "language": language} if phone else {"user_name": user_sub}
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "tell", "message": message, "word": word, **whom},
        lambda answer: _typed(answer["delivery"], str),
    )


@sensitive_variables()
def look_up(phone: str, *, user_sub: str) -> str:
    """Return of which type a number is, in the words of AWS (``VOIP``). Raises FunctionError.

    "" where no code of the number was right a moment ago, or it was asked for after that code.
    """
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "look_up", "phone": phone, "user": user_sub},
        lambda answer: _typed(answer["type"], str),
    )


@dataclass(frozen=True)
class Stopped:
    """``until`` is in seconds since the epoch, 0 where texts are sent again."""

    until: int


@sensitive_variables()
def stop(phone: str, word: str, *, lift: bool, second_of: list[tuple[str, str]]) -> Stopped | None:
    """Stop texts that anybody can ask for, or send them again.

    ``second_of`` are number and sub of accounts whose second number it is. None where the word is
    of no text to ``phone``. Raises FunctionError.
    """

    def read(answer: dict[str, Any]) -> Stopped | None:
        is_done = _typed(answer["is_done"], bool)
        return Stopped(_typed(answer["until"], int)) if is_done else None

    return functions.ask(
        "TEXTS_FUNCTION",
        {
            "action": "stop",
            "phone": phone,
            "word": word,
            "lift": lift,
            "second_of": [{"phone": first, "user": sub} for first, sub in second_of],
        },
        read,
    )


@sensitive_variables()
def open_link(phone: str, *, user_sub: str, word: str) -> str:
    """Return the code of the mail whose link has ``word``, once; "" where none can be right.

    Raises FunctionError.
    """
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "open_link", "phone": phone, "user": user_sub, "word": word},
        lambda answer: _typed(answer["code"], str)[:8],
    )


def forget_second_number(user_sub: str) -> None:
    """Let no code go to a second number of the user any more. Raises FunctionError."""
    asked = {"action": "forget_second_number", "user": user_sub}
    functions.ask("TEXTS_FUNCTION", asked, lambda reply: None)


def _named(**facts: str | bool) -> dict[str, str | bool]:
    return {name: value for name, value in facts.items() if value}


def _proof(answer: dict[str, Any]) -> Proof:
    return Proof(
        challenge_id=str(answer["challenge_id"]),
        expires_at=int(answer["expires_at"]),
        resend_at=int(answer["resend_at"]),
        tries_left=int(answer["tries_left"]),
        code_length=int(answer["code_length"]),
        delivery=str(answer["delivery"]),
        reference=str(answer["reference"])[:8],
        texted_at=int(answer["texted_at"]) if answer.get("texted_at") else None,
        said_at=int(answer["now"]) if answer.get("now") else None,
        channels=read_channels(answer.get("channels")),
        open_at=int(answer.get("open_at") or 0),
    )


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(type(value))
    return value
