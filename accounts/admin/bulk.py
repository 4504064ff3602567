"""Choose rows of a list, confirm on a page that says what will happen, then do it.

Each action has one address. GET shows the rows chosen and what will happen to them; POST, with a
code typed a moment ago, does it.
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
    """One row on the page that asks. ``refusal`` is why it will be left out."""

    cells: tuple[str, ...]
    refusal: str = ""


class BulkAction(ABC, Generic[Row]):
    """Something that operators may do to chosen rows of ``model``.

    ``limit`` is how many at once. ``too_many``, with a %d for it, and ``none_found`` are the
    messages for a choice of more, and for one of which nothing is left.
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
        """Where the page of this action is."""

    @abstractmethod
    def is_allowed(self, request: HttpRequest) -> bool:
        """Tell whether this operator may do such a thing at all."""

    @abstractmethod
    def find(self, ids: list[int]) -> list[Row]:
        """Return the rows that the page asks about, newest first."""

    @abstractmethod
    def question(self, rows: list[Row]) -> str: ...

    @abstractmethod
    def effects(self, rows: list[Row]) -> Iterable[Any]:
        """Say what will happen, in sentences."""

    @abstractmethod
    def line(self, request: HttpRequest, row: Row) -> Line: ...

    @abstractmethod
    def do(self, request: HttpRequest, rows: list[Row], form: Any) -> HttpResponse:
        """Do it, tell how it went, and return where to go from there."""

    def form(self, data: Any, request: HttpRequest, rows: list[Row]) -> forms.Form:
        """Return what is to be filled in: without a form of its own, nothing."""
        return forms.Form(data)

    def button(self, willing: int, chosen: int) -> str:
        return f"{self.label} ({willing})"

    def link(self, ids: Iterable[int]) -> str:
        return f"{self.address}?ids={_join(ids)}"

    def choose(
        self, _admin: Any, request: HttpRequest, chosen: QuerySet[Row]
    ) -> HttpResponse | None:
        """Ask about what was chosen in the list, as an action of Django's admin."""
        ids = list(chosen.values_list("pk", flat=True)[: self.limit + 1])
        if len(ids) > self.limit:
            messages.error(request, self.too_many % self.limit)
            return None
        return redirect(self.link(ids))

    def view(self, request: HttpRequest) -> HttpResponseBase:
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
