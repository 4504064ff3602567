import math

import pytest

from tests.bench import admin_pages, growth
from tests.bench.growth import Figure, Size
from tests.bench.turns import Rounds

SIZES = [Size(10_000, 100_000), Size(1_000_000, 5_000_000)]
LIMIT = math.log(6_000_000) / math.log(110_000)


def figure(largest: float, *, is_of_login: bool = True) -> Figure:
    values = [Rounds([0.002, 0.001, 0.004]), Rounds([0.002 * largest] * 3)]
    return Figure("login: CPU, ms", values, is_of_login=is_of_login)


def test_size_is_users_and_events():
    assert Size.parse("10_000:100_000") == SIZES[0]
    assert str(SIZES[1]) == "1 M users, 5 M events"


@pytest.mark.parametrize("largest", [0.9, 1.0, LIMIT, LIMIT * 1.14])
def test_growth_like_the_logarithm_is_allowed(largest):
    assert growth.too_fast([figure(largest)], SIZES) == []


def test_login_that_grows_faster_is_found():
    (found,) = growth.too_fast([figure(LIMIT * 1.2)], SIZES)
    assert found.startswith("growth: login: CPU, ms grows ")


def test_lists_of_operators_may_grow():
    assert growth.too_fast([figure(50, is_of_login=False)], SIZES) == []


def test_row_has_each_size_and_the_ratio_of_the_largest_to_the_smallest():
    assert figure(2.0).row() == ["login: CPU, ms", "2.0", "4.0", "2.00 (1.00 to 4.00)"]


def test_pages_of_a_list_that_are_asked_for_are_there():
    assert admin_pages.pages_of(50) == []
    assert sorted(admin_pages.pages_of(101)) == ["p=2", "p=3"]
    assert len(set(admin_pages.pages_of(1_000_000))) == 50
