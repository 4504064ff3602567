import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import countries
from accounts.countries import Country

FEW = frozenset({"US", "GB", "DE", "AT", "BR"})


def test_country_has_what_a_page_shows_of_it():
    assert countries.named(frozenset({"FR"}), "en") == (
        Country(code="FR", name="France", calling_code="+33", example="06 12 34 56 78"),
    )


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", "Austria|Brazil|Germany|United Kingdom|United States"),
        # Ö stands where O does.
        (
            "de",
            "Brasilien|Deutschland|Österreich|Vereinigte Staaten|Vereinigtes Königreich",
        ),
        ("pt-br", "Alemanha|Áustria|Brasil|Estados Unidos|Reino Unido"),
    ],
)
def test_countries_stand_in_the_order_of_their_names(language, names):
    assert "|".join(each.name for each in countries.named(FEW, language)) == names


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "pt-br", "hi", "ar", "ja"])
def test_every_country_with_phones_has_a_name_in_every_language(language):
    for each in countries.named(frozenset(phonenumbers.SUPPORTED_REGIONS), language):
        assert each.calling_code.startswith("+")
        assert each.name != each.code or each.code == "AC"


@pytest.mark.parametrize(
    ("accepted", "country"),
    [
        ("", "GB"),
        ("en", "GB"),  # spoken in the default country
        ("en-US,en;q=0.9", "US"),
        ("en-GB", "GB"),
        ("en-AU", "GB"),
        ("en-AU,en;q=0.9,de-AT;q=0.8", "GB"),
        ("sv-SE,sv;q=0.9,de-AT;q=0.8", "AT"),
        ("fr", "GB"),  # of no country that is texted
        ("de", "DE"),
        ("de-CH, de-AT;q=0.5", "AT"),
        ("pt", "BR"),
        ("pt-PT,pt;q=0.9", "BR"),
        ("zh-Hant-GB", "GB"),
        ("*", "GB"),
        ("de;q=0", "GB"),
        ("\x00,,;;q=x,-,_", "GB"),
        ("de-" * 10_000, "GB"),
    ],
)
def test_guess_follows_the_languages_of_the_browser(accepted, country):
    assert countries.guess(accepted, FEW, default="GB") == country


def test_guess_of_a_bare_language_is_the_default_where_it_is_official():
    assert countries.guess("de", FEW, default="AT") == "AT"


@given(st.text())
def test_guess_is_always_a_country_that_is_texted(accepted):
    assert countries.guess(accepted, FEW, default="US") in FEW
