"""The second factor of operators: more than their number opens the admin.

    is_there     does this session open it?
    draw         an operator, or the shell, gives somebody a set-up code
    type_code    they typed it           → the next passkey or app that they make opens the admin
    trust        it was made             → the code is used up

Whoever has taken over an operator's number gets its texts. They can sign in and make passkeys, and
none of it opens the admin: a set-up code never goes to the number (docs/adr/0033).
"""

import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from accounts.conf import conf
from accounts.events import audit, sign_ins
from accounts.login import attempt_steps, methods, throttle
from accounts.login.errors import SetupCodeRefused
from accounts.models import Passkey, SetupCode, User
from accounts.models.statements import update

log = logging.getLogger(__name__)

LIVES = timedelta(hours=24)
# By hand, so without those that are taken for one another: 49 random bits.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LENGTH, _TRIES = 10, 5
_KEY = "accounts.setup_code"
_SEEN = "_accounts_second_factor"


@dataclass(frozen=True)
class Held:
    """The keys to the admin that a person has. ``code_until`` is the end of an unused code."""

    passkeys: int
    app: bool
    code_until: datetime | None = None


def is_needed(user: User) -> bool:
    """Tell whether the admin asks more of this person than a code."""
    return conf.staff_second_factor and user.is_staff


def is_there(request: HttpRequest) -> bool:
    """Tell whether the session of an operator opens the admin. One query for each request.

    A passkey that was removed, or switched off, opens it no longer, in a session that it has begun
    as well.
    """
    user = cast(User, request.user)
    if not is_needed(user):
        return True
    if not hasattr(request, _SEEN):
        setattr(request, _SEEN, _opens(request, user))
    return bool(getattr(request, _SEEN))


def _opens(request: HttpRequest, user: User) -> bool:
    passkey = methods.passkey_of(request)
    if passkey is not None and opening(user).filter(pk=passkey).exists():
        return True
    # Where no app is asked for, another code than its own may be an "otp".
    is_of_app = "authenticator" in conf.sign_in_plan and "otp" in methods.of(request)
    return user.app_opens_admin and is_of_app


def is_by_passkey(request: HttpRequest) -> bool:
    """Tell whether a passkey began this session, and has not been removed since."""
    passkey = methods.passkey_of(request)
    mine = cast(User, request.user).passkeys.filter(copied_at=None)
    return passkey is not None and mine.filter(pk=passkey).exists()


def opening(user: User) -> QuerySet[Passkey]:
    """Return the passkeys of a person that open the admin."""
    return user.passkeys.filter(opens_admin=True, copied_at=None)


def is_possible() -> bool:
    """Tell whether anything can open the admin at all, with the settings of this site."""
    return conf.passkeys or ("authenticator" in conf.sign_in_plan and bool(conf.texts_function))


def draw(user: User) -> str:
    """Return a new set-up code for a person. It is shown once; an older one is worth nothing."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    SetupCode.objects.update_or_create(
        user=user,
        defaults={
            "digest": _digest(user, code),
            "tries": 0,
            "expires_at": timezone.now() + LIVES,
        },
    )
    audit.note(user, {"set-up code": ["", "given"]})
    log.info("A set-up code for the admin was given to %s", user.sub)
    return f"{code[:5]}-{code[5:]}"


@sensitive_variables("typed")
def type_code(request: HttpRequest, typed: str) -> None:
    """Let this session make what opens the admin. Raises SetupCodeRefused, TooMany.

    A guess is counted before it is compared. Where the session was begun by a passkey, that passkey
    opens the admin from now on.
    """
    user = cast(User, request.user)
    attempt_steps.within_limits("wrong_codes", request)
    now = timezone.now()
    mine = SetupCode.objects.filter(user=user, expires_at__gt=now)
    is_counted = mine.filter(tries__lt=_TRIES).update(tries=F("tries") + 1)
    found = mine.first() if is_counted else None
    if found is None or not hmac.compare_digest(found.digest, _digest(user, _bare(typed))):
        log.warning("A wrong set-up code was typed by %s", user.sub)
        sign_ins.record(
            sign_ins.Kind.PASSKEY,
            request,
            phone=user.phone or "",
            user=user,
            reason="wrong_setup_code",
        )
        raise SetupCodeRefused
    throttle.give_back(request)
    # Right answers cost no try: the way from the code to the passkey may take several.
    mine.update(tries=F("tries") - 1)
    request.session[_KEY] = found.digest
    request.session.cycle_key()
    passkey = methods.passkey_of(request)
    if passkey is not None and is_by_passkey(request) and trust(request):
        user.passkeys.filter(pk=passkey).update(opens_admin=True)


def may_set_up(request: HttpRequest) -> bool:
    """Tell whether what this session makes now opens the admin. Uses nothing up."""
    user = cast(User, request.user)
    if not is_needed(user):
        return False
    return is_there(request) or _code_of(request).exists()


def trust(request: HttpRequest) -> bool:
    """Tell whether what this session has just made opens the admin, and use the set-up code up.

    A session that opens the admin by itself needs none.
    """
    user = cast(User, request.user)
    if not is_needed(user):
        return False
    if is_there(request):
        return True
    is_used = bool(_code_of(request).delete()[0])
    request.session.pop(_KEY, None)
    if is_used:
        audit.note(user, {"set-up code": ["given", "used"]})
        # Asked again, once what was made is written.
        delattr(request, _SEEN)
    return is_used


def held(user: User) -> Held:
    """Return what opens the admin for a person, for operators."""
    code = SetupCode.objects.filter(user=user, expires_at__gt=timezone.now(), tries__lt=_TRIES)
    until = code.values_list("expires_at", flat=True).first()
    return Held(opening(user).count(), user.app_opens_admin, until)


def set_app(user: User, *, opens: bool) -> None:
    """Write down whether the authenticator app of a person opens the admin."""
    if user.app_opens_admin != opens:
        user.app_opens_admin = opens
        update(User, {"id": user.pk}, {"app_opens_admin": opens})


def _code_of(request: HttpRequest) -> QuerySet[SetupCode]:
    """Return the set-up code that was typed in this session, as long as it is good."""
    typed = request.session.get(_KEY, "")
    return SetupCode.objects.filter(
        user=request.user.pk, digest=typed, expires_at__gt=timezone.now()
    )


def _bare(typed: str) -> str:
    return re.sub(r"[\s\-\u2010-\u2015]", "", typed[:40]).upper()


def _digest(user: User, code: str) -> str:
    named = f"{user.pk} {code}"
    return salted_hmac("accounts.setup_code", named, algorithm="sha256").hexdigest()
