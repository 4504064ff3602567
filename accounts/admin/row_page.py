"""The page of one row, which says more of it than its fields."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


class RowPage(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose rows have such a page. Its template gets ``facts``, the ``title`` among them."""

    def facts(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page of a row shows, to an operator who may see it."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(page, TemplateResponse) and page.context_data:
            facts = self.facts(request, page.context_data["original"])
            page.context_data |= {"subtitle": None, **facts}
        return page
