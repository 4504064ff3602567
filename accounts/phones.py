"""Phone numbers: read what people type as E.164, and mask or format numbers for display.

No I/O and no settings. libphonenumber knows the numbering plans. It accepts premium and toll-free
numbers, which take no texts, so the kinds are checked as well.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

MAX_TYPED_LENGTH = 40
# One request asks several times about the number that it is about.
_remembered = lru_cache(maxsize=256)

_MOBILE_KINDS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# +1 has two dozen countries with different prices, some of them popular for SMS fraud; +7 has
# two. Elsewhere a calling code is one country with its dependencies (GB: Jersey, Guernsey …).
_CODES_OF_SEVERAL_COUNTRIES = frozenset({1, 7})


class NotAPhone(ValueError):
    """A text that cannot be read as a number to send texts to.

    NotAPhone
    ├── UnknownFormat        not a number, or one that does not exist
    ├── NotMobile            takes no texts: landline, toll-free, premium, extension
    └── CountryNotAllowed    of a country that is not on the list
    """


class UnknownFormat(NotAPhone):
    pass


class NotMobile(NotAPhone):
    pass


class CountryNotAllowed(NotAPhone):
    pass


def parse(typed: str, *, region: str, countries: Collection[str]) -> str:
    """Return the E.164 form of a mobile number as people type it.

    ``region`` is the country of a number without ``+``, ``countries`` those that are allowed
    (both ISO 3166 codes). Raises a NotAPhone.
    """
    if len(typed) > MAX_TYPED_LENGTH:
        raise UnknownFormat
    visible = _visible(typed)
    if any(unicodedata.category(c)[0] in "LC" for c in visible):
        raise UnknownFormat
    number = _number(visible, region)
    if number is None or not phonenumbers.is_valid_number(number):
        raise UnknownFormat
    if not _is_allowed(number, countries):
        raise CountryNotAllowed
    if number.extension or phonenumbers.number_type(number) not in _MOBILE_KINDS:
        raise NotMobile
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_of(typed: str, country: str) -> bool:
    """Tell whether this is a mobile number of a country, as people there type it."""
    try:
        parse(typed, region=country, countries=[country])
    except NotAPhone:
        return False
    return True


def find(typed: str, *, region: str | None = None) -> str | None:
    """Return the E.164 form of a number that somebody looks for, of any kind and country.

    None if it is not a whole number; without a ``region``, whole numbers begin with +.
    """
    if len(typed) > MAX_TYPED_LENGTH or not any(c.isdigit() for c in typed):
        return None
    number = _number(_visible(typed), region)
    if number is None or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def prefixes(typed: str, *, region: str, countries: Collection[str]) -> set[str]:
    """Return the possible beginnings of E.164 numbers for a whole number or the start of one.

    Without + the start is read as one of ``region``, a whole number also as one of ``countries``.
    Empty if there are letters, or no digits.
    """
    if len(typed) > MAX_TYPED_LENGTH or any(unicodedata.category(c)[0] == "L" for c in typed):
        return set()
    digits = "".join(str(unicodedata.decimal(c)) for c in typed if c.isdecimal())
    if not digits:
        return set()
    if "+" in typed or "\uff0b" in typed:
        return {f"+{digits}"}
    begins = {f"+{digits}"}
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is not None:
        code = metadata.country_code
        begins.add(f"+{code}{digits}")
        if metadata.national_prefix and digits.startswith(metadata.national_prefix):
            begins.add(f"+{code}{digits.removeprefix(metadata.national_prefix)}")
        if abroad := re.match(metadata.international_prefix or "$", digits):
            begins.add(f"+{digits[abroad.end() :]}")
    for country in countries:
        number = _number(digits, country)
        if number and phonenumbers.is_valid_number(number):
            begins.add(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    return begins - {"+"}


def _visible(typed: str) -> str:
    """Remove the invisible direction marks that address books put around numbers."""
    return "".join(" " if c.isspace() else c for c in typed if unicodedata.category(c) != "Cf")


def _number(spelled: str, region: str | None = None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(spelled, region)
    except phonenumbers.NumberParseException:
        return None


def _is_allowed(number: PhoneNumber, countries: Collection[str]) -> bool:
    if phonenumbers.region_code_for_number(number) in countries:
        return True
    if number.country_code in _CODES_OF_SEVERAL_COUNTRIES:
        return False
    return any(
        phonenumbers.country_code_for_region(country) == number.country_code
        for country in countries
    )


@_remembered
def example(region: str) -> str:
    """Return a mobile number in the notation of ``region``, such as (201) 555-0123, or ""."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        return ""
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


@_remembered
def spaced(phone: str) -> str:
    """Return ``+12015550123`` as ``+1 201-555-0123``, which people can compare with their own.

    Other texts are returned as they are.
    """
    number = _number(phone)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL) if number else phone


def calling_codes(countries: Collection[str]) -> list[str]:
    """Return the calling codes of ``countries``, such as ["+1", "+44"], in order."""
    codes = {phonenumbers.country_code_for_region(country) for country in countries}
    return [f"+{code}" for code in sorted(codes) if code]


@_remembered
def country_of(phone: str) -> str:
    """Return the ISO code of the country of an E.164 number, or "" if it has none."""
    # Cognito accepts any digits after a +.
    number = _number(phone)
    return (phonenumbers.region_code_for_number(number) or "") if number else ""


@_remembered
def mask(phone: str) -> str:
    """Return ``+14155552671`` as ``+1•••••••71``, which its owner can recognise.

    Other texts are masked as well, to their last two characters.
    """
    number = _number(phone)
    if number is None:
        return f"{'•' * max(0, len(phone) - 2)}{phone[-2:]}"
    national = str(number.national_number)
    return f"+{number.country_code}{'•' * max(0, len(national) - 2)}{national[-2:]}"


def mask_in(text: str, *, region: str) -> str:
    """Mask each phone in a text that somebody wrote; one without + is read in ``region``."""
    for found in reversed(list(phonenumbers.PhoneNumberMatcher(text, region))):
        phone = phonenumbers.format_number(found.number, PhoneNumberFormat.E164)
        text = f"{text[: found.start]}{mask(phone)}{text[found.end :]}"
    return text
