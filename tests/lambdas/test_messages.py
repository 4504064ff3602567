import json
import re
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.triggers import countries, messages

CATALOGUES = Path(messages.__file__).parent
LANGUAGES = ["ar", "de", "en", "es", "fr", "hi", "ja", "pt"]
# These cannot be written in GSM-7: a text is 70 characters, and counted in parts.
UCS_2 = ["ar", "hi", "ja"]
NOT_TO_SHARE = {
    "ar": "لا تشاركه",
    "de": "Nicht weitergeben",
    "en": "Don't share it",
    "es": "No lo comparta",
    "fr": "Ne le partagez pas",
    "hi": "न बताएँ",
    "ja": "人に教えないでください",
    "pt": "Nunca o divulgue",
}
PURPOSE = {
    "ar": "رمز دخول Example",
    "de": "Login-Code für Example",
    "en": "your Example sign-in code",
    "es": "para entrar en Example",
    "fr": "code d'accès à Example",
    "hi": "Example साइन-इन कोड",
    "ja": "Exampleのログインコード",
    "pt": "para entrar em Example",
}
MINUTES = r"(?<![0-9])7( min\b| Min\.| मिनट| د\.|分)"

CODES = ["sign_in", "change_number", "second_number"]
NOTICES = [
    "number_changed",
    "invited",
    "passkey_removed",
    "email_changed",
    "second_number_changed",
    "second_number_used",
]
WORD = "K7F2Q9XM"
# Of the other channels.
PLACEHOLDERS = {
    "call": ["app_name", "code", "code"],
    "mail_subject": ["app_name"],
    "mail": ["app_name", "code", "minutes", "site_host"],
    "mail_link": ["link"],
    "mail_address_subject": ["app_name"],
    "mail_address": ["app_name", "code", "minutes", "site_host"],
    "notice_subject": ["app_name"],
}

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def message(
    code="012345", *, language="en", app_name="Example", site_host="example.com", minutes=5
) -> str:
    return messages.code_message(
        code, language=language, app_name=app_name, site_host=site_host, minutes=minutes
    )


def catalogue(language: str) -> dict[str, str]:
    return json.loads((CATALOGUES / f"{language}.json").read_text(encoding="utf-8"))


def longest(language: str) -> str:
    """The longest names that the template takes, and a code longer than ours."""
    return message("01234567", language=language, app_name="A" * 30, site_host="h" * 52, minutes=10)


def is_gsm_7(message: str) -> bool:
    """Told by ``parts``: 160 characters are one text in GSM-7 only."""
    assert len(message) <= 160
    return messages.parts(message.ljust(160)) == 1


def test_languages_are_these():
    assert sorted(messages.LANGUAGES) == LANGUAGES
    assert sorted(path.name for path in CATALOGUES.glob("*.json")) == [
        f"{one}.json" for one in LANGUAGES
    ]


@in_every_language
def test_catalogue_has_the_same_keys_as_every_other(language):
    assert set(catalogue(language)) == {*CODES, *messages.NOTICES, *PLACEHOLDERS, "not_me"}


@in_every_language
def test_way_to_stop_texts_is_added_where_it_costs_no_second_text(language):
    said = {"language": language, "minutes": 5, "stop_word": "K7F2Q"}
    short = messages.code_message("123456", app_name="A", site_host="a.example", **said)
    assert ("a.example/no/K7F2Q\n" in short) == (language not in UCS_2)
    for host in ("a.example", "a" * 30, "a" * 52):
        got = messages.code_message("123456", app_name="Example", site_host=host, **said)
        without = messages.code_message(
            "123456", app_name="Example", site_host=host, **{**said, "stop_word": ""}
        )
        assert messages.parts(got) == messages.parts(without)


@in_every_language
@pytest.mark.parametrize("kind", [*CODES, *NOTICES])
def test_catalogue_uses_every_placeholder_once_and_plainly(language, kind):
    parsed = list(Formatter().parse(catalogue(language)[kind]))
    used = [(name, spec, conversion) for _, name, spec, conversion in parsed if name is not None]
    wanted = ["app_name", "code", "minutes"] if kind in CODES else ["app_name", "site_host"]
    assert sorted(used) == [(name, "", None) for name in wanted]


@in_every_language
@pytest.mark.parametrize("kind", [*CODES, *NOTICES])
def test_catalogue_is_clean_text(language, kind):
    pattern = catalogue(language)[kind]
    assert not re.search(r"\s{2}|[\n\t\u00a0\u200b-\u200f\u202f]|^\s|\s$", pattern)
    assert pattern.endswith((".", "।", "。"))


