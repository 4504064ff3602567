import dataclasses
import hmac
import re
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.events import sign_ins
from lambdas.triggers import challenge
from lambdas.triggers.challenge import Challenge
from tests.lambdas import aws

KEY = aws.CODE_KEY.encode()
USER = "eu-west-1_Example01 7c1d4a52-90b1-70e4-3f2a-5b0c9d8e7f61"
END = 1_700_000_300
ONE = Challenge("6Zk3vQ1rT8yLw0XnB5mJ2dA", END)
LONGER = Challenge("8Zk3vQ1rT8yLw0XnB5mJ2dA", END)
# What `openssl dgst -sha256 -hmac` says of "USER ID", modulo 10**6 and 10**8.
CODE = "435603"
LONGER_CODE = "34293055"


def accepts(answer, *, key=KEY, user=USER, now=END - 1, of=ONE) -> bool:
    return of.accepts(answer, key, user=user, now=now)


@pytest.fixture(scope="module")
def codes() -> list[str]:
    return [Challenge(f"6{n:022d}", END).code(KEY, user=USER) for n in range(200_000)]


def is_uniform(values: list[str], possible: list[str], *, most: float) -> bool:
    """The chi-square test: ``most`` is what one in a thousand random samples exceeds."""
    counts = Counter(values)
    expected = len(values) / len(possible)
    return sum((counts[one] - expected) ** 2 / expected for one in possible) < most


def test_code_is_the_hmac_of_user_and_id():
    assert ONE.code(KEY, user=USER) == CODE


def test_code_of_an_id_that_begins_with_8_has_eight_digits():
    assert (ONE.code_length, LONGER.code_length) == (6, 8)
    assert LONGER.code(KEY, user=USER) == LONGER_CODE


def test_reference_is_derived_from_the_id_alone():
    assert ONE.reference == "QKU-JF"
    assert Challenge(ONE.id, END + 1).reference == ONE.reference
    assert LONGER.reference != ONE.reference


def test_reference_is_short_and_hard_to_mishear():
    drawn = {Challenge(f"6{n:022d}", END).reference for n in range(3_000)}
    assert all(re.fullmatch("[2-9A-HJKMNP-Z]{3}-[2-9A-HJKMNP-Z]{2}", one) for one in drawn)
    # As many as five letters of 31 give; two of 3,000 meet by chance, hardly more.
    assert len(drawn) >= 2_995
    assert set("".join(drawn)) == set(sign_ins.ALPHABET) | {"-"}


def test_code_is_always_six_ascii_digits(codes):
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes)


def test_code_keeps_leading_zeros(codes):
    assert any(code.startswith("0000") for code in codes)


@pytest.mark.parametrize("position", range(6))
def test_code_digits_are_uniform(codes, position):
    digits = [code[position] for code in codes]
    assert is_uniform(digits, list("0123456789"), most=27.88)


@pytest.mark.parametrize("half", [slice(3), slice(3, 6)])
def test_code_halves_are_uniform_and_take_every_value(codes, half):
    values = [code[half] for code in codes]
    assert len(set(values)) == 1000
    assert is_uniform(values, [f"{n:03d}" for n in range(1000)], most=1142.8)


def test_code_hardly_ever_repeats(codes):
    """As many different values as of a draw with all 10**6 of them: 10**6 * (1 - e**-0.2)."""
    assert 180_900 < len(set(codes)) < 181_650


@pytest.mark.parametrize("challenge_id", [ONE.id, LONGER.id])
def test_code_is_the_remainder_of_all_256_bits(challenge_id):
    """So every value is reached: 2**256 is far above 10**8, and no value has two more ways to it
    than another.
    """
    digest = hmac.digest(KEY, f"{USER} {challenge_id}".encode(), "sha256")
    length = int(challenge_id[0])
    expected = int(digest.hex(), 16) % 10**length
    assert int(Challenge(challenge_id, END).code(KEY, user=USER)) == expected


