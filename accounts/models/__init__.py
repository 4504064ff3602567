"""What is remembered: people, their sessions, what happened when they signed in."""

from accounts.models.events import SignInEvent
from accounts.models.figures import EventCount, RolledHour
from accounts.models.sessions import Session
from accounts.models.turns import Turn
from accounts.models.users import User

__all__ = ["EventCount", "RolledHour", "Session", "SignInEvent", "Turn", "User"]
