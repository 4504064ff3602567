"""Copy the holds and locks of a number from the triggers' ledger to the user's row."""

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
    """Ask for the holds of ``phone`` after the response to ``request``, and store them.

    A new hold is recorded as a sign-in event. A ledger that does not answer is only logged.
    """
    if not conf.ledger_function:
        return

    def work() -> None:
        try:
            state = ledger.show(phone)
        except functions.FunctionError as error:
            # No sign-in depends on it, and the next refresh tries again.
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
                reason="locked" if held_until == LOCKED else "held",
                attempt=attempt,
                reference=reference,
            )

    after_response.do(request, work)


def until(state: ledger.PhoneState) -> datetime | None:
    """Return the value of ``User.held_until`` for a state: a time to come, ``LOCKED`` or None."""
    if state.is_locked:
        return LOCKED
    held_until = datetime.fromtimestamp(state.held_until, UTC)
    return held_until if held_until > timezone.now() else None


def _is_news(phone: str, user: User | None, held_until: datetime | None) -> bool:
    if user:
        # One statement, so that only one of two refreshes at once has the news.
        others = User.objects.filter(pk=user.pk).exclude(held_until=held_until)
        return bool(others.update(held_until=held_until))
    if held_until is None:
        return False
    # Without a row of the user, the events remember it.
    since = timezone.now() - _NOTED_AGAIN_AFTER
    noted = SignInEvent.objects.filter(
        phone_key=sign_ins.phone_key(phone), kind=sign_ins.Kind.HELD, at__gt=since
    )
    return not noted.exists()