def test_code_of_eight_digits_is_uniform_and_keeps_leading_zeros():
    codes = [Challenge(f"8{n:022d}", END).code(KEY, user=USER) for n in range(50_000)]
    assert {len(code) for code in codes} == {8}
    assert any(code.startswith("000") for code in codes)
    for position in range(8):
        assert is_uniform([code[position] for code in codes], list("0123456789"), most=27.88)


def test_code_depends_on_the_user():
    assert ONE.code(KEY, user=USER + "x") != CODE


def test_code_depends_on_the_id():
    assert dataclasses.replace(ONE, id="6Zk3vQ1rT8yLw0XnB5mJ2dB").code(KEY, user=USER) != CODE


def test_code_depends_on_the_key():
    assert ONE.code(b"another" * 8, user=USER) != CODE


def test_draw_ends_after_the_lifetime():
    assert Challenge.draw(now=1_700_000_000.9, lifetime=300).expires_at == END


def test_draw_never_repeats_an_id():
    assert len({Challenge.draw(now=0, lifetime=1).id for _ in range(1000)}) == 1000


def test_draw_is_random_all_over():
    ids = [Challenge.draw(now=0, lifetime=1).id for _ in range(1000)]
    variety = [len(set(characters)) for characters in zip(*ids, strict=True)]
    assert variety[0] == 1
    assert min(variety[1:22]) > 48
    assert variety[22] == 4  # 128 bits leave two for the last of 22 characters


@pytest.mark.parametrize("length", [6, 8])
def test_draw_says_how_long_the_code_is(length):
    drawn = Challenge.draw(now=0, lifetime=1, code_length=length)
    assert drawn.code_length == length
    assert len(drawn.code(KEY, user=USER)) == length


def test_draw_is_six_digits_by_default():
    assert Challenge.draw(now=0, lifetime=1).code_length == 6


@pytest.mark.parametrize("length", [6, 8])
def test_draw_survives_the_way_through_private_parameters(length):
    drawn = Challenge.draw(now=1_700_000_000, lifetime=300, code_length=length)
    assert Challenge.from_private_parameters(drawn.private_parameters()) == drawn


def test_draw_survives_parsing():
    drawn = Challenge.draw(now=1_700_000_000, lifetime=300)
    assert Challenge.parse(drawn.id, str(drawn.expires_at)) == drawn


def test_private_parameters_carry_id_and_end_only():
    assert ONE.private_parameters() == {"challengeId": ONE.id, "expiresAt": "1700000300"}


GOOD = {"challengeId": ONE.id, "expiresAt": "1700000300"}


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        [],
        "challengeId",
        {"challengeId": ONE.id},
        {"expiresAt": "1700000300"},
        GOOD | {"challengeId": None},
        GOOD | {"challengeId": 1},
        GOOD | {"challengeId": ONE.id[:-1]},
        GOOD | {"challengeId": ONE.id[1:]},
        GOOD | {"challengeId": "7" + ONE.id[1:]},
        GOOD | {"challengeId": "1" + ONE.id[1:]},
        GOOD | {"challengeId": "\u0666" + ONE.id[1:]},
        GOOD | {"challengeId": ONE.id + "A"},
        GOOD | {"challengeId": ONE.id[:-1] + " "},
        GOOD | {"challengeId": ONE.id[:-1] + "é"},
        GOOD | {"challengeId": ONE.id + "\n"},
        GOOD | {"expiresAt": 1700000300},
        GOOD | {"expiresAt": None},
        GOOD | {"expiresAt": ""},
        GOOD | {"expiresAt": "-1"},
        GOOD | {"expiresAt": "1e9"},
        GOOD | {"expiresAt": "inf"},
        GOOD | {"expiresAt": "1700000300\n"},
        GOOD | {"expiresAt": "\u0661\u0667"},
        GOOD | {"expiresAt": "9" * 5000},
    ],
)
def test_from_private_parameters_malformed_is_none(parameters):
    assert Challenge.from_private_parameters(parameters) is None


@pytest.mark.parametrize("challenge_id", [None, 6, "", "6", ONE.id[1:], ONE.id + "\n", [ONE.id]])
def test_parse_malformed_id_is_none(challenge_id):
    assert Challenge.parse(challenge_id, "1700000300") is None


