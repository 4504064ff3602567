"""Passkeys on the site, against a user pool at the wire: make one, sign in, remove it."""

import json
import logging

import pytest
from django.test import Client
from django.utils import timezone

from accounts.login import methods
from accounts.models import LoginLock, Passkey, Session, SignInEvent, UsedChallenge, User
from tests.authenticator import PRESENT, USUAL, VERIFIED, Authenticator
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.login_steps import CODE, LOGOUT, TAKE_OVER, answer, ask, form, same_cookies, who
from tests.passkey_steps import (
    ADD,
    LIST,
    LOGIN,
    OFFER,
    REMOVE,
    RENAME,
    SIGN_IN,
    WAYS,
    browser,
    give,
    make,
    options,
    sign_in,
)
from tests.wire import aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

REFUSED = "That passkey did not work"


@pytest.fixture(autouse=True)
def proving(pool, settings):
    pool.proves_itself(settings)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


@pytest.fixture
def passkey(known, device) -> Passkey:
    return give(known, device)


@pytest.fixture
def there() -> Client:
    """Another browser than the one in which the passkey was made."""
    return browser()


def last_reason() -> str:
    return SignInEvent.objects.latest("pk").reason


def assert_refused(client: Client, response, reason: str) -> None:
    assert response["Location"] == LOGIN
    assert who(client) is None
    assert REFUSED in client.get(LOGIN).content.decode()
    assert last_reason() == reason


# To sign in


def test_touch_takes_two_calls_and_no_text(pool, passkey, device, there):
    pool.forget_calls()
    assert sign_in(there, device)["Location"] == "/"
    assert who(there) == passkey.user
    assert pool.operations() == ["InitiateAuth", "RespondToAuthChallenge"]
    assert pool.texts == []
    passkey.refresh_from_db()
    assert passkey.last_used_at


def test_touch_leads_to_the_page_that_was_wanted(passkey, device, there):
    assert sign_in(there, device, next="/accounts/devices/")["Location"] == "/accounts/devices/"
    there = browser()
    assert sign_in(there, device, next="https://evil.example/")["Location"] == "/"


def test_event_says_by_what_and_session_how(passkey, device, there, rf):
    sign_in(there, device)
    event = SignInEvent.objects.get(kind="succeeded")
    assert (event.user, event.reason, event.seconds) == (passkey.user, "passkey", None)
    request = rf.get("/")
    request.session, request.user = there.session, passkey.user
    assert methods.of(request) == {"mfa", "swk", "user"}


def test_key_of_one_device_is_another_method(known, there, rf):
    device = Authenticator(flags=PRESENT | VERIFIED, count=1)
    passkey = give(known, device)
    sign_in(there, device)
    request = rf.get("/")
    request.session, request.user = there.session, passkey.user
    assert methods.of(request) == {"hwk", "mfa", "user"}


def test_double_press_ends_in_one_session(passkey, device, there):
    text = device.get(options(there))
    twin = same_cookies(there)
    twin.defaults = dict(there.defaults)
    there.post(SIGN_IN, {"credential": text})
    assert LoginLock.objects.count() <= 1
    response = twin.post(SIGN_IN, {"credential": text})
    assert response.status_code == 302
    assert Session.objects.filter(user=passkey.user, ended_at=None).count() <= 2


def test_other_devices_are_asked_about_as_ever(passkey, device, there, settings, client):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    assert sign_in(there, device)["Location"] == TAKE_OVER
    assert who(there) is None
    there.post(TAKE_OVER, form(there.get(TAKE_OVER)))
    assert who(there) == passkey.user
    assert SignInEvent.objects.get(kind="succeeded").reason == "passkey"


@pytest.mark.parametrize("change", ["removed", "found to be copied"])
def test_passkey_that_ends_while_its_person_is_asked_signs_nobody_in(
    passkey, device, there, settings, change
):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    sign_in(there, device)
    filled = form(there.get(TAKE_OVER))
    if change == "removed":
        passkey.delete()
    else:
        Passkey.objects.update(copied_at=timezone.now())
    assert there.post(TAKE_OVER, filled)["Location"] == LOGIN
    assert who(there) is None


