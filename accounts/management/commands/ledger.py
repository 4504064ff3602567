"""``manage.py ledger``: show or clear the triggers' counts, holds and locks of a number."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import phones
from accounts.aws import functions, ledger
from accounts.events import reasons
from accounts.management import arguments


class Command(BaseCommand):
    help = "Show what is held against a phone number, or unlock it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["show", "unlock"])
        arguments.add_phone(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        phone = arguments.read_phone(options)
        try:
            state = getattr(ledger, options["action"])(phone)
        except functions.FunctionError as error:
            raise CommandError(f"The ledger was not reached: {error}") from error
        held_until = datetime.fromtimestamp(state.held_until, UTC)
        if state.is_locked:
            hold = "locked until an operator unlocks it"
        elif held_until > datetime.now(UTC):
            hold = f"held until {held_until:%Y-%m-%d %H:%M} UTC"
        else:
            hold = "not held"
        self.stdout.write(f"{phones.mask(phone)}: {hold}")
        self.stdout.write(f"  wrong codes in a row: {state.failures}")
        if state.stopped_until > time.time():
            until = datetime.fromtimestamp(state.stopped_until, UTC)
            self.stdout.write(f"  texts stopped by their owner until {until:%Y-%m-%d %H:%M} UTC")
        self.stdout.write(
            f"  texts: {state.sends_last_hour} in the last hour, "
            f"{state.sends_last_day} in the last 24 hours"
        )
        for each in state.decisions:
            self.stdout.write(
                f"  {each.at:%Y-%m-%d %H:%M:%S} UTC  {each.reference}  {reasons.label(each.reason)}"
            )
