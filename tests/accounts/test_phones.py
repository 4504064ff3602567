import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from accounts import phones

COUNTRIES = frozenset({"US", "GB", "FR"})
E164 = re.compile(r"^\+[1-9]\d{1,14}\Z", re.ASCII)

# Numbers are the examples of libphonenumber's numbering plans, in the notations of people.
US, GB, FR, GUERNSEY = "+12015550123", "+447400123456", "+33612345678", "+447781123456"

INVISIBLE = [
    "\u200b",  # zero width space
    "\u200e",  # left-to-right mark
    "\u200f",  # right-to-left mark
    "\u061c",  # Arabic letter mark
    "\u202a",  # left-to-right embedding, as address books write it
    "\u202c",  # pop directional formatting
    "\u202e",  # right-to-left override
    "\u2060",  # word joiner
    "\u2066",  # left-to-right isolate
    "\u2069",  # pop directional isolate
    "\u00ad",  # soft hyphen
    "\ufeff",  # byte order mark
]

WITH_MOBILES = sorted(
    region
    for region in phonenumbers.SUPPORTED_REGIONS
    if phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
)


def parse(typed: str, region: str = "US", countries: frozenset[str] = COUNTRIES) -> str:
    return phones.parse(typed, region=region, countries=countries)


def example_of(region: str, kind: int) -> str:
    number = phonenumbers.example_number_for_type(region, kind)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


@pytest.mark.parametrize(
    ("typed", "region", "phone"),
    [
        ("+12015550123", "US", US),
        ("2015550123", "US", US),
        ("12015550123", "US", US),
        ("(201) 555-0123", "US", US),
        ("201.555.0123", "US", US),
        ("201/555/0123", "US", US),
        ("+1 (201) 555-0123", "GB", US),
        ("  +1 201 555 0123  ", "FR", US),
        ("++1 201 555 0123", "US", US),
        ("📱+12015550123", "US", US),
        ("+44 7400 123456", "US", GB),
        ("07400 123456", "GB", GB),
        ("7400123456", "GB", GB),
        ("+44 (0) 7400 123456", "US", GB),
        ("011 44 7400 123456", "US", GB),
        ("0044 7400 123456", "GB", GB),
        ("00 44 7400 123456", "FR", GB),
        ("06 12 34 56 78", "FR", FR),
        ("+33 (0)6 12 34 56 78", "US", FR),
        ("+44\u20117400\u2013123456", "US", GB),
        ("+44\u00a07400\u00a0123\u00a0456", "US", GB),
        ("+44\u30007400\u3000123456", "US", GB),
        ("\uff0b\uff14\uff14\u3000\uff17\uff14\uff10\uff10\uff0d\uff11\uff12\uff13456", "US", GB),
        ("+٤٤ ٧٤٠٠ ١٢٣٤٥٦", "US", GB),
        ("+۴۴ ۷۴۰۰ ۱۲۳۴۵۶", "US", GB),
        ("०७४०० १२३४५६", "GB", GB),
    ],
)
def test_mobile_number_is_read_in_any_notation(typed, region, phone):
    assert parse(typed, region) == phone


@pytest.mark.parametrize("mark", INVISIBLE, ids=lambda mark: f"U+{ord(mark):04X}")
def test_invisible_marks_are_read_over(mark):
    assert parse(f"{mark}+44{mark} 7400 123{mark}456{mark}") == GB


@pytest.mark.parametrize(
    "space", ["\u202f", "\u2009", "\u2007", "\t"], ids=["narrow no-break", "thin", "figure", "tab"]
)
def test_spaces_of_typesetters_are_spaces(space):
    assert parse(f"+33{space}6{space}12{space}34{space}56{space}78") == FR


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "+",
        "0",
        "+0",
        "911",
        "abc",
        "1-800-FLOWERS",
        "+44 74OO 123456",
        "tel:+447400123456",
        "tel:2015550123;phone-context=+1",
        "(201) 555-0123 ext 5",
        "(201) 555-0123x5",
        "+44 7400 123456 Mum",
        "+44 7400 12345",
        "+44 7400 1234567",
        "+1 201 555 01234",
        "+999 201 555 0123",
        "0044 7400 123456",
        "\uff21\uff22",
        "一二三",
        "+12015550123\0",
        "\0",
        "+1201\ud800\udc005550123",
        "\udcff+12015550123",
        "+12015550123\x1b[0m",
        "+1 201 555 0123, +1 201 555 0124",
        '{"phone": "+12015550123"}',
        "' OR 1=1 --",
        "1e10",
    ],
    ids=ascii,
)
def test_what_is_no_number_is_an_unknown_format(typed):
    with pytest.raises(phones.UnknownFormat):
        parse(typed)


