"""Where this site and Cognito differ: the list, a comparison, mending and undoing."""

import time
from abc import abstractmethod
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import afterwards, cognito, drift, phones
from accounts.admin import base, bulk, side_by_side
from accounts.conf import conf
from accounts.models import Finding, SyncRun, User

# Mended or undone at once: each may take a few calls to Cognito.
MOST = 50
# The pages of mending name people.
_PERMISSIONS = ("accounts.view_finding", "accounts.mend_drift")
_AFTERWARDS_SECONDS = 5.0
# A run that was not touched for so long is not being worked on.
_AT_REST = timedelta(seconds=15)


class Deed(bulk.BulkAction[Finding]):
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
        return request.user.has_perms(_PERMISSIONS)

    def find(self, ids: list[int]) -> list[Finding]:
        found = Finding.objects.filter(pk__in=ids, state=self.from_state)
        return list(found.select_related("user").order_by("-pk"))

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


class Mend(Deed):
    name = "mend"
    from_state = Finding.State.OPEN
    title = _("Mend the differences chosen?")
    label = _("Mend")

    def find(self, ids: list[int]) -> list[Finding]:
        return [each for each in super().find(ids) if each.kind in drift.MENDABLE]

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


class Undo(Deed):
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
DEEDS = (MEND, UNDO)


class StateFilter(admin.SimpleListFilter):
    """Open ones, unless others are asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [
            *((state.value, state.label) for state in Finding.State if state != Finding.State.OPEN),
            ("all", _("All")),
        ]

    def choices(self, changelist: Any) -> Any:
        everything = super().choices(changelist)
        first = next(iter(everything))
        yield {**first, "display": Finding.State.OPEN.label}
        yield from everything

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or Finding.State.OPEN)


@admin.register(Finding)
class FindingAdmin(base.ReadOnlyList):
    """Lists differences, newest first. They are found by comparing, never typed in."""

    list_display_links = ("what",)
    list_filter = ("kind", StateFilter)
    list_select_related = ("user",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("mend_chosen", "undo_chosen")
    # What is typed is read by get_search_results; without a field there would be no box.
    search_fields = ("sub",)
    search_help_text = _("A Cognito sub, or a whole phone number as it stands here.")
    change_list_template = "admin/accounts/finding/list.html"
    change_form_template = "admin/accounts/finding/page.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        # What may be shown of a number depends on who looks.
        @admin.display(description=_("here"))
        def here(finding: Finding) -> str:
            return side_by_side.in_words(request, finding.ours, finding.theirs)

        @admin.display(description=_("in Cognito"))
        def there(finding: Finding) -> str:
            return side_by_side.in_words(request, finding.theirs, finding.ours)

        return ("what", "whose", here, there, "found", "how_it_stands")

    @admin.display(description=_("kind"))
    def what(self, finding: Finding) -> str:
        return str(finding.get_kind_display())

    @admin.display(description=_("user"))
    def whose(self, finding: Finding) -> str:
        if finding.user is None:
            return finding.sub
        url = reverse("admin:accounts_user_change", args=[finding.user.pk])
        return format_html('<a href="{}">{}</a>', url, finding.user)

    @admin.display(description=_("found"))
    def found(self, finding: Finding) -> str:
        return f"{timezone.localtime(finding.found_at):%Y-%m-%d %H:%M}"

    @admin.display(description=_("state"))
    def how_it_stands(self, finding: Finding) -> str:
        if finding.problem and finding.state == Finding.State.OPEN:
            return f"{finding.get_state_display()}: {finding.problem}"
        return str(finding.get_state_display())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if phone := phones.find(term, region=conf.default_region):
            owners = User.objects.filter(pool=conf.user_pool_id, phone=phone)
            return queryset.filter(user__in=list(owners.values_list("pk", flat=True))), False
        return queryset.filter(sub=term), False

    # Pages

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("compare/", view(_compare), name="accounts_finding_compare"),
            *(
                path(f"{deed.name}/", view(deed.view), name=f"accounts_finding_{deed.name}")
                for deed in DEEDS
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        run = SyncRun.objects.filter(pool=conf.user_pool_id).order_by("-pk").first()
        is_running = bool(run and run.state == SyncRun.State.RUNNING)
        context = {
            "title": _("Differences from Cognito"),
            "run": run,
            "is_running": is_running,
            "found": _summary(run) if run and not is_running else [],
            "may_mend": request.user.has_perms(_PERMISSIONS),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        finding = cast("Finding | None", self.get_object(request, object_id))
        if finding is None or not self.has_view_permission(request, finding):
            return super().change_view(request, object_id, form_url, extra_context)
        deed = next((each for each in DEEDS if each.from_state == finding.state), None)
        if finding.state == Finding.State.OPEN and finding.kind not in drift.MENDABLE:
            deed = None
        others = list(finding.theirs.get("others", []))
        context = {
            "title": f"{finding.get_kind_display()}: {finding.user or finding.sub}",
            "subtitle": None,
            "finding": finding,
            "compared": side_by_side.of_finding(request, finding),
            "means": drift.MEANS[drift.Kind(finding.kind)],
            "others": [
                (sub, User.objects.filter(pool=finding.pool, sub=sub).first()) for sub in others
            ],
            "deed": deed if deed and deed.is_allowed(request) else None,
            "address": deed.link([finding.pk]) if deed else "",
        }
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    # What may be done

    @admin.action(description=_("Mend what is chosen"), permissions=["mend"])
    def mend_chosen(self, request: HttpRequest, chosen: QuerySet[Finding]) -> HttpResponse | None:
        return MEND.choose(self, request, chosen)

    @admin.action(description=_("Undo what is chosen"), permissions=["mend"])
    def undo_chosen(self, request: HttpRequest, chosen: QuerySet[Finding]) -> HttpResponse | None:
        return UNDO.choose(self, request, chosen)

    def has_mend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(_PERMISSIONS)


def _summary(run: SyncRun) -> list[tuple[str, int]]:
    found = drift.counts(run)
    return [
        (str(kind.label), sum(found[kind.value].values()))
        for kind in Finding.Kind
        if kind.value in found
    ]


def _compare(request: HttpRequest) -> HttpResponse:
    """Begin a comparison, or go on with the one under way, when the answer has left."""
    if not request.user.has_perms(_PERMISSIONS):
        raise PermissionDenied
    if request.method != "POST":
        return redirect("admin:accounts_finding_changelist")
    run = drift.unfinished()
    if run is None:
        run = drift.start(by=str(request.user))
        messages.success(request, gettext("The comparison has begun."))
    elif timezone.now() - run.touched_at < _AT_REST:
        messages.info(request, gettext("The comparison goes on by itself at the moment."))
        return redirect("admin:accounts_finding_changelist")
    else:
        messages.success(request, gettext("The comparison goes on."))
    afterwards.do(request, partial(_work, run))
    return redirect("admin:accounts_finding_changelist")


def _work(run: SyncRun) -> None:
    """Do some steps of a run, at the pace that Cognito bears, and leave the rest."""
    until = time.monotonic() + _AFTERWARDS_SECONDS
    pace = drift.Pace(drift.PER_SECOND)
    try:
        while drift.step(run, pace) and time.monotonic() < until:
            pass
    except drift.Overtaken:
        return