def test_touch_does_not_prove_the_number(pool, passkey, device, there):
    User.objects.update(phone_verified=False)
    pool.change(passkey.user.sub, phone_number_verified="false")
    sign_in(there, device)
    assert who(there).phone_verified is False
    assert "AdminUpdateUserAttributes" not in pool.operations()


def test_passkey_stays_with_its_account_when_the_number_moves(pool, passkey, device, there, phone):
    pool.change(passkey.user.sub, phone_number="+12015550199")
    other = User.objects.for_identity("another-sub", phone, phone_verified=True)
    sign_in(there, device)
    assert who(there) == passkey.user != other


# What is refused


def test_answer_is_taken_once(passkey, device, there):
    text = device.get(options(there))
    there.post(SIGN_IN, {"credential": text})
    LoginLock.objects.all().delete()
    assert UsedChallenge.objects.count() == 2
    # Signing in has changed the cookie that the challenge is bound to; here it is as it was.
    again = browser()
    cookie = there.cookies["csrftoken"].value
    text = device.get(options(again))
    assert again.cookies["csrftoken"].value != cookie
    kept = again.cookies["csrftoken"].value
    again.post(SIGN_IN, {"credential": text})
    again.cookies.clear()
    again.cookies["csrftoken"] = kept
    assert_refused(again, again.post(SIGN_IN, {"credential": text}), "passkey_refused")


def test_challenge_of_another_browser_is_refused(passkey, device, there):
    other = browser()
    text = device.get(options(other))
    options(there)
    assert_refused(there, there.post(SIGN_IN, {"credential": text}), "passkey_refused")


def test_challenge_is_good_for_ten_minutes(passkey, device, there):
    text = device.get(options(there))
    with seconds_later(10 * 60):
        assert_refused(there, there.post(SIGN_IN, {"credential": text}), "passkey_refused")


def test_challenge_of_making_one_is_none_of_signing_in(passkey, device):
    client = browser()
    client.force_login(passkey.user)
    challenge = options(client, ADD)["challenge"]
    kept = client.cookies["csrftoken"].value
    client.cookies.clear()
    client.cookies["csrftoken"] = kept
    text = device.get({"challenge": challenge, "rpId": "localhost"})
    assert_refused(client, client.post(SIGN_IN, {"credential": text}), "passkey_refused")


@pytest.mark.parametrize(
    "fault",
    [
        {"origin": "https://localhost.evil.example"},
        {"flags": USUAL & ~VERIFIED},
        {"flags": PRESENT | VERIFIED},
        {"host": "evil.example"},
        {"handle": "c29tZWJvZHk"},
        {"says": {"crossOrigin": True}},
    ],
    ids=str,
)
def test_answer_that_is_not_right_is_refused(passkey, device, there, fault):
    for name, value in fault.items():
        setattr(device, name, value)
    assert_refused(there, sign_in(there, device), "passkey_refused")


def test_unknown_and_removed_passkeys_are_refused(passkey, device, there):
    assert_refused(there, sign_in(there, Authenticator(handle="c29tZWJvZHk")), "passkey_unknown")
    passkey.delete()
    assert_refused(there, sign_in(there, device), "passkey_unknown")


def test_passkey_of_another_pool_is_unknown(passkey, device, there):
    User.objects.update(pool="eu-west-1_Another01")
    assert_refused(there, sign_in(there, device), "passkey_unknown")


def test_passkey_of_another_host_is_refused(passkey, device, there):
    Passkey.objects.update(host="other.example")
    assert_refused(there, sign_in(there, device), "passkey_refused")


def test_people_who_are_shut_out_are_refused(pool, passkey, device, there):
    pool.change(passkey.user.sub, Enabled=False)
    assert_refused(there, sign_in(there, device), "refused")
    User.objects.update(is_active=False)
    pool.forget_calls()
    assert_refused(there, sign_in(there, device), "shut_out")
    assert pool.operations() == []


