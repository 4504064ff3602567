"""Tools above the rows of some lists: an export of all of them, and saved views."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin import base, exports, list_queries, saved_views
from accounts.exports import Exported


class ListTools(base.CarefulList):
    """A list that can be exported (``accounts.exports``), and whose views can be saved."""

    exported: Exported

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with its tools."""
        page = super().changelist_view(request, extra_context)
        if isinstance(page, TemplateResponse) and page.context_data and "cl" in page.context_data:
            asked = request.GET.urlencode()
            page.context_data |= saved_views.context(self, request, asked)
            if exports.may_export(request):
                query = list_queries.own(self, request, asked, ordered=False)
                page.context_data["export_address"] = f"{self.address('export')}?{query}"
        return page

    def address(self, name: str) -> str:
        """Return the address of a page of this list, such as its "changelist"."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}")

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("export/", guarded(self.export_view), name=f"{name}_export"),
            path("views/save/", guarded(self.save_view_view), name=f"{name}_save_view"),
            path("views/change/", guarded(self.change_view_view), name=f"{name}_change_view"),
            path("views/remove/", guarded(self.remove_view_view), name=f"{name}_remove_view"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Begin an export. Raises PermissionDenied."""
        self._check(request)
        if not exports.may_export(request):
            raise PermissionDenied
        return exports.begin_view(request, self)

    def save_view_view(self, request: HttpRequest) -> HttpResponse:
        """Save what the list shows as a view. Raises PermissionDenied."""
        self._check(request)
        return saved_views.save(self, request)

    def change_view_view(self, request: HttpRequest) -> HttpResponse:
        """Give a saved view another name, or share it. Raises PermissionDenied, Http404."""
        self._check(request)
        return saved_views.change(self, request)

    def remove_view_view(self, request: HttpRequest) -> HttpResponse:
        """Remove a saved view. Raises PermissionDenied, Http404."""
        self._check(request)
        return saved_views.remove(self, request)

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
