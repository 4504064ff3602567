"""Invented challenges look like the real ones of the stack, whatever its parameters are."""

import time
from typing import Any

import pytest
import time_machine

from accounts.aws.challenges import CodeChallenge
from accounts.login.decoys import Decoys

NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


def real(**changes: Any) -> CodeChallenge:
    now = int(time.time())
    told = {"expires_at": now + 600, "resend_at": now + 45, "tries_left": 2, "code_length": 8}
    given = {"session": "s", "username": "u", "texted_at": now, "said_at": now, **told, **changes}
    return CodeChallenge(**given)


def shape(challenge: CodeChallenge) -> tuple[int, int, int, int]:
    return (
        challenge.expires_at - NOW,
        challenge.resend_at - NOW,
        challenge.tries_left,
        challenge.code_length,
    )


def test_decoy_has_the_defaults_of_the_stack_before_any_real_one():
    assert shape(Decoys().draw()) == (300, 30, 3, 6)


def test_decoy_follows_the_parameters_of_the_stack():
    decoys = Decoys()
    decoys.learn(real())
    assert shape(decoys.draw()) == (600, 45, 2, 8)


def test_decoy_is_like_a_first_text_and_not_like_a_later_one():
    decoys = Decoys()
    decoys.learn(real())
    decoys.learn(real(resend_at=NOW + 120, expires_at=NOW + 400))
    decoys.learn(real(resend_at=NOW + 10, texted_at=NOW - 30))
    decoys.learn(real(resend_at=NOW + 38, texted_at=NOW - 7, tries_left=1))
    assert shape(decoys.draw()) == (600, 45, 2, 8)


def test_decoy_learns_nothing_from_a_decoy():
    decoys = Decoys()
    decoys.learn(real())
    decoys.learn(Decoys().draw())
    assert shape(decoys.draw()) == (600, 45, 2, 8)
