import pytest

from lambdas.triggers import phones


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
    assert phones.mask(phone) == masked
