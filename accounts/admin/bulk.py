"""Choose rows of a list, confirm on a page that says what will happen, then do it.

Each action has one URL. GET shows the chosen rows and what will happen to them; POST does it. Both
need a code typed a moment ago.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.login import reauthentication

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Line:
    """One row on the page that asks. ``refusal`` says why it will be left out, or is ""."""

    cells: tuple[str, ...]
    refusal: str = ""


class BulkAction(ABC, Generic[Row]):
    """An action of operators on chosen rows of ``model``.

    At most ``limit`` rows at once. ``too_many``, with a %d for the limit, and ``none_found`` are
    the messages for a choice of more rows, and for one of which no row is left. ``columns`` are the
    titles of the cells of each ``Line``. ``is_grave`` colours the button as a danger.
    """

    model: type[Row]
    limit: int
    too_many: Any
    none_found: Any
    label: Any
    columns: tuple[Any, ...]
    is_grave = False

    @property
    @abstractmethod
    def address(self) -> str:
        """The URL of the page of this action."""

    @abstractmethod
    def is_allowed(self, request: HttpRequest) -> bool:
        """Tell whether this operator may use the action at all."""

    @abstractmethod
    def find(self, ids: list[int]) -> list[Row]:
        """Return the rows that the page asks about, newest first."""

    @abstractmethod
    def question(self, rows: list[Row]) -> str:
        """Return the title of the page, as a question."""

    @abstractmethod
    def effects(self, rows: list[Row]) -> Iterable[Any]:
        """Return sentences that say what will happen."""

    @abstractmethod
    def line(self, request: HttpRequest, row: Row) -> Line:
        """Return a row as the page shows it to this operator."""

    @abstractmethod
    def do(self, request: HttpRequest, rows: list[Row], form: Any) -> HttpResponse:
        """Do it, add messages with the result, and return a redirect."""

    def form(self, data: Any, request: HttpRequest, rows: list[Row]) -> forms.Form:
        """Return the form of the page, which has no fields unless a subclass adds some."""
        return forms.Form(data)

    def button(self, willing: int, chosen: int) -> str:
        """Return the words on the button; ``willing`` of the ``chosen`` rows are not refused."""
        return f"{self.label} ({willing})"

    def link(self, ids: Iterable[int]) -> str:
        """Return the URL of the page for these rows."""
        return f"{self.address}?ids={_join(ids)}"

    def choose(
        self, _admin: Any, request: HttpRequest, chosen: QuerySet[Row]
    ) -> HttpResponse | None:
        """Lead from the list to the page, as an action of Django's admin."""
        ids = list(chosen.values_list("pk", flat=True)[: self.limit + 1])
        if len(ids) > self.limit:
            messages.error(request, self.too_many % self.limit)
            return None
        return redirect(self.link(ids))

    def view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the page, or do the action. Raises PermissionDenied."""
        if not self.is_allowed(request):
            raise PermissionDenied
        return _confirmed_view(request, self)


@reauthentication.required
def _confirmed_view(request: HttpRequest, action: BulkAction[Any]) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    opts = action.model._meta
    everything = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    ids = _read_ids(data.get("ids", ""), action.limit + 1)
    if len(ids) > action.limit:
        messages.error(request, action.too_many % action.limit)
        return redirect(everything)
    rows = action.find(ids)
    if not rows:
        messages.error(request, str(action.none_found))
        return redirect(everything)
    form = action.form(request.POST if request.method == "POST" else None, request, rows)
    if request.method == "POST" and form.is_valid():
        return action.do(request, rows, form)
    lines = [action.line(request, row) for row in rows]
    willing = sum(not line.refusal for line in lines)
    only = rows[0] if len(rows) == 1 else None
    context = {
        **admin.site.each_context(request),
        "title": action.question(rows),
        "opts": opts,
        "everything": everything,
        "only": only,
        "back": reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[only.pk])
        if only
        else everything,
        "action": action,
        "effects": action.effects(rows),
        "lines": lines,
        "has_refusals": willing < len(lines),
        "facts": list(zip(action.columns, lines[0].cells, strict=True)) if only else [],
        "form": form,
        "ids": _join(row.pk for row in rows),
        "willing": willing,
        "button": action.button(willing, len(rows)),
    }
    return render(request, "admin/accounts/bulk_action.html", context)


def _join(ids: Iterable[int]) -> str:
    return ",".join(str(each) for each in ids)


def _read_ids(typed: str, most: int) -> list[int]:
    parts = typed.split(",", most)
    return [int(each) for each in parts if each.isascii() and each.isdigit() and len(each) < 19]
