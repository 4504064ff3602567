"""The passkeys of somebody who is signed in: make one, name it, remove it.

    options   what the browser is asked to make one
    add       what it answered      → signs in without a text from now on
    rename, remove

They are kept here, and Cognito knows nothing of them: ``passkey_login`` signs in with one.
"""

import logging
from typing import Any, Literal, cast

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts import devices, phones
from accounts.conf import conf
from accounts.events import audit, sign_ins
from accounts.login import (
    attempt_steps,
    ceremonies,
    methods,
    notices,
    passkey_challenges,
    second_factor,
    throttle,
)
from accounts.login.errors import PasskeyRefused, TooManyPasskeys
from accounts.models import Passkey, User
from accounts.models.statements import update

log = logging.getLogger(__name__)

MOST = 10
_MAX_NAME = 60
# By what a passkey says of its maker. Others are named after the browser.
_MAKERS = {
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
    "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
    "adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
    "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
    "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
    "fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
}


def of(user: User) -> QuerySet[Passkey]:
    """Return the passkeys of a person, the newest first."""
    return user.passkeys.order_by("-created_at", "-pk")


def site(request: HttpRequest) -> ceremonies.Site | None:
    """Return the site that passkeys are for, None where there are none."""
    return ceremonies.site_of(request) if conf.passkeys else None


def is_offered_now(request: HttpRequest, user: User) -> bool:
    """Tell whether to offer a passkey to somebody who has just typed a code. It happens once.

    Operators make theirs with a set-up code: one made here would not open the admin.
    """
    if second_factor.is_needed(user):
        return False
    return user.passkey_offered_at is None and site(request) is not None


def note_offer(user: User) -> None:
    """Remember that a passkey was offered, whatever the person says to it."""
    if user.passkey_offered_at is None:
        user.passkey_offered_at = timezone.now()
        update(User, {"id": user.pk}, {"passkey_offered_at": user.passkey_offered_at})


def options(request: HttpRequest, where: ceremonies.Site) -> dict[str, Any]:
    """Return what the person's browser is asked to make a passkey."""
    user = cast(User, request.user)
    known = user.passkeys.filter(host=where.host)
    return ceremonies.creation_options(
        where,
        challenge=passkey_challenges.draw(request, "create", of=user.sub),
        handle=_handle(user),
        name=_shown(user),
        known=list(known.values_list("credential_id", flat=True)),
    )


@sensitive_variables("text")
def add(request: HttpRequest, where: ceremonies.Site, text: str) -> Passkey:
    """Keep the passkey that the browser made. Raises PasskeyRefused, TooManyPasskeys, TooMany."""
    user = cast(User, request.user)
    attempt_steps.within_limits("wrong_codes", request)
    try:
        answer = ceremonies.read(text)
        if not passkey_challenges.is_ours(request, answer.challenge, "create", of=user.sub):
            raise ceremonies.Refused("Not the challenge of this page")  # noqa: TRY301 - logged once
        made = ceremonies.check_created(where, answer)
    except ceremonies.Refused as error:
        log.warning("A new passkey of %s was refused: %s", user.sub, error)
        raise PasskeyRefused from error
    kept = _keep(request, user, where, answer, made)
    throttle.give_back(request)
    sign_ins.record(
        sign_ins.Kind.PASSKEY, request, phone=user.phone or "", user=user, reason="set_up"
    )
    log.info("New passkey of %s", user.sub)
    notices.tell(request, user, "passkey_added")
    return kept


def rename(user: User, pk: int, name: str) -> bool:
    """Give a passkey another name. False where the person has no such passkey."""
    return bool(user.passkeys.filter(pk=pk).update(name=name[:_MAX_NAME]))


def remove(
    request: HttpRequest,
    user: User,
    pk: int,
    *,
    reason: Literal["removed", "removed_by_operator"] = "removed",
) -> bool:
    """Remove a passkey. False where the person has no such passkey, or no longer.

    Operators get a text: it may close the admin to them, and be the first step of letting somebody
    else in. For all others a code still signs in.
    """
    found = user.passkeys.filter(pk=pk).first()
    if found is None or not user.passkeys.filter(pk=pk).delete()[0]:
        return False
    if user.has_copied_passkey and not user.passkeys.exclude(copied_at=None).exists():
        update(User, {"id": user.pk}, {"has_copied_passkey": False})
        user.has_copied_passkey = False
    sign_ins.record(
        sign_ins.Kind.PASSKEY,
        request if reason == "removed" else None,
        phone=user.phone or "",
        user=user,
        reason=reason,
    )
    audit.note(user, {"passkey": [found.name, "removed"]})
    log.info("Passkey of %s: %s", user.sub, reason)
    if user.is_staff:
        notices.tell(request, user, "passkey_removed")
    return True


@transaction.atomic
def _keep(
    request: HttpRequest,
    user: User,
    where: ceremonies.Site,
    answer: ceremonies.Answer,
    made: ceremonies.Created,
) -> Passkey:
    # Several at once take turns, so that none goes past the limit.
    User.objects.select_for_update().get(pk=user.pk)
    if user.passkeys.count() >= MOST:
        raise TooManyPasskeys
    is_known = Passkey.objects.filter(credential_id=made.credential_id).exists()
    if is_known or not passkey_challenges.take(answer.challenge):
        log.warning("A passkey of %s came twice", user.sub)
        raise PasskeyRefused
    was_there = second_factor.is_there(request)
    kept = Passkey.objects.create(
        user=user,
        credential_id=made.credential_id,
        public_key=made.public_key,
        handle=_handle(user),
        host=where.host,
        name=(_MAKERS.get(made.aaguid) or devices.of(request).name or _("Passkey"))[:_MAX_NAME],
        sign_count=made.sign_count,
        is_synced=made.is_synced,
        is_backed_up=made.is_backed_up,
        opens_admin=second_factor.trust(request),
    )
    if kept.opens_admin and not was_there:
        # The person was recognised by their device just now.
        methods.keep(request, (), passkey=kept.pk)
    return kept


def _handle(user: User) -> str:
    """Return the name of a person for their browsers, which says nothing to anybody else.

    The same for all their passkeys, also after the key has changed that it is made with.
    """
    known = user.passkeys.values_list("handle", flat=True).first()
    named = f"{user.pool} {user.sub}"
    digest = salted_hmac("accounts.passkeys.handle", named, algorithm="sha256").digest()
    return known or ceremonies.encoded(digest)


def _shown(user: User) -> str:
    """Return how the person's browser names the account: with a number that says little."""
    return user.name or (phones.mask(user.phone) if user.phone else conf.site_name)
