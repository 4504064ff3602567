"""``manage.py cognito_detach --user-pool-id ID``: the way back from cognito_attach."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from cognito_admin import attach, aws_account, stack
from cognito_admin.terminal import PoolCommand, plain_errors


class Command(PoolCommand):
    help = (
        "Takes our triggers out of a user pool and puts back what was there before. "
        "What others have changed since stays. Phone sign-in ends at once; passwords go on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user-pool-id", required=True)
        parser.add_argument("--stage", default="prod", help="stage of the stack (prod)")

    def handle(self, *args: Any, **options: Any) -> None:
        pool_id, stage = options["user_pool_id"], options["stage"]
        operator = aws_account.configured(pool_id)
        with plain_errors():
            deployed = stack.read(operator, stage)
            if deployed.user_pool_id != pool_id:
                raise CommandError(
                    f"The stack {deployed.name} works for {deployed.user_pool_id}, not {pool_id}"
                )
            if not self.carry_out(
                operator,
                lambda: attach.plan_detach(operator, deployed),
                options,
                after=lambda: attach.forget(operator, deployed),
            ):
                return
        self.stdout.write(
            "Detached; described again: all of it came true, and nothing else has changed. "
            f"The client and the functions go with: make undeploy STAGE={stage}"
        )
