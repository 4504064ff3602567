"""The model of accounts whose number nobody has proven yet."""

from django.db import models
from django.utils import timezone


class UnprovenAccount(models.Model):
    """An account that this site made in the pool, until its number is proven or it is removed.

    Read and written by accounts/sync/unproven_accounts.py. ``changed_at`` is when this site last
    changed the account's language, if it did. Nothing is decided before ``put_off_until``.
    """

    pool = models.CharField(max_length=64)
    sub = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    changed_at = models.DateTimeField(null=True)
    put_off_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["pool", "sub"], name="one_unproven_account_per_sub"),
        )

    def __str__(self) -> str:
        return f"{self.sub}, made {self.made_at:%Y-%m-%d}"