@in_every_language
def test_sign_in_text_begins_with_the_code(language):
    assert message(language=language).startswith("012345")
    assert not message(language=language)[6].isdigit()


@in_every_language
def test_sign_in_text_names_the_app_and_the_purpose(language):
    assert PURPOSE[language] in message(language=language)


@in_every_language
def test_sign_in_text_says_how_long_the_code_works(language):
    assert re.search(MINUTES, message(language=language, minutes=7))


@in_every_language
def test_sign_in_text_asks_not_to_share(language):
    assert NOT_TO_SHARE[language] in message(language=language)


of_numbers = pytest.mark.parametrize("purpose", ["change_number", "second_number"])


@in_every_language
@of_numbers
def test_text_of_a_new_number_says_what_the_code_is_for_and_binds_it(language, purpose):
    got = messages.code_message(
        "012345",
        purpose=purpose,
        language=language,
        app_name="Example",
        site_host="example.com",
        minutes=7,
    )
    words, blank, last = got.split("\n")
    assert words.startswith("012345")
    assert PURPOSE[language] not in words
    assert "Example" in words
    assert re.search(MINUTES, words)
    assert NOT_TO_SHARE[language] in words
    assert (blank, last) == ("", "@example.com #012345")


@in_every_language
@of_numbers
def test_text_of_a_new_number_is_one_text_with_names_of_a_usual_length(language, purpose):
    got = messages.code_message(
        "01234567",
        purpose=purpose,
        language=language,
        app_name="A" * 20,
        site_host="h" * 40,
        minutes=10,
    )
    assert messages.parts(got) <= (2 if language in UCS_2 else 1)


@in_every_language
@pytest.mark.parametrize("notice", NOTICES)
def test_notice_names_app_and_site_and_is_one_text_however_long_they_are(language, notice):
    got = messages.notice_message(notice, language=language, app_name="A" * 30, site_host="h" * 52)
    assert "A" * 30 in got
    assert "h" * 52 in got
    # Nothing in it can be taken for a code, nor filled in as one.
    assert not re.search(r"[0-9]|@|#", got)
    assert messages.parts(got) <= (2 if language in UCS_2 else 1)


@in_every_language
def test_notice_of_a_recovery_leads_to_its_page_and_is_one_text_however_long(language):
    names = {"app_name": "A" * 30, "site_host": "h" * 52}
    got = messages.notice_message("recovery_started", language=language, word=WORD, **names)
    # What touches an address becomes a part of it.
    assert got.endswith(f" {'h' * 52}/stop/{WORD}")
    assert "A" * 30 in got
    assert messages.parts(got) <= (3 if language in UCS_2 else 1)


@in_every_language
def test_notice_of_a_changed_number_names_a_page_that_phones_make_a_link_of(language):
    got = messages.notice_message(
        "number_changed", language=language, app_name="Example", site_host="www.example.com"
    )
    # What touches an address becomes a part of it: words in Japanese, a full stop anywhere.
    assert " www.example.com/changed " in got


def test_notice_with_a_host_that_is_none_is_refused():
    with pytest.raises(ValueError, match="host"):
        messages.notice_message(
            "invited", language="en", app_name="Example", site_host="https://example.com"
        )


@in_every_language
def test_sign_in_text_ends_with_the_line_that_binds_the_code(language):
    words, blank, last = message(language=language).split("\n")
    assert words
    assert (blank, last) == ("", "@example.com #012345")


@in_every_language
def test_sign_in_text_is_in_the_cheap_alphabet_where_the_language_allows(language):
    cheap = is_gsm_7(message(language=language, app_name="A & B's 1.0+-", minutes=10))
    assert cheap is (language not in UCS_2)


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - set(UCS_2)))
def test_sign_in_text_longest_names_are_one_text(language):
    assert len(longest(language)) <= 160
    assert messages.parts(longest(language)) == 1


@pytest.mark.parametrize("language", UCS_2)
def test_sign_in_text_in_another_alphabet_is_one_text_usually_and_two_at_most(language):
    usual = message(language=language, site_host="www.example.com")
    assert messages.parts(usual) == 1
    most = message(language=language, app_name="A" * 30, site_host="h" * 52, minutes=10)
    assert messages.parts(most) == 2


# Long as real ones are; eight digits are those of a pool under attack.
LONG_NAMES = {"app_name": "Stadtwerke Neustadt", "site_host": "anmeldung.stadtwerke-neustadt.de"}


