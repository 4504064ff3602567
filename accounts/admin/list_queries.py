"""The query of a list's address: what of it belongs to the list, and what it says in words."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _


def own(page: Any, request: HttpRequest, query: str, *, ordered: bool = True) -> str:
    """Return of a query the filters and the search of this list, and its order if wanted.

    All else is left out, so that the result leads nowhere but to the list.
    """
    kept = [
        (name, value)
        for name, value in QueryDict(query).items()
        if value
        and (
            name == SEARCH_VAR
            or (name == ORDER_VAR and ordered)
            or (name not in (SEARCH_VAR, ORDER_VAR) and page.lookup_allowed(name, value, request))
        )
    ]
    return urlencode(sorted(kept))


def in_words(page: Any, request: HttpRequest, query: str) -> list[str]:
    """Return filters and search as people read them, such as ["status: disabled here"]."""
    asked = dict(parse_qsl(query))
    found = [
        f"{title}: {choices.get(asked[name], asked[name])}"
        for name, title, choices in _filters(page, request, asked)
        if name in asked
    ]
    if term := asked.get(SEARCH_VAR):
        found.append(_("search: %s") % term)
    return found


def _filters(
    page: Any, request: HttpRequest, asked: dict[str, str]
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield the parameter, the title and the choices of each filter."""
    for each in page.get_list_filter(request):
        if hasattr(each, "parameters"):
            labels = {"from": _("From"), "to": _("To")}
            yield from ((name, labels.get(name, name), {}) for name in each.parameters)
        elif isinstance(each, str):
            field = page.model._meta.get_field(each)
            choices = {str(value): words for value, words in field.flatchoices}
            yield f"{each}__exact", field.verbose_name, choices
        elif issubclass(each, SimpleListFilter):
            name = str(each.parameter_name)
            given = {name: [asked[name]]} if name in asked else {}
            spec = each(request, given, page.model, page)
            yield name, spec.title, {str(value): words for value, words in spec.lookup_choices}
