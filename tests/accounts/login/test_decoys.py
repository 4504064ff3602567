"""Invented challenges look like the real ones of the stack, whatever its parameters are."""

import time
from typing import Any, ClassVar

import pytest
import time_machine
from django.core.cache.backends.locmem import LocMemCache

from accounts.aws.challenges import CodeChallenge
from accounts.login import work
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


class NotedCache(LocMemCache):
    asked_at: ClassVar[list[float]] = []

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.asked_at.append(clock())
        return super().get(*args, **kwargs)


def clock() -> float:
    return time.monotonic()


def shape(challenge: CodeChallenge) -> tuple[int, int, int, int]:
    return (
        challenge.expires_at - NOW,
        challenge.resend_at - NOW,
        challenge.tries_left,
        challenge.code_length,
    )


def test_decoy_has_the_defaults_of_the_stack_before_any_real_one():
    assert shape(Decoys().draw(clock())) == (300, 30, 3, 6)


def test_decoy_follows_the_parameters_of_the_stack():
    decoys = Decoys()
    decoys.learn(real(), clock())
    assert shape(decoys.draw(clock())) == (600, 45, 2, 8)


def test_decoy_is_like_a_first_text_and_not_like_a_later_one():
    decoys = Decoys()
    decoys.learn(real(), clock())
    decoys.learn(real(resend_at=NOW + 120, expires_at=NOW + 400), clock())
    decoys.learn(real(resend_at=NOW + 10, texted_at=NOW - 30), clock())
    decoys.learn(real(resend_at=NOW + 38, texted_at=NOW - 7, tries_left=1), clock())
    assert shape(decoys.draw(clock())) == (600, 45, 2, 8)


def test_decoy_offers_the_channels_of_the_stack():
    decoys = Decoys()
    decoys.learn(real(channels="voice email"), clock())
    assert decoys.draw(clock()).channels == "voice email"


def test_decoys_are_like_no_challenge_of_another_kind_within_an_hour():
    decoys = Decoys()
    decoys.learn(real(), clock())
    assert decoys.are_like_real_ones
    decoys.learn(work.draw(), clock())
    decoys.learn(real(), clock())
    assert not decoys.are_like_real_ones
    with time_machine.travel(NOW + 3601, tick=False):
        assert decoys.are_like_real_ones


def test_decoy_comes_when_a_real_one_would():
    decoys = Decoys()
    decoys.learn(real(), clock() - 0.2)
    began = time.perf_counter()
    decoys.draw(clock() - 0.05)
    assert 0.1 <= time.perf_counter() - began < 10


def test_decoy_asks_the_cache_before_it_waits(settings):
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.NotedCache"}}
    NotedCache.asked_at.clear()
    decoys = Decoys()
    began = clock()
    decoys.learn(real(), began - 0.6)
    decoys.draw(began, name="nobody")
    assert NotedCache.asked_at
    assert max(NotedCache.asked_at) < began + 0.6 <= clock()


def test_decoy_after_one_that_was_texted_for_another_sign_in_comes_at_once():
    decoys = Decoys()
    decoys.learn(real(texted_at=NOW - 30), clock() - 60)
    began = time.perf_counter()
    decoys.draw(clock())
    assert time.perf_counter() - began < 10


def test_decoy_learns_nothing_from_a_decoy():
    decoys = Decoys()
    decoys.learn(real(), clock())
    decoys.learn(Decoys().draw(clock()), clock())
    assert shape(decoys.draw(clock())) == (600, 45, 2, 8)
