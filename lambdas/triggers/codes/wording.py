"""The message that brings a code, in the form that its channel takes."""

import time

from .. import environment, limits, links, messages, prices, stop_words
from ..challenge import Challenge
from ..senders import Channel, Message
from .purposes import Purpose
from .recipients import Recipient

# Operators in India drop what differs from the words that were registered.
_FIXED_WORDS = ("IN",)


def message(
    recipient: Recipient, phone: str, purpose: Purpose, challenge: Challenge, channel: Channel
) -> Message:
    """Return the message with the code of ``challenge``. Raises WrongEnvironment."""
    code = challenge.code(purpose.key(), user=recipient.user)
    lifetime = max(1, challenge.expires_at - int(time.time()))
    # A few seconds of its life are over by now.
    minutes = max(1, (lifetime + 5) // 60)
    language, app_name = recipient.language, environment.text("APP_NAME")
    site_host, subject = environment.text("SITE_HOST"), ""
    if channel is Channel.VOICE:
        body = messages.code_call(code, language=language, app_name=app_name)
    elif channel is Channel.EMAIL:
        link = ""
        if purpose.has_link:
            link = links.address(recipient.user, challenge, site_host=site_host)
        subject, body = messages.code_mail(
            code,
            kind=purpose.mail,
            language=language,
            app_name=app_name,
            site_host=site_host,
            minutes=minutes,
            link=link,
        )
    else:
        body = messages.code_message(
            code,
            purpose=purpose.wording,
            language=language,
            app_name=app_name,
            site_host=site_host,
            minutes=minutes,
            stop_word=_stop_word(recipient, challenge, purpose),
        )
    return Message(
        phone,
        body,
        lifetime,
        recipient.country,
        code=code,
        language=language,
        address=recipient.address,
        subject=subject,
    )


def cost(message: Message, channel: Channel) -> int:
    """Return what a message costs, in millionths of a US dollar."""
    parts = messages.parts(message.body) if channel is Channel.TEXT else 1
    return prices.of(message.country, parts=parts, channel=channel)


def _stop_word(recipient: Recipient, challenge: Challenge, purpose: Purpose) -> str:
    """Return the word that stops texts which strangers ask for, "" where the text has none."""
    if recipient.country in _FIXED_WORDS or not limits.configured().stop_hours:
        return ""
    # Texts that only their owner can ask for need none.
    return stop_words.word_of(recipient.name, challenge) if purpose.is_for_anybody else ""
