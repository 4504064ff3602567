"""What has been kept long enough goes, and nothing else."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.events import retention
from accounts.models import EventCount, LoginLock, RolledHour, Session, SignInEvent, User

pytestmark = pytest.mark.django_db


def event(days_ago: float, **facts) -> SignInEvent:
    at = timezone.now() - timedelta(days=days_ago)
    return SignInEvent.objects.create(kind="sent", at=at, **facts)


def purge() -> str:
    out = io.StringIO()
    call_command("purge", stdout=out)
    return out.getvalue()


def test_events_go_when_they_are_older_than_the_setting(settings):
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 31
    kept = [event(0), event(30.9)]
    for _ in range(3):
        event(31.1)
    assert purge().startswith("Removed 3 sign-in events, 0 sessions, 0 locks.\n")
    assert list(SignInEvent.objects.order_by("pk")) == kept
    assert purge().startswith("Removed 0 ")


@pytest.mark.parametrize("number", [0, 4, 5, 6, 12])
def test_batches_leave_nothing_behind(number, monkeypatch, settings):
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 31
    monkeypatch.setattr(retention, "BATCH", 5)
    for _ in range(number):
        event(31.1)
    event(1)
    assert purge().startswith(f"Removed {number} ")
    assert SignInEvent.objects.count() == 1


def test_events_are_summed_up_before_they_go(settings):
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 31
    now = timezone.now().replace(minute=30)
    for minutes in (-5, 5):
        SignInEvent.objects.create(kind="sent", at=now - timedelta(days=31, minutes=minutes))
    assert retention.purge(now).events == 1
    assert EventCount.objects.get().number == 2


def test_sums_go_with_the_events(settings):
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 100
    event(90)
    purge()
    assert EventCount.objects.exists()
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 31
    purge()
    assert not EventCount.objects.exists()
    oldest = RolledHour.objects.earliest("starts_at").starts_at
    assert oldest > timezone.now() - timedelta(days=31, hours=3)


def test_sessions_and_turns_go_when_they_are_over(phone):
    user = User.objects.for_identity("sub-1", phone)
    now = timezone.now()
    for name, seconds in (("live", 60), ("over", -60)):
        Session.objects.create(
            session_key=name, session_data="", expire_date=now + timedelta(seconds=seconds)
        )
    # Its browser may still have to be told.
    Session.objects.create(
        session_key="ended",
        session_data="",
        user=user,
        expire_date=now + timedelta(days=1),
        ended_at=now,
    )
    for browser, seconds in (("new", 5), ("old", 60)):
        LoginLock.objects.create(browser=browser, taken_at=now - timedelta(seconds=seconds))
    assert purge().startswith("Removed 0 sign-in events, 1 sessions, 1 locks.\n")
    assert set(Session.objects.values_list("session_key", flat=True)) == {"live", "ended"}
    assert LoginLock.objects.get().browser == "new"
