"""Actions of operators on differences from Cognito: chosen and confirmed (bulk.py), then done."""

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

from accounts.admin import bulk, side_by_side
from accounts.aws import cognito
from accounts.models import Finding
from accounts.sync import drift

# Mended or undone at once: each may take a few calls to Cognito.
MOST = 50


def are_allowed(request: HttpRequest) -> bool:
    """Tell whether this operator may compare, mend and undo, and see the people whom it names."""
    return request.user.has_perms(("accounts.view_finding", "accounts.mend_drift"))


class DifferenceAction(bulk.BulkAction[Finding]):
    """Something that is done to chosen findings, which are in ``from_state``."""

    name: str
    from_state: str
    title: Any

    model = Finding
    limit = MOST
    too_many = _("At most %d at once: narrow it down, or use manage.py sync_users.")
    none_found = _("None of what was chosen can be done. It may be done.")
    columns = (_("User"), _("Kind"), _("Here"), _("In Cognito"))

    @abstractmethod
    def do_one(self, finding: Finding, by: str) -> None: ...

    @abstractmethod
    def done(self, number: int) -> str: ...

    @property
    def address(self) -> str:
        return reverse(f"admin:accounts_finding_{self.name}")

    def is_allowed(self, request: HttpRequest) -> bool:
        return are_allowed(request)

    def find(self, ids: list[int]) -> list[Finding]:
        found = Finding.objects.filter(pk__in=ids).select_related("user").order_by("-pk")
        return [each for each in found if self.fits(each)]

    def fits(self, finding: Finding) -> bool:
        return finding.state == self.from_state

    def question(self, rows: list[Finding]) -> str:
        return str(self.title)

    def line(self, request: HttpRequest, row: Finding) -> bulk.Line:
        here = side_by_side.in_words(request, row.ours, row.theirs)
        there = side_by_side.in_words(request, row.theirs, row.ours)
        return bulk.Line((str(row.user or row.sub), row.get_kind_display(), here, there))

    def do(self, request: HttpRequest, rows: list[Finding], form: Any) -> HttpResponse:
        done = 0
        for finding in rows:
            try:
                self.do_one(finding, str(request.user))
            except drift.NotDone as reason:
                messages.error(request, f"{finding.user or finding.sub}: {reason}")
            except cognito.CognitoError as error:
                messages.error(
                    request,
                    gettext("Cognito was not reached (%(error)s). The rest stays as it was.")
                    % {"error": type(error).__name__},
                )
                break
            else:
                done += 1
        if done:
            messages.success(request, self.done(done))
        return redirect("admin:accounts_finding_changelist")


class Mend(DifferenceAction):
    name = "mend"
    from_state = Finding.State.OPEN
    title = _("Mend the differences chosen?")
    label = _("Mend")

    def fits(self, finding: Finding) -> bool:
        return super().fits(finding) and finding.kind in drift.MENDABLE

    def effects(self, rows: list[Finding]) -> list[Any]:
        kinds = sorted({drift.Kind(each.kind) for each in rows})
        return [
            *(
                format_html("<strong>{}:</strong> {}", capfirst(kind.label), drift.MEANS[kind])
                for kind in kinds
            ),
            _("Cognito is asked again first: what counts is what it says now."),
        ]

    def do_one(self, finding: Finding, by: str) -> None:
        drift.mend(finding, by=by)

    def done(self, number: int) -> str:
        return ngettext("%d difference is mended.", "%d differences are mended.", number) % number


class Undo(DifferenceAction):
    name = "undo"
    from_state = Finding.State.MENDED
    title = _("Undo what was mended?")
    label = _("Undo")

    def effects(self, rows: list[Finding]) -> list[Any]:
        return [
            _("Rows here are put back as they were before. What is in Cognito is not touched."),
            _("A row that was made is removed, if nobody used it. Sessions that ended stay ended."),
            _("Rows that changed since are left as they are."),
        ]

    def do_one(self, finding: Finding, by: str) -> None:
        drift.undo(finding, by=by)

    def done(self, number: int) -> str:
        return ngettext("%d difference is undone.", "%d differences are undone.", number) % number


MEND, UNDO = Mend(), Undo()
ACTIONS = (MEND, UNDO)


def for_one(request: HttpRequest, finding: Finding) -> DifferenceAction | None:
    """Return what this operator may do to ``finding`` as it stands, if anything."""
    fitting = (each for each in ACTIONS if each.fits(finding) and each.is_allowed(request))
    return next(fitting, None)
