import re
import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.fields import CodeField, PhoneField
from accounts.forms import CodeForm, PhoneForm

SPACES_AND_HYPHENS = [" ", "\u00a0", "\u202f", "\u2009", "\t", "-", "\u2011", "\u2013", "\u2014"]


def refusal(field: PhoneField | CodeField, typed: object) -> tuple[str, str]:
    """The code and the words of the one error."""
    with pytest.raises(ValidationError) as caught:
        field.clean(typed)
    (message,) = caught.value.messages
    # Numbers are kept apart from the direction of the words around them.
    assert message.count("\u2066") == message.count("\u2069")
    return caught.value.code, message.replace("\u2066", "").replace("\u2069", "")


# Phone


# With a space and a hyphen at which no line ends.
EXAMPLE = "(201)\u00a0555\u20110123"


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("(201) 555-0123", "+12015550123"),
        ("\u202a+44 7400 123456\u202c", "+447400123456"),
        ("\n +33 6 12 34 56 78 \r\n", "+33612345678"),
        ("+٤٤ ٧٤٠٠ ١٢٣٤٥٦", "+447400123456"),
    ],
)
def test_phone_is_given_in_e164(typed, phone):
    assert PhoneField().clean(typed) == phone


@pytest.mark.parametrize("typed", ["", None, " ", "\u00a0\t\n"], ids=ascii)
def test_phone_left_empty_is_asked_for(typed):
    assert refusal(PhoneField(), typed) == ("required", "Type your mobile number.")


@pytest.mark.parametrize(
    "typed",
    [
        "1-800-FLOWERS",
        "0044 7400 123456",
        "911",
        "tel:+447400123456",
        "+12015550123\0",
        "\ud800",
        "1" * 1_000_000,
        "<script>",
        {"phone": "+12015550123"},
    ],
    ids=lambda typed: ascii(typed)[:20],
)
def test_phone_nobody_knows_is_refused_with_an_example(typed):
    code, message = refusal(PhoneField(), typed)

    assert code == "unknown"
    assert f"such as {EXAMPLE}, or one with + and the country code." in message


@pytest.mark.parametrize(
    "typed", ["+1 900 234 5678", "(800) 234-5678", "+44 20 7946 0018", "(201) 555-0123 #5"]
)
def test_phone_that_takes_no_texts_is_refused_with_an_example(typed):
    assert refusal(PhoneField(), typed) == (
        "not_mobile",
        f"We can only text mobile numbers. Type one like {EXAMPLE}.",
    )


@pytest.mark.parametrize("typed", ["+49 1512 3456789", "+1 876 210 1234"])
def test_phone_of_another_country_is_refused_with_the_countries(typed):
    assert refusal(PhoneField(), typed) == (
        "country",
        (
            "We cannot text that country, only these: "
            "France (+33), United Kingdom (+44), United States (+1)."
        ),
    )


def test_phone_of_another_country_is_refused_with_the_list_where_there_are_many(settings):
    settings.ACCOUNTS_COUNTRIES = ["US", "GB", "FR", "DE", "IN"]

    assert refusal(PhoneField(), "+34 612 34 56 78") == (
        "country",
        "We cannot text that country. Type a number of one of the countries in the list.",
    )


def test_phone_is_read_by_the_settings_of_the_moment(settings):
    settings.ACCOUNTS_COUNTRIES = ["GB"]
    settings.ACCOUNTS_DEFAULT_REGION = "GB"

    assert PhoneField().clean("07400 123456") == "+447400123456"
    assert refusal(PhoneField(), "+12015550123")[1].endswith("United Kingdom (+44).")
    assert "07400\u00a0123456" in refusal(PhoneField(), "12")[1]


@pytest.mark.parametrize("typed", ["x" * 50, "<script>alert(1)</script>", "+49 1512 3456789"])
def test_error_of_a_phone_does_not_repeat_what_was_typed(typed):
    assert typed not in refusal(PhoneField(), typed)[1]


def test_phone_input_opens_the_keypad_and_fills_in_by_itself():
    html = str(PhoneForm()["phone"])

    assert 'type="tel"' in html
    assert 'autocomplete="tel"' in html


# Code


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("048213", "048213"),
        ("000000", "000000"),
        (" 048213\n", "048213"),
        ("048 213", "048213"),
        ("048-213", "048213"),
        ("0-4-8-2-1-3", "048213"),
        ("٠٤٨٢١٣", "048213"),
        ("۰۴۸۲۱۳", "048213"),
        ("०४८२१३", "048213"),
        ("\uff10\uff14\uff18\uff12\uff11\uff13", "048213"),
        ("0٤8۲१\uff13", "048213"),
        ("\u200e048\u200b213\u202c", "048213"),
    ],
)
def test_code_is_given_in_ascii_digits(typed, code):
    assert CodeField().clean(typed) == code


@pytest.mark.parametrize("between", SPACES_AND_HYPHENS, ids=ascii)
def test_code_may_be_written_in_groups(between):
    assert CodeField().clean(f"048{between}213") == "048213"


