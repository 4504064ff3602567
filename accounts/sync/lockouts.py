"""Mirrors here what the triggers hold against a number: only they know, and only when asked."""

import logging
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from accounts import after_response
from accounts.aws import functions, ledger
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.models import SignInEvent, User
from accounts.models.users import LOCKED

log = logging.getLogger(__name__)

# The longest hold that ends by itself.
_NOTED_AGAIN_AFTER = timedelta(days=1)


def refresh(request: HttpRequest, phone: str, *, attempt: str, reference: str) -> None:
    """Ask, once the answer to ``request`` has left, how ``phone`` stands, and write it down."""
    if not conf.ledger_function:
        return

    def work() -> None:
        try:
            state = ledger.show(phone)
        except functions.FunctionError as error:
            # Of no consequence for anybody's sign-in; the next look sees it.
            log.warning("The ledger was not reached: %s", error)
            return
        user = User.objects.filter(pool=conf.user_pool_id, phone=phone).first()
        held_until = until(state)
        if _is_news(phone, user, held_until) and held_until:
            sign_ins.record(
                sign_ins.Kind.HELD,
                request,
                phone=phone,
                user=user,
                reason="locked" if held_until == LOCKED else "wrong_codes",
                attempt=attempt,
                reference=reference,
            )

    after_response.do(request, work)


def until(state: ledger.PhoneState) -> datetime | None:
    """Return until when nothing is texted to the number or heard from it, as ``held_until``."""
    if state.is_locked:
        return LOCKED
    held_until = datetime.fromtimestamp(state.held_until, UTC)
    return held_until if held_until > timezone.now() else None


def _is_news(phone: str, user: User | None, held_until: datetime | None) -> bool:
    if user:
        # One statement, so that of two looks at once one has the news.
        others = User.objects.filter(pk=user.pk).exclude(held_until=held_until)
        return bool(others.update(held_until=held_until))
    if held_until is None:
        return False
    # There is no row to remember it in.
    since = timezone.now() - _NOTED_AGAIN_AFTER
    noted = SignInEvent.objects.filter(
        phone_key=sign_ins.phone_key(phone), kind=sign_ins.Kind.HELD, at__gt=since
    )
    return not noted.exists()
