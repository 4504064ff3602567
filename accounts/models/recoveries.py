"""The model of recoveries: people who lost their number, and the operators who let them back in."""

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.operations import REASON_LENGTH
from accounts.models.users import User


class Recovery(models.Model):
    """A way back for somebody who lost their number. Only accounts/operations writes it.

    ``reason`` is what an operator wrote down. With ``needs_second`` another operator must agree
    before the waiting time begins, which ends at ``ready_at``; nothing of it is good after
    ``ends_at``. ``told`` has what became of the text and of the mail, and how many browsers were
    signed in. ``stop_key`` is a digest of the word that stops it.

    A code of the way in has a part by which it is found, ``code_name``, and a part that is secret,
    of which ``code_key`` is a digest; ``code_until`` and ``tries_left`` limit it. ``opened_key`` is
    a digest of what the one browser holds in which it was typed, until ``opened_until``.

    Operators have no foreign key constraint: a recovery outlives their accounts.
    """

    class State(models.TextChoices):
        AGREEMENT = "agreement", _("waits for a second operator")
        WAITING = "waiting", _("waiting time")
        OPENED = "opened", _("code typed")
        PROVEN = "proven", _("new number proven")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped by the person")
        CANCELLED = "cancelled", _("cancelled by an operator")
        EXPIRED = "expired", _("expired")

    LIVE = (State.AGREEMENT, State.WAITING, State.OPENED)

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="recoveries", verbose_name=_("account")
    )
    state = models.CharField(
        _("state"), max_length=12, choices=State.choices, default=State.AGREEMENT
    )
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    needs_second = models.BooleanField(_("needs a second operator"), default=False)
    started_by = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    started_by_name = models.CharField(_("started by"), max_length=150, blank=True)
    agreed_by = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    agreed_by_name = models.CharField(_("agreed to by"), max_length=150, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)
    told = models.CharField(_("told"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ready_at = models.DateTimeField(_("ready"), null=True)
    ends_at = models.DateTimeField(_("expires"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    stop_key = models.CharField(max_length=64, unique=True, editable=False)
    code_name = models.CharField(max_length=4, null=True, unique=True, editable=False)  # noqa: DJ001 - unique where there is one
    code_key = models.CharField(max_length=64, blank=True, editable=False)
    code_until = models.DateTimeField(null=True)
    tries_left = models.PositiveSmallIntegerField(default=0)
    opened_key = models.CharField(max_length=64, blank=True, editable=False)
    opened_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("recovery")
        verbose_name_plural = _("recoveries")
        default_permissions = ("view",)
        permissions = (
            ("start_recovery", _("Can start recoveries, cancel them and give codes")),
            ("agree_recovery", _("Can agree to recoveries of other operators")),
        )
        indexes = (
            models.Index(fields=["started_at"]),
            models.Index(fields=["state", "id"], name="recoveries_by_state"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(state__in=("agreement", "waiting", "opened")),
                name="one_recovery_is_live",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.started_at:%Y-%m-%d %H:%M}"

    def is_live(self, now: datetime) -> bool:
        """Tell whether it may still come to something."""
        return self.state in self.LIVE and now < self.ends_at

    def is_ready(self, now: datetime) -> bool:
        """Tell whether its waiting time is over, so that a code may be given."""
        is_waited = self.ready_at is not None and self.ready_at <= now
        return self.is_live(now) and self.state != self.State.AGREEMENT and is_waited

    def shown_state(self, now: datetime) -> str:
        """Return the words for how far it is. Time alone ends it, and makes it ready."""
        if self.state in self.LIVE and not self.is_live(now):
            return str(self.State.EXPIRED.label)
        if self.state == self.State.WAITING and self.is_ready(now):
            return str(_("ready"))
        return str(self.get_state_display())
