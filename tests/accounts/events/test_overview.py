"""The front page of the admin: figures for those who may see them, and never in the way."""

import html
import re
import time
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import RolledHour, SignInEvent, User
from tests.pages import signed_in
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db


def counted(days_ago: int = 0) -> Reply:
    """The triggers' answer about one day of UTC."""
    day = (timezone.now().astimezone(UTC) - timedelta(days=days_ago)).date().isoformat()
    blocked = {"day": day, "country": "GB", "reason": "phone_hour", "count": 31}
    return Reply({"sent": [{"day": day, "country": "US", "count": 8}], "blocked": [blocked]})


@pytest.fixture
def function(function):
    """It has counted texts of today."""
    function.will(counted())
    return function


@pytest.fixture
def operator() -> User:
    user = User.objects.for_identity("sub-of-an-operator", None)
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def admin(operator) -> Client:
    operator.user_permissions.add(Permission.objects.get(codename="view_signinevent"))
    return signed_in(operator)


def attempts(number: int, *, successes: int, hours_ago: float) -> None:
    """Write attempts that took 20 seconds, the rest blocked in Great Britain."""
    at = timezone.now() - timedelta(hours=hours_ago)
    for n in range(number):
        name = f"{hours_ago}-{n}"
        SignInEvent.objects.create(kind="started", at=at, country="US", attempt=name)
        if n < successes:
            SignInEvent.objects.create(kind="sent", at=at, country="US", attempt=name)
            SignInEvent.objects.create(
                kind="succeeded", at=at, country="US", attempt=name, seconds=20
            )
        else:
            SignInEvent.objects.create(
                kind="blocked", at=at, country="GB", attempt=name, reason="network"
            )


def text(page) -> str:
    return re.sub(r"\s+", " ", html.unescape(page.content.decode()))


def tiles(page) -> dict[str, tuple[str, str]]:
    """The figures of the page by name: of the range, and of the time before."""
    found = re.findall(
        r"<dt>(.*?)</dt> <dd class=\"figure\">(.*?)</dd>"
        r" <dd class=\"beside\"><a[^>]*>before: (.*?)</a></dd>",
        text(page),
    )
    return {name: (bare(now), bare(before)) for name, now, before in found}


def bare(cell: str) -> str:
    return re.sub("<.*?>", "", cell)


def rows(page, section: str) -> list[list[str]]:
    """The table of a section, a list of cells for each line."""
    inside = text(page).split(f'id="{section}"')[1].split("</section>")[0]
    body = inside.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]
        for line in body.split("</tr>")[:-1]
    ]


def test_front_page_shows_the_figures(admin, function):
    attempts(4, successes=3, hours_ago=0.1)
    attempts(6, successes=2, hours_ago=30)
    page = admin.get("/admin/")
    assert "The last 24 hours" in text(page)
    assert tiles(page) == {
        "Sign-ins": ("3", "2"),
        "Attempts that succeeded": ("75.0 %", "33.3 %"),
        "From text to sign-in, median": ("20 seconds", "20 seconds"),
        "Texts asked for": ("3", "2"),
        "Blocked by this site": ("1", "4"),
        "Taken over": ("0", "0"),
    }
    assert rows(page, "texts-by-country") == [["United States", "3", "2", ""]]
    by_site, by_triggers = "too many texts to one network", "the number's budget of the hour"
    assert rows(page, "blocked-by-site") == [["United Kingdom", by_site, "1", "4", ""]]
    assert rows(page, "blocked-by-triggers") == [["United Kingdom", by_triggers, "31", ""]]


RANGES = [("day", 24), ("week", 7), ("month", 30), ("quarter", 90)]


@pytest.mark.parametrize(("name", "bars"), RANGES)
def test_range_is_kept_in_the_address_and_everything_follows(admin, function, name, bars):
    attempts(4, successes=3, hours_ago=0.1)
    for days in (5, 20, 80):
        attempts(6, successes=2, hours_ago=days * 24)
    page = admin.get(f"/admin/?range={name}")
    assert f'<a href="?range={name}" aria-current="page">' in text(page)
    signed_in = {"day": "3", "week": "5", "month": "7", "quarter": "9"}[name]
    assert tiles(page)["Sign-ins"][0] == signed_in
    assert [line[1] for line in rows(page, "texts-by-country")] == [signed_in]
    table = rows(page, "chart")
    assert len(table) == bars
    assert sum(int(line[2]) for line in table) == int(signed_in)


