"""SiteTexts: what the site asks for apart from a sign-in, within the same limits.

    {"action": "prove", "phone": "+1…", "user": sub, "language": "en"}
        texts a code that proves a number which is not the user's yet, or with "purpose": "confirm"
        a code by which a signed-in user confirms who they are. Answers with challenge_id,
        expires_at, resend_at, texted_at, now, tries_left, code_length, delivery, open_at and
        reference, as ``codes.sending.StartedChallenge`` explains them, and with the channels by
        which such a code can be sent as well. "channel" is one of them, for "confirm" alone. With
        "purpose": "address" and "channel": "email" the code is mailed to an "address", which it
        proves for the user, within limits of the mailbox too. "second_number": the right code makes
        the number a second one of the user. "by_mail" (with "channel": "email") and "by_second"
        (with the number as "second") are sign-ins of the account with the phone: the code goes to
        the address that Cognito has verified, or to the second number, if it is the user's.
        ``is_known``: the browser is known to the account
    {"action": "send_by", "channel": "voice" | "whatsapp" | "email", "user_name": …, "is_known": …}
        sends the code of a sign-in that is under way by another channel, and answers like "prove".
        ``user_name`` is Cognito's. Cognito says where the code goes and in which language: the site
        can have it sent nowhere else. ``is_known``: the sign-in is of the client for known browsers
    {"action": "check", "phone": …, "user": …, "challenge_id": …, "expires_at": …, "code": …}
        counts and compares an answer, for the "purpose" that the code was texted for and the
        "address" if it has one, and says whether it is right: {"is_correct": true}, once
    {"action": "tell", "phone": …, "message": …, "language": …}
        texts one of ``messages.NOTICES``, some with a "word": {"delivery": "sent", or why not}.
        With a "user_name" in place of the phone it is mailed
    {"action": "stop", "phone": …, "word": that of a text, "lift": bool}
        sends no more texts to the number that strangers can ask for, for STOP_HOURS, or with "lift"
        sends them again: {"is_done": bool, "until": seconds since the epoch}. "second_of" are up to
        three accounts, each {"phone", "user"}, whose second number it is
    {"action": "open_link", "phone": …, "user": sub, "word": that of a mail's link}
        says the code of that mail, while it can still be right, once: {"code": "…" or ""}
    {"action": "look_up", "phone": …, "user": sub}
        asks of which type a number is, once for each right code: {"type": "VOIP" and the like}
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
    {"action": "forget_second_number", "user": …}
        lets no code go to a second number of the user any more: {}
    {"action": "dry_run"}
        does as "prove" does for a number that is nobody's, and texts nobody: {"delivery": …}

A code is made for one user and for proving alone: it signs nobody in, and no sign-in code proves
anything here. IAM decides who may invoke this function. The site holds neither the key nor the
table: phones, counts and codes are checked here.
"""

import time
from typing import Any

from . import (
    carriers,
    dry_run,
    errors,
    ledger,
    limits,
    links,
    messages,
    phones,
    pool_accounts,
    second_numbers,
    senders,
    site_links,
    site_secrets,
    site_ways,
    stop_words,
    telemetry,
)
from .challenge import Challenge
from .codes import checking, notices, purposes, recipients, sending
from .codes.pace import milliseconds_since
from .codes.purposes import Purpose
from .codes.sending import StartedChallenge
from .senders import Channel
from .site_events import ADDRESS, PHONE, USER_NAME, WORD, language_of, matching, user_of


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
        **carriers.ACTIONS,
        **site_secrets.ACTIONS,
        **site_links.ACTIONS,
        **site_ways.ACTIONS,
        "dry_run": _dry_run,
    }
    action = actions.get(str(event.get("action")))
    if action is None:
        raise ValueError(f"Wanted: an action ({', '.join(actions)})")
    with errors.hiding_aws_errors():
        return action(event)


