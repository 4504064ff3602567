"""Owners who say "not me": texts that strangers ask for stop, on a real table."""

import re
import time

import pytest

from lambdas.triggers import keys, ledger, messages, site_texts, stop_words
from tests.lambdas import emf
from tests.lambdas.flow import PUBLIC, Flow, drawn, in_parallel, state
from tests.wire import Reply

pytestmark = pytest.mark.cloud

HOUR = 3600
DAY = 24 * HOUR


def word_in(text: str) -> str:
    found = re.search(r"Not you\? example\.com/no/([A-Z0-9]{5})\n", text)
    assert found, text
    return found[1]


def stop(flow: Flow, word: object, **changes: object) -> bool:
    asked = {"action": "stop", "phone": flow.phone, "word": word}
    answer = site_texts.handler(asked | changes, None)
    assert list(answer) == ["is_done", "until"]
    return answer["is_done"]


def prove(flow: Flow, **changes: object) -> dict:
    asked = {"action": "prove", "phone": flow.phone, "user": flow.sub, "language": "en"}
    return site_texts.handler(asked | changes, None)


def test_text_says_how_to_stop_further_ones(flow, texted):
    [text] = flow.messages()
    assert word_in(text) == stop_words.word_of(flow.name, drawn(texted))
    assert messages.parts(text) == 1
    # The last line is that of the code, as phones want it.
    assert text.endswith(f"\n\n@example.com #{flow.code()}")


def test_word_from_the_text_stops_texts_and_ends_the_code(flow, texted, clock):
    code = flow.code()
    assert stop(flow, word_in(flow.messages()[-1]).lower())
    assert not flow.answer(texted, code)
    clock.shift(HOUR)
    flow.start()
    clock.shift(22 * HOUR)
    flow.start()
    assert len(flow.messages()) == 1
    clock.shift(HOUR)
    again = flow.start()
    assert len(flow.messages()) == 2
    assert flow.answer(again, flow.code())


def test_stranger_is_told_the_same_as_of_a_number_that_nobody_stopped(flow, texted, clock, event):
    assert stop(flow, word_in(flow.messages()[-1]))
    clock.shift(HOUR)
    asked, other = flow.start(), flow.other("+12015550198")
    theirs = other.start()
    assert len(other.messages()) == 1
    ignored = ("reference", "expiresAt", "resendAt", "textedAt", "now")
    for each in ignored:
        assert bool(asked[PUBLIC].pop(each)) == bool(theirs[PUBLIC].pop(each))
    assert asked[PUBLIC] == theirs[PUBLIC]


def test_text_is_not_sent_and_operators_read_why(flow, texted, clock, capsys):
    assert stop(flow, word_in(flow.messages()[-1]))
    assert state(flow).stopped_until == pytest.approx(time.time() + DAY, abs=2)
    clock.shift(HOUR)
    capsys.readouterr()
    flow.start()
    [line] = [
        each for each in emf.lines(capsys.readouterr().out) if each["event"] == "text_not_sent"
    ]
    assert line["Reason"] == "stopped"


def test_owner_who_is_signed_in_still_confirms(flow, texted, clock):
    assert stop(flow, word_in(flow.messages()[-1]))
    clock.shift(HOUR)
    assert prove(flow, purpose="confirm")["delivery"] == "sent"
    # Nobody else can ask for that text, so it has no word.
    assert "/no/" not in flow.messages()[-1]


def test_number_that_is_stopped_is_not_proven_by_strangers(flow, texted, clock):
    assert stop(flow, word_in(flow.messages()[-1]))
    clock.shift(HOUR)
    prove(flow)
    assert len(flow.messages()) == 1


def test_word_is_neither_the_code_nor_shown_to_whoever_asked(flow, texted):
    word = word_in(flow.messages()[-1])
    assert word not in str(texted).replace("-", "")
    assert word not in flow.code()


@pytest.mark.parametrize("word", ["", "AAAAA", None, 7, True, ["K7F2Q"], "K7F2Q" * 999, "ÄÖÜäö"])
def test_other_words_stop_nothing(flow, texted, word, clock):
    assert not stop(flow, word)
    clock.shift(HOUR)
    flow.start()
    assert len(flow.messages()) == 2


def test_reference_that_the_page_shows_stops_nothing(flow, texted):
    assert not stop(flow, texted[PUBLIC]["reference"].replace("-", ""))


def test_word_of_another_number_stops_nothing(flow, texted):
    assert not stop(flow.other("+12015550197"), word_in(flow.messages()[-1]))


def test_words_are_counted_before_they_are_compared(flow, texted):
    assert in_parallel(40, lambda n: stop(flow, "AAAAA")) == [False] * 40
    assert not stop(flow, word_in(flow.messages()[-1]))


def test_word_of_the_text_before_stops_too_and_none_after_a_day(flow, texted, clock):
    word = word_in(flow.messages()[-1])
    clock.shift(HOUR)
    flow.start()
    assert stop(flow, word)
    clock.shift(DAY)
    assert not stop(flow, word)


def test_owner_allows_texts_again(flow, texted, clock):
    word = word_in(flow.messages()[-1])
    assert stop(flow, word)
    assert stop(flow, word, lift=True)
    clock.shift(HOUR)
    flow.start()
    assert len(flow.messages()) == 2


def test_operator_who_unlocks_the_number_allows_texts_again(flow, texted):
    assert stop(flow, word_in(flow.messages()[-1]))
    ledger.configured().unlock(flow.name)
    assert state(flow).stopped_until == 0


def test_texts_say_nothing_of_it_where_it_is_switched_off(flow, monkeypatch):
    monkeypatch.setenv("STOP_HOURS", "0")
    flow.start()
    assert "/no/" not in flow.messages()[-1]


def test_text_to_india_keeps_the_words_that_were_registered(flow, monkeypatch):
    monkeypatch.setenv("ALLOWED_COUNTRIES", "IN")
    indian = flow.other("+919876543210")
    indian.start()
    assert "/no/" not in indian.messages()[-1]


def test_no_word_costs_a_second_text(flow, monkeypatch):
    monkeypatch.setenv("SITE_HOST", "a" * 52)
    flow.start()
    assert "/no/" not in flow.messages()[-1]


def test_word_needs_the_server_key(flow, texted, secrets_manager):
    name, challenge = flow.name, drawn(texted)
    before = stop_words.word_of(name, challenge)
    keys._server_key.cache_clear()
    secrets_manager.renew()
    secrets_manager.will(Reply({"SecretString": "another key of thirty-two bytes!"}))
    assert stop_words.word_of(name, challenge) != before
