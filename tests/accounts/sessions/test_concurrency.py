"""What a sign-in means for the person's other devices, and what a week of sign-ins says."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import operations, sessions
from accounts.events import sharing
from accounts.models import Operation, Session, SignInEvent, User
from accounts.sessions import concurrency
from tests.accounts.races import one_browser, race
from tests.clock import seconds_later
from tests.concurrency import database_in_a_file
from tests.login_steps import (
    AGENTS,
    CANCEL,
    CODE,
    LOGIN,
    LOGOUT,
    TAKE_OVER,
    answer,
    ask,
    device,
    form,
    is_signed_in,
    same_cookies,
    who,
)
from tests.pages import spaced

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

DEVICES = "/accounts/devices/"
Kind = SignInEvent.Kind


@pytest.fixture
def sign_in(pool, known) -> Callable[..., Client]:
    """``sign_in(name)``: type the number and the code on a device, new or known."""

    def act(name: str, client: Client | None = None) -> Client:
        client = client or device(name)
        ask(client, known.phone)
        client.answered = answer(client, pool.code())  # type: ignore[attr-defined]
        return client

    return act


def kinds(user: User) -> list[str]:
    return list(SignInEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


# The four policies


def test_off_leaves_the_other_device_alone(sign_in, settings):
    settings.ACCOUNTS_SHARING_POLICY = "off"
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    assert is_signed_in(first)
    assert is_signed_in(second)
    assert "Look at your devices" not in spaced(first.get("/"))


def test_notify_shows_the_other_device_a_notice_until_it_is_dismissed(sign_in):
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    page = spaced(first.get("/"))
    assert "used to sign in on <strong>Firefox on Linux</strong> a moment ago" in page
    assert f'href="{DEVICES}"' in page
    assert "Look at your devices" not in spaced(second.get("/"))
    assert first.get("/accounts/devices/seen/").url == DEVICES
    assert "Look at your devices" in spaced(first.get(DEVICES))
    assert first.post("/accounts/devices/seen/", {"next": DEVICES}).url == DEVICES
    assert "Look at your devices" not in spaced(first.get("/"))


def test_strict_ends_the_other_device_and_says_so_there(sign_in, known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "strict"
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    assert is_signed_in(second)
    told = spaced(first.get("/", follow=True))
    assert "used to sign in on <strong>Firefox on Linux</strong> a moment ago" in told
    assert kinds(known)[-2:] == [Kind.SUCCEEDED, Kind.TAKEN_OVER]
    assert not is_signed_in(first)
    assert is_signed_in(second)


def test_ask_asks_and_continuing_ends_the_other_device(sign_in, known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    first = sign_in("iPhone")
    assert first.answered.url == "/"
    second = sign_in("Firefox on Linux")
    assert second.answered.url == TAKE_OVER
    assert not is_signed_in(second)
    assert is_signed_in(first)
    page = second.get(TAKE_OVER)
    assert "<strong>iPhone</strong>, last used a moment ago" in spaced(page)
    assert "Continue here and end that one?" in spaced(page)
    assert second.post(TAKE_OVER, form(page)).url == "/"
    assert who(second) == known
    told = spaced(first.get("/", follow=True))
    assert "used to sign in on <strong>Firefox on Linux</strong>" in told
    assert sessions.live(known).count() == 1
    assert kinds(known)[-2:] == [Kind.SUCCEEDED, Kind.TAKEN_OVER]


def test_ask_and_cancel_sign_nobody_in_and_leave_the_other_alone(sign_in, known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    page = second.post(CANCEL, follow=True)
    assert page.redirect_chain == [(LOGIN, 302)]
    assert "You were not signed in here. Your other device still is." in spaced(page)
    assert known.phone not in spaced(page)
    assert second.get(TAKE_OVER).url == LOGIN
    assert second.post(TAKE_OVER, {"attempt": "x"}).url == LOGIN
    assert who(second) is None
    assert is_signed_in(first)
    last = SignInEvent.objects.latest("pk")
    assert (last.kind, last.reason) == (Kind.FAILED, "cancelled")


# The question


@pytest.fixture
def asked(sign_in, settings) -> Client:
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    sign_in("iPhone")
    client = device("Firefox on Linux")
    client.get("/admin/", follow=True)
    return sign_in("", client)


def test_question_survives_reload_and_second_tab(asked, known):
    for _ in range(3):
        assert asked.get(TAKE_OVER).status_code == 200
    for address in (LOGIN, CODE):
        assert asked.get(address, follow=True).redirect_chain[-1] == (TAKE_OVER, 302)
    assert asked.get("/").url == f"{LOGIN}?next=/"
    assert asked.post(TAKE_OVER, form(asked.get(TAKE_OVER))).url == "/"


def test_question_is_over_after_five_minutes(asked, known):
    filled = form(asked.get(TAKE_OVER))
    with seconds_later(299):
        assert asked.get(TAKE_OVER).status_code == 200
    with seconds_later(301):
        assert asked.get(TAKE_OVER).url == LOGIN
        assert asked.post(TAKE_OVER, filled).url == LOGIN
        assert "That sign-in is over" in spaced(asked.get(LOGIN))
    assert who(asked) is None


def test_double_click_on_continue_ends_in_one_session(asked, known):
    filled = form(asked.get(TAKE_OVER))
    twin = same_cookies(asked)
    assert asked.post(TAKE_OVER, filled).url == "/"
    assert twin.post(TAKE_OVER, filled).url == "/"
    assert who(asked) == who(twin) == known
    assert sessions.live(known).count() == 1
    assert kinds(known).count(Kind.TAKEN_OVER) == 1


def test_cancel_right_after_continue_changes_nothing(asked, known):
    filled = form(asked.get(TAKE_OVER))
    twin = same_cookies(asked)
    asked.post(TAKE_OVER, filled)
    late = twin.post(CANCEL)
    assert not late.cookies
    assert is_signed_in(asked)


def test_double_click_on_the_right_code_ends_at_the_same_question(sign_in, pool, known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    sign_in("iPhone")
    client = device("Firefox on Linux")
    ask(client, known.phone, next="/accounts/devices/")
    twin = same_cookies(client)
    assert answer(client, pool.code()).url == answer(twin, pool.code()).url == TAKE_OVER
    assert form(client.get(TAKE_OVER)) == form(twin.get(TAKE_OVER))
    page = twin.get(TAKE_OVER)
    assert twin.post(TAKE_OVER, form(page)).url == "/accounts/devices/"


def test_key_from_before_the_code_answers_no_question(sign_in, pool, known, settings):
    """Else the one who planted it would only have to press the button."""
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    sign_in("iPhone")
    client = device("Firefox on Linux")
    ask(client, known.phone)
    planted = same_cookies(client)
    answer(client, pool.code())
    filled = form(client.get(TAKE_OVER))
    assert planted.get(TAKE_OVER).url == LOGIN
    assert planted.post(TAKE_OVER, filled).url == LOGIN
    assert who(planted) is None


def test_question_of_another_attempt_is_asked_again(asked, known):
    for attempt in ("", "x", "é", "x" * 1000):
        assert asked.post(TAKE_OVER, {"attempt": attempt}).url == TAKE_OVER
    assert who(asked) is None


def test_other_device_that_left_meanwhile_needs_no_ending(sign_in, known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    first.post(LOGOUT)
    page = second.get(TAKE_OVER)
    assert "That session has ended." in spaced(page)
    assert second.post(TAKE_OVER, form(page)).url == "/"
    assert Kind.TAKEN_OVER not in kinds(known)


def test_cancel_says_how_many_devices_are_still_signed_in(sign_in, known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "off"
    first, other = sign_in("iPhone"), sign_in("iPad")
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    second = sign_in("Firefox on Linux")
    assert "Your other devices still are." in spaced(second.post(CANCEL, follow=True))
    second = sign_in("Firefox on Linux")
    for each in (first, other):
        each.post(LOGOUT)
    page = spaced(second.post(CANCEL, follow=True))
    assert "You were not signed in here. <" in re.sub(r"\s*<", " <", page)
    assert "still" not in page


def test_person_who_is_removed_while_asked_starts_again(asked):
    User.objects.all().delete()
    for address in (TAKE_OVER, CODE, LOGIN):
        assert "That sign-in is over" in spaced(asked.get(address, follow=True))
    assert asked.post(CANCEL, follow=True).status_code == 200


SHUT_OUT = [{"is_active": False}, {"cognito_enabled": False}, {"phone": "+12015550199"}]


@pytest.mark.parametrize("change", SHUT_OUT)
def test_person_shut_out_or_with_another_number_while_asked_ends_nothing(asked, known, change):
    filled = form(asked.get(TAKE_OVER))
    User.objects.update(**change)
    assert asked.post(TAKE_OVER, filled).url == LOGIN
    assert asked.get(TAKE_OVER).url == LOGIN
    assert who(asked) is None
    assert Session.objects.filter(user=known, ended_at=None).count() == 1


@pytest.mark.parametrize("ended_by", ["the person", "an operator"])
def test_question_ends_where_all_devices_are_signed_out(asked, known, ended_by):
    """It is in no list of sessions yet, so nobody could end it otherwise."""
    filled = form(asked.get(TAKE_OVER))
    if ended_by == "an operator":
        operations.perform(Operation.Kind.SIGN_OUT, known, by=None)
    else:
        owner = Client()
        owner.force_login(known)
        owner.post("/accounts/devices/end-others/")
    assert asked.post(TAKE_OVER, filled).url == LOGIN
    assert asked.get(TAKE_OVER).url == LOGIN
    assert who(asked) is None


def test_question_by_link_or_from_another_site_does_nothing(asked, known):
    assert asked.get(CANCEL).url == TAKE_OVER
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.load({name: morsel.value for name, morsel in asked.cookies.items()})
    for address in (TAKE_OVER, CANCEL):
        assert strict.post(address, form(asked.get(TAKE_OVER))).status_code == 403
    assert asked.get(TAKE_OVER).status_code == 200


# The same browser


@pytest.mark.parametrize("policy", ["off", "notify", "ask", "strict"])
def test_browser_that_signs_in_again_replaces_its_own_session_in_silence(
    sign_in, known, settings, policy
):
    settings.ACCOUNTS_SHARING_POLICY = policy
    client = sign_in("iPhone")
    del client.cookies["sessionid"]
    sign_in("", client)
    assert client.answered.url == "/"
    assert sessions.live(known).count() == 1
    assert "Look at your devices" not in spaced(client.get("/"))
    assert Kind.TAKEN_OVER not in kinds(known)
    assert SignInEvent.objects.latest("pk").overlaps == 0


# Which policy


def test_policy_of_a_group_counts_and_the_strictest_of_several(known, settings):
    settings.ACCOUNTS_SHARING_POLICY = "notify"
    settings.ACCOUNTS_SHARING_POLICY_BY_GROUP = ["Contractors=strict", " Family = off ", "Shop=ask"]
    groups = {name: Group.objects.create(name=name) for name in ("Contractors", "Family", "Shop")}
    other = Group.objects.create(name="Other")
    for names, expected in (
        ((), "notify"),
        (("Family",), "off"),
        (("Family", "Shop"), "ask"),
        (("Family", "Shop", "Contractors"), "strict"),
    ):
        known.groups.set([other, *(groups[name] for name in names)])
        assert concurrency.policy(known) == expected


def test_policy_without_groups_costs_no_query(known, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert concurrency.policy(known) == "notify"


# Races


@pytest.mark.parametrize("change", SHUT_OUT)
def test_sign_in_that_was_overtaken_by_a_change_of_its_person_is_none(known, change):
    User.objects.update(**change)
    with pytest.raises(concurrency.ShutOut):
        concurrency.enter(one_browser(), known)
    assert not Session.objects.filter(user=known).exists()


@pytest.mark.django_db(transaction=True)
def test_sign_ins_at_once_leave_exactly_one_under_strict(phone, tmp_path, settings):
    settings.ACCOUNTS_SHARING_POLICY = "strict"
    with database_in_a_file(tmp_path):
        user = User.objects.for_identity("sub-1", phone)
        for _ in range(5):
            race(user)


# The meter


def test_success_says_how_many_other_devices_were_signed_in(sign_in, known):
    for name in AGENTS:
        sign_in(name)
    overlaps = SignInEvent.objects.filter(kind=Kind.SUCCEEDED).order_by("pk")
    assert list(overlaps.values_list("overlaps", flat=True)) == [0, 1, 2]


def test_every_sign_in_sums_up_the_week(sign_in, known):
    for name in AGENTS:
        sign_in(name)
    known.refresh_from_db()
    assert (known.devices_in_week, known.overlaps_in_week, known.crossed_in_week) == (3, 2, 0)
    assert known.sharing == User.Sharing.NONE
    assert timezone.now() - known.sharing_at < timedelta(seconds=10)


def test_meter_takes_one_query(known, django_assert_num_queries):
    with django_assert_num_queries(1):
        sharing.measure(known)


def test_meter_writes_what_has_changed_and_else_once_a_day(known):
    assert sharing.measure(known)
    assert not sharing.measure(known)
    for sign in ({"browser": "one"}, {"overlaps": 1}, {"crossed": True}):
        SignInEvent.objects.create(kind=Kind.SUCCEEDED, user=known, **sign)
        assert sharing.measure(known)
        assert not sharing.measure(known)
    User.objects.update(sharing_at=timezone.now() - timedelta(days=1))
    assert sharing.measure(known)


def test_meter_reads_the_sign_ins_of_one_user_alone(known):
    """Else a login on SQLite would cost the more, the more people sign in."""
    with CaptureQueriesContext(connection) as captured:
        sharing.measure(known)
    (measured,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {measured['sql']}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert any(re.search(r"accounts_signinevent .*user_id=\? AND at>\?", step) for step in plan)


@pytest.mark.parametrize(
    ("devices", "overlaps", "crossed", "expected"),
    [
        (0, 0, 0, User.Sharing.NONE),
        (3, 3, 0, User.Sharing.NONE),
        (4, 3, 0, User.Sharing.SOME),
        (3, 4, 0, User.Sharing.SOME),
        (1, 0, 1, User.Sharing.SOME),
        (4, 4, 0, User.Sharing.LIKELY),
        (4, 0, 1, User.Sharing.LIKELY),
        (6, 0, 0, User.Sharing.LIKELY),
        (1, 8, 0, User.Sharing.LIKELY),
        (1, 0, 3, User.Sharing.LIKELY),
    ],
)
def test_signs_of_a_week_are_judged(known, devices, overlaps, crossed, expected):
    events = [
        SignInEvent(
            kind=Kind.SUCCEEDED,
            user=known,
            browser=f"browser-{number % devices}" if devices else "",
            overlaps=2 if number < overlaps else 0,
            crossed=number < crossed,
        )
        for number in range(max(devices, overlaps, crossed))
    ]
    # None of these counts.
    others = {"browser": "another", "overlaps": 9, "crossed": True}
    events += [
        SignInEvent(kind=Kind.FAILED, user=known, **others),
        SignInEvent(kind=Kind.SUCCEEDED, user=None, **others),
        SignInEvent(
            kind=Kind.SUCCEEDED,
            user=known,
            at=timezone.now() - timedelta(days=7, seconds=1),
            **others,
        ),
    ]
    SignInEvent.objects.bulk_create(events)
    sharing.measure(known)
    known.refresh_from_db()
    assert (known.devices_in_week, known.overlaps_in_week, known.crossed_in_week) == (
        devices,
        overlaps,
        crossed,
    )
    assert known.sharing == expected


# Signing out


def test_signing_out_needs_nobody_but_us_and_is_written_down(sign_in, pool, known, settings):
    client = sign_in("iPhone")
    pool.forget_calls()
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    assert client.post(LOGOUT).url == LOGIN
    assert pool.operations() == []
    assert not is_signed_in(client)
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.user, event.device) == (Kind.SIGNED_OUT, known, "iPhone")
    assert Session.objects.get().ended_why == Session.Ended.SIGNED_OUT
    client.post(LOGOUT)
    assert kinds(known).count(Kind.SIGNED_OUT) == 1


# The list of devices


def test_devices_are_listed_with_this_one_marked(sign_in, known):
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    with seconds_later(120):
        page = spaced(second.get(DEVICES))
    assert page.index("Firefox on Linux") < page.index("(this device)") < page.index("iPhone")
    assert "same as this device" in page
    assert "2 minutes ago" in page
    for client in (first, second):
        assert client.cookies["sessionid"].value not in page
    assert page.count("Sign this device out") == 1


def test_only_device_is_told_so(sign_in):
    page = spaced(sign_in("iPhone").get(DEVICES))
    assert "No other device is signed in." in page
    assert "Sign all other" not in page


def test_devices_take_a_fixed_number_of_queries(sign_in, django_assert_num_queries):
    for name in AGENTS:
        client = sign_in(name)
    with django_assert_num_queries(3):
        client.get(DEVICES)


def test_one_device_is_ended_from_another_and_told_by_which(sign_in, known):
    first, second, third = (sign_in(name) for name in AGENTS)
    listed = second.get(DEVICES)
    handle = Session.objects.get(device="iPhone").handle
    assert f'value="{handle}"' in spaced(listed)
    page = second.post("/accounts/devices/end/", {"handle": handle}, follow=True)
    assert page.redirect_chain == [(DEVICES, 302)]
    assert "That device is signed out." in spaced(page)
    assert "Signed out recently" in spaced(page)
    assert "from <strong>Firefox on Linux</strong>" in spaced(first.get("/", follow=True))
    assert is_signed_in(second)
    assert is_signed_in(third)
    again = second.post("/accounts/devices/end/", {"handle": handle}, follow=True)
    assert "was signed out already" in spaced(again)
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason) == (Kind.SIGNED_OUT, "by_person")


def test_all_other_devices_are_ended_at_once(sign_in, known):
    first, second, third = (sign_in(name) for name in AGENTS)
    page = second.post("/accounts/devices/end-others/", follow=True)
    assert "2 other devices are signed out." in spaced(page)
    assert [is_signed_in(client) for client in (first, second, third)] == [False, True, False]
    page = second.post("/accounts/devices/end-others/", follow=True)
    assert "No other device was signed in." in spaced(page)


def test_nobody_ends_the_session_of_somebody_else_nor_ones_own_from_the_list(sign_in, known):
    client = sign_in("iPhone")
    stranger = Client()
    stranger.force_login(User.objects.for_identity("sub-2", None))
    for handle in (Session.objects.get(user=known).handle, "", "x", "x" * 1000, "é\0"):
        page = stranger.post("/accounts/devices/end/", {"handle": handle}, follow=True)
        assert "was signed out already" in spaced(page)
    stranger.post("/accounts/devices/end-others/")
    own = Session.objects.get(user=known).handle
    client.post("/accounts/devices/end/", {"handle": own})
    assert is_signed_in(client)
    assert is_signed_in(stranger)


@pytest.mark.parametrize("address", ["end/", "end-others/", "seen/"])
def test_devices_are_for_who_is_signed_in_and_acts_need_post(client, sign_in, address):
    assert client.get(DEVICES).url == f"{LOGIN}?next={DEVICES}"
    assert client.post(DEVICES + address).url.startswith(LOGIN)
    assert sign_in("iPhone").get(DEVICES + address).url == DEVICES


def test_home_leads_to_the_devices_by_the_account(sign_in):
    client = sign_in("iPhone")
    assert 'href="/accounts/"' in spaced(client.get("/"))
    assert f'href="{DEVICES}"' in spaced(client.get("/accounts/"))


# The reference


def test_reference_stands_on_the_code_page_and_finds_the_events(client, pool, known):
    ask(client, known.phone)
    page = spaced(client.get(CODE))
    reference = re.search(r"<strong>(\w{3}-\w{2})</strong>", page)[1]
    found = SignInEvent.objects.filter(reference=reference).values_list("kind", flat=True)
    assert set(found) == {Kind.STARTED, Kind.SENT}


def test_reference_stands_on_the_pages_that_say_that_something_is_wrong(
    client, pool, known, settings
):
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    page = ask(client, known.phone)
    assert page.status_code == 503
    event = SignInEvent.objects.latest("pk")
    assert f"<strong>{event.reference}</strong>" in spaced(page)
    settings.ACCOUNTS_SENDS = "1/hour"
    page = ask(client, known.phone)
    page = ask(client, known.phone)
    assert page.status_code == 429
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason) == (Kind.BLOCKED, "network")
    assert f"<strong>{event.reference}</strong>" in spaced(page)
