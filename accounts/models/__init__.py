"""What is remembered: people, their sessions, how they signed in, what was ordered on them, and
where Cognito says otherwise."""

from accounts.models.drift import Claim, Finding, Listed, SyncRun
from accounts.models.events import SignInEvent
from accounts.models.figures import EventCount, RolledHour
from accounts.models.operations import Operation
from accounts.models.sessions import Session
from accounts.models.turns import Turn
from accounts.models.unproven import UnprovenAccount
from accounts.models.users import User

__all__ = [
    "Claim",
    "EventCount",
    "Finding",
    "Listed",
    "Operation",
    "RolledHour",
    "Session",
    "SignInEvent",
    "SyncRun",
    "Turn",
    "UnprovenAccount",
    "User",
]