@pytest.mark.parametrize(
    "typed",
    ["1" * 1_000_000, "+12015550123" * 80_000, " " * 1_000_000, "\u200e" * 1_000_000, "+" * 41],
    ids=["digits", "numbers", "spaces", "marks", "plus"],
)
def test_what_is_too_long_is_not_even_read(typed):
    with pytest.raises(phones.UnknownFormat):
        parse(typed)


def test_longest_notation_is_forty_characters():
    assert parse(US + " " * (40 - len(US))) == US
    with pytest.raises(phones.UnknownFormat):
        parse(US + " " * (41 - len(US)))


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("+1 900 234 5678", id="premium"),
        pytest.param("1-900-234-5678", id="premium, national"),
        pytest.param("+1 800 234 5678", id="toll-free"),
        pytest.param("(800) 234-5678", id="toll-free, national"),
        pytest.param("+1 500 234 5678", id="personal"),
        pytest.param("+33 1 23 45 67 89", id="Paris"),
        pytest.param("+44 20 7946 0018", id="London"),
        pytest.param("(201) 555-0123 #5", id="extension with a hash"),
        pytest.param("(201) 555-0123,5", id="extension with a comma"),
        pytest.param("+44 7400 123456;5", id="extension with a semicolon"),
    ],
)
def test_number_that_takes_no_texts_is_not_mobile(typed):
    with pytest.raises(phones.NotMobile):
        parse(typed)


@pytest.mark.parametrize("region", ["GB", "FR", "DE", "ES", "BR"])
@pytest.mark.parametrize(
    "kind",
    [
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.VOIP,
        PhoneNumberType.PAGER,
        PhoneNumberType.UAN,
    ],
    ids=PhoneNumberType.to_string,
)
def test_example_of_another_kind_is_refused(region, kind):
    if phonenumbers.example_number_for_type(region, kind) is None:
        return
    with pytest.raises(phones.NotAPhone):
        parse(example_of(region, kind), region, frozenset({region}))


@pytest.mark.parametrize("region", WITH_MOBILES)
def test_mobile_example_of_every_country_is_read_where_it_is_allowed(region):
    typed = example_of(region, PhoneNumberType.MOBILE)

    phone = parse(typed, countries=frozenset({region}))

    assert phone == re.sub(r"[^+\d]", "", typed)
    assert E164.match(phone)


