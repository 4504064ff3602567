import re
from functools import cache

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType

from lambdas.triggers import countries
from tests import mobiles

NANPA = 1
DIGITS = st.characters(codec="ascii", categories=["Nd"])
NOT_A_COUNTRY = "001"
PLACES = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
}
MAIN_COUNTRY = {
    code: regions[0] for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
}
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def examples(region: str) -> list[str]:
    """A number of each kind that the region has."""
    found = []
    for kind in PhoneNumberType.values():
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            found.append(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return found


@cache
def area_codes() -> dict[str, str]:
    """Every area code of +1 that is a place, with its country, as libphonenumber knows them."""
    found = {}
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[NANPA]:
        metadata = PhoneMetadata.metadata_for_region(region)
        for area_code in map(str, range(200, 1000)):
            if metadata.leading_digits is not None:
                is_here = re.fullmatch(metadata.leading_digits, area_code)
            else:
                number = phonenumbers.parse(f"+1{area_code}2345678")
                is_here = (
                    phonenumbers.region_code_for_number(number) == region
                    and phonenumbers.number_type(number) in PLACES
                )
            if is_here:
                assert area_code not in found
                found[area_code] = region
    return found


@pytest.mark.parametrize("region", [r for r in REGIONS if r not in ("KZ", "RU")])
def test_country_of_examples_of_every_region(region):
    code = phonenumbers.country_code_for_region(region)
    found = {number: countries.country_of(number) for number in examples(region)}
    if code == NANPA:
        known = area_codes()
        assert found == {number: known.get(number[2:5]) for number in found}
    else:
        assert found == dict.fromkeys(found, MAIN_COUNTRY[code])


@pytest.mark.parametrize("region", ["KZ", "RU"])
@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_country_of_examples_of_7(region, kind):
    number = phonenumbers.example_number_for_type(region, kind)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert countries.country_of(e164) == region


def test_country_of_every_area_code():
    found = {
        str(area_code): countries.country_of(f"+1{area_code}5550123")
        for area_code in range(200, 1000)
    }
    assert {code: country for code, country in found.items() if country} == area_codes()


def test_area_codes_of_the_metadata_are_read_right():
    """The comparison is worth as much as what it compares with."""
    known = area_codes()
    assert len(known) > 440
    assert {"US", "CA", "DO", "JM", "PR", "BS", "TT", "GU", "MP", "AS", "VI"} < set(known.values())
    assert len(set(known.values())) == len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[NANPA])


def test_country_of_every_calling_code():
    """No more countries than libphonenumber has, and none of them missing."""
    codes = {str(code): country for code, country in MAIN_COUNTRY.items() if code not in (1, 7)}
    for prefix in map(str, range(200, 1000)):
        if prefix[0] != "7":
            wanted = codes.get(prefix[:2]) or codes.get(prefix)
            found = countries.country_of(f"+{prefix}12345678")
            assert found == (None if wanted == NOT_A_COUNTRY else wanted), prefix


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+12015550123", "US"),
        ("+14165550123", "CA"),
        ("+18095550123", "DO"),
        ("+16585550123", "JM"),
        ("+17875550123", "PR"),
        ("+74951234567", "RU"),
        ("+79123456789", "RU"),
        ("+77011234567", "KZ"),
        ("+919876543210", "IN"),
        ("+38344123456", "XK"),
        # Shared codes, by their main country.
        ("+447781123456", "GB"),  # Guernsey
        ("+447797712345", "GB"),  # Jersey
        ("+447924123456", "GB"),  # Isle of Man
        ("+390669812345", "IT"),  # the Vatican
        ("+4779123456", "NO"),  # Svalbard
        ("+61891621234", "AU"),  # Cocos Islands
        ("+212528812345", "MA"),  # Western Sahara
        ("+262639012345", "RE"),  # Mayotte
        ("+35818123456", "FI"),  # Aland
        ("+590690001234", "GP"),  # Saint Martin
        ("+5993181234", "CW"),  # Bonaire
        ("+6434123456", "NZ"),
        ("+2908999", "SH"),  # Tristan da Cunha
        ("+672310000", "NF"),  # Antarctica
    ],
)
def test_country_of_known_numbers(phone, country):
    assert countries.country_of(phone) == country


