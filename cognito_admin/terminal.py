"""Base of the commands that change something: show, ask, and report errors in plain words."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cognito_admin import journal, plans
from cognito_admin.aws_account import Account
from cognito_admin.plans import Plan, PlanError
from cognito_admin.pool import NotAsPlanned
from cognito_admin.stack import NoStack


class DeployError(Exception):
    """A command cannot go on. The message is for the person at the terminal."""


def ask(question: str, yes: bool, otherwise: str) -> None:
    """Raise DeployError unless the answer is yes."""
    if yes:
        return
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError as error:
        raise DeployError(f"{otherwise} Nobody is there to ask; say YES=1") from error
    if answer.strip().lower() not in ("y", "yes"):
        raise DeployError(otherwise)


class CarefulCommand(BaseCommand):
    """Show what will change, ask, and do it. ``--yes`` does not ask, ``--dry-run`` ends.

    Of the site's settings only the region is needed.
    """

    requires_system_checks: Any = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--yes`` and ``--dry-run``."""
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--dry-run", action="store_true", help="show, and change nothing")

    def shown_and_agreed(self, changes: Iterable[object], options: dict[str, Any]) -> bool:
        """Show what will change. Returns whether it may be done."""
        listed = list(changes)
        for change in listed:
            self.stdout.write(f"  {change}")
        if not listed:
            self.stdout.write("  Nothing to change.")
            return False
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was changed.")
            return False
        if options["yes"]:
            return True
        try:
            answer = input("Change this? [y/N] ")
        except EOFError as error:
            raise CommandError("Nobody to ask; say --yes") from error
        if answer.strip().lower() in ("y", "yes"):
            return True
        self.stdout.write("Nothing was changed.")
        return False


class PoolCommand(CarefulCommand):
    """A command that changes a user pool by a plan."""

    def carry_out(
        self,
        operator: Account,
        plan: Callable[[], Plan],
        options: dict[str, Any],
        *,
        before: Callable[[Plan], None] = lambda planned: None,
        after: Callable[[], None] = lambda: None,
    ) -> bool:
        """Show what is planned, ask, and do it. Returns whether something was changed.

        ``before`` runs before the first change, ``after`` once the plan holds, also where nothing
        was left to change. Raises PlanError, NotAsPlanned and botocore's errors.
        """
        planned = plan()
        self.stdout.write(f"{planned.user_pool_id}, {planned.pool_name}:")
        for note in planned.notes:
            self.stdout.write(f"  note: {note}")
        if self.shown_and_agreed(planned.changes, options):
            before(planned)
            plans.apply(operator, planned, plan)
            after()
            return True
        if not (planned.changes or options["dry_run"]):
            # An earlier run may have been cut off after its last change.
            journal.end(operator, planned.user_pool_id)
            after()
        return False


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors of AWS and of plans into CommandError, without a traceback."""
    try:
        yield
    except (PlanError, NotAsPlanned, NoStack, ClientError, BotoCoreError) as error:
        raise CommandError(str(error)) from error
