"""``manage.py cognito_repair``: accounts that cannot, or not safely, sign in by phone."""

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
from cognito_admin import account, repair
from cognito_admin.repair import Ailment, Kind
from cognito_admin.terminal import CarefulCommand, plain_errors


class Command(CarefulCommand):
    help = (
        "Lists accounts in limbo, and with --kinds those that wait for a first password, whose "
        "number is written in another way, or that share one. Changes nothing without --heal, "
        "which lists them too, and asks. May be ended at any time: the next run goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user-pool-id", help="the site's by default")
        parser.add_argument(
            "--kinds",
            type=_kinds,
            default=[Kind.LIMBO],
            help=f"which, with commas: {','.join(Kind)} (limbo)",
        )
        parser.add_argument("--heal", action="store_true", help="do it; else only list")
        parser.add_argument(
            "--older-than",
            type=float,
            default=24.0,
            metavar="HOURS",
            help="leave accounts alone that were made less than so long ago (24)",
        )
        parser.add_argument("--limit", type=int, help="heal no more than so many in this run")
        parser.add_argument(
            "--per-second", type=float, default=4.0, help="accounts healed in a second (4)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pool_id = options["user_pool_id"] or conf.user_pool_id
        if not pool_id:
            raise CommandError("Which pool? --user-pool-id …")
        if options["per_second"] <= 0:
            raise CommandError("--per-second must be more than 0")
        if options["older_than"] < 0:
            raise CommandError("--older-than is not below zero")
        operator = account.configured(pool_id)
        with plain_errors():
            # Listed to the end first: pages would move while accounts leave them.
            found = list(
                repair.find(
                    operator,
                    pool_id,
                    options["kinds"],
                    older_than=timedelta(hours=options["older_than"]),
                )
            )
            spared = Counter(each.left_alone for each in found if each.left_alone)
            for why, count in spared.items():
                self.stdout.write(f"  note: {count} left alone, {why}")
            found = [each for each in found if not each.left_alone][: options["limit"]]
            if not options["heal"]:
                for ailment in found:
                    self.stdout.write(f"  {_shown(ailment)}")
                self.stdout.write(f"found: {_counted(found)}")
                if found:
                    self.stdout.write("Nothing was changed; --heal does it.")
                return
            if not self.shown_and_agreed(map(_shown, found), options):
                return
            self._heal_all(operator, pool_id, found, options["per_second"])

    def _heal_all(
        self, operator: account.Account, pool_id: str, found: list[Ailment], per_second: float
    ) -> None:
        # An account takes up to five calls, and AWS grants 25 a second.
        pace, healed = Pace(per_second), []
        for ailment in found:
            pace()
            if self._heal(operator, pool_id, ailment):
                healed.append(ailment)
        self.stdout.write(f"healed: {_counted(healed)}")
        if failed := len(found) - len(healed):
            raise CommandError(f"{failed} could not be healed; see above. Run it again.")

    def _heal(self, operator: account.Account, pool_id: str, ailment: Ailment) -> bool:
        try:
            if kept := repair.heal(operator, pool_id, ailment):
                self.stdout.write(
                    f"  {ailment.username}: the pool keeps {', '.join(kept)}, which nobody has "
                    "proven; to be rid of it: aws cognito-idp admin-delete-user "
                    f"--region {operator.region} --user-pool-id {pool_id} "
                    f"--username {shlex.quote(ailment.username)}"
                )
        except (cognito.CognitoError, *repair.AWS_ERRORS) as error:
            # One account must not hold up thousands.
            self.stderr.write(f"  {ailment.username} was not healed: {error}")
            return False
        return True


def _shown(ailment: Ailment) -> str:
    named = f"{ailment.username} {phones.mask(ailment.phone)}"
    return f"{ailment.kind:13} {named}: {ailment.remedy}"


def _counted(ailments: list[Ailment]) -> str:
    counts = Counter(each.kind for each in ailments)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"


def _kinds(spelled: str) -> list[Kind]:
    try:
        return [Kind(each) for each in spelled.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
