"""The model behind the lock of accounts/login/lock.py."""

from datetime import timedelta

from django.db import models


class LoginLock(models.Model):
    """Lock one browser's sign-in while a request works on it, and keep the result for a moment.

    Read and written by accounts/login/lock.py. ``browser`` and ``answer`` are keyed digests;
    ``session`` is the sealed key of the session that the sign-in made, once it is over. ``holder``
    and ``waiting`` name the request that works, and the newest one that waits for it.
    """

    # A second press of a button is recognised for so long.
    KEPT = timedelta(seconds=30)

    browser = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=48, blank=True, default="")
    waiting = models.CharField(max_length=48, blank=True, default="")
    taken_at = models.DateTimeField(db_index=True)
    answer = models.CharField(max_length=64, blank=True)
    session = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"lock taken at {self.taken_at:%H:%M:%S}"
