"""What is remembered: people, their sessions, what happened when they signed in,
and where Cognito says otherwise."""

from accounts.models.drift import Claim, Finding, SyncRun
from accounts.models.events import SignInEvent
from accounts.models.sessions import Session
from accounts.models.turns import Turn
from accounts.models.users import User

__all__ = ["Claim", "Finding", "Session", "SignInEvent", "SyncRun", "Turn", "User"]
