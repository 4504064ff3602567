"""A short soak: the same promises as ``make soak``, for as long as the suite can wait."""

import pytest

from tests import postgres, provision
from tests.bench.soak import Soaked, soak

pytestmark = pytest.mark.programs


def test_people_sign_in_while_some_meet_faults_and_some_attack(tmp_path):
    if postgres.programs() is None or provision.redis_server() is None:
        pytest.skip("PostgreSQL or redis-server is not installed")
    soaked = soak(tmp_path, minutes=0.25, rate=4)
    assert soaked.faults() == []
    kinds = {each.split()[0] for each in soaked.answers}
    assert kinds == {"clean", "fault", "attack"}
    assert soaked.clean > 30


def test_soak_says_what_was_not_as_it_should_be():
    soaked = Soaked(clean=1000, clean_through=998, memory=[100] * 60 + [110] * 60)
    soaked.unexpected["attack: POST / 500"] += 1
    assert [each.split(":")[0] for each in soaked.faults()] == [
        "unexpected",
        "only 99.80% of clean logins went through",
        "memory grew by 10.0%",
    ]