@pytest.mark.parametrize(
    "phone",
    [
        "+18005550123",  # toll-free
        "+18885550123",
        "+19005550123",  # premium
        "+15005550123",  # personal
        "+16005550123",  # Canada's satellites and machines
        "+17105550123",  # the government of the United States
        "+12115550123",  # nobody's
        "+13335550123",
        "+75123456789",
        "+70123456789",
        "+80012345678",  # international toll-free
        "+870773111632",  # satellites
        "+88212345678",
        "+97912345678",  # international premium
        "+21012345678",  # nobody's
        "+99912345678",
    ],
)
def test_country_of_numbers_without_a_place_is_none(phone):
    assert countries.country_of(phone) is None


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "+",
        "+1",
        "+4",
        "12015550123",
        "0012015550123",
        "+01201555012",
        "+1 201 555 0123",
        "+12015550123\n",
        "++12015550123",
        "+1201555012345678",
        "+١٢٠١٥٥٥٠١٢٣",
        "+1201555012٣",
        "7c1d4a52-90b1-70e4-3f2a-5b0c9d8e7f61",
        "+441234567890x",
    ],
)
def test_country_of_anything_else_is_none(phone):
    assert countries.country_of(phone) is None


@given(st.text() | st.text("+0123456789"))
def test_country_of_never_raises(phone):
    assert countries.country_of(phone) is None or re.fullmatch(r"\+[0-9]{2,15}", phone)


@pytest.mark.parametrize(
    ("phone", "block"),
    [("+12015550123", "+1201555"), ("+4915112345678", "+491511234"), ("+12", ""), ("", "")],
)
def test_block_of_leaves_out_the_last_four_digits(phone, block):
    assert countries.block_of(phone) == block


def test_block_of_neighbours_is_the_same():
    assert countries.block_of("+12015550100") == countries.block_of("+12015559999")
    assert countries.block_of("+12015550100") != countries.block_of("+12015560100")


# Mobile numbers


def is_mobile_here(phone: str) -> bool:
    """What the site asks (accounts/phones.py)."""
    number = phonenumbers.parse(phone)
    kinds = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.number_type(number) in kinds


def test_patterns_of_mobile_numbers_are_those_of_libphonenumber():
    """Write them again after an upgrade: python -m tests.mobiles."""
    assert mobiles.PATH.read_text("utf-8") == mobiles.written()
    assert set(mobiles.patterns()) <= set(countries._COUNTRIES.values())


@pytest.mark.parametrize("region", REGIONS)
def test_examples_of_a_region_are_told_apart(region):
    found = {phone: countries.is_mobile(phone) for phone in examples(region)}
    assert found == {phone: is_mobile_here(phone) for phone in found}
    # Tristan da Cunha has landlines alone.
    assert True in found.values() or region == "TA"


@pytest.mark.parametrize(
    "phone",
    [
        "+19005550123",
        "+18005550123",
        "+499001234567",
        "+491805123456",
        "+4930123456",
        "+447012345678",  # a personal number, which costs what a premium one does
        "+448712345678",
        "+33891234567",
        "+3906123456789",
        "+8835100123456",
        "+1201555012",
        "+4915123456789012",
        "12015550123",
        "",
    ],
)
def test_number_that_is_no_mobile_one(phone):
    assert countries.is_mobile(phone) is False


@pytest.mark.parametrize(
    "phone", ["+12015550123", "+447400123456", "+4915123456789", "+393123456789", "+79123456789"]
)
def test_number_of_a_mobile_phone(phone):
    assert countries.is_mobile(phone) is True


@given(
    st.from_regex(r"\+(1|7|20|30|33|39|44|49|52|54|55|61|62|86|91|234)[0-9]{6,12}", fullmatch=True)
)
def test_no_number_is_texted_that_the_site_would_refuse(phone):
    assert not countries.is_mobile(phone) or is_mobile_here(phone)


@given(st.data(), st.sampled_from(sorted(mobiles.patterns())))
def test_numbers_of_every_pattern_are_known(data, country):
    national = data.draw(
        st.from_regex(mobiles.patterns()[country], fullmatch=True, alphabet=DIGITS)
    )
    code = phonenumbers.country_code_for_region(country)
    phone = f"+{code}{national}"
    if countries.country_of(phone) == country:
        assert countries.is_mobile(phone)
        assert is_mobile_here(phone)
