"""Actions of operators on differences from Cognito: repair, and undo. bulk.py has the pages."""

from abc import abstractmethod
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import bulk, comparison_table
from accounts.models import Difference
from accounts.sync import compare, errors, repair

# At most so many at once: each may take a few calls to Cognito.
MOST = 50


def are_allowed(request: HttpRequest) -> bool:
    """Tell whether this operator may compare, repair and undo, and see whom the list names."""
    return request.user.has_perms(("accounts.view_difference", "accounts.repair_difference"))


class DifferenceAction(bulk.BulkAction[Difference]):
    """An action on chosen differences that are in the state ``from_state``."""

    name: str
    from_state: str
    title: Any

    model = Difference
    limit = MOST
    too_many = _("At most %d at once: narrow it down, or use manage.py sync_users.")
    none_found = _("Nothing to do: these may already be done.")
    columns = (_("User"), _("Kind"), _("Here"), _("In Cognito"))

    @abstractmethod
    def do_one(self, difference: Difference, by: str) -> None:
        """Do it to one, in the name of ``by``. Raises NotDone, Unreachable."""

    @abstractmethod
    def done(self, number: int) -> str:
        """Return the message for so many that were done."""

    @property
    def address(self) -> str:
        return reverse(f"admin:accounts_difference_{self.name}")

    def is_allowed(self, request: HttpRequest) -> bool:
        return are_allowed(request)

    def find(self, ids: list[int]) -> list[Difference]:
        found = Difference.objects.filter(pk__in=ids).select_related("user").order_by("-pk")
        return [each for each in found if self.fits(each)]

    def fits(self, difference: Difference) -> bool:
        """Tell whether the action can be done to a difference in its present state."""
        return difference.state == self.from_state

    def question(self, rows: list[Difference]) -> str:
        return str(self.title)

    def line(self, request: HttpRequest, row: Difference) -> bulk.Line:
        here = comparison_table.in_words(request, row.ours, row.theirs)
        there = comparison_table.in_words(request, row.theirs, row.ours)
        return bulk.Line((str(row.user or row.sub), row.get_kind_display(), here, there))

    def do(self, request: HttpRequest, rows: list[Difference], form: Any) -> HttpResponse:
        done = 0
        for difference in rows:
            try:
                self.do_one(difference, str(request.user))
            except errors.NotDone as reason:
                messages.error(request, f"{difference.user or difference.sub}: {reason}")
            except errors.Unreachable as error:
                messages.error(
                    request,
                    gettext("Cognito was not reached (%(error)s). The rest stays as it was.")
                    % {"error": error.reason},
                )
                break
            else:
                done += 1
        if done:
            messages.success(request, self.done(done))
        return redirect("admin:accounts_difference_changelist")


class Repair(DifferenceAction):
    """Repair open differences of kinds that can be repaired."""

    name = "repair"
    from_state = Difference.State.OPEN
    title = _("Repair the differences chosen?")
    label = _("Repair")

    def fits(self, difference: Difference) -> bool:
        return super().fits(difference) and difference.kind in compare.REPAIRABLE

    def effects(self, rows: list[Difference]) -> list[Any]:
        kinds = sorted({compare.Kind(each.kind) for each in rows})
        return [
            *(
                format_html("<strong>{}:</strong> {}", capfirst(kind.label), compare.MEANS[kind])
                for kind in kinds
            ),
            _("Cognito is asked again first, and its answer now counts."),
        ]

    def do_one(self, difference: Difference, by: str) -> None:
        repair.repair(difference, by=by)

    def done(self, number: int) -> str:
        return (
            ngettext("%d difference is repaired.", "%d differences are repaired.", number) % number
        )


class Undo(DifferenceAction):
    """Put rows here back as they were before a repair."""

    name = "undo"
    from_state = Difference.State.REPAIRED
    title = _("Undo what was repaired?")
    label = _("Undo")

    def effects(self, rows: list[Difference]) -> list[Any]:
        return [
            _("Rows here are put back as they were before. Nothing is changed in Cognito."),
            _("A row that was made is removed, if nobody used it. Sessions that ended stay ended."),
            _("Rows that changed since are left as they are."),
        ]

    def do_one(self, difference: Difference, by: str) -> None:
        repair.undo(difference, by=by)

    def done(self, number: int) -> str:
        return ngettext("%d difference is undone.", "%d differences are undone.", number) % number


REPAIR, UNDO = Repair(), Undo()
ACTIONS = (REPAIR, UNDO)


def for_one(request: HttpRequest, difference: Difference) -> DifferenceAction | None:
    """Return the action that this operator may do to ``difference`` now, or None."""
    fitting = (each for each in ACTIONS if each.fits(difference) and each.is_allowed(request))
    return next(fitting, None)
