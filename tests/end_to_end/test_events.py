"""One attempt, found from the page through the admin to the triggers' own log."""

import json
import re
import time

import pytest
from django.test import Client

from accounts.aws import ledger
from accounts.models import SignInEvent, User
from tests.codes import code_in, wrong
from tests.login_steps import answer, ask, sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


def browser(user_agent: str) -> Client:
    """A browser that has its long-lived cookie already."""
    client = Client(headers={"user-agent": user_agent})
    client.get("/accounts/login/")
    return client


@pytest.fixture
def _ledger(on_cloud, settings):
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]


def test_code_asked_for_on_one_device_and_typed_on_another_is_one_story(
    on_cloud, phone, texts, cloud
):
    computer, handset = browser(FIREFOX), browser(IPHONE)
    ask(computer, phone)
    # Within the cooldown: no second text, the same challenge.
    ask(handset, phone)
    [text] = texts(phone)
    answer(handset, wrong(code_in(text)))
    assert answer(handset, code_in(text)).url == "/"

    told = SignInEvent.objects.exclude(kind="started").order_by("pk")
    assert [(event.kind, event.device) for event in told] == [
        ("sent", "Firefox on Windows"),
        ("sent", "iPhone"),
        ("failed", "iPhone"),
        ("succeeded", "iPhone"),
    ]
    [reference] = {event.reference for event in told}
    assert [event.crossed for event in told] == [False, False, False, True]

    operator = User.objects.for_identity("sub-of-an-operator", None)
    operator.is_staff = operator.is_superuser = True
    operator.save()
    admin = Client()
    admin.force_login(operator)
    page = admin.get("/admin/accounts/signinevent/", {"q": reference.replace("-", "").lower()})
    first = re.search(r"/admin/accounts/signinevent/\d+/change/", page.content.decode())[0]
    shown = admin.get(first).content.decode()
    assert shown.count('<li class="step') == 6
    assert "The code had been asked for on another device." in shown

    logs = cloud.root_session().client("logs", endpoint_url=cloud.emulator.url)
    lines = [
        json.loads(event["message"])
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(
            logGroupName=group["logGroupName"], filterPattern=f'"{reference}"'
        )["events"]
        if event["message"].startswith("{")
    ]
    sent = [line for line in lines if line.get("reference") == reference and "message_id" in line]
    assert len(sent) == 1
    assert phone not in json.dumps(lines)


@pytest.mark.usefixtures("_ledger")
def test_number_that_is_held_is_held_here_and_noted_once(
    on_cloud, phone, texts, age_ledger, settings
):
    settings.ACCOUNTS_WRONG_CODES = "100/hour"
    sign_in(browser(IPHONE), phone, texts)
    for _ in range(4):
        age_ledger(301)
        client = browser(IPHONE)
        ask(client, phone)
        code = code_in(texts(phone)[-1])
        for offset in (1, 2, 3):
            answer(client, f"{(int(code) + offset) % 1_000_000:06d}")
    # The tenth wrong code in a row was the first of the fourth attempt.
    state = ledger.show(phone)
    assert state.held_until > time.time()
    user = User.objects.get(phone=phone)
    assert user.held_until.timestamp() == state.held_until
    [held] = SignInEvent.objects.filter(kind="held")
    assert (held.user, held.reason) == (user, "held")
    assert SignInEvent.objects.filter(attempt=held.attempt, kind="failed").exists()
