"""The pages of exports: begin one from a list, see how far it got, fetch the file."""

from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import after_response, exports
from accounts.admin import base, display, list_queries
from accounts.events import audit
from accounts.exports import formats, lists
from accounts.login import reauthentication
from accounts.models import Export, ListName, User

_FILES = {
    ListName.PEOPLE: "people",
    ListName.EVENTS: "sign-in-events",
    ListName.ENTRIES: "log-of-changes",
}


def may_export(request: HttpRequest) -> bool:
    """Tell whether this operator may export the lists that they see."""
    return request.user.has_perm("accounts.export_lists")


class ExportForm(forms.Form):
    """The format of the file."""

    format = forms.ChoiceField(
        label=_("Format"),
        choices=[
            (Export.Format.CSV, _("CSV, for spreadsheets")),
            (Export.Format.JSON, _("JSON, for programs")),
        ],
    )


@reauthentication.required
def begin_view(request: HttpRequest, page: Any) -> HttpResponse:
    """Say what will be exported of the list ``page``, and begin it on POST."""
    opts = page.model._meta
    query = list_queries.own(page, request, request.GET.urlencode(), ordered=False)
    everything = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    # Only what belongs to the list, whatever else the address had.
    request.GET = QueryDict(query)
    try:
        found = page.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return redirect(everything)
    by = cast(User, request.user)
    form = ExportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            export = exports.start(by, opts.model_name, form.cleaned_data["format"], query)
        except exports.AlreadyRunning:
            messages.error(request, _one_at_a_time())
            return redirect("admin:accounts_export_changelist")
        after_response.do(request, partial(exports.work, export.pk))
        return redirect("admin:accounts_export_change", export.pk)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Export: %s") % opts.verbose_name_plural,
        "opts": opts,
        "everything": everything,
        "back": f"{everything}?{query}",
        "number": found.result_count,
        "filters": list_queries.in_words(page, request, query),
        "whole_numbers": exports.sees_whole_numbers(by, opts.model_name),
        "form": form,
    }
    return render(request, "admin/accounts/export/begin.html", context)


def _one_at_a_time() -> str:
    return gettext("An export of yours is under way. Wait for its end, or remove it.")


@admin.register(Export)
class ExportAdmin(base.ReadOnlyList):
    """An operator's own exports of the last day, newest first, and the page of each."""

    about = _(
        "Files that you made of lists. To make one, open a list, filter it and press Export. "
        "Nobody else sees yours, and each is removed after a day."
    )

    list_display = ("started", "what", "filters", "state_", "rows", "kept")
    list_display_links = ("started",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = None

    @admin.display(description=_("started"))
    def started(self, export: Export) -> str:
        return display.moment(export.started_at)

    @admin.display(description=_("list"))
    def what(self, export: Export) -> str:
        return str(export)

    @admin.display(description=_("filters and search"))
    def filters(self, export: Export) -> str:
        return "; ".join(_filters(export))

    @admin.display(description=_("state"))
    def state_(self, export: Export) -> str:
        return str(export.get_state_display())

    @admin.display(description=_("kept until"))
    def kept(self, export: Export) -> str:
        return display.moment(export.expires_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        return _own(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_export(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show how far an export got, and let it go on after the response."""
        export = cast("Export | None", self.get_object(request, object_id))
        if export is None or not self.has_view_permission(request, export):
            return super().change_view(request, object_id, form_url, extra_context)
        if export.is_running:
            after_response.do(request, partial(exports.work, export.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Export: %s") % export,
            "opts": self.opts,
            "export": export,
            "filters": _filters(export),
            # The list may have grown or shrunk since it was counted.
            "total": max(export.total, export.rows) if export.total else 0,
        }
        return render(request, "admin/accounts/export/page.html", context)

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("<int:pk>/file/", guarded(file_view), name="accounts_export_file"),
            path("<int:pk>/go-on/", guarded(go_on_view), name="accounts_export_go_on"),
            path("<int:pk>/remove/", guarded(remove_view), name="accounts_export_remove"),
            *super().get_urls(),
        ]


def file_view(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the file to whoever made it. Raises PermissionDenied, Http404."""
    export = _mine(request, pk)
    if not export.is_done:
        return redirect("admin:accounts_export_change", pk)
    by = cast(User, request.user)
    if not exports.may_have(export, by):
        raise PermissionDenied
    with audit.acting(by, request):
        parts = exports.file_of(export)
    form = formats.FORMATS[export.format]
    response = StreamingHttpResponse(parts, content_type=form.media_type)
    name = f"{_FILES[ListName(export.list_name)]}-{export.finished_at:%Y-%m-%d}.{export.format}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def go_on_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an export that was given up go on. Raises PermissionDenied, Http404."""
    export = _mine(request, pk)
    if request.method == "POST":
        try:
            exports.go_on(export)
        except exports.AlreadyRunning:
            messages.error(request, _one_at_a_time())
        else:
            after_response.do(request, partial(exports.work, pk))
    return redirect("admin:accounts_export_change", pk)


def remove_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an export and its file. Raises PermissionDenied, Http404."""
    export = _mine(request, pk)
    if request.method != "POST":
        return redirect("admin:accounts_export_change", pk)
    exports.remove(export)
    messages.success(request, _("The export is removed."))
    return redirect("admin:accounts_export_changelist")


def _mine(request: HttpRequest, pk: int) -> Export:
    if not may_export(request):
        raise PermissionDenied
    return get_object_or_404(_own(request), pk=pk)


def _own(request: HttpRequest) -> QuerySet[Export]:
    return Export.objects.filter(by=request.user.pk, expires_at__gt=timezone.now())


def _filters(export: Export) -> list[str]:
    return list_queries.in_words(lists.page_of(export), lists.request_of(export), export.query)
