"""Models of lists that operators export to files, and of views that they save of a list."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User

# Of a saved query.
LONGEST = 500


class ListName(models.TextChoices):
    """The lists that can be exported, and whose views can be saved, by their model."""

    PEOPLE = "user", _("users")
    EVENTS = "signinevent", _("sign-in events")
    ENTRIES = "logentry", _("log of changes")


class Export(models.Model):
    """A list on its way to a file, and how far it got. Only accounts/exports writes it.

    ``query`` has the filters and the search of the list as its address has them; when the file is
    whole, a number in it is masked. ``cursor`` finds the last row that was written. ``steps``
    counts what processes did: one that finds the count changed was overtaken, and stops.
    ``lease_until``: until then a process is working on it; one that is killed leaves a time that
    goes by. ``failures`` counts tries in a row that an error ended. The row and the file go at
    ``expires_at``, finished or not.
    """

    KEPT = timedelta(days=1)

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    class State(models.TextChoices):
        RUNNING = "running", _("under way")
        DONE = "done", _("finished")
        STOPPED = "stopped", _("given up")

    class Problem(models.TextChoices):
        TOO_MANY = "too_many", _("The list has more than a million rows: narrow it down first.")
        RIGHTS = "rights", _("Your rights have changed since it was begun: begin another one.")
        ERROR = "error", _("It failed three times in a row. The log of the site says why.")

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    list_name = models.CharField(_("list"), max_length=16, choices=ListName.choices)
    format = models.CharField(_("format"), max_length=4, choices=Format.choices)
    query = models.TextField(_("filters and search"), blank=True)
    whole_numbers = models.BooleanField(_("whole numbers"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RUNNING)
    problem = models.CharField(max_length=8, choices=Problem.choices, blank=True)
    total = models.PositiveIntegerField(null=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    cursor = models.JSONField(default=list)
    steps = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    downloads = models.PositiveIntegerField(_("downloads"), default=0)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    expires_at = models.DateTimeField(_("kept until"), db_index=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        default_permissions = ()
        permissions = (("export_lists", "Can export lists to files"),)
        constraints = (
            models.UniqueConstraint(
                fields=["by"], condition=models.Q(state="running"), name="one_running_export_each"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_list_name_display()} ({self.get_format_display()})"

    @property
    def is_running(self) -> bool:
        """Whether rows are still being written, or wait for a process to write them."""
        return self.state == self.State.RUNNING

    @property
    def is_done(self) -> bool:
        """Whether the file is whole."""
        return self.state == self.State.DONE

    @property
    def is_interrupted(self) -> bool:
        """Whether the process that wrote it was ended in its work."""
        return bool(self.is_running and self.lease_until and self.lease_until < timezone.now())


class ExportPart(models.Model):
    """A piece of the file of an export, of at most a thousand rows.

    In the database, where each server of the site finds it, with the backup, encryption and
    permissions that the rows themselves have.
    """

    export = models.ForeignKey(
        Export, on_delete=models.CASCADE, db_index=False, related_name="parts"
    )
    number = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["export", "number"], name="one_part_of_a_number"),
        )

    def __str__(self) -> str:
        return f"{self.export_id}: {self.number}"


class SavedView(models.Model):
    """Filters, search and order of a list under a name, for the operator who saved it.

    ``query`` is the part of the list's address after the question mark, with parameters of that
    list alone. ``is_shared``: all operators who see the list see the view.
    """

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    list_name = models.CharField(max_length=16, choices=ListName.choices)
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=LONGEST)
    is_shared = models.BooleanField(_("for all operators"), default=False)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        default_permissions = ()
        permissions = (("share_view", "Can share saved views of lists"),)
        constraints = (
            models.UniqueConstraint(
                fields=["by", "list_name", "name"], name="one_view_of_a_name_each"
            ),
        )

    def __str__(self) -> str:
        return self.name
