from collections.abc import Callable

import pytest

from tests.bench.check import check
from tests.bench.report import Section
from tests.bench.turns import Rounds

KEPT = {"login": {"ratios": {"CPU to the peer": 2.0}, "counts": {"queries": 16}}}


def measured(*, ratio: float = 2.0, queries: int = 16) -> Section:
    # One round of three was on a busy machine.
    ratios = {"CPU to the peer": Rounds([ratio, ratio * 0.9, ratio * 4])}
    table = [["", "CPU"], ["this site", "1"]]
    return Section("login", "One login", "", [table], ratios, {"queries": queries})


def one_after_another(*sections: Section) -> Callable[[], Section]:
    return iter(sections).__next__


@pytest.mark.parametrize(
    "now", [{}, {"ratio": 2.3}, {"ratio": 1.0}, {"queries": 15}, {"ratio": 1.9, "queries": 1}]
)
def test_as_good_as_before_is_nothing(now):
    assert check(one_after_another(measured(**now)), KEPT) == []


def test_ratio_more_than_15_percent_worse_is_found():
    twice = [measured(ratio=2.31)] * 2
    assert check(one_after_another(*twice), KEPT) == [
        "login: CPU to the peer is 2.31 (2.08 to 9.24), and was 2.00"
    ]


def test_one_query_more_is_found():
    twice = [measured(queries=17)] * 2
    assert check(one_after_another(*twice), KEPT) == ["login: queries are 17, and were 16"]


def test_what_is_worse_only_once_is_nothing():
    assert check(one_after_another(measured(ratio=3.0), measured()), KEPT) == []
