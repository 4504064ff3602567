"""Ask Cognito for a challenge; where nobody may be texted, for one that looks the same.

Nobody learns here whether a number has an account: where only an account's number would be texted,
everything else happens as if it had been.
"""

import logging
import time
import uuid
from math import inf

from django.utils.crypto import salted_hmac

from accounts import phones
from accounts.aws import cognito, cognito_errors
from accounts.aws.challenges import Challenge, CodeChallenge
from accounts.aws.cognito_by_attribute import GatewayByAttribute
from accounts.aws.cognito_values import CognitoUser
from accounts.conf import conf
from accounts.login import attempt_steps, decoys, sign_up
from accounts.login.flow import Begun
from accounts.models import User

log = logging.getLogger(__name__)

# Of the triggers (COOLDOWNS in lambdas/triggers/limits.py), in seconds.
_LONGEST_PAUSE = 300
# Named in the place of a number where there is none: nobody can prove it.
NO_NUMBER = "+10000000"
# The words for a challenge to which no code can be right.
_WITHOUT_CODE = ("not_sent", "locked")
# The reasons for no text where a number is free for a new account.
_LEADS_TO_NOBODY = ("unknown", "number_unproven")


def begin(
    phone: str,
    known: User | None,
    *,
    insist: bool = False,
    may_create: bool = True,
    proof: str = "",
) -> Begun:
    """Start a challenge, for an account that is made first if there is none and sign-up is open.

    People who signed in here before have one, so Cognito is not asked to make it. After a text that
    did not arrive we ``insist``: the account may be gone, which Cognito hides from us as from
    everybody else. ``proof`` is that the browser is known to the account. Raises Unavailable.
    """
    sub = known.sub if known else None
    may_create = may_create and conf.sign_up == "open"
    since = time.monotonic()
    try:
        gateway = cognito.gateway()
        if isinstance(gateway, GatewayByAttribute):
            return _begin_for_holder(gateway, phone, known, may_create=may_create, proof=proof)
        if may_create and known and not proof:
            is_made = insist and known.is_active and known.cognito_enabled
            sign_up.wait_as_strangers(is_made=is_made)
            since = time.monotonic()
        if known and not known.is_active:
            log.info("No text: %s is shut out", phones.mask(phone))
            return Begun(_challenge_of_nobody(gateway, phone), why_no_text="shut_out")
        if known and not known.cognito_enabled:
            # To ask for them first would be a call more, which tells by the clock.
            log.info("No text: %s is disabled in Cognito", phones.mask(phone))
            return Begun(_challenge_of_nobody(gateway, phone), why_no_text="refused")
        why_no_text = ""
        if may_create and (known is None or insist):
            may_create = sign_up.count(phone)
            why_no_text = "" if may_create or known else "sign_ups"
            if not (may_create or proof):
                sign_up.wait_as_strangers(is_looked_at=known is not None)
        if may_create and (known is None or insist):
            if created := sign_up.create(gateway, phone, since):
                sub = created
            elif known is None:
                sub = sign_up.adopt(gateway, phone)
        return Begun(_start_challenge(gateway, phone, proof), sub, why_no_text)
    except cognito.UnknownUser:
        if may_create and not insist:
            # This pool does tell: the account that we knew is gone.
            return begin(phone, known, insist=True)
        log.info("No text: Cognito has no user for %s", phones.mask(phone))
        return Begun(decoys.current.draw(since), why_no_text="unknown")
    except cognito.Refused as error:
        log.info("No text: Cognito refuses %s (%s)", phones.mask(phone), error)
        if known and decoys.current.are_like_real_ones:
            # To ask for nobody's as well would take longer than the sign-in of anybody else. Those
            # who have no row here are refused again the next time, so theirs must be asked for.
            drawn = decoys.current.draw(since, name=nobody(phone))
            return Begun(drawn, why_no_text="refused")
        return Begun(_challenge_of_nobody(gateway, phone), why_no_text="refused")
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error


def _begin_for_holder(
    gateway: GatewayByAttribute, phone: str, known: User | None, *, may_create: bool, proof: str
) -> Begun:
    """Start a challenge for the account that holds the phone. Raises CognitoError."""
    holder, why_no_text = holder_of(gateway, phone, known)
    since = time.monotonic()
    is_free = may_create and why_no_text in _LEADS_TO_NOBODY
    if is_free and not sign_up.count(phone):
        is_free, why_no_text = False, "sign_ups"
    if is_free:
        found = sign_up.create_holder(gateway, phone, since)
        holder, why_no_text = _unless_shut_out(*found, known)
    elif may_create and not proof:
        sign_up.wait_as_strangers(is_looked_at=True)
    if holder is None:
        log.info("No text for %s: %s", phones.mask(phone), why_no_text)
        return Begun(_challenge_of_nobody(gateway, phone), why_no_text=why_no_text)
    if not holder.phone_verified:
        sign_up.let_texts_be_in_our_language(gateway, holder)
    # The number may have moved to another account than the one that the browser is known to.
    proof = proof if known and known.sub == holder.sub else ""
    return Begun(_start_in_lane(gateway, holder.username, proof), holder.sub)


