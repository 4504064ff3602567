"""A proof of work before a text, on networks that ask for texts and hardly type codes."""

import re
import time
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from accounts.models import SignInEvent
from tests.login_steps import CODE, LOGIN, RESEND, answer, ask, who
from tests.proofs import solved

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

WORK = "/accounts/login/challenge/"
THERE = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.fixture(autouse=True)
def network(settings) -> Iterator[None]:
    """One that may have two texts of which no code is typed, in the middle of an hour."""
    settings.ACCOUNTS_SENDS = settings.ACCOUNTS_WRONG_CODES = "1000/hour"
    settings.ACCOUNTS_UNUSED_SENDS = "2/hour"
    with time_machine.travel(time.time() // 3600 * 3600 + 1800, tick=True):
        yield


@pytest.fixture
def neighbour(phone: str):
    """``neighbour(3)``: another number, the same each time."""
    return lambda number: f"{phone[:-4]}{7000 + number}"


@pytest.fixture
def only_asks(pool, neighbour) -> None:
    """Texts were asked for from here, and no code was typed."""
    for number in range(2):
        assert ask(Client(), neighbour(number)).url == CODE
    pool.texts.clear()


def task_of(client: Client) -> dict[str, str]:
    page = client.get(WORK).content.decode()
    digest, salt, largest = (
        re.search(f'data-{name}="([^"]+)"', page)[1] for name in ("digest", "salt", "largest")
    )
    return {"challenge": digest, "salt": salt, "maxnumber": largest}


def work(client: Client, number: str | None = None):
    number = solved(task_of(client)) if number is None else number
    return client.post(WORK, {"answer": number, "kind": "proof"})


@pytest.mark.usefixtures("only_asks")
def test_text_to_a_network_that_only_asks_costs_work_and_leaves_then(client, pool, phone):
    pool.forget_calls()
    assert ask(client, phone).url == WORK
    assert pool.operations() == []
    assert work(client).url == CODE
    assert [to for to, _ in pool.texts] == [phone]
    assert answer(client, pool.code()).url == "/"
    assert who(client).phone == phone


@pytest.mark.usefixtures("only_asks")
def test_other_network_is_not_asked_for_work(pool, phone):
    assert Client(**THERE).post(LOGIN, {"phone": phone}).url == CODE


@pytest.mark.usefixtures("only_asks")
def test_work_is_never_a_stop(pool, neighbour):
    for number in range(10, 18):
        client = Client()
        assert ask(client, neighbour(number)).url == WORK
        assert work(client).url == CODE
    assert len(pool.texts) == 8


@pytest.mark.usefixtures("only_asks")
def test_right_code_gives_its_network_two_texts_back(client, pool, phone, neighbour):
    ask(client, phone)
    work(client)
    answer(client, pool.code())
    assert [ask(Client(), neighbour(n)).url for n in range(20, 23)] == [CODE, CODE, WORK]


@pytest.mark.usefixtures("only_asks")
def test_wrong_code_gives_nothing_back(client, pool, phone, neighbour):
    ask(client, phone)
    work(client)
    assert answer(client, pool.wrong_code()).status_code == 200
    assert ask(Client(), neighbour(20)).url == WORK


def test_network_where_most_codes_are_used_does_no_work(pool, neighbour):
    for number in range(9):
        client = Client()
        assert ask(client, neighbour(number)).url == CODE
        if number % 3 != 2:
            assert answer(client, pool.code()).url == "/"


def test_browser_that_is_known_to_the_account_does_no_work(client, pool, known, neighbour):
    ask(client, known.phone)
    answer(client, pool.code())
    client.post("/accounts/logout/")
    for number in range(5):
        ask(Client(), neighbour(number))
    assert ask(Client(), known.phone).url == WORK
    assert ask(client, known.phone).url == CODE
    # It is known to that account alone.
    assert ask(client, neighbour(9)).url == WORK


@pytest.mark.usefixtures("only_asks")
def test_wrong_number_texts_nobody_and_the_third_one_ends_it(client, pool, phone):
    ask(client, phone)
    for number in ("50001", "-1"):
        page = work(client, number)
        assert page.status_code == 200
    assert "1 try left" in page.content.decode()
    assert work(client, "50002").url == LOGIN
    assert pool.texts == []
    assert ask(client, phone).url == WORK


@pytest.mark.usefixtures("only_asks")
def test_work_is_for_the_browser_and_the_number_that_it_was_asked_of(
    client, pool, phone, neighbour
):
    ask(client, phone)
    number = solved(task_of(client))
    other = Client()
    ask(other, neighbour(5))
    assert work(other, number).status_code == 200
    assert pool.texts == []
    # Once: the same answer texts nobody again.
    work(client, number)
    assert work(client, number).url == CODE
    assert len(pool.texts) == 1
    ask(client, neighbour(6))
    assert work(client, number).status_code == 200
    assert len(pool.texts) == 1


@pytest.mark.usefixtures("only_asks")
def test_work_that_comes_too_late_texts_nobody(client, pool, phone):
    ask(client, phone)
    number = solved(task_of(client))
    with time_machine.travel(time.time() + 301, tick=True):
        page = work(client, number)
        assert "too old" in page.content.decode()
    assert pool.texts == []


@pytest.mark.parametrize("sign_up", ["open", "closed"])
@pytest.mark.usefixtures("only_asks")
def test_work_says_nothing_of_the_number(pool, known, neighbour, settings, sign_up):
    settings.ACCOUNTS_SIGN_UP = sign_up
    pages = []
    for phone in (known.phone, neighbour(5)):
        client = Client()
        assert ask(client, phone).url == WORK
        pages.append(re.sub(r'data-\w+="[^"]+"|value="[^"]+"|\w{3}-\w{2}\b', "", shown(client)))
        assert work(client).url == CODE
    assert pages[0] == pages[1]


def shown(client: Client) -> str:
    return re.sub(r"\+1[ \d•-]+\d", "", client.get(WORK).content.decode())


@pytest.mark.usefixtures("only_asks")
def test_operators_see_the_work_and_the_text_of_one_attempt(client, pool, phone):
    SignInEvent.objects.all().delete()
    ask(client, phone)
    work(client)
    events = SignInEvent.objects.order_by("pk")
    assert [(each.kind, each.reason) for each in events] == [
        ("started", ""),
        ("blocked", "only_asks"),
        ("sent", ""),
    ]
    assert len({each.attempt for each in events}) == 1


def test_another_text_to_the_same_number_counts_and_costs_no_work(client, pool, phone, neighbour):
    ask(client, phone)
    pool.end_cooldowns()
    with time_machine.travel(time.time() + 61, tick=True):
        client.post(RESEND)
        assert len(pool.texts) == 2
        client.post(RESEND)
        assert ask(Client(), neighbour(5)).url == WORK


@pytest.mark.parametrize("plan", ["proof code", "captcha code"])
@pytest.mark.usefixtures("only_asks")
def test_nobody_works_twice_for_one_text(pool, phone, settings, plan):
    settings.ACCOUNTS_SIGN_IN_PLAN = plan
    assert ask(Client(), phone).url == CODE
