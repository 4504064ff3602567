"""What operators see and do, by Django's admin."""

from accounts.admin import audit, drift, events, operations, users

__all__ = ["audit", "drift", "events", "operations", "users"]