@pytest.mark.parametrize("text", ["", "{}", "x" * 40_000], ids=len)
def test_rubbish_is_refused(passkey, there, text):
    options(there)
    response = there.post(SIGN_IN, {"credential": text})
    assert_refused(there, response, "passkey_refused")


def test_megabyte_is_too_large(there):
    assert there.post(SIGN_IN, {"credential": "x" * 1_000_000}).status_code == 413


def test_network_has_few_wrong_answers(passkey, device, there, settings):
    settings.ACCOUNTS_WRONG_CODES = "2/hour"
    for _ in range(3):
        # Right ones count nothing.
        assert sign_in(browser(), device)["Location"] == "/"
    for expected in (302, 302, 429):
        assert sign_in(there, Authenticator()).status_code == expected


def test_cognito_away_is_an_outage_and_no_refusal(pool, passkey, device, there):
    pool.fails("InitiateAuth", aws_error("InternalErrorException", status=500))
    page = sign_in(there, device)
    assert page.status_code == 503
    assert who(there) is None
    assert sign_in(there, device)["Location"] == "/"


def test_no_answer_is_logged(passkey, device, there, caplog):
    with caplog.at_level(logging.DEBUG):
        text = device.get(options(there))
        there.post(SIGN_IN, {"credential": text})
        sign_in(browser(), Authenticator())
    signature = json.loads(text)["response"]["signature"]
    assert signature not in caplog.text
    assert passkey.credential_id not in caplog.text


# Counters


def test_count_that_does_not_grow_switches_the_passkey_off(known, there):
    device = Authenticator(flags=PRESENT | VERIFIED, count=5)
    passkey = give(known, device)
    assert sign_in(there, device)["Location"] == "/"
    copy = Authenticator(
        flags=device.flags,
        count=5,
        credential=device.credential,
        key=device.key,
        handle=device.handle,
    )
    robbed = browser()
    assert_refused(robbed, sign_in(robbed, copy), "passkey_copied")
    passkey.refresh_from_db()
    assert passkey.copied_at
    # Nor the real one, since nobody knows which that is.
    other = browser()
    assert_refused(other, sign_in(other, device), "passkey_copied")
    told = there.get("/").content.decode()
    assert "may have been copied" in told


def test_person_is_told_until_the_copied_one_is_removed(known, client):
    device = Authenticator(flags=PRESENT | VERIFIED, count=5)
    passkey = give(known, device)
    device.count = 1
    sign_in(browser(), device)
    there = browser()
    there.force_login(User.objects.get())
    assert "may have been copied" in there.get("/").content.decode()
    there.post(REMOVE, {"passkey": passkey.pk})
    assert "may have been copied" not in there.get("/").content.decode()


def test_count_of_an_unsigned_answer_switches_nothing_off(known, there):
    """Else anybody who has seen its name could."""
    device = Authenticator(flags=PRESENT | VERIFIED, count=5)
    passkey = give(known, device)
    forged = Authenticator(
        flags=device.flags, count=1, credential=device.credential, handle=device.handle
    )
    assert_refused(there, sign_in(there, forged), "passkey_refused")
    passkey.refresh_from_db()
    assert passkey.copied_at is None


@pytest.mark.django_db(transaction=True)
def test_same_count_at_once_signs_in_once(known, tmp_path):
    device = Authenticator(flags=PRESENT | VERIFIED, count=5)
    give(known, device)
    clients = [browser() for _ in range(3)]
    texts = []
    for client in clients:
        device.count = 5
        texts.append(device.get(options(client)))
    with database_in_a_file(tmp_path):
        jobs = [
            lambda client=client, text=text: client.post(SIGN_IN, {"credential": text})
            for client, text in zip(clients, texts, strict=True)
        ]
        places = [response["Location"] for response in at_once(*jobs)]
    assert sorted(places) == ["/", LOGIN, LOGIN]


# To make and remove


def test_new_passkey_is_named_after_its_maker_or_the_browser(known):
    maker = bytes.fromhex("fbfc3007154e4ecc8c0b6e020557d7bd")
    assert give(known, Authenticator(aaguid=maker)).name == "iCloud Keychain"
    client = browser(**{"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0"})
    client.force_login(known)
    assert make(client, Authenticator()).name == "Firefox on Linux"
    assert give(known, Authenticator()).name == "Passkey"


