"""Sums of sign-in events by the hour. Written by accounts/events/stats alone; they name nobody."""

from django.db import models


class RolledHour(models.Model):
    """An hour whose events have been summed up, once and for all.

    ``attempts`` are those begun in it, ``successes`` those of them that ended signed in.
    ``waits`` says how often a sign-in took so many seconds from its text: ``{"15": 3}``.
    """

    starts_at = models.DateTimeField(primary_key=True)
    attempts = models.PositiveIntegerField()
    successes = models.PositiveIntegerField()
    waits = models.JSONField()

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}"


class EventCount(models.Model):
    """How many events of one sort a rolled hour had."""

    hour = models.DateTimeField()
    kind = models.CharField(max_length=16)
    reason = models.CharField(max_length=32)
    country = models.CharField(max_length=2)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["hour", "kind", "reason", "country"], name="one_count_per_hour_and_sort"
            ),
        )

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M} {self.kind} {self.reason} {self.country}"