def holder_of(
    gateway: GatewayByAttribute, phone: str, known: User | None
) -> tuple[CognitoUser | None, str]:
    """Return the account that holds the phone and may sign in, or None and why there is none.

    It is looked for each time, though we know the ``sub`` of people who signed in here: a sign-in
    with one call less would tell who has an account. Raises CognitoError.
    """
    holder, why_no_text = None, ""
    is_proven = bool(known and known.phone_verified and known.last_login)
    try:
        holder = gateway.holder_of(phone, known=known.sub if known else "", is_proven=is_proven)
    except cognito_errors.NumberShared:
        log.warning("No text: several accounts have the number %s", phones.mask(phone))
        why_no_text = "number_shared"
    except cognito_errors.NumberUnproven:
        why_no_text = "number_unproven"
    except cognito.UnknownUser:
        why_no_text = "unknown"
    return _unless_shut_out(holder, why_no_text, known)


def _unless_shut_out(
    holder: CognitoUser | None, why_no_text: str, known: User | None
) -> tuple[CognitoUser | None, str]:
    """Return both as they are, or None and why, where the account may not sign in."""
    if holder and _is_shut_out(holder, known):
        return None, "shut_out"
    if holder and not holder.enabled:
        return None, "refused"
    return holder, why_no_text


def _is_shut_out(holder: CognitoUser, known: User | None) -> bool:
    """Tell whether this site shuts out the account, or another one that had the number here."""
    if known and (known.sub == holder.sub or not known.is_active):
        return not known.is_active
    rows = User.objects.filter(pool=conf.user_pool_id, sub=holder.sub)
    return rows.filter(is_active=False).exists()


def nobody(phone: str) -> str:
    """Return a name that no user has, always the same in the place of ``phone``.

    It is like a sub, which every pool takes for a name.
    """
    digest = salted_hmac("accounts.phone_login.nobody", phone, algorithm="sha256").digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _challenge_of_nobody(gateway: cognito.Gateway, phone: str) -> Challenge:
    """Return what somebody gets whom Cognito does not know, always in the place of ``phone``.

    A decoy of our own would tell: every browser gets another one.
    """
    since = time.monotonic()
    try:
        return decoys.as_invented(nobody(phone), _started(gateway, nobody(phone)))
    except (cognito.UnknownUser, cognito.Refused):
        # This pool tells who is unknown, whatever we do.
        return decoys.current.draw(since)
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error


def start_for_nobody(phone: str) -> None:
    """Let the triggers count what an invented challenge stands for, as another browser would see.

    Nobody waits for it, so how long it takes is not noted. Raises CognitoError.
    """
    try:
        real = cognito.gateway().start_challenge(nobody(phone))
    except (cognito.UnknownUser, cognito.Refused):
        # This pool tells who is unknown, whatever we do.
        return
    decoys.current.learn(real)
    decoys.stands_for(nobody(phone), real)


def _start_challenge(gateway: cognito.Gateway, phone: str, proof: str) -> Challenge:
    try:
        return _start_in_lane(gateway, phone, proof)
    except cognito.NotConfirmed:
        # Signed up elsewhere and never proven. No text went out yet, and its code will prove it.
        kept = gateway.repair(phone)
        log.info("Repaired the account of %s; left: %s", phones.mask(phone), kept or "nothing")
        return gateway.start_challenge(phone)


def _started(gateway: cognito.Gateway, name: str) -> Challenge:
    """Start as a browser that is not known, and look how that goes."""
    since = time.monotonic()
    challenge = gateway.start_challenge(name)
    decoys.current.learn(challenge, since)
    return challenge


def _start_in_lane(gateway: cognito.Gateway, name: str, proof: str) -> Challenge:
    """Start in the lane of known browsers; where that gives nothing for long, as everybody does."""
    if not proof:
        return _started(gateway, name)
    try:
        found = gateway.start_challenge(name, proof=proof)
    except (cognito.LaneClosed, cognito.Misconfigured) as error:
        log.error("The lane of known browsers is closed: %r", error)  # noqa: TRY400
        return gateway.start_challenge(name)
    if not _is_blocked(found):
        return found
    log.info("Known browsers of an account are held")
    other = gateway.start_challenge(name)
    return found if _is_blocked(other) and _opens_at(found) <= _opens_at(other) else other


def _is_blocked(challenge: Challenge) -> bool:
    """Tell whether no code can be had for longer than any pause between two texts."""
    return _opens_at(challenge) > time.time() + _LONGEST_PAUSE


def _opens_at(challenge: Challenge) -> float:
    """Return when a code can be had, in seconds since the epoch."""
    if not isinstance(challenge, CodeChallenge) or challenge.delivery not in _WITHOUT_CODE:
        return 0
    return inf if challenge.delivery == "locked" else challenge.resend_at
