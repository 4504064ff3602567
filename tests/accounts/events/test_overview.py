"""The front page of the admin: figures for those who may see them, and never in the way."""

import html
import re
import time
from datetime import UTC, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.aws import functions
from accounts.models import RolledHour, SignInEvent, User
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db

TEXTS = {
    "sent": [{"day": "2026-03-10", "country": "US", "count": 8}],
    "blocked": [{"day": "2026-03-10", "country": "GB", "reason": "phone_hour", "count": 31}],
}


@pytest.fixture
def function(settings, wire):
    settings.AWS_ENDPOINT_URL = wire.url
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"
    # A process makes its client once, which takes a while.
    functions._client()
    wire.will(Reply(TEXTS))
    return wire


@pytest.fixture
def operator() -> User:
    user = User.objects.for_identity("sub-of-an-operator", None)
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def admin(operator) -> Client:
    operator.user_permissions.add(Permission.objects.get(codename="view_signinevent"))
    client = Client()
    client.force_login(operator)
    return client


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
    """The figures of the page by name: of 24 hours, and of 30 days."""
    found = re.findall(
        r"<dt>(.*?)</dt> <dd class=\"figure\">(.*?)</dd>"
        r" <dd class=\"beside\"><a[^>]*>30 days: (.*?)</a></dd>",
        text(page),
    )
    return {name: (bare(day), bare(month)) for name, day, month in found}


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
    attempts(6, successes=2, hours_ago=50)
    page = admin.get("/admin/")
    assert tiles(page) == {
        "Sign-ins": ("3", "5"),
        "Attempts that succeeded": ("75.0 %", "50.0 %"),
        "From text to sign-in, median": ("20 seconds", "20 seconds"),
        "Texts asked for": ("3", "5"),
        "Blocked by this site": ("1", "5"),
        "Taken over": ("0", "0"),
    }
    assert rows(page, "texts-by-country") == [["United States", "3", "5", "8", ""]]
    by_site, by_triggers = "too many texts to one network", "the number's budget of the hour"
    assert rows(page, "blocked-by-site") == [["United Kingdom", by_site, "1", "5", ""]]
    assert rows(page, "blocked-by-triggers") == [["United Kingdom", by_triggers, "31", ""]]


def test_every_chart_is_a_table_as_well(admin, function):
    attempts(4, successes=3, hours_ago=0.1)
    page = admin.get("/admin/")
    hours, days = rows(page, "chart-1"), rows(page, "chart-2")
    assert (len(hours), len(days)) == (24, 30)
    assert sum(int(line[1]) for line in hours) == sum(int(line[1]) for line in days) == 4
    drawn = text(page).split('id="chart-1"')[1].split("</svg>")[0]
    assert drawn.count('<rect class="success"') == 24
    heights = [float(h) for h in re.findall(r'class="success"[^>]* height="([\d.]+)"', drawn)]
    assert sorted(heights)[-2:] == [0, 75]


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
    return [(address, words.removeprefix("30 days: ")) for address, words in found]


def test_every_number_leads_to_the_rows_behind_it(admin, operator, function):
    operator.user_permissions.add(Permission.objects.get(codename="view_user"))
    attempts(4, successes=3, hours_ago=0.1)
    attempts(6, successes=2, hours_ago=50)
    SignInEvent.objects.create(kind="failed", at=timezone.now() - timedelta(hours=3))
    SignInEvent.objects.create(kind="sent", reason="voice", country="US")
    # Just outside of the thirty days.
    attempts(1, successes=1, hours_ago=31 * 24)
    numbers = [(address, said) for address, said in links(admin.get("/admin/")) if said.isdigit()]
    assert len(numbers) > 15
    for address, number in numbers:
        assert rows_behind(admin, address) == int(number), address


def test_every_bar_leads_to_its_attempts(admin, function):
    attempts(4, successes=3, hours_ago=0.1)
    attempts(6, successes=2, hours_ago=50)
    page = text(admin.get("/admin/"))
    bar = r'<a href="([^"]*)" tabindex="-1"><title>[^<]*?: [0-9]+ of ([1-9][0-9]*) signed in'
    for chart, number in (("chart-1", 4), ("chart-2", 10)):
        drawn = page.split(f'id="{chart}"')[1].split("</svg>")[0]
        bars = re.findall(bar, drawn)
        assert sum(int(begun) for _, begun in bars) == number
        for address, begun in bars:
            assert rows_behind(admin, address) == int(begun)


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
    assert "No text in thirty days." in text(page)
    assert text(page).count("Nothing was blocked in thirty days.") == 2


def test_triggers_that_fail_are_said_so_beside_all_else(admin, function):
    function.renew(aws_error("AccessDeniedException", status=403))
    attempts(1, successes=1, hours_ago=0.1)
    page = admin.get("/admin/")
    assert "The triggers could not be asked (LEDGER_FUNCTION: AccessDeniedException)." in text(page)
    assert tiles(page)["Sign-ins"] == ("1", "1")


def test_triggers_that_are_slow_hold_up_nothing(admin, function):
    function.renew(Reply(TEXTS, delay=1.5))
    started = time.monotonic()
    page = admin.get("/admin/")
    assert time.monotonic() - started < 1.2
    assert "The triggers have not answered yet." in text(page)


def test_hours_are_summed_up_when_the_page_has_left(admin, function):
    attempts(2, successes=1, hours_ago=60)
    before = tiles(admin.get("/admin/"))
    assert RolledHour.objects.count() >= 58
    assert tiles(admin.get("/admin/")) == before


def test_front_page_takes_the_same_queries_at_any_number_of_events(
    admin, function, django_assert_num_queries
):
    admin.get("/admin/")
    with django_assert_num_queries(15):
        admin.get("/admin/")
    attempts(30, successes=20, hours_ago=0.1)
    with django_assert_num_queries(15):
        admin.get("/admin/")


def test_operator_who_may_not_see_events_sees_the_plain_page(client, operator, function):
    client.force_login(operator)
    page = client.get("/admin/")
    assert page.status_code == 200
    assert tiles(page) == {}
    assert function.requests == []
