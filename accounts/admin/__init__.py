"""The pages of operators, in Django's admin, one module a page."""

from accounts.admin import (
    audit_log,
    differences,
    events,
    exports,
    operations,
    recoveries,
    returns,
    rights,
    users,
)

__all__ = [
    "audit_log",
    "differences",
    "events",
    "exports",
    "operations",
    "recoveries",
    "returns",
    "rights",
    "users",
]
