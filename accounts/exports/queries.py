"""Queries of lists: filters and search as the address of a list has them."""

from urllib.parse import parse_qsl, urlencode

from django.contrib.admin.views.main import SEARCH_VAR

from accounts import phones
from accounts.conf import conf


def masked(query: str) -> str:
    """Return the query with a searched number, or a part of one, masked."""
    return urlencode(
        [
            (name, phones.mask(value.strip()) if name == SEARCH_VAR and is_number(value) else value)
            for name, value in parse_qsl(query, keep_blank_values=True)
        ]
    )


def in_line(query: str) -> str:
    """Return the query as a line of the log may have it, such as "status=disabled, q=+1••••23"."""
    pairs = parse_qsl(masked(query), keep_blank_values=True)
    return ", ".join(f"{name}={value}" for name, value in pairs)


def has_number(query: str) -> bool:
    """Tell whether a number, or a part of one, is searched for."""
    return any(name == SEARCH_VAR and is_number(value) for name, value in parse_qsl(query))


def is_number(term: str) -> bool:
    """Tell whether a search is for a number, as the lists read it."""
    region = conf.default_region
    return bool(
        phones.prefixes(term.strip(), region=region, countries=())
        or phones.find(term.strip(), region=region)
    )
