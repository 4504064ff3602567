"""The models of passkeys, of challenges they have answered, and of operators' set-up codes."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User


class Passkey(models.Model):
    """A passkey of a person. Only accounts/login writes it.

    ``credential_id`` and ``handle``, the name of the person for their browsers, are as browsers
    send them (base64url). ``host`` is that of the site, where alone it is good. ``sign_count`` is
    the last count of a device that counts, else 0. ``is_synced``: it may be on several devices;
    ``is_backed_up``: it is. ``copied_at`` is when its count did not grow, as that of a copy: from
    then on it signs nobody in. ``opens_admin``: it was made with a set-up code, or in a session
    that such a passkey had begun.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    credential_id = models.CharField(max_length=1364, unique=True, editable=False)
    public_key = models.BinaryField()
    handle = models.CharField(max_length=86, editable=False)
    host = models.CharField(max_length=253, editable=False)
    name = models.CharField(_("name"), max_length=60)
    sign_count = models.PositiveBigIntegerField(default=0)
    is_synced = models.BooleanField(_("on several devices"), default=False)
    is_backed_up = models.BooleanField(_("backed up"), default=False)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    copied_at = models.DateTimeField(_("found to be copied"), null=True)
    opens_admin = models.BooleanField(_("opens the admin"), default=False)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class UsedChallenge(models.Model):
    """A challenge that a passkey has answered, by its digest: none is answered twice."""

    # Longer than a challenge lives.
    KEPT = timedelta(hours=1)

    digest = models.CharField(max_length=64, primary_key=True)
    used_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"challenge answered at {self.used_at:%H:%M:%S}"


class SetupCode(models.Model):
    """A code with which an operator makes the passkey that opens the admin, by its digest.

    A person has one at most: another one takes its place. Only accounts/login writes it.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="setup_code")
    digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"set-up code until {self.expires_at:%Y-%m-%d %H:%M}"
