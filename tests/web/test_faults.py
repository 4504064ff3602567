"""Every fault at every step: a quick, plain answer, one line in the log, and the next try works.

The table is measured once (``tests.faults.table``), and each test looks at all of its rows.
"""

import pytest

from tests import postgres, provision
from tests.faults import table
from tests.faults.row import Row, shown

pytestmark = pytest.mark.programs

# More than anybody waits for a page.
LONGEST = 10
WORDS = (
    "try again in a minute",
    "We got no answer in time, so we do not know whether your code was used up.",
)
# What was asked may have been done, as far as the site can tell.
UNKNOWN = ("hangs", "drips", "truncates", "loses its reply", "answers HTML", "answers []")


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> list[Row]:
    if postgres.programs() is None or provision.redis_server() is None:
        pytest.skip("PostgreSQL or redis-server is not installed")
    return table.measured(tmp_path_factory.mktemp("faults"))


def told(rows: list[Row]) -> str:
    return f"\n{shown(rows)}" if rows else ""


def test_every_step_has_its_status_within_ten_seconds(rows):
    assert not told([row for row in rows if row.status not in row.expected])
    assert not told([row for row in rows if row.seconds > LONGEST])


def test_next_attempt_works_and_nothing_is_left_half_done(rows):
    assert not told([row for row in rows if row.then != "works" or row.left])


def test_nobody_is_texted_twice(rows):
    assert not told([row for row in rows if row.texts_in_all > 1])


def test_pages_say_in_plain_words_what_to_do(rows):
    failed = [row for row in rows if row.status == 503]
    assert failed
    assert not told([row for row in failed if not any(each in row.page for each in WORDS)])
    unknown = [
        row
        for row in failed
        if row.step == "code" and row.fault.removeprefix("Cognito ") in UNKNOWN
    ]
    assert len(unknown) == len(UNKNOWN)
    assert not told([row for row in unknown if WORDS[1] not in row.page])


def test_reference_of_the_page_is_in_one_line_of_the_log(rows):
    assert not told([row for row in rows if row.status == 503 and row.lines != 1])


def test_pages_keep_their_speed_while_cognito_hangs_for_all(rows):
    [page] = [row for row in rows if row.fault == "Cognito hangs for all" and row.step == "page"]
    assert page.seconds < 1
