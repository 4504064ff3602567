"""The model of returns: people who have the number of an account that nobody used for long."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User


class Return(models.Model):
    """Somebody who has proven the number of a dormant account, and what operators decide.

    ``other`` is the account that wants the number, or that has got it. ``phone`` is masked.
    ``browser`` is a keyed digest of the browser's cookie, the one browser that may come back; ""
    is any, where an operator has given the account another number. ``last_login`` is as it was at
    that time. ``opens_until``: until then a code alone opens the account once more.
    """

    class Kind(models.TextChoices):
        OWNER = "owner", _("says that it is their account")
        MOVE = "move", _("wants the number for another account")
        NEWCOMER = "newcomer", _("has taken a new account")
        RENUMBERED = "renumbered", _("got another number from an operator")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        KEPT = "kept", _("kept without its number")

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="returns", verbose_name=_("account")
    )
    other = models.ForeignKey(
        User,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("other account"),
    )
    kind = models.CharField(_("what they want"), max_length=12, choices=Kind.choices)
    state = models.CharField(
        _("state"), max_length=12, choices=State.choices, default=State.WAITING
    )
    phone = models.CharField(_("phone"), max_length=24, blank=True)
    reference = models.CharField(_("reference"), max_length=8, blank=True)
    device = models.CharField(_("device"), max_length=80, blank=True)
    network = models.CharField(_("network"), max_length=64, blank=True)
    browser = models.CharField(max_length=64, blank=True)
    last_login = models.DateTimeField(_("last sign-in"), null=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    opens_until = models.DateTimeField(_("opens until"), null=True)

    class Meta:
        verbose_name = _("return to a dormant account")
        verbose_name_plural = _("returns to dormant accounts")
        default_permissions = ("view",)
        permissions = (("decide_return", _("Can open dormant accounts and free their numbers")),)
        indexes = (
            models.Index(fields=["asked_at"]),
            models.Index(fields=["state", "id"], name="returns_by_state"),
        )
        constraints = (
            # Whoever presses twice, or signs in again, waits once.
            models.UniqueConstraint(
                fields=["user", "kind", "browser"],
                condition=models.Q(state="waiting"),
                name="one_return_waits",
            ),
        )

    def __str__(self) -> str:
        return self.reference or str(self.user)
