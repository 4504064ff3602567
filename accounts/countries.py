"""Name the countries that are texted, and guess the one that a browser is from."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

from babel import Locale
from babel.core import get_global
from babel.languages import get_official_languages

# Not documented, and the only parser of Accept-Language with weights that Django has: its public
# get_language_from_request() knows the languages of the site, not the country behind the tag.
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts import phones


@dataclass(frozen=True)
class Country:
    """A country: ``code`` is ISO 3166; ``example`` is a mobile number in national notation."""

    code: str
    name: str
    calling_code: str
    example: str


@cache
def named(countries: frozenset[str], language: str) -> tuple[Country, ...]:
    """Return the countries in the order of their names in ``language`` (``pt-br``)."""
    names = Locale.parse(language, sep="-").territories
    found = (
        Country(
            code,
            str(names.get(code, code)),
            "".join(phones.calling_codes([code])),
            phones.example(code),
        )
        for code in countries
    )
    # Without their accents: Österreich stands among the Os.
    return tuple(sorted(found, key=lambda each: normalize("NFKD", each.name).casefold()))


def name_of(code: str, language: str) -> str:
    """Return the name of a country in ``language``, or the code itself where it has none."""
    return str(Locale.parse(language, sep="-").territories.get(code, code))


def guess(accept_language: str, countries: Collection[str], *, default: str) -> str:
    """Return the one of ``countries`` that fits a browser's languages best, else ``default``.

    ``en-GB`` names its country. ``de`` is the default country if German is official there, else the
    one with the most speakers.
    """
    for tag, weight in parse_accept_lang_header(accept_language.lower()):
        if not weight:
            continue
        language, *rest = tag.split("-")
        region = next((part.upper() for part in rest if len(part) == 2), None)
        if region is None:
            if language in get_official_languages(default, de_facto=True):
                return default
            region = get_global("likely_subtags").get(language, "").rpartition("_")[2]
        if region in countries:
            return str(region)
    return default
