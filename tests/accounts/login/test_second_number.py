"""The second number of somebody who is signed in, with Cognito and SiteTexts at the wire."""

import logging

import pytest
from django.test import Client

from accounts import operations, personal_data
from accounts.models import Operation, SignInEvent, User
from tests.clock import seconds_later
from tests.fakes.site_texts import sends_codes
from tests.pages import signed_in, text
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

PAGE = "/accounts/second-number/"
CODE, RESEND, REMOVE = (f"{PAGE}{each}/" for each in ("code", "resend", "remove"))
# The same code twice in a moment would be a double press.
RIGHT, RIGHT_TOO, WRONG = "123456", "135790", "654321"
SECOND, OTHER = "+12025550144", "+12025550155"


@pytest.fixture(autouse=True)
def _site(pool, settings) -> None:
    pool.proves_itself(settings)
    sends_codes(pool, settings, RIGHT, RIGHT_TOO)
    settings.ACCOUNTS_SECOND_NUMBER = True
    pool.functions["forget_second_number"] = lambda _: {}


@pytest.fixture
def client(known) -> Client:
    return signed_in(known)


def ask(client: Client, phone: str = SECOND):
    return client.post(PAGE, {"phone": phone})


def answer(client: Client, code: str = RIGHT):
    return client.post(CODE, {"code": code}, follow=True)


def kept() -> str:
    return User.objects.get().second_phone


def reasons() -> list[str]:
    events = SignInEvent.objects.filter(kind="second_number").order_by("pk")
    return list(events.values_list("reason", flat=True))


def told(pool) -> list[tuple[str, str]]:
    return [(each["phone"], each["message"]) for each in pool.calls("tell")]


def test_right_code_makes_it_the_second_number_and_tells_the_first(client, pool, known):
    assert ask(client).url == CODE
    assert kept() == ""
    [asked] = pool.calls("prove")
    assert (asked["phone"], asked["user"], asked["purpose"]) == (SECOND, known.sub, "second_number")
    assert "202 555 0144" in text(client.get(CODE)).replace("-", " ").replace(")", "")
    done = answer(client)
    assert done.redirect_chain == [(PAGE, 302)]
    assert "a code can go to this number when your first one is gone" in text(done)
    assert kept() == SECOND
    assert reasons() == ["set_up"]
    assert told(pool) == [(known.phone, "second_number_changed")]
    assert pool.calls("check")[-1]["purpose"] == "second_number"
    # It is no sign-in and no change of number.
    assert User.objects.get().phone == known.phone


def test_other_number_takes_its_place_and_both_are_told(client, pool, known):
    ask(client)
    answer(client)
    pool.forget_calls()
    ask(client, OTHER)
    answer(client, RIGHT_TOO)
    assert kept() == OTHER
    assert told(pool) == [
        (known.phone, "second_number_changed"),
        (SECOND, "second_number_changed"),
    ]


def test_person_removes_it_and_both_numbers_are_told(client, pool, known):
    ask(client)
    answer(client)
    pool.forget_calls()
    assert client.get(REMOVE).url == PAGE
    assert "has no second number any more" in text(client.post(REMOVE, follow=True))
    assert kept() == ""
    assert [each["user"] for each in pool.calls("forget_second_number")] == [known.sub]
    assert reasons() == ["set_up", "removed"]
    assert [phone for phone, _ in told(pool)] == [known.phone, SECOND]
    client.post(REMOVE)
    assert len(pool.calls("forget_second_number")) == 1


def test_wrong_code_costs_a_try_and_the_last_one_ends_it(client, pool):
    ask(client)
    assert "You have 2 tries left." in text(answer(client, WRONG))
    answer(client, "111111")
    over = answer(client, "222222")
    assert over.redirect_chain == [(PAGE, 302)]
    assert "That code cannot be used here any more" in text(over)
    assert answer(client).redirect_chain == [(PAGE, 302)]
    assert kept() == ""
    assert told(pool) == []


def test_double_press_of_the_right_code_ends_where_the_first_did(client, pool):
    ask(client)
    answer(client)
    assert answer(client).redirect_chain == [(PAGE, 302)]
    assert len(pool.calls("check")) == len(pool.calls("tell")) == 1


def test_another_text_can_be_had_after_the_wait(client, pool):
    ask(client)
    assert client.post(RESEND).status_code == 429
    with seconds_later(31):
        assert "We texted you again." in text(client.post(RESEND, follow=True))
    assert len(pool.calls("prove")) == 2


@pytest.mark.parametrize("number", ["first", "second"])
def test_number_that_the_account_has_already_is_said(client, pool, known, number):
    ask(client)
    answer(client)
    pool.forget_calls()
    assert "has that number already" in text(
        ask(client, known.phone if number == "first" else SECOND)
    )
    assert pool.calls("prove") == []


def test_fresh_code_is_asked_for_first(client, pool, known):
    known.sessions.update(confirmed_at=None)
    for address in (PAGE, REMOVE):
        for response in (client.get(address), client.post(address, {"phone": SECOND})):
            assert response.status_code == 302
            assert response.url.startswith("/accounts/confirm/?next=")
    assert pool.calls("prove") == pool.calls("forget_second_number") == []


@pytest.mark.parametrize("address", [PAGE, CODE, RESEND, REMOVE])
def test_strangers_are_sent_to_sign_in(address):
    for method in ("get", "post"):
        assert getattr(Client(), method)(address).url.startswith("/accounts/login/?next=")


def test_function_that_is_away_is_said_and_nothing_changes(client, pool):
    ask(client)
    answer(client)
    pool.faults[""] = Reply(status=500)
    assert ask(client, OTHER).status_code == 503
    assert client.post(REMOVE).status_code == 503
    assert kept() == SECOND


def test_account_and_ways_show_it_masked_and_the_file_whole(client, known):
    assert "none yet" in text(client.get("/accounts/"))
    ask(client)
    answer(client)
    page = text(client.get("/accounts/"))
    assert PAGE in page
    assert SECOND not in page
    ways = client.get("/accounts/ways/").json()
    assert ways["second_number"].endswith("44")
    assert "2025550" not in ways["second_number"]
    assert personal_data.of(User.objects.get())["account"]["second_number"] == SECOND


def test_page_shows_it_whole_after_a_fresh_code(client):
    ask(client)
    assert "<strong>+1 202-555-0144</strong>" in text(answer(client))


def test_there_is_no_page_where_nobody_signs_in_so(client, settings):
    assert PAGE in text(client.get("/accounts/"))
    settings.ACCOUNTS_SECOND_NUMBER = False
    assert client.get(PAGE).status_code == 404
    assert client.post(REMOVE).status_code == 404
    assert PAGE not in text(client.get("/accounts/"))
    assert client.get("/accounts/ways/").json()["second_number"] == ""


def test_number_that_becomes_the_first_one_is_no_second_one_any_more(client, pool, known):
    ask(client)
    answer(client)
    done = operations.perform(
        Operation.Kind.CHANGE_NUMBER, known, by=known, phone=SECOND, verified=True
    )
    assert done.is_done
    assert (User.objects.get().phone, kept()) == (SECOND, "")


def test_number_and_code_are_in_no_log_and_masked_in_events(client, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("accounts"), "propagate", True)
    with caplog.at_level("DEBUG"):
        ask(client)
        answer(client)
    ours = [each for each in caplog.records if each.name.partition(".")[0] == "accounts"]
    assert ours
    assert not [each for each in ours if SECOND in each.getMessage() or RIGHT in each.getMessage()]
    assert not [each for each in SignInEvent.objects.values() if SECOND in str(each)]
