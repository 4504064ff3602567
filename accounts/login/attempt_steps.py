"""One step of an attempt, whatever it is about: what all requests of it share.

One request of a browser at a time; what it waits for is loaded again; and the event and the pending
state that belong to an error are written once.
"""

import hmac
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest

from accounts.aws import cognito, functions
from accounts.aws.challenges import Challenge
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import known_browsers, lock, pending, throttle
from accounts.login.errors import LoginError, NothingPending, OtherAttempt, TooMany, Unavailable
from accounts.login.pending import Pending, Purpose
from accounts.models import SignInEvent, User
from accounts.models.statements import insert
from accounts.sync import lockouts

log = logging.getLogger(__name__)

_HELD = "_accounts_login_lock"


@dataclass
class Step:
    """The work of one request on the attempt of its browser.

    ``waiting`` is the attempt, None where there is none; ``user`` is whose it is, where that is
    known.
    """

    request: HttpRequest
    held: lock.Held
    waiting: Pending | None
    user: User | None = None
    events: list[SignInEvent] = field(default_factory=list)
    _owners: dict[str | None, User | None] = field(default_factory=dict)

    def required(self) -> Pending:
        """Return the attempt. Raises NothingPending where there is none."""
        if self.waiting is None:
            raise NothingPending
        return self.waiting

    def begin(self, new: Pending, user: User | None) -> None:
        """Work on a new attempt, of ``user`` or of nobody whom we know. Neither is asked for again.

        A query more for nobody would tell, by the clock.
        """
        self.waiting, self.user = new, user
        self._owners[None] = user

    def store(self, new: Pending) -> None:
        """Write what is pending at once. Raises NothingPending where the session has ended."""
        try:
            pending.store(self.request, new)
        except pending.Superseded as error:
            raise NothingPending from error
        self.waiting = new

    def note(self, kind: str, *, user: User | None = None, **facts: Any) -> None:
        """Add an event of the attempt, written when the step ends. Looks ``user`` up if need be."""
        attempt = self.required()
        self.events.append(
            sign_ins.event(
                kind,
                self.request,
                phone=attempt.phone,
                user=user or self.user or self._owner_of(attempt.sub),
                attempt=attempt.attempt,
                reference=attempt.reference,
                **facts,
            )
        )

    def _owner_of(self, sub: str | None) -> User | None:
        """Return the user of an identity. A step asks the database once for each.

        It asks for an unknown identity as well: one query less would tell that, by the clock.
        """
        if sub not in self._owners:
            found = User.objects.filter(pool=conf.user_pool_id, sub=sub or "")
            self._owners[sub] = found.first()
        return self._owners[sub]

    def refresh_lockout(self) -> None:
        """Ask, once the answer has left, whether the triggers hold the number."""
        attempt = self.required()
        lockouts.refresh(
            self.request, attempt.phone, attempt=attempt.attempt, reference=attempt.reference
        )

    def settle(self, error: LoginError) -> None:
        """Do what belongs to an error."""
        if self.waiting:
            error.reference = self.waiting.reference
        # First, since the session may be gone.
        if error.reason:
            self.note(error.kind, user=error.user, reason=error.reason)
        if error.becomes:
            self.store(error.becomes)


# The step that this request is in, for the lines of the log.
_now: ContextVar[Step | None] = ContextVar("step", default=None)


@contextmanager
def step(
    purpose: Purpose,
    request: HttpRequest,
    *,
    mine: Callable[[HttpRequest, Pending], bool] = lambda request, found: True,
) -> Iterator[Step]:
    """Do one step of an attempt, alone in this browser. Raises Unavailable where others are.

    ``mine`` tells whether what is pending is of whoever makes the request.
    """
    with alone(request):
        held: lock.Held | None
        held, is_stale = getattr(request, _HELD)
        if held is None:
            raise Unavailable
        found = pending.reload(request) if is_stale else pending.load(request)
        is_ours = found and found.purpose == purpose and mine(request, found)
        this = Step(request, held, found if is_ours else None)
        token = _now.set(this)
        try:
            yield this
        except LoginError as error:
            this.settle(error)
            raise
        finally:
            _now.reset(token)
            insert(this.events)


@contextmanager
def alone(request: HttpRequest) -> Iterator[None]:
    """Lock the sign-in of this browser, unless this request has done so already.

    A view enters it before it reads the session, which then is as the request before left it. Where
    a middleware has read it already, each step reads again what is pending. Where the request
    before takes too long, every step of this one raises Unavailable.
    """
    if hasattr(request, _HELD):
        yield
        return
    with ExitStack() as stack:
        held, is_stale = None, request.session.accessed
        try:
            held = stack.enter_context(lock.hold(request))
        except lock.TooLong:
            log.warning("A request waited too long for the one before it")
        setattr(request, _HELD, (held, is_stale))
        try:
            yield
        finally:
            delattr(request, _HELD)


def current(request: HttpRequest, purpose: Purpose = "login") -> Pending | None:
    """Return the attempt that is under way in this browser, or over and not yet begun again."""
    found = pending.load(request)
    return found if found and found.purpose == purpose else None


def throttle_post(request: HttpRequest) -> None:
    """Count a form that was sent, whatever is in it. Raises TooMany."""
    within_limits("phone_posts", request)


def within_limits(
    kind: throttle.Kind, request: HttpRequest, *, reason: str = "", user: User | None = None
) -> None:
    """Count a request of its network. Raises TooMany, with ``reason`` for the event.

    Apart from others where the browser is known to the account of ``user``.
    """
    is_known = user is not None and known_browsers.is_known(request, user)
    try:
        throttle.hit(kind, request, is_known=is_known)
    except throttle.LimitReached as error:
        log.warning("Too many %s from one network", kind)
        raise TooMany(error.retry_after, reason=reason) from error


def unavailable(
    error: Exception | None = None,
    *,
    reason: str = "unavailable",
    becomes: Pending | None = None,
) -> Unavailable:
    """Return what the person is told when ``error`` came up, and log it with their reference."""
    if error:
        faults_of_ours = (cognito.Misconfigured, functions.Misconfigured)
        level = logging.ERROR if isinstance(error, faults_of_ours) else logging.WARNING
        this = _now.get()
        reference = this.waiting.reference if this and this.waiting else ""
        log.log(level, "Sign-in is unavailable: %r %s", error, reference)
    told = Unavailable(reason=reason, becomes=becomes)
    told.is_answer_lost = isinstance(error, (cognito.NoAnswer, functions.NoAnswer))
    return told


def one_try_less(challenge: Challenge) -> Challenge:
    """Return the challenge after a wrong code. Raises cognito.Refused where it was the last."""
    if challenge.tries_left <= 1:
        raise cognito.Refused("No try is left")
    return replace(challenge, tries_left=challenge.tries_left - 1)


def check_attempt(attempt: str, waiting: Pending) -> None:
    """Raise OtherAttempt where a page belongs to another attempt than ``waiting``."""
    if not hmac.compare_digest(attempt.encode(), waiting.attempt.encode()):
        raise OtherAttempt
