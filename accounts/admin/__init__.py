"""What operators see and do, by Django's admin."""

from accounts.admin import audit, events, operations, users

__all__ = ["audit", "events", "operations", "users"]
