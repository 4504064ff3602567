"""``manage.py make_roles``: the groups Support, Lead and Auditor."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.operations import roles


class Command(BaseCommand):
    help = (
        "Make the groups Support, Lead and Auditor with their rights, where they are missing."
        " make_admin does so as well, where there is no group at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reset",
            action="store_true",
            help="give those that exist their ready-made rights back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = roles.make()
        if options["reset"]:
            roles.give_back()
        for name in roles.ROLES:
            done = "made" if name in made else "reset" if options["reset"] else "is there"
            self.stdout.write(f"{name}: {done}")
