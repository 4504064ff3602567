"""The figures of the front page: right before and after hours are summed up, and never slow."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.events import stats
from accounts.models import EventCount, RolledHour, SignInEvent, User
from tests.concurrency import at_once, database_in_a_file

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 14, 25, tzinfo=UTC)


def attempt(
    began: datetime,
    *,
    wait: int | None = 20,
    country: str = "US",
    also: tuple[tuple[str, str], ...] = (),
    name: str | None = None,
) -> None:
    """Write an attempt that signed in after ``wait`` seconds, or never."""
    name = name or f"a{SignInEvent.objects.count()}"
    steps = [("started", "", 0), ("sent", "", 1), *((kind, why, 2) for kind, why in also)]
    if wait is not None:
        steps.append(("succeeded", "", wait))
    for kind, reason, second in steps:
        SignInEvent.objects.create(
            kind=kind,
            reason=reason,
            at=began + timedelta(seconds=second),
            country=country,
            attempt=name,
            seconds=wait if kind == "succeeded" else None,
        )


@pytest.fixture
def history() -> None:
    """Sign-ins of two months, some of them across the edges of hours and days."""
    hour = timedelta(hours=1)
    for n, hours in enumerate((0.1, 0.3, 0.9, 1, 5, 23, 24.5, 26, 100, 500, 700, 712, 730, 1400)):
        attempt(NOW - hours * hour, wait=10 + n, country=("US", "GB", "FR")[n % 3])
        attempt(NOW - hours * hour, wait=None, also=(("failed", "wrong_code"),))
    attempt(NOW.replace(hour=11, minute=59, second=50), wait=40, country="GB")
    attempt(NOW - 30 * hour, wait=None, also=(("blocked", "network"), ("taken_over", "")))


def test_last_day_is_this_hour_and_the_23_before_it(history):
    day = stats.read(NOW, 1).current
    assert [bar.starts_at for bar in (day.bars[0], day.bars[-1])] == [
        datetime(2026, 3, 9, 15, tzinfo=UTC),
        datetime(2026, 3, 10, 14, tzinfo=UTC),
    ]
    assert len(day.bars) == 24
    # 6 of the hours above lie in the last 24.
    assert (day.attempts, day.successes) == (13, 7)
    assert day.number("succeeded") == 7
    assert day.success_rate == pytest.approx(7 / 13)
    assert day.number("taken_over") == 0


def test_last_thirty_days_are_today_and_the_29_before_it(history):
    month = stats.read(NOW, 30).current
    assert [bar.starts_at for bar in (month.bars[0], month.bars[-1])] == [
        datetime(2026, 2, 9, tzinfo=UTC),
        datetime(2026, 3, 10, tzinfo=UTC),
    ]
    assert len(month.bars) == 30
    # 11 of the hours above lie after 9 February.
    assert (month.attempts, month.successes) == (24, 12)
    assert month.number("sent", "resent") == 24
    assert month.counts["blocked", "network", "US"] == 1
    assert month.number("taken_over") == 1


def test_time_before_is_as_long_and_ends_where_the_range_begins(history):
    day = stats.read(NOW, 1)
    # Those of 24.5, 26 and 30 hours ago.
    assert (day.before.since, day.before.attempts) == (datetime(2026, 3, 8, 15, tzinfo=UTC), 5)
    assert day.before.number("taken_over") == 1
    month = stats.read(NOW, 30)
    assert month.before.since == datetime(2026, 1, 10, tzinfo=UTC)
    # Those of 712, 730 and 1400 hours ago.
    assert (month.before.attempts, month.before.successes) == (6, 3)
    assert sorted(month.before.waits) == [21, 22, 23]


@pytest.mark.parametrize("is_rolled", [False, True])
def test_time_before_is_none_where_its_events_are_gone(history, settings, is_rolled):
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 59
    if is_rolled:
        stats.roll_up(NOW)
    found = stats.read(NOW, 30)
    assert (found.before, found.current.attempts) == (None, 24)
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 60
    assert stats.read(NOW, 30).before.attempts == 6


def test_day_of_a_zone_with_half_hours_begins_with_a_whole_hour_of_utc(history):
    with timezone.override("Asia/Kolkata"):
        week = stats.read(NOW, 7).current
    # Midnight is at 18:30 in UTC.
    assert [bar.starts_at.astimezone(UTC).hour for bar in week.bars] == [19] * 7


# In Havana, clocks go back at one in the night, and forward at midnight.
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "America/Havana"])
def test_summing_up_changes_no_figure(history, zone):
    with timezone.override(zone):
        before = [stats.read(NOW, days) for days in (1, 7, 30, 90)]
        rolled = stats.roll_up(NOW)
        assert rolled > 24
        assert [stats.read(NOW, days) for days in (1, 7, 30, 90)] == before
        # What was summed up is read from the sums.
        assert RolledHour.objects.count() == rolled
        assert stats.roll_up(NOW) == 0
        assert [stats.read(NOW, days) for days in (1, 7, 30, 90)] == before


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_figures_take_the_same_queries_at_any_length(history, days, django_assert_num_queries):
    with django_assert_num_queries(8):
        stats.read(NOW, days)
    stats.roll_up(NOW)
    stats.read(NOW, days)
    # Days that are over are in the cache by now.
    with django_assert_num_queries(8 if days == 1 else 7):
        stats.read(NOW, days)


def test_days_that_are_over_are_read_once(history):
    stats.roll_up(NOW)
    before = stats.read(NOW, 30)
    attempt(NOW - timedelta(minutes=5), wait=10)
    with CaptureQueriesContext(connection) as captured:
        after = stats.read(NOW, 30)
    read = [query["sql"] for query in captured if "rolledhour" in query["sql"]]
    assert not any("2026-02-09" in sql for sql in read)
    assert after.current.attempts == before.current.attempts + 1
    assert after.before == before.before


def test_days_that_are_not_summed_up_yet_are_not_kept(history):
    stats.roll_up(NOW - timedelta(days=3))
    before = stats.read(NOW, 30)
    attempt(NOW - timedelta(days=2), wait=10)
    assert stats.read(NOW, 30).current.attempts == before.current.attempts + 1


def test_success_counts_for_the_hour_in_which_it_began():
    attempt(NOW.replace(hour=11, minute=59, second=50), wait=40)
    stats.roll_up(NOW)
    [hour] = RolledHour.objects.filter(attempts__gt=0)
    assert (hour.starts_at.hour, hour.attempts, hour.successes) == (11, 1, 1)
    assert EventCount.objects.get(kind="succeeded").hour.hour == 12


def test_hour_is_summed_up_when_its_attempts_are_over():
    attempt(NOW.replace(hour=12, minute=50))
    stats.roll_up(NOW.replace(hour=13, minute=29))
    assert not RolledHour.objects.exists()
    stats.roll_up(NOW.replace(hour=13, minute=31))
    assert RolledHour.objects.count() == 1


def test_who_confirms_is_no_attempt():
    attempt(NOW, wait=5)
    SignInEvent.objects.create(kind="started", reason="confirm", at=NOW, attempt="c1")
    SignInEvent.objects.create(kind="confirmed", at=NOW, attempt="c1")
    found = stats.read(NOW + timedelta(minutes=1), 1).current
    assert (found.attempts, found.successes) == (1, 1)


def test_few_hours_are_summed_up_at_once_where_asked(history):
    assert stats.roll_up(NOW, hours=48) == 48
    assert stats.read(NOW, 30).current.attempts == 24


@pytest.mark.django_db(transaction=True)
def test_hours_summed_up_by_several_at_once_count_once(tmp_path, history):
    before = stats.read(NOW, 30)
    with database_in_a_file(tmp_path):
        done = at_once(*[lambda: stats.roll_up(NOW)] * 4)
        assert sum(done) == RolledHour.objects.count() > 24
        assert stats.read(NOW, 30) == before


def test_hours_summed_up_while_they_are_read_count_once(history):
    before = stats.read(NOW, 30)
    done: list[int] = []

    def meanwhile(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if "accounts_signinevent" in sql and not done:
            done.append(0)
            done.append(stats.roll_up(NOW))
        return found

    with connection.execute_wrapper(meanwhile):
        assert stats.read(NOW, 30) == before
    assert sum(done) > 24


@pytest.mark.parametrize(
    ("waits", "median"),
    [([], None), ([7], 7), ([3, 9], 3), ([5, 5, 90], 5), ([1, 62, 88], 60), ([5000], 900)],
    ids=str,
)
def test_median_is_exact_to_a_minute_and_near_above(waits, median):
    for wait in waits:
        attempt(NOW - timedelta(hours=3), wait=wait)
    assert stats.read(NOW, 1).current.median_wait == median
    stats.roll_up(NOW)
    assert stats.read(NOW, 1).current.median_wait == median


def test_empty_site_has_no_figures_and_no_error():
    found = stats.read(NOW, 1).current
    assert (found.attempts, found.success_rate, found.median_wait) == (0, None, None)
    assert stats.roll_up(NOW) == 0


def test_sharing_counts_people_of_the_last_week():
    for n, (level, days) in enumerate([(0, 1), (1, 1), (1, 6), (2, 1), (2, 8), (2, None)]):
        at = None if days is None else NOW - timedelta(days=days)
        User.objects.create(sub=f"sub-{n}", sharing=level, sharing_at=at)
    assert stats.read(NOW, 1).sharing == stats.Sharing(some=2, likely=1)