def test_another_range_is_that_of_the_day(admin, function):
    for name in ("", "year", "<b>", "day&range=x"):
        page = text(admin.get(f"/admin/?range={name}"))
        assert '<a href="?range=day" aria-current="page">' in page


def test_range_whose_events_are_gone_is_not_offered(admin, function, settings):
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 89
    page = admin.get("/admin/?range=quarter")
    assert 'href="?range=quarter"' not in text(page)
    assert '<a href="?range=day" aria-current="page">' in text(page)
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 90
    page = admin.get("/admin/?range=quarter")
    assert '<a href="?range=quarter" aria-current="page">' in text(page)
    # The time before is gone.
    assert tiles(page) == {}
    assert "before:" not in text(page)
    assert "Before" not in text(page)


def test_chart_is_a_table_as_well(admin, function):
    attempts(4, successes=3, hours_ago=0.1)
    page = admin.get("/admin/")
    assert sum(int(line[1]) for line in rows(page, "chart")) == 4
    drawn = text(page).split('id="chart"')[1].split("</svg>")[0]
    assert drawn.count('<rect class="success"') == 24
    heights = [float(h) for h in re.findall(r'class="success"[^>]* height="([\d.]+)"', drawn)]
    assert sorted(heights)[-2:] == [0, 75]


@pytest.mark.parametrize(
    ("name", "days_ago", "shown"),
    [("day", 0, True), ("day", 2, False), ("week", 5, True), ("week", 8, False)],
)
def test_counts_of_the_triggers_are_those_of_the_range(admin, function, name, days_ago, shown):
    attempts(1, successes=1, hours_ago=0.1)
    function.renew(counted(days_ago))
    page = admin.get(f"/admin/?range={name}")
    assert (">31<" in text(page).split('id="blocked-by-triggers"')[1]) == shown
    # Their days are of UTC, so they stand next to days alone.
    left = {"day": [], "week": ["8" if shown else "0"]}[name]
    assert rows(page, "texts-by-country") == [["United States", "1", *left, "0", ""]]


def test_triggers_know_no_more_than_thirty_days_and_the_page_says_so(admin, function):
    first = (timezone.now().astimezone(UTC) - timedelta(days=29)).date()
    page = text(admin.get("/admin/?range=quarter"))
    assert f"Whole days in UTC since {first}" in page
    assert "of them left" not in page


def rows_behind(client: Client, address: str) -> int:
    """How many rows the list at an address of the page shows."""
    found = re.search(r"([0-9]+) (?:sign-in events?|users?)\b", text(client.get(address)))
    assert found, address
    return int(found[1])


def links(page) -> list[tuple[str, str]]:
    """The addresses of the page's numbers, with the numbers."""
    found = re.findall(
        r'<a href="(/admin/accounts/(?:signinevent|user)/[^"]*)"[^>]*>(.*?)</a>', text(page)
    )
    return [(address, words.removeprefix("before: ")) for address, words in found]


@pytest.mark.parametrize(
    ("name", "bars", "zone"), [*((*each, "") for each in RANGES), ("week", 7, "Asia/Kolkata")]
)
def test_every_number_and_bar_leads_to_the_rows_behind_it(
    admin, operator, function, name, bars, zone
):
    operator.user_permissions.add(Permission.objects.get(codename="view_user"))
    User.objects.filter(pk=operator.pk).update(time_zone=zone)
    attempts(4, successes=3, hours_ago=0.1)
    SignInEvent.objects.create(kind="failed", at=timezone.now() - timedelta(hours=3))
    SignInEvent.objects.create(kind="sent", reason="voice", country="US")
    # Just inside and outside of each range, and of the time before each.
    for n, days in enumerate((0.9, 1.2, 1.9, 2.2, 5.9, 7.2, 13, 14.2, 28.9, 31, 59, 61, 88.9, 91)):
        attempts(2 + n, successes=1 + n, hours_ago=days * 24)
    page = admin.get(f"/admin/?range={name}")
    numbers = [(address, said) for address, said in links(page) if said.isdigit()]
    assert len(numbers) > 15
    for address, number in numbers:
        assert rows_behind(admin, address) == int(number), address
    drawn = text(page).split('id="chart"')[1].split("</svg>")[0]
    bar = r'<a href="([^"]*)" tabindex="-1"><title>[^<]*?: [0-9]+ of ([0-9]+) signed in'
    found = re.findall(bar, drawn)
    assert len(found) == bars
    begun = {(address, number) for address, number in found if number != "0"}
    assert len(begun) > 1
    assert begun <= set(numbers)


