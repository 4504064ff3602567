"""The pool at the wire, where it checks a password itself."""

import pytest

from accounts.aws import srp
from tests.fakes.password_check import PasswordCheck
from tests.fakes.sign_in_pool import POOL_NAME
from tests.fakes.tokens import POOL_ID


@pytest.mark.parametrize(
    ("kept", "typed", "is_right"),
    [
        ("Right-Horse-7", "Right-Horse-7", True),
        ("Right-Horse-7", "right-Horse-7", False),
        (None, "", False),
    ],
)
def test_proof_is_accepted_for_the_right_password_alone(kept, typed, is_right):
    proof = srp.Proof.begin()
    check = PasswordCheck(POOL_NAME, "somebody", kept, proof.srp_a)
    given = check.parameters()
    asked = srp.Asked("somebody", given["SALT"], given["SRP_B"], given["SECRET_BLOCK"])
    assert check.accepts(proof.answers(asked, typed, pool_id=POOL_ID)) is is_right
