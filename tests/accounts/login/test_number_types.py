"""Numbers of internet phone services: refused under ``strict``, marked for others."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import SignInEvent, User
from tests.fakes.site_texts import DOWN
from tests.login_steps import LOGIN, LOGOUT, answer, ask, is_signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.pages]


@pytest.fixture
def asked(pool, known, settings) -> list[dict]:
    """The questions about numbers; each is answered with that of an internet phone."""
    settings.ACCOUNTS_CARRIER_LOOKUP = True
    settings.TEXTS_FUNCTION = "phone-login-texts-test"
    settings.ACCOUNTS_SHARING_POLICY_BY_GROUP = ["Members=strict"]
    found: list[dict] = []

    def look_up(event: dict) -> dict:
        found.append(event)
        return {"type": "VOIP"}

    pool.functions["look_up"] = look_up
    return found


@pytest.fixture
def strict(asked, known) -> User:
    known.groups.add(Group.objects.create(name="Members"))
    return known


def sign_in(browser: Client, pool, person: User):
    ask(browser, person.phone)
    return answer(browser, pool.code())


def said(browser: Client) -> str:
    return " ".join(browser.get(LOGIN).content.decode().split())


def test_number_is_asked_about_once(client, pool, known, asked):
    for _ in range(2):
        assert sign_in(client, pool, known).url == "/"
        client.post(LOGOUT)
    assert asked == [{"action": "look_up", "phone": known.phone, "user": known.sub}]
    known.refresh_from_db()
    assert (known.number_type, known.number_type_of) == ("VOIP", known.phone)


def test_new_number_is_asked_about_again(client, pool, known, asked):
    User.objects.update(number_type="MOBILE", number_type_of="+12015550199", number_allowed=True)
    sign_in(client, pool, known)
    known.refresh_from_db()
    assert (known.number_type, known.number_allowed, len(asked)) == ("VOIP", False, 1)


def test_internet_phone_of_another_policy_signs_in(client, pool, known, asked):
    for _ in range(2):
        sign_in(client, pool, known)
        assert is_signed_in(client)
        client.post(LOGOUT)


def test_internet_phone_under_strict_is_signed_out_and_refused(client, pool, strict, asked):
    sign_in(client, pool, strict)
    assert not is_signed_in(client)
    again = Client()
    assert sign_in(again, pool, strict).url == LOGIN
    assert "of an internet phone service" in said(again)
    assert not is_signed_in(again)
    reasons = SignInEvent.objects.filter(user=strict, reason="internet_phone")
    assert {each.kind for each in reasons} >= {SignInEvent.Kind.FAILED}


def test_number_that_an_operator_allows_signs_in(client, pool, strict, asked):
    sign_in(client, pool, strict)
    User.objects.update(number_allowed=True)
    sign_in(client, pool, strict)
    assert is_signed_in(client)


def test_another_number_of_a_refused_person_signs_in(client, pool, strict, asked):
    User.objects.update(number_type="VOIP", number_type_of="+12015550199")
    pool.functions["look_up"] = lambda _: {"type": "MOBILE"}
    sign_in(client, pool, strict)
    assert is_signed_in(client)


@pytest.mark.parametrize("reply", [{"type": ""}, {}, {"type": 7}, None])
def test_question_without_an_answer_stops_nobody(client, pool, strict, asked, reply):
    pool.functions["look_up"] = lambda _: reply
    sign_in(client, pool, strict)
    assert is_signed_in(client)
    assert User.objects.get().number_type == ""


@pytest.mark.parametrize("missing", ["ACCOUNTS_CARRIER_LOOKUP", "TEXTS_FUNCTION"])
def test_nobody_is_asked_where_it_is_switched_off(client, pool, known, asked, settings, missing):
    setattr(settings, missing, False if missing == "ACCOUNTS_CARRIER_LOOKUP" else "")
    sign_in(client, pool, known)
    assert asked == []


def test_function_that_fails_stops_nobody(client, pool, strict, asked):
    pool.faults["look_up"] = DOWN
    sign_in(client, pool, strict)
    assert is_signed_in(client)