def test_person_has_one_handle_that_says_nothing(known, settings):
    first, second = give(known, Authenticator()), give(known, Authenticator())
    settings.SECRET_KEY = "another" * 10
    third = give(known, Authenticator())
    assert first.handle == second.handle == third.handle
    assert known.sub not in first.handle


def test_making_one_asks_for_a_fresh_code(known):
    client = browser()
    client.force_login(known)
    with seconds_later(5 * 60 + 1):
        for address in (ADD, OFFER):
            assert client.get(address)["Location"].startswith("/accounts/confirm/")
            assert client.post(address)["Location"].startswith("/accounts/confirm/")
        assert client.post(REMOVE)["Location"].startswith("/accounts/confirm/")


def test_answer_makes_one_passkey(known):
    client, device = browser(), Authenticator()
    client.force_login(known)
    text = device.create(options(client, ADD))
    assert client.post(ADD, {"credential": text}).status_code == 302
    assert "no passkey was kept" in client.post(ADD, {"credential": text}).content.decode()
    Passkey.objects.all().delete()
    client.post(ADD, {"credential": text})
    assert Passkey.objects.count() == 0


def test_passkey_is_not_made_for_somebody_else(known, pool, make_phone):
    client, other_client, device = browser(), browser(), Authenticator()
    other = User.objects.for_identity(pool.register(make_phone()), make_phone())
    client.force_login(known)
    other_client.force_login(other)
    text = device.create(options(client, ADD))
    options(other_client, ADD)
    other_client.post(ADD, {"credential": text})
    # Nor in the same browser.
    other_client.cookies["csrftoken"] = client.cookies["csrftoken"].value
    other_client.post(ADD, {"credential": text})
    assert Passkey.objects.count() == 0


def test_account_has_ten_at_the_most(known):
    client = browser()
    client.force_login(known)
    for _ in range(10):
        make(client, Authenticator())
    assert "Add a passkey" not in client.get(LIST).content.decode()
    client.post(ADD, {"credential": Authenticator().create(options(client, ADD))})
    assert Passkey.objects.count() == 10


def test_owner_of_the_number_is_told(pool, known, settings, phone):
    settings.TEXTS_FUNCTION = "texts"
    pool.functions["tell"] = lambda asked: {"delivery": "sent"}
    give(known, Authenticator())
    [told] = pool.calls("tell")
    assert (told["phone"], told["message"]) == (phone, "passkey_added")


@pytest.mark.parametrize("is_operator", [True, False])
def test_operators_are_told_of_a_passkey_that_they_removed(pool, known, settings, is_operator):
    User.objects.filter(pk=known.pk).update(is_staff=is_operator)
    passkey = give(known, Authenticator())
    settings.TEXTS_FUNCTION = "texts"
    pool.functions["tell"] = lambda asked: {"delivery": "sent"}
    client = browser()
    client.force_login(known)
    for _ in range(2):
        client.post(REMOVE, {"passkey": passkey.pk}, headers={"accept-language": "de"})
    assert Passkey.objects.count() == 0
    told = [(each["phone"], each["message"], each["language"]) for each in pool.calls("tell")]
    assert told == [(known.phone, "passkey_removed", "de")] * is_operator


def test_passkey_is_kept_although_nobody_could_be_told(pool, known, settings):
    settings.TEXTS_FUNCTION = "texts"
    pool.fails("tell", aws_error("ServiceException", status=500))
    give(known, Authenticator())
    assert Passkey.objects.count() == 1


def test_name_is_changed_and_passkey_removed(passkey, known):
    client = browser()
    client.force_login(known)
    client.post(RENAME, {"passkey": passkey.pk, "name": "My phone"})
    assert "My phone" in client.get(LIST).content.decode()
    client.post(RENAME, {"passkey": passkey.pk, "name": ""})
    assert Passkey.objects.get().name == "My phone"
    client.post(REMOVE, {"passkey": passkey.pk})
    assert Passkey.objects.count() == 0
    events = SignInEvent.objects.filter(kind="passkey").order_by("pk")
    assert [event.reason for event in events] == ["set_up", "removed"]


