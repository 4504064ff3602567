"""Texts with a code, within the limits of one number."""

from dataclasses import replace

import pytest

from lambdas.triggers.ledger import Verdict
from tests.lambdas.ledger.book import DAY, HOUR, MINUTE, START, TABLE, in_parallel, joined

pytestmark = pytest.mark.cloud


def test_first_start_sends_and_says_when_to_ask_again(book, name):
    reservation = book.texts.reserve(name, now=START)
    assert reservation.verdict is Verdict.SEND
    assert reservation.resend_at == START + 30
    assert reservation.challenge.expires_at == START + 300
    assert reservation.challenge.code_length == 6


def test_start_within_the_cooldown_gives_the_same_challenge_and_no_text(book, name):
    first = book.texts.reserve(name, now=START)
    second = book.texts.reserve(name, now=START + 29)
    assert second == replace(first, verdict=Verdict.COOLDOWN, texted_at=int(START))


def test_living_code_is_sent_again_after_the_cooldown(book, name):
    first = book.texts.reserve(name, now=START)
    second = book.texts.reserve(name, now=START + 30)
    assert second.verdict is Verdict.SEND_AGAIN
    assert second.challenge == first.challenge
    assert second.resend_at == START + 90


@pytest.mark.parametrize(("age", "is_same"), [(180, True), (181, False)])
def test_code_is_replaced_when_less_than_two_minutes_are_left(book, name, age, is_same):
    first = book.texts.reserve(name, now=START)
    later = book.texts.reserve(name, now=START + age)
    assert later.may_send
    assert (later.challenge == first.challenge) is is_same


def test_cooldown_grows_with_every_text_of_the_hour(book, name):
    at = START
    for cooldown in (30, 60, 120, 300):
        assert book.texts.reserve(name, now=at).may_send
        assert book.texts.reserve(name, now=at + cooldown - 1).verdict is Verdict.COOLDOWN
        at += cooldown
    assert book.texts.reserve(name, now=at).may_send


def test_failed_text_frees_the_cooldown_and_stays_counted(book, name):
    for step in range(5):
        reservation = book.texts.reserve(name, now=START + step)
        assert reservation.may_send
        book.texts.release(name, now=START + step)
    assert book.texts.reserve(name, now=START + 5).verdict is Verdict.PHONE_HOUR


def test_five_texts_in_any_hour(book, name):
    times = [START + n * 6 * MINUTE for n in range(5)]
    assert all(book.texts.reserve(name, now=now).may_send for now in times)
    assert not book.texts.reserve(name, now=START + HOUR - 1).may_send
    assert book.texts.reserve(name, now=START + HOUR).may_send
    assert not book.texts.reserve(name, now=START + HOUR + 5 * MINUTE).may_send
    assert book.texts.reserve(name, now=START + HOUR + 6 * MINUTE).may_send


def test_ten_texts_in_any_day(book, name):
    sent = [
        now
        for n in range(60)
        if book.texts.reserve(name, now=(now := START + n * 20 * MINUTE)).may_send
    ]
    assert len(sent) == 10
    assert book.texts.reserve(name, now=START + DAY - 1).verdict is Verdict.PHONE_DAY
    assert book.texts.reserve(name, now=START + DAY).may_send


def test_parallel_starts_give_one_text_and_one_challenge(book, name):
    got = in_parallel(60, lambda _: book.texts.reserve(name, now=START))
    assert [r.verdict for r in got].count(Verdict.SEND) == 1
    assert {r.verdict for r in got} == {Verdict.SEND, Verdict.COOLDOWN}
    assert len({r.challenge for r in got}) == 1


def test_parallel_resends_give_one_more_text(book, name):
    book.texts.reserve(name, now=START)
    got = in_parallel(60, lambda _: book.texts.reserve(name, now=START + 40))
    assert [r.may_send for r in got].count(True) == 1
    assert len({r.challenge for r in got}) == 1
    assert sum(bool(r.challenge.mark) for r in got) == 1


def test_burnt_code_is_not_replaced_within_the_cooldown(book, name):
    burnt = joined(book.texts.reserve(name, now=START).challenge)
    for _ in range(3):
        book.answers.count(name, burnt, now=START)
    early = book.texts.reserve(name, now=START + 10)
    assert early.verdict is Verdict.COOLDOWN
    assert not book.answers.count(name, early.challenge, now=START + 11)
    again = book.texts.reserve(name, now=START + 30)
    assert (again.verdict, again.tries_left) == (Verdict.SEND_AGAIN, 3)
    assert book.answers.count(name, again.challenge, now=START + 31)


def test_number_unlocked_during_a_resend_gets_no_text(book, name):
    living = book.texts.reserve(name, now=START).challenge
    book.unlock(name)
    assert book.texts._reserve_again(name, living, now=START + 31).verdict is Verdict.COOLDOWN


def test_item_of_a_number_that_never_answers_does_not_grow_without_end(book, client, name):
    for n in range(80):
        book.texts.reserve(name, now=START + n * 3 * HOUR)
    item = client.get_item(TableName=TABLE, Key={"pk": {"S": f"phone#{name}"}})["Item"]
    assert len(item["recent"]["L"]) <= 25
