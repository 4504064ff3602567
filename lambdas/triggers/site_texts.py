"""SiteTexts: what the site asks for apart from a sign-in, within the same limits.

    {"action": "prove", "phone": "+1…", "user": sub, "language": "en"}
        texts a code that proves a number which is not the user's yet, or with "purpose": "confirm"
        a code by which a signed-in user proves that it is still they. Answers with challenge_id,
        expires_at, resend_at, texted_at, now, tries_left, code_length, delivery, open_at and
        reference, as ``codes.sending.StartedChallenge`` explains them, and with the channels by
        which such a code can be sent as well. "channel" is one of them, for "confirm" alone
    {"action": "send_by", "channel": "voice" | "whatsapp" | "email", "user_name": …, "is_known": …}
        sends the code of a sign-in that is under way by another channel, and answers like "prove".
        ``user_name`` is Cognito's. Cognito says where the code goes and in which language: the site
        can have it sent nowhere else. ``is_known``: the sign-in is of the client for known browsers
    {"action": "check", "phone": …, "user": …, "challenge_id": …, "expires_at": …, "code": …}
        counts and compares an answer, for the "purpose" that the code was texted for, and says
        whether it is right: {"is_correct": true}, once
    {"action": "tell", "phone": …, "message": …, "language": …}
        texts one of ``messages.NOTICES``, without a code: {"delivery": "sent", or why not}
    {"action": "stop", "phone": …, "word": that of a text, "lift": bool}
        sends no more texts to the number that strangers can ask for, for STOP_HOURS, or with "lift"
        sends them again: {"is_done": bool, "until": seconds since the epoch}
    {"action": "new_authenticator", "user": sub}
        draws the secret of an authenticator app: {"salt": …, "secret": in base 32}. It counts once
        the salt is an attribute of the user (``authenticators``), which the site writes after
    {"action": "check_authenticator", "user": …, "salt": …, "code": …}
        has counted and compared a code of the app: {"is_correct": true}, once
    {"action": "new_backup_codes", "user": sub}
        draws ten backup codes in place of all earlier ones, and says them this once: {"codes": […]}
    {"action": "backup_codes", "user": …}
        says how many of them are left: {"left": …}
    {"action": "check_backup_code", "user": …, "code": …, "is_known": bool}
        has counted and compared one: {"is_correct": true}, once. ``is_known``: the browser is known
    {"action": "question", "user": …}
        says which secret question is the user's: {"question": …, "is_answered": bool}
    {"action": "keep_answer", "user": …, "answer": …}
        keeps an answer to it, in place of an earlier one: {"is_kept": bool}, false for one that is
        too short or too long
    {"action": "dry_run"}
        does as "prove" does for a number that is nobody's, and texts nobody: {"delivery": …}

A code is made for one user and for proving alone: it signs nobody in, and no sign-in code proves
anything here. IAM decides who may invoke this function. The site holds neither the key nor the
table: phones, counts and codes are checked here.
"""

import re
import time
from typing import Any