@pytest.mark.parametrize(
    ("typed", "countries"),
    [
        ("+49 1512 3456789", {"US", "GB", "FR"}),
        ("+44 7400 123456", {"US"}),
        ("+1 201 555 0123", {"GB"}),
        ("+1 201 555 0123", set()),
        ("+1 876 210 1234", {"US"}),  # Jamaica
        ("+1 242 359 1234", {"US"}),  # Bahamas
        ("+1 809 234 5678", {"US"}),  # Dominican Republic
        ("+1 506 234 5678", {"US"}),  # Canada
        ("+1 201 555 0123", {"CA"}),
        ("+7 771 000 9998", {"RU"}),  # Kazakhstan
        ("+7 912 345 67 89", {"KZ"}),
        ("+870 773 111 632", {"US"}),  # a satellite
    ],
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_number_of_another_country_is_not_allowed(typed, countries):
    with pytest.raises(phones.CountryNotAllowed):
        parse(typed, countries=frozenset(countries))


@pytest.mark.parametrize(
    ("typed", "countries"),
    [
        ("+44 7781 123456", {"GB"}),  # Guernsey
        ("+44 7797 712345", {"GB"}),  # Jersey
        ("+44 7924 123456", {"GB"}),  # Isle of Man
        ("+1 876 210 1234", {"US", "JM"}),
        ("+7 771 000 9998", {"KZ"}),
        ("+7 912 345 67 89", {"RU"}),
    ],
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_number_of_a_dependency_is_allowed_with_its_country(typed, countries):
    assert parse(typed, countries=frozenset(countries)) == typed.replace(" ", "")


def test_number_without_plus_is_read_in_the_given_region():
    assert parse("07400 123456", "GB") == GB
    with pytest.raises(phones.NotAPhone):
        parse("07400 123456", "FR")


# A libphonenumber that is asked for things nobody foresaw.

_NEAR_NUMBERS = st.text(
    st.sampled_from("0123456789+()-./ ,;#*~xXe\0\t\n٤\uff14\u200f\ud800"),
    max_size=45,
)
_DAMAGED = st.builds(
    lambda phone, at, what: phone[:at] + what + phone[at:],
    st.sampled_from([US, GB, FR, GUERNSEY, "(201) 555-0123", "07400 123456"]),
    st.integers(0, 14),
    st.text(st.characters(), max_size=4),
)


@settings(max_examples=600, database=None)
@given(
    typed=st.one_of(st.text(st.characters()), _NEAR_NUMBERS, _DAMAGED),
    region=st.sampled_from(["US", "GB", "FR", "DE", "IT", ""]),
    countries=st.sampled_from([frozenset(), COUNTRIES, frozenset(phonenumbers.SUPPORTED_REGIONS)]),
)
def test_parse_gives_a_number_or_says_not_a_phone(typed, region, countries):
    try:
        phone = phones.parse(typed, region=region, countries=countries)
    except phones.NotAPhone:
        return
    assert E164.match(phone)
    assert phones.parse(phone, region=region, countries=countries) == phone


# What is shown


@pytest.mark.parametrize(
    ("region", "shown"),
    [
        ("US", "(201) 555-0123"),
        ("GB", "07400 123456"),
        ("FR", "06 12 34 56 78"),
        ("ZZ", ""),
        ("", ""),
    ],
)
def test_example_is_a_mobile_number_as_people_write_it(region, shown):
    assert phones.example(region) == shown


def test_example_can_be_typed():
    for region in ("US", "GB", "FR", "DE", "JM"):
        assert E164.match(parse(phones.example(region), region, frozenset({region})))


@pytest.mark.parametrize(
    ("countries", "codes"),
    [
        ({"US", "GB", "FR"}, ["+1", "+33", "+44"]),
        ({"US", "CA", "JM"}, ["+1"]),
        ({"DE", "ZZ"}, ["+49"]),
        (set(), []),
    ],
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_calling_codes_are_those_of_the_countries_in_order(countries, codes):
    assert phones.calling_codes(countries) == codes


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        (US, "+1••••••••23"),
        (GB, "+44••••••••56"),
        (FR, "+33•••••••78"),
        ("+18762101234", "+1••••••••34"),
    ],
)
def test_mask_leaves_calling_code_and_two_digits(phone, shown):
    assert phones.mask(phone) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Call (201) 555-0123 or +44 7400 123456", "Call +1••••••••23 or +44••••••••56"),
        ("On 2026-11-22 at 10:30, case 4711", "On 2026-11-22 at 10:30, case 4711"),
        ("", ""),
    ],
)
def test_phones_in_a_text_are_masked_and_nothing_else(text, shown):
    assert phones.mask_in(text, region="US") == shown


def test_mask_shows_no_more_of_any_countrys_number():
    for region in WITH_MOBILES:
        number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        phone = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        shown = phones.mask(phone)
        assert shown.replace("•", "") == f"+{number.country_code}{phone[-2:]}"
        assert len(phone) - len(shown) in (0, 1)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("(201) 555-0123", "+12015550123"),
        ("2015550123", "+12015550123"),
        ("+1 201 555 0123", "+12015550123"),
        ("\u202a+1\u00a0201\u00a0555\u00a00123\u202c", "+12015550123"),
        # What is looked for need not be allowed, nor mobile.
        ("+44 20 7946 0958", "+442079460958"),
        ("+1 876 555 0123", "+18765550123"),
        ("555-01", None),
        ("Ada Byron", None),
        ("K7F-2Q", None),
        ("", None),
        ("1" * 1000, None),
        ("3f0c7b1e-0000-4000-8000-000000000001", None),
    ],
    ids=str,
)
def test_number_that_is_looked_for_is_read_in_any_notation(typed, number):
    assert phones.find(typed, region="US") == number


@pytest.mark.parametrize(
    ("phone", "spaced"),
    [
        ("+12015550123", "+1 201-555-0123"),
        ("+1•••••••23", "+1•••••••23"),
        ("nobody", "nobody"),
        ("", ""),
    ],
)
def test_number_is_spaced_and_anything_else_left_as_it_is(phone, spaced):
    assert phones.spaced(phone) == spaced