@in_every_language
@pytest.mark.parametrize("digits", [6, 8])
def test_no_text_with_names_of_a_real_length_is_more_than_two(language, digits):
    limit = 2 if language in UCS_2 else 1
    for purpose in CODES:
        got = messages.code_message(
            "12345678"[:digits], purpose=purpose, language=language, minutes=10, **LONG_NAMES
        )
        assert messages.parts(got) <= limit, got
    for notice in NOTICES:
        assert (
            messages.parts(messages.notice_message(notice, language=language, **LONG_NAMES))
            <= limit
        )


@in_every_language
def test_sign_in_text_app_name_is_not_read_as_a_pattern(language):
    assert "{code} {0} {" in message(language=language, app_name="{code} {0} {")


@in_every_language
@pytest.mark.parametrize(("app_name", "expected"), [("Exämple", 1), ("Ejemplón", 2), ("例え", 2)])
def test_sign_in_text_app_name_in_any_alphabet_is_taken_and_counted(language, app_name, expected):
    written = message(language=language, app_name=app_name)
    assert app_name in written
    # Those in another alphabet are short enough for one text of 70 characters.
    assert messages.parts(written) == (1 if language in UCS_2 else expected)


def test_sign_in_text_unknown_language_is_a_mistake():
    with pytest.raises(KeyError):
        message(language="sv")


@pytest.mark.parametrize("host", ["example.com", "a", "localhost", "login.example.co.uk", "x-1.io"])
def test_sign_in_text_bare_host_is_taken(host):
    assert message(site_host=host).endswith(f"\n@{host} #012345")


@pytest.mark.parametrize(
    "host",
    [
        "https://example.com",
        "//example.com",
        "example.com:8000",
        "example.com/",
        "example.com/login",
        "Example.com",
        "user@example.com",
        "example.com #999999",
        "example.com\n",
        " example.com",
        "example.com.",
        ".example.com",
        "-example.com",
        "exämple.com",
        "ex_ample.com",
        "a" * 254,
        "",
    ],
)
def test_sign_in_text_host_with_more_than_a_name_is_refused(host):
    with pytest.raises(ValueError, match="host"):
        message(site_host=host)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("pt-BR", "pt"),
        ("PT_br", "pt"),
        ("es-419", "es"),
        ("hi-Deva-IN", "hi"),
        ("fr-CA-x-private", "fr"),
        ("en-US-u-hc-h12", "en"),
    ],
)
def test_language_for_what_the_person_chose_comes_first(locale, language):
    assert messages.language_for(locale, None) == language
    assert messages.language_for(locale, "US") == language
    assert messages.language_for(locale, "MX") == language


@pytest.mark.parametrize("locale", [None, "", "sv", "sv-SE", "zz", "spa", "x-de"])
def test_language_for_a_choice_that_is_not_offered_follows_the_country(locale):
    assert messages.language_for(locale, "BR") == "pt"
    assert messages.language_for(locale, "SE") == "en"
    assert messages.language_for(locale, None) == "en"


@pytest.mark.parametrize(
    "locale",
    [
        "d",
        "deutsch",
        "de-",
        "de--AT",
        "de AT",
        " de",
        "de\n",
        "de-Ö",
        "de-\u017f",  # the long s, which is an S to those who ignore case
        "de/../fr",
        "../messages/de",
        "de.json",
        "-de",
        "de-" + "a" * 9,
        "{code}",
        "\u212a\u0131",
        "\ud800",
        "de" * 1024,
    ],
)
def test_language_for_junk_is_no_choice(locale):
    assert messages.language_for(locale, None) == "en"
    assert messages.language_for(locale, "FR") == "fr"


@given(
    st.text() | st.from_regex(r"[A-Za-z]{0,9}([-_.@ ][A-Za-z0-9]{0,9})*"),
    st.none() | st.text(max_size=3) | st.sampled_from(["", "BR", "IN", "US"]),
)
def test_language_for_junk_never_raises(locale, country):
    assert messages.language_for(locale, country) in LANGUAGES


@given(
    st.sampled_from(LANGUAGES),
    st.sampled_from("-_"),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8),
    st.randoms(),
)
def test_language_for_ignores_regions_and_case(language, separator, region, random):
    locale = "".join(random.choice([one.lower(), one.upper()]) for one in language) + (
        separator + region
    )
    assert messages.language_for(locale, "US") == language