from . import (
    authenticators,
    backup_codes,
    dry_run,
    errors,
    ledger,
    limits,
    messages,
    phones,
    pool_accounts,
    secret_answers,
    senders,
    stop_words,
    telemetry,
)
from .backup_codes import Lane
from .challenge import Challenge
from .codes import checking, notices, purposes, recipients, sending
from .codes.pace import milliseconds_since
from .codes.purposes import Purpose
from .codes.sending import StartedChallenge
from .limits import TRIES_PER_CODE
from .senders import Channel

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_USER = re.compile(r"[A-Za-z0-9_:-]{1,64}")
# As wide as Cognito's own pattern for it.
_USER_NAME = re.compile(r"\S{1,128}")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do the event's action and return its answer.

    Raises ValueError where the event lacks something, and TryAgainLater where AWS fails.
    """
    actions = {
        "prove": _prove,
        "send_by": _send_by,
        "check": _check,
        "tell": _tell,
        "stop": _stop,
        "new_authenticator": _new_authenticator,
        "check_authenticator": _check_authenticator,
        "new_backup_codes": _new_backup_codes,
        "backup_codes": _backup_codes,
        "check_backup_code": _check_backup_code,
        "question": _question,
        "keep_answer": _keep_answer,
        "dry_run": _dry_run,
    }
    action = actions.get(str(event.get("action")))
    if action is None:
        raise ValueError(f"Wanted: an action ({', '.join(actions)})")
    with errors.hiding_aws_errors():
        return action(event)


def _prove(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    phone = _matching(event, "phone", _PHONE)
    purpose, user = _purpose(event), _matching(event, "user", _USER)
    channels = _channels_of(purpose)
    channel = _channel(event, (Channel.TEXT, *channels))
    recipient = recipients.from_phone(
        phone, purpose, otherwise=phone, locale=_language(event), user=user
    )
    result = sending.send(recipient, purpose, started=started, channel=channel)
    return _answer(result, channels)


def _send_by(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    channels = senders.other_channels()
    channel = _channel(event, channels)
    user_name = _matching(event, "user_name", _USER_NAME)
    attributes = pool_accounts.attributes_of(user_name)
    purpose = purposes.KNOWN_SIGN_IN if event.get("is_known") is True else purposes.SIGN_IN
    recipient = recipients.from_account(pool_accounts.pool(), user_name, attributes, purpose)
    result = sending.send(recipient, recipient.purpose, started=started, channel=channel)
    return _answer(result, channels)


def _answer(result: StartedChallenge, channels: tuple[Channel, ...]) -> dict[str, Any]:
    challenge = result.challenge
    return {
        "challenge_id": challenge.id,
        "expires_at": challenge.expires_at,
        "resend_at": result.resend_at,
        "texted_at": result.texted_at,
        "now": int(time.time()),
        "tries_left": TRIES_PER_CODE,
        "code_length": challenge.code_length,
        "delivery": result.delivery,
        "open_at": result.open_at,
        "reference": challenge.reference,
        "channels": " ".join(channels),
    }


def _check(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    phone, user = _matching(event, "phone", _PHONE), _matching(event, "user", _USER)
    purpose = _purpose(event)
    challenge = Challenge.parse(event.get("challenge_id"), str(event.get("expires_at")))
    if challenge is None:
        raise ValueError("Wanted: a challenge_id and expires_at")
    answer = event.get("code")
    is_correct = challenge.fits(answer) and checking.accept(
        phone, challenge, answer, purpose, user=user, now=time.time()
    )
    telemetry.record(
        "number_proven" if is_correct else "proof_refused",
        metrics={"Proven" if is_correct else "ProofFailed": 1},
        purpose=purpose.name,
        phone=phones.mask(phone),
        challenge_id=challenge.id,
        reference=challenge.reference,
        milliseconds=milliseconds_since(started),
    )
    return {"is_correct": is_correct}


def _tell(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    phone, notice = _matching(event, "phone", _PHONE), event.get("message")
    if not isinstance(notice, str) or notice not in messages.NOTICES:
        raise ValueError(f"Wanted: a message ({', '.join(sorted(messages.NOTICES))})")
    return {"delivery": notices.tell(phone, notice, locale=_language(event), started=started)}


def _stop(event: dict[str, Any]) -> dict[str, Any]:
    phone, now = _matching(event, "phone", _PHONE), time.time()
    hours = limits.configured().stop_hours
    name, stops = ledger.phone_name(phone), ledger.configured().stops
    # Counted first: somebody may be trying one word after the other.
    challenges = stops.count(name, now=now)
    is_right = any(stop_words.fits(event.get("word"), name, each) for each in challenges)
    until = int(now) + hours * 60 * 60
    is_lifted = event.get("lift") is True
    if is_right and is_lifted:
        stops.allow(name)
    elif is_right:
        stops.stop(name, tries=TRIES_PER_CODE, until=until, now=now)
    outcome = "texts_allowed" if is_lifted else "texts_stopped"
    telemetry.record(
        outcome if is_right else "stop_refused",
        metrics={"Stopped": int(is_right and not is_lifted)},
        phone=phones.mask(phone),
    )
    return {"is_done": is_right, "until": 0 if is_lifted else until}


def _new_authenticator(event: dict[str, Any]) -> dict[str, Any]:
    user, salt = _matching(event, "user", _USER), authenticators.draw_salt()
    key = authenticators.secret(user, salt)
    return {"salt": salt, "secret": authenticators.in_base_32(key)}


def _check_authenticator(event: dict[str, Any]) -> dict[str, Any]:
    user, salt = _matching(event, "user", _USER), _matching(event, "salt", authenticators.SALT)
    is_correct = authenticators.accept(user, salt, event.get("code"), now=time.time())
    telemetry.record(
        "authenticator_proven" if is_correct else "authenticator_refused",
        metrics={"AuthenticatorVerified" if is_correct else "AuthenticatorFailed": 1},
    )
    return {"is_correct": is_correct}


def _new_backup_codes(event: dict[str, Any]) -> dict[str, Any]:
    codes = backup_codes.draw(_matching(event, "user", _USER), now=time.time())
    telemetry.record("backup_codes_drawn", metrics={})
    return {"codes": codes}


def _backup_codes(event: dict[str, Any]) -> dict[str, Any]:
    return {"left": backup_codes.left(_matching(event, "user", _USER), now=time.time())}


def _check_backup_code(event: dict[str, Any]) -> dict[str, Any]:
    user = _matching(event, "user", _USER)
    lane = Lane.KNOWN if event.get("is_known") is True else Lane.STRANGER
    is_correct = backup_codes.accept(user, event.get("code"), lane=lane, now=time.time())
    telemetry.record(
        "backup_code_used" if is_correct else "backup_code_refused",
        metrics={"BackupCodesUsed" if is_correct else "BackupCodesFailed": 1},
    )
    return {"is_correct": is_correct}


def _question(event: dict[str, Any]) -> dict[str, Any]:
    name = secret_answers.name_of(_matching(event, "user", _USER))
    kept = ledger.configured().kept_answers.read(name, now=time.time())
    return {"question": secret_answers.question_of(name), "is_answered": kept is not None}


def _keep_answer(event: dict[str, Any]) -> dict[str, Any]:
    name = secret_answers.name_of(_matching(event, "user", _USER))
    answer, now = secret_answers.read(event.get("answer")), time.time()
    if answer:
        ledger.configured().kept_answers.keep(name, secret_answers.kept(answer), now=now)
        telemetry.record("answer_kept", metrics={})
    return {"is_kept": bool(answer)}


def _dry_run(event: dict[str, Any]) -> dict[str, Any]:
    for channel in senders.other_channels():
        senders.configured(channel)
    result = sending.send(dry_run.nobody(), purposes.CHANGE_NUMBER, started=time.monotonic())
    return {"delivery": result.delivery}


def _purpose(event: dict[str, Any]) -> Purpose:
    known = {each.name: each for each in (purposes.CHANGE_NUMBER, purposes.CONFIRM)}
    purpose = known.get(str(event.get("purpose", purposes.CHANGE_NUMBER.name)))
    if purpose is None:
        raise ValueError(f"Wanted: a purpose ({', '.join(known)})")
    return purpose


def _channels_of(purpose: Purpose) -> tuple[Channel, ...]:
    """Return the channels but texts for a code of ``purpose``.

    A mail says nothing of a phone. And a code for a change of number is in texts alone, whose words
    say what it is for: those of calls and of the templates of others do not.
    """
    if purpose is not purposes.CONFIRM:
        return ()
    return tuple(each for each in senders.other_channels() if each is not Channel.EMAIL)


def _channel(event: dict[str, Any], channels: tuple[Channel, ...]) -> Channel:
    channel = event.get("channel", Channel.TEXT)
    if channel not in channels:
        raise ValueError(f"Wanted: a channel ({', '.join(channels)})")
    return Channel(channel)


def _language(event: dict[str, Any]) -> str | None:
    language = event.get("language")
    return language if isinstance(language, str) else None


def _matching(event: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = event.get(name)
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        raise ValueError(f"Wanted: {name}, in the form {pattern.pattern}")
    return value