@pytest.mark.parametrize("expires_at", [None, 1700000300, "", "x", "-1", "1e9", "9" * 13])
def test_parse_malformed_end_is_none(expires_at):
    assert Challenge.parse(ONE.id, expires_at) is None


def test_accepts_the_code():
    assert accepts(CODE) is True


@pytest.mark.parametrize("now", [END, END + 0.001, END + 1, END + 10**9])
def test_accepts_not_when_late(now):
    assert accepts(CODE, now=now) is False


def test_accepts_until_the_last_moment():
    assert accepts(CODE, now=END - 0.001) is True


@pytest.mark.parametrize("position", range(6))
def test_accepts_no_neighbour_of_the_code(position):
    digit = str((int(CODE[position]) + 1) % 10)
    assert accepts(CODE[:position] + digit + CODE[position + 1 :]) is False


def test_accepts_a_code_of_eight_digits():
    assert accepts(LONGER_CODE, of=LONGER) is True


@pytest.mark.parametrize(
    ("answer", "of"), [(CODE, LONGER), (LONGER_CODE, ONE), (LONGER_CODE[-6:], LONGER)]
)
def test_accepts_no_code_of_another_length(answer, of):
    assert accepts(answer, of=of) is False


def test_accepts_not_for_another_user():
    assert accepts(CODE, user=USER[:-1] + "0") is False


def test_accepts_not_with_another_key():
    assert accepts(CODE, key=b"another" * 8) is False


def test_accepts_not_with_another_id():
    assert accepts(CODE, of=Challenge("6" + "A" * 22, END)) is False


@given(
    st.text(st.characters(exclude_categories=()), max_size=80)
    | st.none()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.text())
)
def test_accepts_any_answer_without_raising(answer):
    assert accepts(answer) is (challenge.read_digits(answer) == CODE)


def test_accepts_compares_in_constant_time():
    """``==`` gives the same results, and takes longer the more digits are right."""
    called = []

    def note(frame, event, argument):
        if event == "c_call":
            called.append(argument)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        accepts(CODE)
    finally:
        sys.setprofile(before)
    assert hmac.compare_digest in called


@pytest.mark.parametrize(
    "typed",
    [
        "012345",
        " 012345\n",
        "012 345",
        "0 1 2 3 4 5",
        "012-345",
        "012\u2013345",  # en dash
        "012\u2011345",  # no-break hyphen
        "012\u00a0345",  # no-break space
        "012\u202f345",  # narrow no-break space
        "\u2068012345\u2069",  # isolates, as texts are copied
        "\ufeff012\u200b345",  # byte order mark, zero-width space
        "\uff10\uff11\uff12\uff13\uff14\uff15",  # full-width
        "\u0660\u0661\u0662\u0663\u0664\u0665",  # Arabic-Indic
        "\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5",  # Persian
        "\u0966\u0967\u0968\u0969\u096a\u096b",  # Devanagari
        "\uff10\u06612\u0969-45",
    ],
)
def test_read_digits_as_people_type_them(typed):
    assert challenge.read_digits(typed) == "012345"


@pytest.mark.parametrize(
    "typed",
    [
        "01234a",
        "012.345",
        "+012345",
        "012_345",
        "#012345",
        "O12345",
        "\u2460\u2461\u2462\u2463\u2464\u2465",  # circled
        "\u00b9\u00b2\u00b3\u00b9\u00b2\u00b3",  # superscript
        "\u2160\u2161\u2162\u2163\u2164\u2165",  # Roman
        "\u516d\u4e94\u56db\u4e09\u4e8c\u4e00",  # Han
        "\ud800",
        "012345\udfff",
        "012\x00345",
        "0" * 65,
        "012345" + " " * 59,
        None,
        12345,
        12345.0,
        True,
        b"012345",
        ["012345"],
        {"code": "012345"},
    ],
)
def test_read_digits_of_anything_else_is_empty(typed):
    assert challenge.read_digits(typed) == ""


def test_read_digits_up_to_the_limit_of_length():
    assert challenge.read_digits("012345" + " " * 58) == "012345"
