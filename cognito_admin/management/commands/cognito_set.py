"""``manage.py cognito_set --user-pool-id ID NAME=VALUE …``: one setting, and nothing else.

``aws cognito-idp update-user-pool`` sets whatever it is not told to its default.
"""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cognito_admin import app_clients, aws_account, plans, pool
from cognito_admin.terminal import PoolCommand, plain_errors


class Command(PoolCommand):
    help = (
        "Changes single settings of a user pool, or with --client-id of an app client, and "
        "nothing else: cognito_set --user-pool-id ID DeletionProtection=ACTIVE"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user-pool-id", required=True)
        parser.add_argument("--client-id", help="change this client instead of the pool")
        parser.add_argument(
            # Django has a --settings of its own.
            "values",
            nargs="+",
            metavar="NAME=VALUE",
            help="such as DeletionProtection=ACTIVE, WriteAttributes='[\"locale\"]'; dots lead "
            "into a setting, null takes it away",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pool_id, client_id = options["user_pool_id"], options["client_id"]
        values = dict(_parsed(each) for each in options["values"])
        operator = aws_account.configured(pool_id)
        with plain_errors():
            if client_id:
                planned = app_clients.plan_settings(operator, pool_id, client_id, values)
                if not self.shown_and_agreed(planned.changes, options):
                    return
                app_clients.apply(operator, planned)
            elif not self.carry_out(
                operator, lambda: plans.for_settings(operator, pool_id, values), options
            ):
                return
        self.stdout.write(
            "Changed; described again: all of it came true, and nothing else has changed."
        )


def _parsed(spelled: str) -> tuple[pool.Path, Any]:
    name, equals, value = spelled.partition("=")
    if not (name and equals):
        raise CommandError(f"{spelled!r} is not of the form NAME=VALUE")
    try:
        read = json.loads(value)
    except ValueError:
        # A word, which JSON would want in quotes.
        read = value
    return tuple(name.split(".")), read
