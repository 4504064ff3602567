"""Sealed values are opened for what they were sealed for, and by nobody without the key."""

import base64

import pytest

from accounts.login.sealing import seal, unseal

VALUE = "AYABe-session-é"


def test_sealed_value_is_opened_for_its_purpose_alone():
    sealed = seal(VALUE, purpose="one")
    assert unseal(sealed, purpose="one") == VALUE
    assert unseal(sealed, purpose="another") is None


def test_sealed_value_tells_nothing_and_not_even_that_it_came_before():
    first, second = seal(VALUE, purpose="one"), seal(VALUE, purpose="one")
    assert first != second
    assert len(first) <= len(VALUE) * 4 / 3 + 44
    for sealed in (first, second):
        assert VALUE.encode() not in base64.urlsafe_b64decode(sealed)


def test_changed_value_is_not_opened():
    raw = base64.urlsafe_b64decode(seal(VALUE, purpose="one"))
    for place in (0, 12, len(raw) - 1):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert unseal(base64.urlsafe_b64encode(changed).decode(), purpose="one") is None


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "é", "A" * 40])
def test_what_was_never_sealed_is_not_opened(sealed):
    assert unseal(sealed, purpose="one") is None
