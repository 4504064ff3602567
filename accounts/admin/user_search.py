"""The search of the list of users. Each part of its condition has an index on PostgreSQL."""

from django.db.models import F, Q
from django.db.models.functions import Reverse
from django.db.models.lookups import StartsWith
from django.http import HttpRequest

from accounts import phones
from accounts.conf import conf

_LONG_BEGINNING = 7
# An index of parts knows three letters in a row. Fewer last digits would find too many.
_PART, _LAST_DIGITS = 3, 4


def matching(request: HttpRequest, term: str) -> Q:
    """Return the condition of a search."""
    if not term:
        return Q()
    begins = phones.prefixes(term, region=conf.default_region, countries=conf.countries)
    if not begins:
        of_name = Q(name__istartswith=term)
        if len(term) >= _PART:
            # The index leaves out accounts without a name.
            of_name = Q(name__icontains=term) & ~Q(name="")
        return Q(pool=conf.user_pool_id, sub=term) | of_name
    if not request.user.has_perm("accounts.view_phone"):
        # A search by parts would reveal a masked number digit by digit.
        return Q(phone__in=begins)
    wanted = Q()
    for begin in begins:
        wanted |= Q(phone__startswith=begin)
    digits = "".join(c for c in term if c.isdecimal() and c.isascii())
    if len(digits) >= _LAST_DIGITS and "+" not in term:
        wanted |= Q(StartsWith(Reverse(F("phone")), digits[::-1]))
    return wanted


def is_run(term: str) -> bool:
    """Tell whether a search is for numbers that begin alike, up to some ten thousand.

    They are often of accounts that were made one after the other.
    """
    return len(term) >= _LONG_BEGINNING and not any(c.isalpha() for c in term)
