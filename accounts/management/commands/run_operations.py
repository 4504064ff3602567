"""``manage.py run_operations``: try operations that are due."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts import operations
from accounts.models import Operation


class Command(BaseCommand):
    help = "Try again what was ordered on accounts and is not done yet. Run it every minute."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=50, help="begin nothing more after so long (50)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tried = operations.run_due(seconds=options["seconds"], limit=10_000)
        waiting = Operation.objects.filter(state=Operation.State.WAITING).count()
        self.stdout.write(f"{tried} tried, {waiting} waiting.")
