"""Times in the zone of the site, or in the one that an operator has chosen."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import SignInEvent, User
from tests.accounts.admin.pages import page_of
from tests.accounts.operators import make_operator
from tests.pages import signed_in, text

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

PAGE = "/admin/accounts/user/time-zone/"
EVENTS = "/admin/accounts/signinevent/"


@pytest.fixture
def event(person) -> SignInEvent:
    late = datetime.now(UTC).replace(hour=23, minute=30, second=0, microsecond=0)
    return SignInEvent.objects.create(kind="started", user=person, at=late)


def local(event: SignInEvent, hours: int) -> str:
    moved = event.at.astimezone(timezone.get_fixed_timezone(hours * 60))
    return f"{moved:%Y-%m-%d %H:%M:%S}"


def choose(client, name: str):
    return client.post(PAGE, {"time_zone": name})


def test_times_are_those_of_the_site_at_first(admin, event, settings):
    page = text(admin.get(EVENTS))
    assert local(event, 0) in page
    assert "Times in UTC (UTC+0000)" in page
    settings.TIME_ZONE = "Asia/Tokyo"
    page = text(admin.get(EVENTS))
    assert local(event, 9) in page
    assert "Times in Asia/Tokyo (UTC+0900)" in page


def test_operator_reads_times_in_a_zone_of_their_own(admin, event, person):
    assert choose(admin, "Asia/Tokyo")["Location"] == "/admin/"
    for address in (EVENTS, page_of(person)):
        assert local(event, 9) in text(admin.get(address))
    other = signed_in(make_operator(2, is_superuser=True))
    assert local(event, 0) in text(other.get(EVENTS))
    # Nor does it stay with the thread that has served the page.
    assert timezone.get_current_timezone_name() == "UTC"
    choose(admin, "")
    assert local(event, 0) in text(admin.get(EVENTS))


def test_page_offers_zones_that_people_know(admin, boss):
    choose(admin, "America/New_York")
    page = text(admin.get(PAGE))
    assert '<option value="America/New_York" selected>America/New York</option>' in page
    assert '<option value="">same as the site: UTC</option>' in page
    assert "Etc/" not in page


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "CET"])
def test_other_zones_are_refused(admin, boss, name):
    assert choose(admin, name).status_code == 200
    boss.refresh_from_db()
    assert boss.time_zone == ""


def test_zone_that_is_known_no_longer_closes_no_page(admin, event):
    User.objects.update(time_zone="Europe/Atlantis")
    assert local(event, 0) in text(admin.get(EVENTS))


def test_every_operator_may_choose_and_nobody_else(person, client, pool):
    operator = signed_in(make_operator(3))
    assert choose(operator, "Europe/Paris").status_code == 302
    client.force_login(person)
    assert choose(client, "Europe/Paris").status_code == 302
    person.refresh_from_db()
    assert person.time_zone == ""
