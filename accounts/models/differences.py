"""Models of comparisons with Cognito and the differences found. Only accounts/sync writes them."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User


class SyncRun(models.Model):
    """One comparison with a whole user pool, and how far it has come.

    Each step writes its findings and its progress in one transaction, so a process may die anywhere
    and another one goes on. ``steps`` counts the steps: a process that finds the count changed was
    overtaken, and stops. ``token`` is the next page of the list; ``cursor`` is the last item that
    the current phase has finished.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("under way")
        DONE = "done", _("finished")
        STOPPED = "stopped", _("given up")

    class Phase(models.TextChoices):
        LISTING = "listing", _("reading the list")
        MISSING = "missing", _("asking for those not listed")
        DUPLICATES = "duplicates", _("comparing numbers")
        REPAIRING = "repairing", _("repairing")

    pool = models.CharField(_("user pool"), max_length=64)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RUNNING)
    phase = models.CharField(
        _("phase"), max_length=10, choices=Phase.choices, default=Phase.LISTING
    )
    token = models.TextField(blank=True)
    cursor = models.CharField(max_length=64, blank=True)
    steps = models.PositiveIntegerField(default=0)
    listed = models.PositiveIntegerField(_("users listed"), default=0)
    restarts = models.PositiveIntegerField(_("times the list was begun again"), default=0)
    dry_run = models.BooleanField(_("changes nothing"), default=False)
    repair = models.JSONField(_("kinds to repair"), default=list)
    unconfirmed_after = models.DurationField()
    shut_out_most = models.PositiveIntegerField()
    started_by = models.CharField(_("started by"), max_length=80, blank=True)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    touched_at = models.DateTimeField(_("last step"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    problem = models.CharField(_("problem"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("comparison with Cognito")
        verbose_name_plural = _("comparisons with Cognito")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk} ({self.started_at:%Y-%m-%d %H:%M})"


class Difference(models.Model):
    """One difference of one identity.

    ``ours`` and ``theirs`` are the values on each side. ``run`` is the last comparison that found
    it. ``open_key`` is kind and sub while it is open, so that each exists once. ``undo`` lists the
    rows that repairing changed (revalidation.Change); sessions that it ended stay ended.
    """

    class Kind(models.TextChoices):
        ONLY_IN_COGNITO = "only_in_cognito", _("only in Cognito")
        ONLY_HERE = "only_here", _("only here")
        PHONE = "phone", _("differing phone")
        STATUS = "status", _("differing status")
        UNCONFIRMED = "unconfirmed", _("cannot sign in")
        DUPLICATE = "duplicate", _("duplicate")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        REPAIRED = "repaired", _("repaired")
        UNDONE = "undone", _("undone")
        GONE = "gone", _("gone by itself")

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="differences")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    pool = models.CharField(_("user pool"), max_length=64)
    sub = models.CharField(_("Cognito sub"), max_length=64)
    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.SET_NULL,
        related_name="differences",
        verbose_name=_("user"),
    )
    open_key = models.CharField(max_length=96, null=True)  # noqa: DJ001 - unique where there is one
    ours = models.JSONField(_("here"), default=dict)
    theirs = models.JSONField(_("in Cognito"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(_("found"), default=timezone.now)
    problem = models.CharField(_("why it was not repaired"), max_length=200, blank=True)
    repaired_at = models.DateTimeField(_("repaired"), null=True)
    repaired_by = models.CharField(_("repaired by"), max_length=80, blank=True)
    repaired_in = models.ForeignKey(
        SyncRun, null=True, on_delete=models.SET_NULL, related_name="repaired"
    )
    undone_at = models.DateTimeField(_("undone"), null=True)
    undone_by = models.CharField(_("undone by"), max_length=80, blank=True)
    undo = models.JSONField(default=list)

    class Meta:
        verbose_name = _("difference from Cognito")
        verbose_name_plural = _("differences from Cognito")
        default_permissions = ("view",)
        permissions = (
            ("repair_difference", _("Can repair differences from Cognito and undo that")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["pool", "open_key"], name="one_open_difference_of_a_kind"
            ),
        )
        indexes = (
            models.Index(fields=["state", "kind", "id"]),
            models.Index(fields=["run", "kind", "id"]),
            models.Index(fields=["repaired_in", "repaired_at"]),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.sub}"


class Listed(models.Model):
    """A user here who was in the list of a run. Removed when the run ends.

    Not a column of the user: each run would rewrite a million rows with a dozen indexes.
    """

    run = models.ForeignKey(
        SyncRun, on_delete=models.CASCADE, db_index=False, related_name="listed_rows"
    )
    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["run", "user"], name="listed_once"),)

    def __str__(self) -> str:
        return str(self.user_id)


class Claim(models.Model):
    """A phone in the list of a run that differs from the one in our row of its user.

    Users with the same number are searched among these. ``phone`` is in libphonenumber's spelling.
    Removed when the run ends.
    """

    run = models.ForeignKey(
        SyncRun, on_delete=models.CASCADE, db_index=False, related_name="claims"
    )
    sub = models.CharField(max_length=64)
    phone = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["run", "sub"], name="one_claim_per_user"),)
        indexes = (models.Index(fields=["run", "phone"]),)

    def __str__(self) -> str:
        return self.sub
