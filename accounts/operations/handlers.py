"""Run each kind of operation, here and in Cognito: the steps of ``handler.Handler``."""

from django.contrib.auth.models import Group

from accounts import sessions
from accounts.aws import cognito, ledger
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.models import Operation, Session, User
from accounts.operations import returns
from accounts.operations.handler import Handler, text
from accounts.operations.recover import Recover
from accounts.operations.ways import (
    ForgetAnswer,
    RemoveEmail,
    RemoveSecondNumber,
    ResetAuthenticator,
)

Kind, Remark = Operation.Kind, Operation.Remark


class Disable(Handler):
    """Shut a person out here and in Cognito, and end their sessions."""

    shuts_out = is_done_when_gone = True

    def local_before(self, operation: Operation, user: User) -> None:
        user.is_active = False
        user.save(update_fields=["is_active"])
        sessions.end_all(user, Session.Ended.SHUT_OUT, reason="operator")

    def remote(self, operation: Operation, user: User) -> str:
        cognito.gateway().disable(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.cognito_enabled = False
        user.save(update_fields=["cognito_enabled"])


class Enable(Handler):
    """Let a disabled person sign in again."""

    def remote(self, operation: Operation, user: User) -> str:
        cognito.gateway().enable(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.is_active = user.cognito_enabled = True
        user.save(update_fields=["is_active", "cognito_enabled"])


class SignOut(Handler):
    """End all sessions of a person here, and take back all tokens in Cognito."""

    shuts_out = is_done_when_gone = True

    def local_before(self, operation: Operation, user: User) -> None:
        # A later try must not end sessions that began after the order.
        before = Session.objects.filter(user=user, signed_in_at__lte=operation.ordered_at)
        sessions.end_all(user, Session.Ended.ENDED_BY_OPERATOR, among=before)

    def remote(self, operation: Operation, user: User) -> str:
        cognito.gateway().sign_out_everywhere(user.sub)
        return ""


class Unlock(Handler):
    """Clear the triggers' counts, holds and locks of a number."""

    def remote(self, operation: Operation, user: User) -> str:
        if user.phone:
            ledger.unlock(user.phone, user_sub=user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        User.objects.filter(pk=user.pk).update(held_until=None)


class Delete(Disable):
    """Remove an account in Cognito and here, after shutting it out as Disable does."""

    def remote(self, operation: Operation, user: User) -> str:
        cognito.gateway().delete(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.delete()


class Invite(Handler):
    """Make an account for a number, or take the one that it has."""

    def remote(self, operation: Operation, user: None) -> str:
        phone, gateway = operation.params["phone"], cognito.gateway()
        created = gateway.create_user(phone)
        operation.sub = (created or gateway.find_user(phone)).sub
        return "" if created else Remark.HAD_ACCOUNT

    def local_after(self, operation: Operation, user: None) -> None:
        name = operation.params.get("name", "")
        invited = User.objects.for_identity(operation.sub, operation.params["phone"])
        if name and not invited.name:
            invited.name = name
            invited.save(update_fields=["name"])
        operation.user = invited

    def notify(self, operation: Operation) -> None:
        text(operation, operation.params["phone"], "invited")


class ChangePhone(Handler):
    """Give an account another phone. Unless that is proven, all sessions end."""

    def remote(self, operation: Operation, user: User) -> str:
        params = operation.params
        cognito.gateway().change_phone(user.sub, params["phone"], verified=params["verified"])
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        phone, verified = operation.params["phone"], operation.params["verified"]
        changed = User.objects.for_identity(
            user.sub,
            phone,
            # As it is in Cognito now: see GatewayByAttribute.change_phone.
            phone_verified=verified or conf.username == "attribute",
            pool=user.pool,
        )
        if changed.second_phone == phone:
            # It is the first one now.
            changed.second_phone = ""
            changed.save(update_fields=["second_phone"])
        if not verified:
            # The people in these sessions have not proven that the new number is theirs.
            sessions.end_all(changed, Session.Ended.NUMBER_CHANGED, reason="operator")
            sign_ins.record(
                sign_ins.Kind.NUMBER_CHANGED, None, phone=phone, user=changed, reason="operator"
            )
            if user.phone != phone:
                # Not an order that only takes another one back.
                returns.let_back(changed)

    def notify(self, operation: Operation) -> None:
        # The account as it was when this try began.
        user = operation.user
        if user and user.phone and user.phone != operation.params["phone"]:
            text(operation, user.phone, "number_changed")


class FreeNumber(Handler):
    """Take the number from a dormant account, which is kept with all else that it has."""

    def local_before(self, operation: Operation, user: User) -> None:
        sessions.end_all(user, Session.Ended.NUMBER_CHANGED, reason="operator")

    def remote(self, operation: Operation, user: User) -> str:
        gateway = cognito.gateway()
        gateway.free_phone(user.sub)
        gateway.sign_out_everywhere(user.sub)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.phone, user.phone_verified = None, False
        user.save(update_fields=["phone", "phone_verified"])


class MakeStaff(Handler):
    """Make an operator, here and in the pool's staff group, if one is configured."""

    def remote(self, operation: Operation, user: User) -> str:
        if group := conf.staff_group:
            cognito.gateway().add_to_group(user.sub, group)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.is_staff = True
        user.save(update_fields=["is_staff"])


class UnmakeStaff(Handler):
    """Take away the rights of an operator, and of a superuser."""

    shuts_out = is_done_when_gone = True

    def local_before(self, operation: Operation, user: User) -> None:
        user.is_staff = user.is_superuser = False
        user.save(update_fields=["is_staff", "is_superuser"])

    def remote(self, operation: Operation, user: User) -> str:
        if group := conf.staff_group:
            cognito.gateway().remove_from_group(user.sub, group)
        return ""


class AddToGroup(Handler):
    """Add to a Django group, and to the first group of the pool that stands for it."""

    def remote(self, operation: Operation, user: User) -> str:
        for name in _names_in_cognito(operation.params["group"])[:1]:
            cognito.gateway().add_to_group(user.sub, name)
        return ""

    def local_after(self, operation: Operation, user: User) -> None:
        user.groups.add(*Group.objects.filter(name=operation.params["group"]))


class RemoveFromGroup(Handler):
    """Remove from a Django group, and from all groups of the pool that stand for it."""

    shuts_out = is_done_when_gone = True

    def local_before(self, operation: Operation, user: User) -> None:
        user.groups.remove(*Group.objects.filter(name=operation.params["group"]))

    def remote(self, operation: Operation, user: User) -> str:
        for name in _names_in_cognito(operation.params["group"]):
            cognito.gateway().remove_from_group(user.sub, name)
        return ""


HANDLERS: dict[str, Handler] = {
    Kind.DISABLE: Disable(),
    Kind.ENABLE: Enable(),
    Kind.SIGN_OUT: SignOut(),
    Kind.UNLOCK: Unlock(),
    Kind.RESET_AUTHENTICATOR: ResetAuthenticator(),
    Kind.REMOVE_EMAIL: RemoveEmail(),
    Kind.REMOVE_SECOND_NUMBER: RemoveSecondNumber(),
    Kind.FORGET_ANSWER: ForgetAnswer(),
    Kind.DELETE: Delete(),
    Kind.INVITE: Invite(),
    Kind.CHANGE_NUMBER: ChangePhone(),
    Kind.FREE_NUMBER: FreeNumber(),
    Kind.RECOVER: Recover(),
    Kind.MAKE_STAFF: MakeStaff(),
    Kind.UNMAKE_STAFF: UnmakeStaff(),
    Kind.ADD_TO_GROUP: AddToGroup(),
    Kind.REMOVE_FROM_GROUP: RemoveFromGroup(),
}


def _names_in_cognito(group: str) -> list[str]:
    """Return the groups of the pool that stand for a Django group."""
    return [theirs for theirs, ours in conf.groups.items() if ours == group]
