"""The page of a mail's link, whose address anybody can make up: the site at the wire."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import SignInEvent, User
from tests.alike import told
from tests.clock import seconds_later
from tests.fakes.site_texts import proof
from tests.login_steps import AGENTS, CODE, RESEND, ask
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

# Nobody was mailed it.
WORD = "A" * 27
REFERENCES = ("K7F-2Q", "M3N-4P")
WAYS = ("a mail alone", "a mail after a text", "a text")
STATES: dict[str, dict[str, Any]] = {
    "unknown": {},
    "disabled": {"cognito_enabled": False},
    "shut out": {"is_active": False},
    "without a number": {"phone": None},
}


@pytest.fixture(autouse=True)
def _site(pool, settings) -> None:
    pool.proves_itself(settings)
    settings.TEXTS_FUNCTION = "texts"
    settings.ACCOUNTS_EMAIL = settings.ACCOUNTS_EMAIL_LOGIN = True
    settings.ACCOUNTS_SIGN_UP = "closed"
    pool.functions["open_link"] = lambda asked: {"code": ""}


@pytest.fixture
def begin(pool) -> Callable[[str, str, str], Client]:
    """``begin(phone, way, reference)``: a browser in which somebody asked for a code."""

    def begun(phone: str, way: str, reference: str) -> Client:
        pool.functions["prove"] = pool.functions["send_by"] = lambda _: proof(reference=reference)
        pool.says = {"reference": reference, "channels": "email"}
        browser = Client(headers={"User-Agent": AGENTS["iPhone"]})
        ask(browser, phone, **({"way": "email"} if way == "a mail alone" else {}))
        if way == "a mail after a text":
            with seconds_later(31):
                browser.post(RESEND, {"channel": "email"})
        assert reference in browser.get(CODE).content.decode()
        return browser

    return begun


def address(reference: str) -> str:
    return f"/accounts/login/link/{reference.replace('-', '')}/{WORD}/"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", STATES)
def test_word_that_was_made_up_tells_nothing_of_the_number(pool, known, begin, way, state):
    """A stranger types a number, reads the reference, and opens the page that a mail would name."""

    def walk(phone: str, reference: str) -> list[object]:
        asked = begin(phone, way, reference)
        elsewhere, found = Client(), []
        for step in (
            lambda: elsewhere.get(address(reference)),
            lambda: elsewhere.post(address(reference)),
            lambda: asked.get(address(reference)),
        ):
            pool.forget_calls()
            with CaptureQueriesContext(connection) as statements:
                response = step()
            # The second of the request, and the address of the page itself.
            body = response.content.decode().replace(address(reference), "…")
            body = re.sub(r'(?<=datetime=")[^"]+', "…", body)
            page = told(response.status_code, response.headers, [], body)
            calls = [sorted(each.json) for each in pool.requests]
            found.append((page, calls, len(statements)))
        return found

    phone, other = known.phone, known.phone[:-4] + "9876"
    member = walk(phone, REFERENCES[0])
    assert len(member[1][1]) == 1
    if state == "unknown":
        phone = other
    else:
        User.objects.update(**STATES[state])
    assert walk(phone, REFERENCES[1]) == member


def test_whoever_asked_first_is_named(pool, known, begin):
    """Somebody who asks again for a code under way takes nobody's place."""
    begin(known.phone, "a mail alone", REFERENCES[0])
    with seconds_later(60):
        second = Client(headers={"User-Agent": AGENTS["Firefox on Linux"]})
        ask(second, known.phone, way="email")
    assert SignInEvent.objects.latest("pk").device == "Firefox on Linux"
    page = Client().get(address(REFERENCES[0])).content.decode()
    assert "iPhone" in page
    assert "Firefox" not in page


def test_reference_of_nobody_is_over(client):
    page = client.get(address(REFERENCES[0])).content.decode()
    assert "This link does not work any more" in page
    assert "type the code" not in page


def test_words_for_nobody_count_as_guesses_too(pool, known, begin, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    begin(known.phone[:-4] + "9876", "a mail alone", REFERENCES[0])
    elsewhere = Client()
    assert elsewhere.post(address(REFERENCES[0])).status_code == 200
    assert elsewhere.post(address(REFERENCES[0])).status_code == 429
    assert len(pool.calls("open_link")) == 1


def test_function_that_is_away_is_said_to_everybody(pool, known, begin):
    pages = []
    for phone, reference in zip((known.phone, known.phone[:-4] + "9876"), REFERENCES, strict=True):
        begin(phone, "a mail alone", reference)
        pool.faults[""] = Reply(status=500)
        pages.append(Client().post(address(reference)).status_code)
        del pool.faults[""]
    assert pages == [503, 503]
