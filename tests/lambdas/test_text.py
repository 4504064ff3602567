import string

import pytest

from lambdas.triggers import text

# The part of GSM 03.38 that keyboards have; one character outside it doubles the price of a text.
GSM_7 = set(string.ascii_letters + string.digits + "\n @_!\"#$%&'()*+,-./:;<=>?")


def message(code="012345", *, app_name="Example", site_host="example.com", minutes=5) -> str:
    return text.sign_in_text(code, app_name=app_name, site_host=site_host, minutes=minutes)


def test_sign_in_text_begins_with_the_code():
    assert message().startswith("012345 ")


def test_sign_in_text_names_the_app_and_the_purpose():
    assert "your Example sign-in code" in message()


def test_sign_in_text_says_how_long_the_code_works():
    assert "7 min" in message(minutes=7)


def test_sign_in_text_asks_not_to_share():
    assert "share" in message()


def test_sign_in_text_ends_with_the_line_that_binds_the_code():
    *_, blank, last = message().split("\n")
    assert (blank, last) == ("", "@example.com #012345")


def test_sign_in_text_holds_only_cheap_characters():
    assert set(message(app_name="A & B's 1.0+-", minutes=10)) <= GSM_7


def test_sign_in_text_longest_names_are_one_text():
    assert len(message(app_name="A" * 30, site_host="h" * 36 + ".com", minutes=10)) <= 160


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
    ("phone", "masked"),
    [
        ("+12015550123", "+•••••••••23"),
        ("+447400123456", "+••••••••••56"),
        ("+33612345678", "+•••••••••78"),
        ("", "+"),
    ],
)
def test_mask_leaves_the_last_two_digits(phone, masked):
    assert text.mask(phone) == masked