@pytest.mark.parametrize("typed", ["", None, "   ", "\n"], ids=ascii)
def test_code_left_empty_is_asked_for(typed):
    assert refusal(CodeField(), typed) == ("required", "Type the code from the text message.")


@pytest.mark.parametrize(
    "typed",
    [
        "04821",
        "0482131",
        "o48213",
        "04821E",
        "0x8213",
        "-",
        "\u200e",
        "048.213",
        "048,213",
        "048_213",
        "048213\0",
        "\x00\x00\x00\x00\x00\x00",
        "048213\x1b[0m",
        "04821\ud800",
        "04821²",
        "04821½",
        "04821Ⅵ",
        "四八二一三五",
        "true",
        "null",
        "' OR 1=1 --",
        "*" * 6,
        "048213 048213",
        "048213" + " " * 59 + "1",
        "0" * 1_000_000,
        "-" * 1_000_000,
        "\ud800" * 100,
    ],
    ids=lambda typed: ascii(typed)[:20],
)
def test_code_that_cannot_be_right_is_refused_with_what_to_type(typed):
    assert refusal(CodeField(), typed) == (
        "malformed",
        "The code has 6 digits. Type all of them, and nothing else.",
    )


@pytest.mark.parametrize(
    "typed",
    [
        "Your code is 048213",
        "Your code is 048 213",
        "048213 is your Example sign-in code. Don't share it.\n\n@www.example.com #048213",
        "٠٤٨٢١٣ هو رمزك، صالح لمدة 5 دقائق.",
        "048-213 से साइन इन करें",
        "G-048213",
        "code:048213.",
        '{"code": "048213"}',
        "048213 or 048213",
    ],
)
def test_code_is_found_among_the_words_of_its_message(typed):
    assert CodeField().clean(typed) == "048213"


@pytest.mark.parametrize(
    "typed",
    ["048213 or 048214", "order 1048213", "code 048213 9", "call 555 0123", "0482 is half of it"],
)
def test_code_among_words_that_is_not_plain_is_refused(typed):
    assert refusal(CodeField(), typed)[0] == "malformed"


def test_code_of_eight_digits_is_found_among_words():
    assert CodeField(length=8).clean("Your code is 0482 1359, not 048213") == "04821359"


def test_code_is_read_up_to_the_length_of_a_message():
    assert CodeField().clean("048213".join(["-" * 247, "-" * 247])) == "048213"
    assert refusal(CodeField(), "048213".join(["-" * 247, "-" * 248]))[0] == "malformed"


def test_code_of_another_length_is_asked_for_in_that_length():
    assert CodeField(length=8).clean("0482 1359") == "04821359"
    assert refusal(CodeField(length=8), "048213")[1].startswith("The code has 8 digits.")


def test_code_input_is_filled_in_from_the_text():
    html = str(CodeForm()["code"])

    assert 'autocomplete="one-time-code"' in html
    assert 'inputmode="numeric"' in html
    assert "autofocus" in html
    assert 'type="text"' in html


@pytest.mark.parametrize(("length", "typed"), [(6, "048213"), (8, "04821359")])
def test_code_form_takes_codes_of_the_length_it_is_told(length, typed):
    form = CodeForm({"code": typed, "attempt": "abc"}, code_length=length)

    assert form.is_valid()
    assert form.cleaned_data == {"code": typed, "attempt": "abc"}
    assert not CodeForm({"code": typed[1:]}, code_length=length).is_valid()


@pytest.mark.parametrize(
    "hidden", ["", "\0", "\ud800", "a" * 100_000], ids=["empty", "NUL", "surrogate", "endless"]
)
def test_hidden_field_never_refuses_what_was_typed(hidden):
    assert CodeForm({"code": "048213", "attempt": hidden}).is_valid()
    assert PhoneForm({"phone": "(201) 555-0123", "next": hidden}).is_valid()


_DIGITS = "".join(c for c in map(chr, range(0x20000)) if unicodedata.category(c) == "Nd")
_NEAR_CODES = st.text(st.sampled_from([*_DIGITS, *SPACES_AND_HYPHENS, "\0", "a", "²"]), max_size=9)


@settings(max_examples=600, database=None)
@given(typed=st.one_of(st.text(st.characters()), _NEAR_CODES), length=st.sampled_from([4, 6, 8]))
def test_code_field_gives_exactly_its_digits_or_a_validation_error(typed, length):
    try:
        code = CodeField(length=length).clean(typed)
    except ValidationError:
        return
    assert re.fullmatch(f"[0-9]{{{length}}}", code)


@settings(max_examples=200, database=None)
@given(typed=st.one_of(st.text(st.characters()), st.text("0123456789+ ()-", max_size=16)))
def test_phone_field_gives_a_number_or_a_validation_error(typed):
    try:
        phone = PhoneField().clean(typed)
    except ValidationError:
        return
    assert re.fullmatch(r"\+(1|33|44)[0-9]{6,12}", phone)
