"""Operators take a way to sign in, or a step of it, from an account."""

from accounts.aws import backup_codes, cognito, secret_answers, sms
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.models import Operation, User
from accounts.operations.handler import Handler, text


class ResetAuthenticator(Handler):
    """Let sign-ins of a person ask for no code of an authenticator app any more."""

    is_done_when_gone = True

    def remote(self, operation: Operation, user: User) -> str:
        cognito.gateway().set_authenticator(user.sub, "")
        if conf.ledger_function:
            # They are good in its place.
            backup_codes.forget(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.app_opens_admin = False
        user.save(update_fields=["app_opens_admin"])
        sign_ins.record(
            sign_ins.Kind.AUTHENTICATOR, None, phone=user.phone or "", user=user, reason="operator"
        )


class RemoveEmail(Handler):
    """Take the e-mail address from an account: no code is mailed any more."""

    is_done_when_gone = True

    def remote(self, operation: Operation, user: User) -> str:
        gateway = cognito.gateway()
        if not gateway.read_user(user.sub).email:
            operation.params = {**operation.params, "tell": False}
        gateway.set_email(user.sub, "")
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        sign_ins.record(
            sign_ins.Kind.EMAIL, None, phone=user.phone or "", user=user, reason="operator"
        )

    def notify(self, operation: Operation) -> None:
        """Tell the number."""
        user = operation.user
        if user and user.phone:
            text(operation, user.phone, "email_changed")


class RemoveSecondNumber(Handler):
    """Take the second number from an account: no code goes to it any more."""

    is_done_when_gone = True

    def remote(self, operation: Operation, user: User) -> str:
        sms.forget_second_number(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        # Not the instance: who had the number is still to be told.
        User.objects.filter(pk=user.pk).update(second_phone="")
        sign_ins.record(
            sign_ins.Kind.SECOND_NUMBER, None, phone=user.phone or "", user=user, reason="operator"
        )

    def notify(self, operation: Operation) -> None:
        """Tell the second number, and the first one."""
        user = operation.user
        if user and user.second_phone:
            for phone in filter(None, (user.second_phone, user.phone)):
                text(operation, phone, "second_number_changed")


class ForgetAnswer(Handler):
    """Forget the answer to the secret question, so that the next sign-in asks for another."""

    def remote(self, operation: Operation, user: User) -> str:
        secret_answers.forget(user.sub)
        return ""
