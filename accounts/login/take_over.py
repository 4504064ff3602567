"""The question about other devices that are signed in, once a code was right.

take_over  they may go      → signed in
cancel     they stay        → nobody is signed in
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest

from accounts.events import sign_ins
from accounts.login import attempt_steps, completion
from accounts.login.errors import StartOver
from accounts.login.pending import Pending, Way
from accounts.models import Session, SignInEvent, User
from accounts.sessions import concurrency

Kind = sign_ins.Kind
# The events of a change of where a code went, by the way of a sign-in.
_CHANGES: dict[Way, Kind] = {"email": Kind.EMAIL, "second_number": Kind.SECOND_NUMBER}


@dataclass(frozen=True)
class Question:
    """The question that ``take_over`` and ``cancel`` answer, with the live sessions elsewhere."""

    attempt: str
    next_url: str
    others: list[Session]


def pending_question(request: HttpRequest) -> Question | None:
    """Return what the person whose code was right is asked, for as long as they may answer."""
    waiting = attempt_steps.current(request)
    user = _proven(waiting) if waiting else None
    if waiting is None or user is None:
        return None
    return Question(waiting.attempt, waiting.next_url, list(concurrency.others(request, user)))


def take_over(request: HttpRequest, *, attempt: str) -> completion.SignedIn:
    """Sign in whoever is asked, and end their sessions elsewhere.

    ``attempt`` is what the page's form carried. Raises NothingPending, StartOver, OtherAttempt,
    Unavailable.
    """
    with attempt_steps.step("login", request) as this:
        if session := this.held.just_signed_in(answer=attempt):
            return completion.replay(request, session)
        waiting = this.required()
        user = _proven(waiting)
        if user is None:
            raise StartOver
        attempt_steps.check_attempt(attempt, waiting)
        completion.let_in(this, user, may_end_others=True)
        this.held.signed_in(request.session.session_key or "", answer=attempt)
    return completion.after_sign_in(user, waiting.next_url, way=waiting.way)


def cancel(request: HttpRequest) -> int | None:
    """Forget the sign-in of whoever is asked. Return how many other devices stay signed in.

    None where nobody is asked, or no longer.
    """
    with attempt_steps.step("login", request) as this:
        user = _proven(this.waiting) if this.waiting else None
        if user is None:
            return None
        this.note(Kind.FAILED, reason="cancelled")
        others = concurrency.others(request, user).count()
        request.session.flush()
        return others


def _proven(waiting: Pending) -> User | None:
    """Return whose code was right, for as long as they may think about their other devices."""
    if waiting.proven is None or not waiting.is_proven():
        return None
    # Not whoever was shut out meanwhile, or has another number: that is whose the code was.
    user = User.objects.filter(
        pk=waiting.proven, phone=waiting.phone or None, is_active=True, cognito_enabled=True
    ).first()
    return user if user and _is_good_still(waiting, user) else None


def _is_good_still(waiting: Pending, user: User) -> bool:
    """Tell whether nobody has ended meanwhile what the person was about to sign in with.

    Whoever signs all devices out means this one, too, which is in no list of sessions yet.
    """
    proven_at = datetime.fromtimestamp(waiting.proven_at, UTC)
    if user.browsers_forgotten_at and user.browsers_forgotten_at >= proven_at:
        return False
    if kind := _CHANGES.get(waiting.way):
        return not SignInEvent.objects.filter(user=user, kind=kind, at__gte=proven_at).exists()
    if waiting.passkey is None:
        return True
    return user.passkeys.filter(pk=waiting.passkey, copied_at=None).exists()