@pytest.mark.parametrize("named", ["{pk}", "", "x", "-1", "9" * 30])
def test_passkey_of_somebody_else_is_out_of_reach(passkey, pool, make_phone, named):
    client = browser()
    phone = make_phone()
    client.force_login(User.objects.for_identity(pool.register(phone), phone))
    for address in (RENAME, REMOVE):
        chosen = {"passkey": named.format(pk=passkey.pk), "name": "mine"}
        assert client.post(address, chosen)["Location"] == LIST
    passkey.refresh_from_db()
    assert passkey.name == "Passkey"


# The offer


def test_passkey_is_offered_once_after_a_code(pool, known):
    client = browser()
    ask(client, known.phone, next="/accounts/devices/")
    to_offer = client.post(CODE, {"code": pool.code(), "able": "passkey"})
    assert to_offer["Location"] == f"{OFFER}?next=%2Faccounts%2Fdevices%2F"
    page = client.get(to_offer["Location"]).content.decode()
    assert 'href="/accounts/devices/"' in page
    client.post(LOGOUT)
    ask(client, known.phone)
    assert client.post(CODE, {"code": pool.code(), "able": "passkey"})["Location"] == "/"


def test_nothing_is_offered_where_the_browser_is_not_able(pool, known, django_assert_num_queries):
    client = browser()
    ask(client, known.phone)
    assert answer(client, pool.code())["Location"] == "/"
    known.refresh_from_db()
    assert known.passkey_offered_at is None


def test_new_passkey_leads_on_from_the_offer(known):
    client, device = browser(), Authenticator()
    client.force_login(known)
    text = device.create(options(client, OFFER))
    done = client.post(OFFER, {"credential": text, "next": "/accounts/devices/"})
    assert done["Location"] == "/accounts/devices/"


# Without passkeys


@pytest.mark.parametrize(
    "changed",
    [{"ACCOUNTS_PASSKEYS": False}, {"COGNITO_SITE_CLIENT_ID": ""}, {"SITE_KEY": ""}],
    ids=str,
)
def test_site_without_passkeys_has_no_trace_of_them(known, settings, changed):
    for name, value in changed.items():
        setattr(settings, name, value)
    client = browser()
    for page in (client.get(LOGIN), client.get("/")):
        assert b"asskey" not in page.content
        assert "publickey-credentials-get=()" in page["Permissions-Policy"]
    assert client.get(SIGN_IN).status_code == 404
    client.force_login(known)
    for address in (LIST, ADD, OFFER, RENAME, REMOVE):
        assert client.get(address).status_code == 404


def test_only_pages_of_passkeys_may_use_them(known):
    client = browser()
    assert "publickey-credentials-get=(self)" in client.get(LOGIN)["Permissions-Policy"]
    client.force_login(known)
    for address, feature in ((ADD, "(self)"), (OFFER, "(self)"), (LIST, "()"), ("/", "()")):
        policy = client.get(address)["Permissions-Policy"]
        assert f"publickey-credentials-create={feature}" in policy
        assert "publickey-credentials-get=()" in policy


def test_page_of_the_phone_costs_no_query_more(there, django_assert_num_queries):
    with django_assert_num_queries(0):
        there.get(LOGIN)


def test_page_tells_nobody_who_has_a_passkey(passkey, there):
    asked = options(there)
    assert asked["allowCredentials"] == []
    assert asked.keys() == {"rpId", "challenge", "timeout", "userVerification", "allowCredentials"}


# Which ways there are


def test_person_reads_their_ways_and_strangers_none(passkey, there, known):
    there.force_login(known)
    assert there.get(WAYS).json() == {
        "password": False,
        "code": True,
        "question": False,
        "passkeys": 1,
        "second_number": "",
    }
    stranger = browser().get(WAYS)
    assert (stranger.status_code, stranger.json()) == (401, {})
