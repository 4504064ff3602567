"""Models of sign-in events per hour. Only accounts/events/stats writes them; they name nobody."""

from django.db import models


class RolledHour(models.Model):
    """An hour whose events have been summed up, which happens once.

    ``attempts`` counts those that began in it, ``successes`` those of them that ended in a sign-in.
    ``waits`` counts sign-ins by seconds since their text: ``{"15": 3}``.
    """

    starts_at = models.DateTimeField(primary_key=True)
    attempts = models.PositiveIntegerField()
    successes = models.PositiveIntegerField()
    waits = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}"


class EventCount(models.Model):
    """The number of events of one kind, reason and country in an hour that was summed up."""

    hour = models.DateTimeField()
    kind = models.CharField(max_length=16)
    reason = models.CharField(max_length=32)
    country = models.CharField(max_length=2)
    number = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=["hour", "kind", "reason", "country"], name="one_count_per_hour_and_sort"
            ),
        )

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M} {self.kind} {self.reason} {self.country}"
