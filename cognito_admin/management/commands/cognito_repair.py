"""``manage.py cognito_repair``: accounts that cannot, or not safely, sign in by phone."""

import argparse
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import cognito, phones
from accounts.conf import conf
from cognito_admin import account, repair
from cognito_admin.repair import Ailment, Kind
from cognito_admin.terminal import plain_errors


class Command(BaseCommand):
    help = (
        "Lists accounts in limbo, and with --kinds those that wait for a first password, whose "
        "number is written in another way, or that share one. Changes nothing without --heal. "
        "May be ended at any time: the next run goes on."
    )
    requires_system_checks: Any = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user-pool-id", help="the site's by default")
        parser.add_argument(
            "--kinds",
            type=_kinds,
            default=[Kind.LIMBO],
            help=f"which, with commas: {','.join(Kind)} (limbo)",
        )
        parser.add_argument("--heal", action="store_true", help="do it; else only list")
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
        operator = account.configured(pool_id)
        counts: Counter[Kind] = Counter()
        failed = 0
        with plain_errors():
            # Listed to the end first: pages would move while accounts leave them.
            found = list(repair.find(operator, pool_id, options["kinds"]))[: options["limit"]]
            for ailment in (
                repair.at_pace(found, options["per_second"]) if options["heal"] else found
            ):
                named = f"{ailment.username} {phones.mask(ailment.phone)}"
                self.stdout.write(f"{ailment.kind:13} {named}: {ailment.remedy}")
                counts[ailment.kind] += 1
                if options["heal"] and not self._heal(operator, pool_id, ailment):
                    failed += 1
        done = "healed" if options["heal"] else "found"
        listed = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
        self.stdout.write(f"{done}: {listed}")
        if not options["heal"] and counts:
            self.stdout.write("Nothing was changed; --heal does it.")
        if failed:
            raise CommandError(f"{failed} could not be healed; see above. Run it again.")

    def _heal(self, operator: account.Account, pool_id: str, ailment: Ailment) -> bool:
        try:
            if kept := repair.heal(operator, pool_id, ailment):
                self.stdout.write(
                    f"  the pool keeps {', '.join(kept)}, which nobody has proven; to be rid of "
                    f"it: aws cognito-idp admin-delete-user --user-pool-id {pool_id} "
                    f"--username {ailment.username}"
                )
        except (cognito.CognitoError, *repair.AWS_ERRORS) as error:
            # One account must not hold up thousands.
            self.stderr.write(f"  not healed: {error}")
            return False
        return True


def _kinds(spelled: str) -> list[Kind]:
    try:
        return [Kind(each) for each in spelled.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