def test_people_are_counted_by_the_month_of_the_bill(admin, operator, function):
    now = timezone.now()
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    long_ago = month - timedelta(days=40)
    User.objects.update(date_joined=long_ago, last_login=None)
    for n, (joined, login) in enumerate(
        ((month, month), (month - timedelta(seconds=1), now), (long_ago, month - timedelta(1)))
    ):
        user = User.objects.for_identity(f"sub-{n}", None)
        User.objects.filter(pk=user.pk).update(date_joined=joined, last_login=login)
    page = text(admin.get("/admin/")).split('id="overview-people"')[1].split("</section>")[0]
    assert re.findall(r'<dd class="figure">(.*?)</dd>', page) == ["4", "1", "2"]
    operator.user_permissions.add(Permission.objects.get(codename="view_user"))
    people = [each for each in links(admin.get("/admin/")) if "/user/?" in f"{each[0]}?"]
    assert [said for _, said in people if said.isdigit()] == ["4", "1", "2"]
    for address, number in people[:3]:
        assert rows_behind(admin, address) == int(number)


def test_empty_site_has_a_front_page(admin, function):
    function.renew(Reply({"sent": [], "blocked": []}))
    page = admin.get("/admin/")
    assert tiles(page)["Attempts that succeeded"] == ("\u2013", "\u2013")
    assert "No text in this time." in text(page)
    assert text(page).count("Nothing was blocked in this time.") == 2


def test_triggers_that_fail_are_said_so_beside_all_else(admin, function):
    function.renew(aws_error("AccessDeniedException", status=403))
    attempts(1, successes=1, hours_ago=0.1)
    page = admin.get("/admin/")
    assert "The triggers could not be asked (LEDGER_FUNCTION: AccessDeniedException)." in text(page)
    assert tiles(page)["Sign-ins"] == ("1", "0")


def test_triggers_that_are_slow_hold_up_nothing(admin, function):
    function.renew(replace(counted(), delay=1.5))
    started = time.monotonic()
    page = admin.get("/admin/")
    assert time.monotonic() - started < 1.2
    assert "The triggers have not answered yet." in text(page)


def test_hours_are_summed_up_when_the_page_has_left(admin, function):
    attempts(2, successes=1, hours_ago=60)
    before = tiles(admin.get("/admin/?range=week"))
    assert before["Sign-ins"] == ("1", "0")
    assert RolledHour.objects.count() >= 58
    assert tiles(admin.get("/admin/?range=week")) == before


@pytest.mark.parametrize(("name", "_bars"), RANGES)
def test_front_page_takes_the_same_queries_at_any_number_of_events(admin, function, name, _bars):
    attempts(1, successes=1, hours_ago=80)
    for _ in range(3):
        # Hours and days that are over are summed up meanwhile.
        admin.get(f"/admin/?range={name}")
    with CaptureQueriesContext(connection) as few:
        admin.get(f"/admin/?range={name}")
    attempts(30, successes=20, hours_ago=0.1)
    with CaptureQueriesContext(connection) as many:
        admin.get(f"/admin/?range={name}")
    assert len(few) == len(many) <= 13


def test_operator_who_may_not_see_events_sees_the_plain_page(client, operator, function):
    client.force_login(operator)
    page = client.get("/admin/")
    assert page.status_code == 200
    assert tiles(page) == {}
    assert function.requests == []
