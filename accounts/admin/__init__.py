"""What operators see and do, by Django's admin."""

from accounts.admin import events, users

__all__ = ["events", "users"]
