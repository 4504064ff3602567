"""How operators find what happened: the list of events, and the page of an attempt."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.admin import base
from accounts.events import sign_ins
from accounts.models import SignInEvent, User
from tests.pages import plain, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

LIST = "/admin/accounts/signinevent/"


@pytest.fixture
def operator() -> User:
    user = User.objects.for_identity("sub-of-an-operator", None)
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_signinevent"))
    return user


@pytest.fixture
def admin(operator) -> Client:
    return signed_in(operator)


@pytest.fixture
def person(phone) -> User:
    return User.objects.for_identity("3f0c7b1e-0000-4000-8000-000000000001", phone)


def event(kind: str = "sent", **facts) -> SignInEvent:
    return SignInEvent.objects.create(kind=kind, **facts)


def of(person: User, kind: str = "sent", **facts) -> SignInEvent:
    masked = {"phone": "+1••••••••23", "phone_key": sign_ins.phone_key(person.phone)}
    return event(kind, user=person, country="US", **{**masked, **facts})


def found(page) -> list[int]:
    """The primary keys of the events in the list, in its order."""
    return [int(pk) for pk in re.findall(rf'<a href="{LIST}(\d+)/change/', plain(page))]


# The list


def test_list_shows_the_newest_first_with_masked_phones(admin, person):
    first = of(person, "failed", reason="wrong_code", reference="K7F-2Q", device="iPhone")
    second = event("signed_out")
    page = admin.get(LIST)
    assert found(page) == [second.pk, first.pk]
    shown = plain(page)
    assert person.phone not in shown
    for word in ("+1••••••••23", "K7F-2Q", "iPhone", "US", "the code was wrong"):
        assert word in shown


def test_event_of_a_removed_user_says_so(admin, person):
    of(person)
    person.delete()
    assert "removed" in plain(admin.get(LIST))


@pytest.mark.parametrize("typed", ["K7F-2Q", "k7f2q", " k7f 2q "])
def test_reference_finds_its_events_in_any_spelling(admin, person, typed):
    wanted = of(person, reference="K7F-2Q")
    of(person, reference="K7F-2R")
    assert found(admin.get(LIST, {"q": typed})) == [wanted.pk]


@pytest.mark.parametrize("spell", ["{0}", "({1}) {2}-{3}", "{1}{2}{3}", "+1 {1} {2} {3}"])
def test_phone_finds_its_events_in_any_notation(admin, person, spell):
    wanted = of(person)
    event(phone_key=sign_ins.phone_key(person.phone[:-1] + "4"))
    p = person.phone
    assert found(admin.get(LIST, {"q": spell.format(p, p[2:5], p[5:8], p[8:])})) == [wanted.pk]


def test_sub_finds_its_events(admin, person):
    wanted = of(person)
    event()
    assert found(admin.get(LIST, {"q": person.sub})) == [wanted.pk]
    assert found(admin.get(LIST, {"q": person.sub[:-1]})) == []


@pytest.mark.parametrize("typed", ["nobody", "%", "'; --", "1" * 5000, "💥"])
def test_what_is_nothing_finds_nothing(admin, person, typed):
    of(person)
    page = admin.get(LIST, {"q": typed})
    assert (page.status_code, found(page)) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        {"kind__exact": "failed"},
        {"reason": "wrong_code"},
        {"country": "FR"},
        {"period": "hour"},
        {"kind__exact": "failed", "reason": "wrong_code", "country": "FR", "period": "day"},
    ],
    ids=str,
)
def test_filters_leave_what_they_say(admin, query, settings):
    wanted = event("failed", reason="wrong_code", country="FR")
    event("sent", country="US", at=timezone.now() - timedelta(days=40))
    assert found(admin.get(LIST, query)) == [wanted.pk]


def test_list_takes_the_same_queries_at_any_length(admin, person, django_assert_num_queries):
    of(person)
    admin.get(LIST)
    with django_assert_num_queries(7):
        admin.get(LIST)
    SignInEvent.objects.bulk_create(
        SignInEvent(kind="sent", user=person, phone="+1••••••••23") for _ in range(200)
    )
    with django_assert_num_queries(7):
        page = admin.get(LIST)
    assert len(found(page)) == 50


def test_list_counts_no_further_than_it_leads(admin, monkeypatch):
    monkeypatch.setattr(base, "COUNTED", 120)
    SignInEvent.objects.bulk_create(SignInEvent(kind="sent") for _ in range(120))
    assert "120 sign-in events" in plain(admin.get(LIST))
    SignInEvent.objects.bulk_create(SignInEvent(kind="sent") for _ in range(5))
    with CaptureQueriesContext(connection) as captured:
        page = plain(admin.get(LIST, {"kind__exact": "sent"}))
    assert "more than 120 sign-in events" in page
    assert any("COUNT(*)" in query["sql"] and "LIMIT 121" in query["sql"] for query in captured)
    assert len(found(admin.get(LIST, {"p": 3}))) == 20
    assert found(admin.get(LIST, {"p": 4, "e": 1})) == []


# Who may, and what


def test_events_are_for_operators_who_may_see_them(client, person):
    made = of(person)
    person.is_staff = True
    person.save()
    client.force_login(person)
    for address in (LIST, f"{LIST}{made.pk}/change/"):
        assert client.get(address).status_code == 403


def test_nobody_adds_changes_or_removes_events(admin, operator, person):
    operator.is_superuser = True
    operator.save()
    made = of(person)
    page = f"{LIST}{made.pk}/change/"
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(page, {"kind": "failed"}).status_code == 403
    assert admin.post(f"{LIST}{made.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": made.pk, "post": "yes"}
    admin.post(LIST, chosen)
    assert SignInEvent.objects.get().kind == "sent"
    assert 'type="submit"' not in plain(admin.get(page)).split('id="content-main"')[1]


# The page of an attempt


@pytest.fixture
def attempt(person) -> list[SignInEvent]:
    """Asked for on a computer, typed on a phone after one wrong code."""
    now = timezone.now() - timedelta(minutes=5)

    def step(second: int, kind: str, attempt: str, device: str, **facts) -> SignInEvent:
        at = now + timedelta(seconds=second)
        facts.setdefault("reference", "K7F-2Q")
        return of(person, kind, at=at, attempt=attempt, device=device, **facts)

    return [
        step(0, "started", "a1", "Firefox on Windows", reference="ABC-DE"),
        step(1, "sent", "a1", "Firefox on Windows", network="203.0.113.0/24"),
        step(15, "sent", "a2", "iPhone"),
        step(31, "failed", "a2", "iPhone", reason="wrong_code"),
        step(42, "succeeded", "a2", "iPhone", seconds=27, crossed=True, overlaps=1),
    ]


def test_page_shows_the_whole_attempt_as_it_went(admin, attempt, person):
    page = plain(admin.get(f"{LIST}{attempt[3].pk}/change/"))
    lines = re.findall(r'<li class="step step-(\w+)"( aria-current="true")?>', page)
    assert lines == [
        ("started", ""),
        ("sent", ""),
        ("sent", ""),
        ("failed", ' aria-current="true"'),
        ("succeeded", ""),
    ]
    for words in (
        "+42 s",
        "the code was wrong",
        "Firefox on Windows · 203.0.113.0/24",
        "this event",
        "The same code as above, asked for by another browser.",
        "The code had been asked for on another device.",
        "1 other device was signed in at that moment.",
        "27 seconds after the text.",
        f'<a href="/admin/accounts/user/{person.pk}/change/">',
    ):
        assert words in page
    assert person.phone not in page


def test_page_says_what_to_ask_the_log_of_the_triggers(admin, attempt):
    page = plain(admin.get(f"{LIST}{attempt[0].pk}/change/"))
    assert '| filter reference in ["ABC-DE", "K7F-2Q"]' in page
    since = timezone.localtime(attempt[0].at - timedelta(minutes=5))
    assert f"Time range: {since:%Y-%m-%d %H:%M} to" in page


def test_page_of_an_event_without_an_attempt_shows_it_alone(admin, person):
    made = of(person, "signed_out")
    page = admin.get(f"{LIST}{made.pk}/change/")
    assert plain(page).count('<li class="step') == 1
    assert "Logs Insights" not in plain(page)


def test_page_of_nothing_leads_back(admin):
    assert admin.get(f"{LIST}12345/change/").status_code == 302
    assert admin.get(f"{LIST}x/change/").status_code == 302


def test_pages_obey_the_policy(admin, attempt):
    for address in (LIST, f"{LIST}{attempt[0].pk}/change/", "/admin/"):
        page = admin.get(address)
        assert page.status_code == 200
        assert page["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=", page.content.decode())
