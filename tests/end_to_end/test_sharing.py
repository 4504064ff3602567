"""One person, two browsers, every sharing policy: the local AWS and the real triggers."""

import pytest
from django.test import Client

from accounts import sessions
from accounts.models import SignInEvent, User
from tests.codes import code_in
from tests.login_steps import AGENTS, CODE, LOGIN, TAKE_OVER, answer, ask, form, is_signed_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

TOLD = "Your account was used to sign in on <strong>Firefox on Linux</strong>"


@pytest.fixture
def sign_in(on_cloud, phone, texts, age_ledger):
    """``sign_in(device)``: a browser in which the number and the right code were typed."""

    def act(device: str) -> Client:
        client = Client(headers={"user-agent": AGENTS[device]})
        client.get(LOGIN)
        if texts(phone):
            age_ledger(31)
        assert ask(client, phone).url == CODE
        client.answered = answer(client, code_in(texts(phone)[-1]))  # type: ignore[attr-defined]
        return client

    return act


def heard(client: Client) -> str:
    return client.get("/", follow=True).content.decode().replace("\xa0", " ")


@pytest.mark.parametrize(
    ("policy", "firsts_page", "live"),
    [
        ("off", "You are signed in", 2),
        ("notify", TOLD, 2),
        ("ask", "You are signed in", 1),
        ("strict", "You were signed out", 1),
    ],
)
def test_second_device_under_every_policy(sign_in, phone, settings, policy, firsts_page, live):
    settings.ACCOUNTS_SHARING_POLICY = policy
    first = sign_in("iPhone")
    second = sign_in("Firefox on Linux")
    assert firsts_page in heard(first)
    user = User.objects.get(phone=phone)
    assert sessions.live(user).count() == live
    assert is_signed_in(second) == (policy != "ask")
    if policy == "ask":
        assert second.answered.url == TAKE_OVER
        assert second.post(TAKE_OVER, form(second.get(TAKE_OVER))).url == "/"
        assert TOLD in heard(first)
        assert is_signed_in(second)
    user.refresh_from_db()
    assert (user.devices_in_week, user.overlaps_in_week, user.crossed_in_week) == (2, 1, 0)


def test_code_asked_for_on_one_device_and_typed_on_another_is_noticed(
    on_cloud, phone, texts, age_ledger
):
    """Two people at two devices, one of them with the phone."""
    one, other = (Client(headers={"user-agent": AGENTS[name]}) for name in list(AGENTS)[:2])
    for client in (one, other):
        client.get(LOGIN)
        ask(client, phone)
    [text] = texts(phone)
    assert answer(other, code_in(text)).url == "/"
    assert SignInEvent.objects.get(kind=SignInEvent.Kind.SUCCEEDED).crossed
    assert User.objects.get(phone=phone).sharing == User.Sharing.SOME
