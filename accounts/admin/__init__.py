"""What operators see and do, by Django's admin."""

from accounts.admin import audit_log, differences, events, operations, users

__all__ = ["audit_log", "differences", "events", "operations", "users"]
