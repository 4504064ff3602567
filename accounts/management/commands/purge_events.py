from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import retention


class Command(BaseCommand):
    help = (
        "Remove sign-in events that are older than ACCOUNTS_EVENTS_KEPT_DAYS, and sessions and "
        "turns that are over. Run it every hour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        removed = retention.purge(timezone.now())
        self.stdout.write(
            f"Removed {removed.events} sign-in events, {removed.sessions} sessions, "
            f"{removed.turns} turns."
        )
