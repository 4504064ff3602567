"""``manage.py run_operations``: try operations that are due, and write exports."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts import exports, operations
from accounts.models import Operation


class Command(BaseCommand):
    help = (
        "Try again what was ordered on accounts and is not done yet, and go on with exports of"
        " lists. Run it every minute."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=50, help="begin nothing more after so long (50)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        until = time.monotonic() + options["seconds"]
        tried = operations.run_due(seconds=options["seconds"], limit=10_000)
        exports.run_due(seconds=until - time.monotonic())
        waiting = Operation.objects.filter(state=Operation.State.WAITING).count()
        self.stdout.write(f"{tried} tried, {waiting} waiting.")