@pytest.mark.parametrize(
    ("country", "language"),
    [
        ("ES", "es"),
        ("MX", "es"),
        ("AR", "es"),
        ("PR", "es"),
        ("FR", "fr"),
        ("RE", "fr"),
        ("SN", "fr"),
        ("DE", "de"),
        ("AT", "de"),
        ("CH", "de"),
        ("BR", "pt"),
        ("PT", "pt"),
        ("AO", "pt"),
        ("US", "en"),
        ("GB", "en"),
        ("IN", "en"),
        ("BE", "en"),
        ("CA", "en"),
        ("JP", "ja"),
        ("EG", "ar"),
        ("SA", "ar"),
        ("AE", "en"),
        ("XX", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_language_for_the_country(country, language):
    assert messages.language_for(None, country) == language


def test_language_for_hindi_is_a_choice():
    assert messages.language_for("hi-IN", "IN") == "hi"
    assert messages.language_for("hi", "US") == "hi"


def test_countries_with_a_language_are_countries_of_phones():
    """A country whose phones count as another's would be listed in vain."""
    assert messages._LANGUAGE_BY_COUNTRY.keys() <= set(countries._COUNTRIES.values())
    assert set(messages._LANGUAGE_BY_COUNTRY.values()) <= messages.LANGUAGES


def test_countries_have_one_language_each():
    listed = " ".join(messages._COUNTRIES_BY_LANGUAGE.values()).split()
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        # The extension table: two each.
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 159 + "[", 2),
        ("a" * 158 + "[", 1),
        # 153 is odd: an escape and its character stay together, one place remains empty.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        # One character outside the alphabet.
        ("ç" + "a" * 69, 1),
        ("ç" + "a" * 70, 2),
        ("न" * 70, 1),
        ("न" * 71, 2),
        ("न" * 134, 2),
        ("न" * 135, 3),
        # In UCS-2 the extension table costs no more than the rest.
        ("न" + "€" * 69, 1),
        # Two units each, and 67 is odd as well.
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("🙂" * 66, 2),
        ("🙂" * 67, 3),
        ("\ud800" * 70, 1),
    ],
)
def test_parts_of_known_messages(written, parts):
    assert messages.parts(written) == parts


# 3GPP TS 23.038, 6.2.1, in the order of its table; the escape at 0x1B is not a character.
GSM_7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def test_parts_knows_the_alphabet():
    units = {character: _units(character) for character in map(chr, range(1, 0x3000))}
    assert {one for one, unit in units.items() if unit == 1} == set(GSM_7)
    assert len(set(GSM_7)) == 127
    assert {one for one, unit in units.items() if unit == 2} == set("\f^{}\\[~]|€")


def _units(character: str) -> int | None:
    """How many places of 160 a character takes; None outside the alphabet."""
    if messages.parts(character + "a" * 159) == 1:
        return 1
    return 2 if messages.parts(character + "a" * 158) == 1 else None


@given(st.text(max_size=400))
def test_parts_is_never_less_than_the_units_need(written):
    units = len(written.encode("utf-16-le", "surrogatepass")) // 2
    assert max(1, -(-units // 160)) <= messages.parts(written) <= 1 + 2 * units // 60


# Calls and mails


@in_every_language
@pytest.mark.parametrize("kind", PLACEHOLDERS)
def test_call_and_mail_use_their_placeholders_plainly(language, kind):
    parsed = list(Formatter().parse(catalogue(language)[kind]))
    used = [(name, spec, conversion) for _, name, spec, conversion in parsed if name is not None]
    assert sorted(used) == [(name, "", None) for name in PLACEHOLDERS[kind]]


def spoken(language: str, app_name: str) -> str:
    return messages.code_call("012345", language=language, app_name=app_name)


@in_every_language
def test_call_reads_the_code_twice_digit_by_digit_and_slowly(language):
    ssml = spoken(language, "Example")
    assert ssml.startswith("<speak>")
    assert "Example" in ssml
    read = re.findall('<prosody rate="slow">(.*?)</prosody>', ssml)
    assert read == ['<break time="700ms"/>'.join("012345")] * 2


def test_call_of_a_name_with_signs_is_still_whole():
    assert "Fish &amp; Chips" in spoken("en", "Fish & Chips")


@in_every_language
def test_mail_says_the_code_its_place_and_its_time_but_not_in_the_subject(language):
    subject, text = messages.code_mail(
        "012345", language=language, app_name="Example", site_host="example.com", minutes=7
    )
    assert "Example" in subject
    assert "012345" not in subject
    assert text.startswith("012345")
    assert re.search(r"\sexample\.com\s", text)
    assert re.search(MINUTES, text)
    assert NOT_TO_SHARE[language] in text
