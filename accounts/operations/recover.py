"""The last step of a recovery: the proven number becomes the account's, and all else ends."""

from functools import partial

from django.utils import timezone

from accounts import sessions
from accounts.aws import backup_codes, cognito, sms
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.models import Operation, Recovery, Session, User
from accounts.operations import returns
from accounts.operations.handler import Handler, text


class Recover(Handler):
    """Give an account the number that its person has proven after a recovery.

    Whoever has another way in needs no recovery. So sessions, known browsers, passkeys, backup
    codes, the e-mail address and the second number are in other hands, or lost, and end. All other
    factors of a sign-in stay.
    """

    def remote(self, operation: Operation, user: User) -> str:
        """Change the number in Cognito, and end tokens, the address and backup codes."""
        gateway = cognito.gateway()
        gateway.change_phone(user.sub, operation.params["phone"], verified=True)
        gateway.sign_out_everywhere(user.sub)
        if conf.email and conf.username == "phone":
            # Codes could be mailed to it.
            gateway.set_email(user.sub, "")
        if conf.ledger_function:
            backup_codes.forget(user.sub)
        if user.second_phone:
            sms.forget_second_number(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        """Change the number here, and end all other ways in."""
        phone = operation.params["phone"]
        changed = User.objects.for_identity(user.sub, phone, phone_verified=True, pool=user.pool)
        sessions.end_all(changed, Session.Ended.NUMBER_CHANGED, reason="recovery")
        changed.passkeys.all().delete()
        changed.has_copied_passkey = False
        changed.second_phone = ""
        changed.recovery_until = None
        changed.browsers_forgotten_at = timezone.now()
        changed.save(
            update_fields=[
                "has_copied_passkey",
                "second_phone",
                "recovery_until",
                "browsers_forgotten_at",
            ]
        )
        noted = partial(sign_ins.record, phone=phone, user=changed)
        noted(sign_ins.Kind.NUMBER_CHANGED, None, reason="recovery")
        noted(sign_ins.Kind.RECOVERY, None, reason="recovery_done")
        Recovery.objects.filter(pk=operation.params["recovery"]).update(
            state=Recovery.State.DONE, finished_at=timezone.now()
        )
        # An operator knows who they are, so nothing more is asked.
        returns.let_back(changed)

    def notify(self, operation: Operation) -> None:
        """Tell the second number and the old one. The order has what became of the last text."""
        # The account as it was when this try began.
        user = operation.user
        if user and user.second_phone:
            text(operation, user.second_phone, "second_number_changed")
        if user and user.phone and user.phone != operation.params["phone"]:
            text(operation, user.phone, "number_changed")