def _prove(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    phone, purpose = matching(event, "phone", PHONE), _purpose(event)
    channels = _channels_of(purpose)
    channel = _channel(event, channels)
    if purpose.way:
        recipient = site_ways.recipient_of(event, purpose, phone)
    else:
        recipient = recipients.from_phone(
            phone,
            purpose,
            otherwise=phone,
            locale=language_of(event),
            user=_proven_for(event, purpose),
            address=matching(event, "address", ADDRESS) if purpose.is_of_address else "",
        )
    result = sending.send(recipient, purpose, started=started, channel=channel)
    return _answer(result, tuple(each for each in channels if each is not Channel.TEXT))


def _send_by(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    channels = senders.other_channels()
    channel = _channel(event, channels)
    user_name = matching(event, "user_name", USER_NAME)
    attributes = pool_accounts.attributes_of(user_name)
    purpose = purposes.KNOWN_SIGN_IN if event.get("is_known") is True else purposes.SIGN_IN
    recipient = recipients.from_account(pool_accounts.pool(), user_name, attributes, purpose)
    result = sending.send(recipient, recipient.purpose, started=started, channel=channel)
    return _answer(result, channels)


def _answer(result: StartedChallenge, channels: tuple[Channel, ...]) -> dict[str, Any]:
    challenge = result.challenge
    return {
        "challenge_id": ".".join(filter(None, [challenge.id, challenge.mark])),
        "expires_at": challenge.expires_at,
        "resend_at": result.resend_at,
        "texted_at": result.texted_at,
        "now": int(time.time()),
        "tries_left": result.tries_left,
        "code_length": challenge.code_length,
        "delivery": result.delivery,
        "open_at": result.open_at,
        "reference": challenge.reference,
        "channels": " ".join(channels),
    }


def _check(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    phone, purpose = matching(event, "phone", PHONE), _purpose(event)
    user = _proven_for(event, purpose)
    challenge_id, _, mark = str(event.get("challenge_id")).partition(".")
    challenge = Challenge.parse(challenge_id, str(event.get("expires_at")), mark)
    if challenge is None:
        raise ValueError("Wanted: a challenge_id and expires_at")
    answer = event.get("code")
    # The words of links are answers to sign-ins alone.
    is_answer = challenge.fits(answer) or (purpose.has_link and links.is_word(answer))
    is_correct = is_answer and checking.accept(
        phone,
        challenge,
        answer,
        purpose,
        user=user,
        now=time.time(),
        texted=site_ways.texted(event, purpose, phone),
    )
    if is_correct and purpose is purposes.SECOND_NUMBER:
        second_numbers.keep(user, phone)
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
    notice = event.get("message")
    if not isinstance(notice, str) or notice not in messages.NOTICES:
        raise ValueError(f"Wanted: a message ({', '.join(sorted(messages.NOTICES))})")
    word = matching(event, "word", WORD) if notice in messages.WITH_WORD else ""
    if "user_name" in event:
        name = matching(event, "user_name", USER_NAME)
        return {"delivery": notices.mail(name, notice, started=started, word=word)}
    phone, locale = matching(event, "phone", PHONE), language_of(event)
    return {"delivery": notices.tell(phone, notice, locale=locale, started=started, word=word)}


def _stop(event: dict[str, Any]) -> dict[str, Any]:
    phone, now = matching(event, "phone", PHONE), time.time()
    of_second = site_ways.names_of_second(event)
    hours = limits.configured().stop_hours
    stops, word = ledger.configured().stops, event.get("word")
    until = int(now) + hours * 60 * 60
    is_right, is_lifted = False, event.get("lift") is True
    for name in (ledger.phone_name(phone), *of_second):
        # Counted first: somebody may be trying one word after the other.
        if not any(stop_words.fits(word, name, each) for each in stops.count(name, now=now)):
            continue
        is_right = True
        if is_lifted:
            stops.allow(name)
        else:
            stops.stop(name, until=until, now=now)
    outcome = "texts_allowed" if is_lifted else "texts_stopped"
    telemetry.record(
        outcome if is_right else "stop_refused",
        metrics={"Stopped": int(is_right and not is_lifted)},
        phone=phones.mask(phone),
    )
    return {"is_done": is_right, "until": 0 if is_lifted else until}


def _dry_run(event: dict[str, Any]) -> dict[str, Any]:
    for channel in senders.other_channels():
        senders.configured(channel)
    result = sending.send(dry_run.nobody(), purposes.CHANGE_NUMBER, started=time.monotonic())
    return {"delivery": result.delivery}


def _purpose(event: dict[str, Any]) -> Purpose:
    known = purposes.OF_KNOWN if event.get("is_known") is True else purposes.OF_SITE
    purpose = known.get(str(event.get("purpose", purposes.CHANGE_NUMBER.name)))
    if purpose is None:
        raise ValueError(f"Wanted: a purpose ({', '.join(known)})")
    return purpose


def _proven_for(event: dict[str, Any], purpose: Purpose) -> str:
    """Return for whom a code is made, with the address that it proves, if it proves one."""
    if purpose.way:
        return site_ways.code_user(event, purpose)
    user = user_of(event)
    return f"{user} {matching(event, 'address', ADDRESS)}" if purpose.is_of_address else user


def _channels_of(purpose: Purpose) -> tuple[Channel, ...]:
    """Return the channels for a code of ``purpose``.

    A mail says nothing of a phone, and proves an address alone. And a code for a change of number
    is in texts alone, whose words say what it is for: those of calls and of the templates of others
    do not.
    """
    others = senders.other_channels()
    if purpose.is_of_address or purpose.way == "mail":
        return tuple(each for each in others if each is Channel.EMAIL)
    if purpose is not purposes.CONFIRM:
        return (Channel.TEXT,)
    return (Channel.TEXT, *(each for each in others if each is not Channel.EMAIL))


def _channel(event: dict[str, Any], channels: tuple[Channel, ...]) -> Channel:
    channel = event.get("channel", Channel.TEXT)
    if channel not in channels:
        raise ValueError(f"Wanted: a channel ({', '.join(channels)})")
    return Channel(channel)
