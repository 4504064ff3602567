"""``manage.py cognito_attach --user-pool-id ID``: let people of a pool sign in by phone."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from cognito_admin import attach, aws_account, plans, stack
from cognito_admin.terminal import PoolCommand, plain_errors


class Command(PoolCommand):
    help = (
        "Wires the triggers of a deployed stack into its user pool, and changes nothing else. "
        "Also puts back what got lost. Users, passwords and other clients stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user-pool-id", required=True)
        parser.add_argument("--stage", default="prod", help="stage of the stack (prod)")

    def handle(self, *args: Any, **options: Any) -> None:
        pool_id, stage = options["user_pool_id"], options["stage"]
        operator = aws_account.configured(pool_id)
        with plain_errors():
            try:
                deployed = stack.read(operator, stage)
            except stack.NoStack:
                self._examine(operator, pool_id, stage)
                return
            if deployed.user_pool_id != pool_id:
                raise CommandError(
                    f"The stack {deployed.name} works for {deployed.user_pool_id}. "
                    f"Deploy one for {pool_id}: make deploy STAGE=… USER_POOL_ID={pool_id}"
                )

            def keep(planned: plans.Plan) -> None:
                if not deployed.has_own_pool:
                    attach.save(operator, deployed, planned)

            if not self.carry_out(
                operator, lambda: attach.plan(operator, deployed), options, before=keep
            ):
                return
        self.stdout.write(
            "Attached; described again: all of it came true, and nothing else has changed. "
            "The way back: "
            f"python manage.py cognito_detach --user-pool-id {pool_id} --stage {stage}"
        )

    def _examine(self, operator: aws_account.Account, pool_id: str, stage: str) -> None:
        _, notes = attach.examine(operator, pool_id, stage, {})
        for note in notes:
            self.stdout.write(f"  note: {note}")
        self.stdout.write(
            f"The pool {pool_id} can be attached. First deploy what will be attached: "
            f"make deploy STAGE={stage} USER_POOL_ID={pool_id}"
        )
