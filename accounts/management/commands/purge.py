"""``manage.py purge``: remove old events, sessions and locks, and unproven accounts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.aws import cognito, functions
from accounts.events import retention
from accounts.operations import recoveries
from accounts.sync import unproven_accounts
from accounts.sync.pace import Pace


class Command(BaseCommand):
    help = (
        "Remove what has been kept long enough: sign-in events (ACCOUNTS_EVENTS_KEPT_DAYS), "
        "sessions and locks that are over, and accounts that this site made and nobody ever proved "
        "(ACCOUNTS_UNPROVEN_KEPT_DAYS). Run it every hour; it may be ended at any point."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--list",
            action="store_true",
            help="remove nothing; list the accounts that would go",
        )
        parser.add_argument(
            "--accounts",
            type=int,
            default=unproven_accounts.MOST,
            metavar="NUMBER",
            help="look at no more accounts than so many (default: %(default)s)",
        )
        parser.add_argument(
            "--per-second",
            type=float,
            default=unproven_accounts.PER_SECOND,
            help="calls to Cognito per second; it grants 25 deletions (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0.01 <= options["per_second"] <= 25:
            raise CommandError("--per-second is out of range.")
        if options["accounts"] < 0:
            raise CommandError("--accounts is not below zero.")
        now = timezone.now()
        if not options["list"]:
            recoveries.expire_all()
            removed = retention.purge(now)
            self.stdout.write(
                f"Removed {removed.events} sign-in events, {removed.sessions} sessions, "
                f"{removed.locks} locks."
            )
        try:
            accounts = unproven_accounts.purge(
                now,
                pace=Pace(options["per_second"]),
                most=options["accounts"],
                is_rehearsal=options["list"],
            )
        except (cognito.CognitoError, functions.FunctionError) as error:
            raise CommandError(
                f"Accounts that nobody proved: {error!r}. The next run goes on."
            ) from error
        self._report(accounts, is_rehearsal=options["list"])

    def _report(self, accounts: unproven_accounts.Outcome, *, is_rehearsal: bool) -> None:
        if is_rehearsal:
            for each in accounts.removed:
                self.stdout.write(each)
        done = "Would remove" if is_rehearsal else "Removed"
        self.stdout.write(
            f"{done} {len(accounts.removed)} accounts that nobody proved; {accounts.kept} are kept "
            f"for good, {accounts.put_off} are put off, {accounts.due} wait for the next run."
        )
