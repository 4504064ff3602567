"""Sign-in by passkey: no number, no code, no text.

    options   what the browser is asked, on the page of the number
    finish    what it answered      → signed in

The site checks the answer and finds the person; ``proven_login`` does the rest.
"""

import logging
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.conf import conf
from accounts.login import ceremonies, completion, passkey_challenges, passkeys, proven_login
from accounts.login.attempt_steps import Step
from accounts.login.errors import PasskeyRefused
from accounts.models import Passkey, User
from accounts.models.statements import update

log = logging.getLogger(__name__)

# How the tokens name it (RFC 8176): the key may be copied to other devices of the person, or stays
# in one. Either way the device has recognised them.
_SYNCED, _BOUND = ("mfa", "swk", "user"), ("hwk", "mfa", "user")


def options(request: HttpRequest) -> dict[str, Any] | None:
    """Return what the browser is asked, None where there are no passkeys. It costs no query."""
    where = passkeys.site(request)
    if where is None:
        return None
    challenge = passkey_challenges.draw(request, "sign in")
    return ceremonies.request_options(where, challenge=challenge)


@sensitive_variables("text")
def finish(request: HttpRequest, text: str, *, next_url: str) -> completion.SignedIn:
    """Sign in the person whose passkey gave the answer.

    Raises PasskeyRefused, with the same words whatever is wrong; InUse, TooMany, Unavailable.
    """
    return proven_login.finish(
        request,
        text,
        way="passkey",
        prove=partial(_proven, text=text),
        refused=PasskeyRefused,
        next_url=next_url,
    )


@sensitive_variables("text")
def _proven(this: Step, *, text: str) -> User:
    """Return the person whose passkey gave the answer, which is used up. Raises PasskeyRefused."""
    where = passkeys.site(this.request)
    try:
        if where is None:
            raise ceremonies.Refused("There are no passkeys here")  # noqa: TRY301 - logged once
        answer = ceremonies.read(text)
        passkey = _find(this, where, answer)
        if not passkey_challenges.is_ours(this.request, answer.challenge, "sign in"):
            raise ceremonies.Refused("Not the challenge of this page")  # noqa: TRY301
        used = ceremonies.check_used(where, answer, public_key=bytes(passkey.public_key))
        if used.is_synced != passkey.is_synced:
            raise ceremonies.Refused("Another kind of passkey than it was")  # noqa: TRY301
        if not passkey_challenges.take(answer.challenge):
            raise ceremonies.Refused("Answered before")  # noqa: TRY301
    except ceremonies.Refused as error:
        log.warning("A passkey was refused: %s", error)
        raise PasskeyRefused(reason="passkey_refused") from error
    if not _count(passkey, used):
        log.error("A passkey of %s may have been copied; it is switched off", passkey.user.sub)
        raise PasskeyRefused(reason="passkey_copied")
    return passkey.user


def _find(this: Step, where: ceremonies.Site, answer: ceremonies.Answer) -> Passkey:
    """Return the passkey that an answer names, and say in the attempt whose it is."""
    passkey = (
        Passkey.objects.select_related("user")
        .filter(credential_id=answer.credential_id, user__pool=conf.user_pool_id)
        .first()
    )
    if passkey is None:
        raise PasskeyRefused(reason="passkey_unknown")
    this.user = user = passkey.user
    waiting = this.required()
    how = " ".join(_SYNCED if passkey.is_synced else _BOUND)
    this.waiting = replace(
        waiting, phone=user.phone or "", sub=user.sub, methods=how, passkey=passkey.pk
    )
    if answer.handle != passkey.handle or where.host != passkey.host:
        raise ceremonies.Refused("Of another person or host")
    if passkey.copied_at:
        raise PasskeyRefused(reason="passkey_copied")
    return passkey


def _count(passkey: Passkey, used: ceremonies.Used) -> bool:
    """Write down that the passkey was used. False where it may have been copied.

    Devices that count never give the same count twice. Of two answers at once, each sees what the
    other has written.
    """
    now = timezone.now()
    with transaction.atomic():
        row = Passkey.objects.select_for_update().filter(pk=passkey.pk).first()
        if row is None:
            raise PasskeyRefused(reason="passkey_unknown")
        is_counted = bool(used.sign_count or row.sign_count)
        if is_counted and used.sign_count <= row.sign_count:
            row.copied_at = now
            row.save(update_fields=["copied_at"])
            update(User, {"id": passkey.user_id}, {"has_copied_passkey": True})
            return False
        row.sign_count, row.last_used_at = used.sign_count, now
        row.is_backed_up = used.is_backed_up
        row.save(update_fields=["sign_count", "last_used_at", "is_backed_up"])
    return True
