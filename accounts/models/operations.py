"""The model of operations on accounts, which are written by accounts/operations before they run."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User

# Of the reasons that operators write down.
REASON_LENGTH = 500


class Operation(models.Model):
    """One change of an account, here and in Cognito, and how far it got.

    ``user`` has no foreign key constraint: an operation outlives the account, and an invitation has
    no account at first. ``who`` is a masked name of the account. ``params`` depend on the kind
    (accounts/operations/queue.py); a phone among them is masked when the operation is over.
    ``reason`` is what an operator wrote down, for other operators alone: neither Cognito nor the
    person is told. ``batch`` is the same for operations ordered together. ``lease_until``: until
    then a process is working on it.
    """

    class Kind(models.TextChoices):
        DISABLE = "disable", _("disable")
        ENABLE = "enable", _("enable")
        SIGN_OUT = "sign_out", _("sign out everywhere")
        UNLOCK = "unlock", _("unlock the number")
        RESET_AUTHENTICATOR = "reset_authenticator", _("reset the authenticator app")
        REMOVE_EMAIL = "remove_email", _("remove the e-mail address")
        REMOVE_SECOND_NUMBER = "remove_second_number", _("remove the second number")
        FORGET_ANSWER = "forget_answer", _("forget the secret answer")
        DELETE = "delete", _("delete")
        INVITE = "invite", _("invite")
        CHANGE_NUMBER = "change_number", _("change the number")
        FREE_NUMBER = "free_number", _("free the number")
        RECOVER = "recover", _("give a new number after a recovery")
        MAKE_STAFF = "make_staff", _("make an operator")
        UNMAKE_STAFF = "unmake_staff", _("remove operator rights")
        ADD_TO_GROUP = "add_to_group", _("add to a group")
        REMOVE_FROM_GROUP = "remove_from_group", _("remove from a group")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        OVERTAKEN = "overtaken", _("overtaken by a later order")

    class Remark(models.TextChoices):
        # Why it was refused …
        YOURSELF = "yourself", _("Nobody may do this to their own account.")
        SUPERUSER = "superuser", _("Only a superuser may change a superuser.")
        STRONGER = "stronger", _("They have rights that you do not have.")
        LAST_SUPERUSER = "last_superuser", _("The last superuser must stay.")
        MORE_RIGHTS = "more_rights", _("This group has rights that you do not have.")
        NO_GROUP = "no_group", _("There is no such group.")
        NO_PHONE = "no_phone", _("The account has no phone number.")
        NO_LEDGER = "no_ledger", _("LEDGER_FUNCTION is not set.")
        PHONE_TAKEN = "phone_taken", _("The number belongs to another account.")
        TWO_OPERATORS = "two_operators", _("It takes a recovery, to which two operators agree.")
        IN_USE = "in_use", _("Somebody has used the account since.")
        UNKNOWN_USER = "unknown_user", _("Cognito has no such user.")
        ORDERER_GONE = "orderer_gone", _("The person who ordered it is no longer an operator.")
        BEING_DELETED = "being_deleted", _("The account is being deleted.")
        # … and what else there is to say.
        GONE = "gone", _("Cognito had no such user any more.")
        HAD_ACCOUNT = "had_account", _("The number had an account already.")
        TEXT_SENT = "text_sent", _("A text was sent.")
        TEXT_FAILED = "text_failed", _("The text could not be sent.")

    kind = models.CharField(_("operation"), max_length=20, choices=Kind.choices)
    state = models.CharField(
        _("state"), max_length=12, choices=State.choices, default=State.WAITING
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="operations"
    )
    sub = models.CharField(max_length=64, blank=True)
    who = models.CharField(_("account"), max_length=150, blank=True)
    params = models.JSONField(default=dict)
    by = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    by_name = models.CharField(_("ordered by"), max_length=150, blank=True)
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    batch = models.CharField(max_length=16, blank=True)
    remark = models.CharField(_("remark"), max_length=16, choices=Remark.choices, blank=True)
    error = models.CharField(_("error"), max_length=400, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    ordered_at = models.DateTimeField(_("ordered"), default=timezone.now)
    next_try_at = models.DateTimeField(_("next try"), default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["user", "ordered_at"]),
            models.Index(fields=["ordered_at"]),
            # Finds what is known of an account that is gone.
            models.Index(fields=["sub"], name="operations_by_sub"),
            # Finds the last ones of an operator.
            models.Index(fields=["by", "id"], name="operations_by_operator"),
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(state="waiting"),
                name="operations_that_are_due",
            ),
            models.Index(
                fields=["batch"], condition=~models.Q(batch=""), name="operations_of_a_batch"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.who}"

    @property
    def is_waiting(self) -> bool:
        """Whether it will be tried, or tried again."""
        return self.state == self.State.WAITING

    @property
    def is_done(self) -> bool:
        """Whether it was done, here and in Cognito."""
        return self.state == self.State.DONE

    @property
    def is_gone(self) -> bool:
        """Tell whether this operation has deleted its account."""
        return self.is_done and self.kind == self.Kind.DELETE
