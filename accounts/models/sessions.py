"""The model of a browser's session. Only accounts/sessions writes it."""

import secrets

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User


def draw_handle() -> str:
    """Return a random name for a session, 16 characters that are safe in a URL."""
    return secrets.token_urlsafe(12)


class Session(AbstractBaseSession):
    """A session, and the device that it belongs to.

    ``session_key`` is a digest of the key in the browser's cookie (accounts/sessions). ``handle``
    names the session in pages and URLs, which must never contain the key.

    ``browser`` is a keyed digest of the browser's own long-lived cookie. A session that ended is
    kept until ``expire_date``, even without its user, so that its browser can say what happened;
    ``ended_by`` is the device that took over, if one did. ``newcomer`` is another device that has
    signed in since, until the person has seen the notice.
    """

    class Ended(models.TextChoices):
        SIGNED_OUT = "signed_out", _("signed out")
        TAKEN_OVER = "taken_over", _("another device took over")
        ENDED_BY_PERSON = "by_person", _("ended from another device of the same person")
        ENDED_BY_OPERATOR = "by_operator", _("ended by an operator")
        SHUT_OUT = "shut_out", _("the account was disabled or removed")
        NUMBER_CHANGED = "number_changed", _("the phone number was changed")
        IDLE = "idle", _("not used for too long")
        TOO_OLD = "too_old", _("signed in too long ago")

    handle = models.CharField(max_length=16, unique=True, default=draw_handle, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="sessions")
    device = models.CharField(_("device"), max_length=80, blank=True)
    browser = models.CharField(max_length=64, blank=True)
    network = models.CharField(_("network"), max_length=64, blank=True)
    signed_in_at = models.DateTimeField(_("signed in"), null=True)
    last_seen = models.DateTimeField(_("last seen"), default=timezone.now)
    confirmed_at = models.DateTimeField(_("code typed"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_why = models.CharField(_("why"), max_length=16, choices=Ended.choices, blank=True)
    ended_by = models.CharField(max_length=80, blank=True)
    newcomer = models.CharField(max_length=80, blank=True)
    newcomer_at = models.DateTimeField(null=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        default_permissions = ()
        verbose_name = _("session")  # type: ignore[assignment]
        verbose_name_plural = _("sessions")  # type: ignore[assignment]
        indexes = (models.Index(fields=["user", "ended_at"]),)

    def __str__(self) -> str:
        return self.device or self.handle
