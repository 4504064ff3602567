"""Codes belong to whoever asked for them: the tries of several browsers, at the strict front."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from accounts.aws import cognito
from tests.codes import code_in, wrong
from tests.login_steps import CODE, LOGIN, answer, ask, is_signed_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_limits_of_networks(on_cloud, settings) -> None:
    settings.ACCOUNTS_WRONG_CODES = settings.ACCOUNTS_SENDS = "1000/minute"


def says(page) -> str:
    return " ".join(page.content.decode().split())


def takes_a_code(browser: Client, *, hint: str = "") -> bool:
    """Whether the browser may type a code; ``hint`` is what the page says of tries, if anything."""
    page = says(browser.get(CODE))
    return 'name="code"' in page and (hint in page if hint else "left." not in page)


def three_wrong(browser: Client, code: str, *, first: int = 1) -> None:
    for by in range(first, first + 3):
        answer(browser, wrong(code, by))


def test_wrong_codes_elsewhere_do_not_spend_the_code_of_a_new_browser(phone, texts):
    owner, stranger = Client(), Client()
    ask(owner, phone)
    code = code_in(texts(phone)[0])
    ask(stranger, phone)
    assert takes_a_code(stranger)
    three_wrong(stranger, code)
    assert "You have 2 tries left" in says(answer(owner, wrong(code, 4)))
    assert answer(owner, code).url == "/"
    assert is_signed_in(owner)
    assert len(texts(phone)) == 1


def test_late_text_that_a_stranger_asked_for_works_once_the_stranger_has_no_try(phone, texts):
    stranger, owner = Client(), Client()
    ask(stranger, phone)
    code = code_in(texts(phone)[0])
    three_wrong(stranger, code)
    ask(owner, phone)
    assert takes_a_code(owner)
    assert answer(owner, code).url == "/"
    assert is_signed_in(owner)
    assert len(texts(phone)) == 1


def test_many_sessions_past_the_site_do_not_spend_the_code_of_whoever_asked(phone, texts):
    owner = Client()
    ask(owner, phone)
    code = code_in(texts(phone)[0])
    gateway = cognito.gateway()

    def guess(by: int) -> None:
        # A busy machine may fail a call.
        with contextlib.suppress(cognito.NoAnswer):
            gateway.answer_challenge(gateway.start_challenge(phone), wrong(code, by + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(guess, range(8)))
    assert answer(owner, code).url == "/"


def test_same_code_texted_again_has_tries_for_each_who_asked(phone, texts, age_ledger):
    """Whoever asks last takes nothing from whoever asked first, nor the other way round."""
    first, second, other = Client(), Client(), Client()
    ask(first, phone)
    age_ledger(31)
    ask(second, phone)
    ask(other, phone)
    code, again = (code_in(text) for text in texts(phone))
    assert again == code
    three_wrong(first, code)
    three_wrong(other, code, first=4)
    assert "You have 2 tries left" in says(answer(second, wrong(code, 7)))
    assert answer(second, code).url == "/"


def test_page_tells_the_tries_of_its_own_sign_in(phone, texts):
    owner, stranger, other = Client(), Client(), Client()
    ask(owner, phone)
    code = code_in(texts(phone)[0])
    ask(stranger, phone)
    assert "You have 2 tries left" in says(answer(stranger, wrong(code, 1)))
    ask(other, phone)
    assert takes_a_code(other, hint="You have 2 tries left.")
    assert takes_a_code(owner)


@pytest.mark.parametrize("sign_up", ["open", "closed"])
def test_code_whose_tries_others_used_up_is_said_to_be_of_no_use(phone, texts, settings, sign_up):
    """Also where nobody has the number: the page is the same."""
    settings.ACCOUNTS_SIGN_UP = sign_up
    asked, late, stranger = Client(), Client(), Client()
    ask(asked, phone)
    code = code_in(texts(phone)[0]) if sign_up == "open" else "123456"
    ask(late, phone)
    ask(stranger, phone)
    three_wrong(stranger, code)
    page = late.post(CODE, {"code": code}, follow=True)
    assert page.redirect_chain == [(LOGIN, 302)]
    assert "typed wrong codes for this number, on another device" in says(page)
    assert "tries left" not in says(page)
    ask(late, phone)
    assert "No text was sent" in says(late.get(CODE))
