"""The same code by call, WhatsApp and mail: our site, the strict front, the deployed functions."""

import re

import pytest
from django.test import Client

from accounts.models import Session, SignInEvent, User
from tests.codes import code_in, wrong
from tests.login_steps import CODE, RESEND, answer, ask, is_signed_in
from tests.pages import shown

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

CHANNELS = ["voice", "whatsapp", "email"]
every_channel = pytest.mark.parametrize("channel", CHANNELS)
ADDRESS = "ada@example.org"


def send_by(client: Client, channel: str):
    return client.post(RESEND, {"channel": channel}, follow=True)


@every_channel
def test_code_that_came_another_way_signs_in(client, stack, phone, address, channel):
    ask(client, phone)
    stack.give_address(phone, address)
    stack.wait(client)
    page = send_by(client, channel)
    to = address if channel == "email" else phone
    [message] = stack.others(to)
    assert message.channel == channel
    assert message.code == code_in(stack.texts(phone)[-1].body)
    words = {
        "voice": "We called",
        "whatsapp": "We sent it by WhatsApp to",
        "email": "We sent it to the e-mail address",
    }[channel]
    assert words in shown(page)
    assert answer(client, message.code).status_code == 302
    assert is_signed_in(client)
    events = SignInEvent.objects.order_by("at").values_list("kind", "reason")
    assert ("resent", channel) in events
    assert len(stack.texts(phone)) == 1


def test_call_reads_the_code_twice(client, stack, phone):
    ask(client, phone)
    stack.wait(client)
    send_by(client, "voice")
    [call] = stack.others(phone)
    assert call.body.count(" ".join(call.code)) == 2


def test_tries_stay_three_after_a_call(client, stack, phone):
    ask(client, phone)
    code = code_in(stack.texts(phone)[-1].body)
    answer(client, wrong(code))
    stack.wait(client)
    send_by(client, "voice")
    assert "1 try left" in shown(answer(client, wrong(code, 2)))
    assert answer(client, code).status_code == 302
    assert is_signed_in(client)


def test_wait_after_a_call_is_kept_when_a_code_is_wrong(client, stack, phone):
    """Cognito knows nothing of the call, and would say that another one may be had at once."""
    ask(client, phone)
    stack.wait(client)
    send_by(client, "voice")
    answer(client, wrong(code_in(stack.texts(phone)[-1].body)))
    assert "You can ask for it in" in shown(client.get(CODE))


def test_first_wait_is_for_every_channel(client, stack, phone):
    ask(client, phone)
    page = send_by(client, "voice")
    assert page.status_code == 429
    assert "It is too soon" in shown(page)
    assert stack.others(phone) == []


def test_call_that_is_refused_says_so_and_another_way_is_open_at_once(client, stack, phone):
    ask(client, phone)
    stack.wait(client)
    stack.cloud.messaging.refuses = "AccessDeniedException"
    page = send_by(client, "voice")
    assert "We could not call that number. Choose another way below." in shown(page)
    assert "No code was sent" in shown(page)
    stack.cloud.messaging.refuses = ""
    page = send_by(client, "whatsapp")
    [message] = stack.others(phone)
    assert answer(client, message.code).status_code == 302


def test_account_without_an_address_is_told_what_others_are(client, stack, phone, make_phone):
    ask(client, phone)
    other, somebody = Client(), make_phone()
    ask(other, somebody)
    stack.give_address(somebody, f"{somebody[1:]}@example.org")
    pages = []
    for each, number in ((client, phone), (other, somebody)):
        stack.wait(each)
        page = shown(send_by(each, "email"))
        masked = re.sub(r"[A-Z0-9]{3}-[A-Z0-9]{2}", "", page)
        pages.append(masked.replace(number[-4:], ""))
    assert "if it has one" in pages[0]
    assert re.sub("[0-9]", "", pages[0]) == re.sub("[0-9]", "", pages[1])


def test_stranger_s_number_is_told_what_a_member_s_is_and_nobody_is_called(
    client, stack, phone, settings
):
    settings.ACCOUNTS_SIGN_UP = "closed"
    ask(client, phone)
    stack.wait(client)
    page = send_by(client, "voice")
    assert "We called" in shown(page)
    assert stack.others(phone) == []
    assert b"is not the code" in answer(client, "123456").content


def test_page_offers_what_the_stack_has(client, stack, phone):
    ask(client, phone)
    page = client.get(CODE).content.decode()
    assert re.findall('name="channel" value="([a-z]+)"', page) == CHANNELS


def test_site_without_the_function_offers_nothing_else(client, stack, phone, settings):
    settings.TEXTS_FUNCTION = ""
    ask(client, phone)
    assert 'name="channel"' not in client.get(CODE).content.decode()
    assert send_by(client, "voice").redirect_chain == [(CODE, 302)]
    assert stack.others(phone) == []


@pytest.mark.parametrize("channel", ["pigeon", "text"])
def test_channel_that_nobody_offers_leads_back_to_the_page(client, stack, phone, channel):
    ask(client, phone)
    stack.wait(client)
    assert send_by(client, channel).redirect_chain == [(CODE, 302)]
    assert stack.others(phone) == []


@pytest.mark.parametrize("channel", ["voice", "whatsapp"])
def test_confirmation_comes_another_way_too(client, stack, phone, channel):
    ask(client, phone)
    answer(client, code_in(stack.texts(phone)[-1].body))
    Session.objects.update(confirmed_at="2020-01-01T00:00:00Z")
    client.post("/accounts/confirm/", {"next": "/accounts/number/"})
    page = client.get("/accounts/confirm/code/").content.decode()
    assert re.findall('name="channel" value="([a-z]+)"', page) == ["voice", "whatsapp"]
    stack.wait(client)
    client.post("/accounts/confirm/resend/", {"channel": channel})
    [message] = stack.others(phone)
    done = client.post("/accounts/confirm/code/", {"code": message.code})
    assert done.url == "/accounts/number/"
    assert User.objects.get().phone == phone


def test_new_number_is_texted_alone(client, stack, phone, make_phone):
    ask(client, phone)
    answer(client, code_in(stack.texts(phone)[-1].body))
    client.post("/accounts/number/", {"phone": make_phone()})
    assert 'name="channel"' not in client.get("/accounts/number/code/").content.decode()
