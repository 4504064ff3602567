"""What is remembered: people, their sessions, how they signed in, what was ordered on them."""

from accounts.models.events import SignInEvent
from accounts.models.figures import EventCount, RolledHour
from accounts.models.operations import Operation
from accounts.models.sessions import Session
from accounts.models.turns import Turn
from accounts.models.users import User

__all__ = ["EventCount", "Operation", "RolledHour", "Session", "SignInEvent", "Turn", "User"]
