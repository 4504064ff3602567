"""``manage.py cognito_repair``: repair accounts that cannot, or not safely, sign in by phone."""

import argparse
import shlex
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import phones
from accounts.aws import cognito
from accounts.conf import conf
from accounts.sync.pace import Pace
from cognito_admin import attach, aws_account, plans, repair
from cognito_admin.repair import Kind, Problem
from cognito_admin.terminal import CarefulCommand, plain_errors


class Command(CarefulCommand):
    help = (
        "Lists accounts that were never confirmed, and with --kinds those that wait for a first "
        "password, whose number is written in another way or not verified, or that share one. "
        "Changes nothing "
        "without --repair, which lists them too, and asks. May be ended at any time: the next run "
        "goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user-pool-id", help="the site's by default")
        parser.add_argument(
            "--kinds",
            type=_kinds,
            default=[Kind.UNCONFIRMED],
            help=f"which, with commas: {','.join(Kind)} (unconfirmed)",
        )
        parser.add_argument("--repair", action="store_true", help="do it; else only list")
        parser.add_argument(
            "--older-than",
            type=float,
            default=24.0,
            metavar="HOURS",
            help="leave accounts alone that were made less than so long ago (24)",
        )
        parser.add_argument("--limit", type=int, help="repair no more than so many in this run")
        parser.add_argument(
            "--per-second", type=float, default=4.0, help="accounts repaired in a second (4)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pool_id = options["user_pool_id"] or conf.user_pool_id
        if not pool_id:
            raise CommandError("Which pool? --user-pool-id …")
        if options["per_second"] <= 0:
            raise CommandError("--per-second must be more than 0")
        if options["older_than"] < 0:
            raise CommandError("--older-than is not below zero")
        operator = aws_account.configured(pool_id)
        with plain_errors():
            described, _ = plans.describe(operator, pool_id)
            # Listed to the end first: pages would move while accounts leave them.
            found = list(
                repair.find(
                    operator,
                    pool_id,
                    options["kinds"],
                    older_than=timedelta(hours=options["older_than"]),
                    username=attach.username_of(described),
                )
            )
            spared = Counter(each.left_alone for each in found if each.left_alone)
            for why, count in spared.items():
                self.stdout.write(f"  note: {count} left alone, {why}")
            found = [each for each in found if not each.left_alone][: options["limit"]]
            if not options["repair"]:
                for problem in found:
                    self.stdout.write(f"  {_shown(problem)}")
                self.stdout.write(f"found: {_counted(found)}")
                if found:
                    self.stdout.write("Nothing was changed; --repair does it.")
                return
            if not self.shown_and_agreed(map(_shown, found), options):
                return
            self._repair_all(operator, pool_id, found, options["per_second"])

    def _repair_all(
        self, operator: aws_account.Account, pool_id: str, found: list[Problem], per_second: float
    ) -> None:
        # An account takes up to five calls, and AWS grants 25 a second.
        pace, repaired = Pace(per_second), []
        for problem in found:
            pace()
            if self._repair(operator, pool_id, problem):
                repaired.append(problem)
        self.stdout.write(f"repaired: {_counted(repaired)}")
        if failed := len(found) - len(repaired):
            raise CommandError(f"{failed} could not be repaired; see above. Run it again.")

    def _repair(self, operator: aws_account.Account, pool_id: str, problem: Problem) -> bool:
        try:
            if kept := repair.repair(operator, pool_id, problem):
                self.stdout.write(
                    f"  {problem.username}: the pool keeps {', '.join(kept)}, which nobody has "
                    "proven; to be rid of it: aws cognito-idp admin-delete-user "
                    f"--region {operator.region} --user-pool-id {pool_id} "
                    f"--username {shlex.quote(problem.username)}"
                )
        except (cognito.CognitoError, *repair.AWS_ERRORS) as error:
            # One account must not hold up thousands.
            self.stderr.write(f"  {problem.username} was not repaired: {error}")
            return False
        return True


def _shown(problem: Problem) -> str:
    named = f"{problem.username} {phones.mask(problem.phone)}"
    return f"{problem.kind:13} {named}: {problem.remedy}"


def _counted(problems: list[Problem]) -> str:
    counts = Counter(each.kind for each in problems)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"


def _kinds(spelled: str) -> list[Kind]:
    try:
        return [Kind(each) for each in spelled.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
