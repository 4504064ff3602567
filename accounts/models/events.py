"""The model of sign-in events: written once by accounts/events, never changed."""

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User


class SignInEvent(models.Model):
    """One step of a sign-in, or its result.

    ``phone_key`` is a keyed digest, by which the events of a number are found; ``browser`` is a
    keyed digest of the browser's long-lived cookie. ``reference`` is shown to the person, who tells
    it to support; ``attempt`` is the same for all steps of one sign-in. ``seconds`` counts from the
    text to the sign-in. ``crossed``: the code was asked for on another device. ``overlaps``: how
    many other devices of the person were signed in at that moment.

    The user has no foreign key constraint: events outlive the account.

    The database refuses changes as well, by triggers that a migration puts on this table. A later
    migration that makes SQLite rebuild the table has to add them again.
    """

    class Kind(models.TextChoices):
        STARTED = "started", _("started")
        SENT = "sent", _("asked for a text")
        RESENT = "resent", _("asked for another text")
        FAILED = "failed", _("failed")
        HELD = "held", _("held")
        SUCCEEDED = "succeeded", _("signed in")
        TAKEN_OVER = "taken_over", _("taken over")
        SIGNED_OUT = "signed_out", _("signed out")
        BLOCKED = "blocked", _("blocked")
        CONFIRMED = "confirmed", _("confirmed")
        NUMBER_CHANGED = "number_changed", _("number changed")
        AUTHENTICATOR = "authenticator", _("authenticator app changed")
        BACKUP_CODES = "backup_codes", _("backup codes")
        DORMANT = "dormant", _("account not used for long")
        STOPPED = "stopped", _("texts stopped by their owner")
        PASSKEY = "passkey", _("passkeys changed")
        EMAIL = "email", _("e-mail address changed")
        SECOND_NUMBER = "second_number", _("second number changed")
        RECOVERY = "recovery", _("recovery by operators")
        LINK = "link", _("link of an e-mail opened")

    at = models.DateTimeField(_("time"), default=timezone.now)
    kind = models.CharField(_("event"), max_length=16, choices=Kind.choices)
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        # One with the time is below.
        db_index=False,
        related_name="events",
    )
    phone_key = models.CharField(max_length=64, blank=True)
    phone = models.CharField(_("phone"), max_length=24, blank=True, help_text=_("Masked."))
    country = models.CharField(_("country"), max_length=2, blank=True)
    device = models.CharField(_("device"), max_length=80, blank=True)
    browser = models.CharField(max_length=64, blank=True)
    network = models.CharField(_("network"), max_length=64, blank=True)
    reference = models.CharField(_("reference"), max_length=8, blank=True)
    attempt = models.CharField(max_length=16, blank=True)
    seconds = models.PositiveIntegerField(null=True)
    crossed = models.BooleanField(default=False)
    overlaps = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("sign-in event")
        verbose_name_plural = _("sign-in events")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["at"]),
            models.Index(fields=["user", "at"]),
            models.Index(fields=["phone_key", "at"]),
            # In every sign-in a reference of the last hour is looked for.
            models.Index(fields=["reference", "at"]),
            models.Index(fields=["attempt"]),
            # Columns after the time serve several filters at once without reading extra rows.
            models.Index(fields=["kind", "at", "country"]),
            models.Index(fields=["country", "at", "kind"]),
            models.Index(
                fields=["reason", "at", "kind", "country"],
                condition=~models.Q(reason=""),
                name="events_with_a_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.phone} {self.at:%Y-%m-%d %H:%M:%S}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new event. Raises TypeError for one that is written already."""
        if self.pk is not None:
            raise TypeError("Sign-in events are never changed")
        super().save(*args, **kwargs)
