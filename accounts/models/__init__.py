"""Database models: users, passkeys, sessions, events, operations, exports, differences."""

from accounts.models.differences import Claim, Difference, Listed, SyncRun
from accounts.models.events import SignInEvent
from accounts.models.exports import Export, ExportPart, ListName, SavedView
from accounts.models.login_locks import LoginLock
from accounts.models.operations import Operation
from accounts.models.passkeys import Passkey, SetupCode, UsedChallenge
from accounts.models.recoveries import Recovery
from accounts.models.returns import Return
from accounts.models.sessions import Session
from accounts.models.stats import EventCount, RolledHour
from accounts.models.unproven_accounts import UnprovenAccount
from accounts.models.users import User

__all__ = [
    "Claim",
    "Difference",
    "EventCount",
    "Export",
    "ExportPart",
    "ListName",
    "Listed",
    "LoginLock",
    "Operation",
    "Passkey",
    "Recovery",
    "Return",
    "RolledHour",
    "SavedView",
    "Session",
    "SetupCode",
    "SignInEvent",
    "SyncRun",
    "UnprovenAccount",
    "UsedChallenge",
    "User",
]
