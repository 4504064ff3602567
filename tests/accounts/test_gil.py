import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.gil import Turns, in_turns

_SOON = 5.0


def test_no_more_threads_work_at_once_than_there_are_places():
    turns, lock, at_work, most = Turns(places=2, patience=_SOON), threading.Lock(), 0, 0

    def work(_):
        nonlocal at_work, most
        with turns.taken():
            with lock:
                at_work += 1
                most = max(most, at_work)
            threading.Event().wait(0.01)
            with lock:
                at_work -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(16)))
    assert most == 2


def test_turn_is_free_for_others_while_its_request_waits():
    turns = Turns(places=1, patience=_SOON)
    others = []
    with turns.taken():
        with turns.left(), ThreadPoolExecutor(1) as another:
            another.submit(lambda: others.append(_takes(turns))).result(timeout=_SOON)
        assert others == [True]
        # It is taken again afterwards.
        assert turns._places.acquire(blocking=False) is False


def test_request_goes_on_without_a_turn_after_its_patience():
    turns = Turns(places=1, patience=0.01)
    with turns.taken(), ThreadPoolExecutor(1) as another:
        assert another.submit(_takes, turns).result(timeout=_SOON)
    # It gave back none that it never had.
    assert turns._places.acquire(blocking=False)
    assert not turns._places.acquire(blocking=False)


def test_turn_ends_with_an_error():
    turns = Turns(places=1, patience=0.01)
    with pytest.raises(ZeroDivisionError), turns.taken(), turns.left():
        raise ZeroDivisionError
    assert turns._places.acquire(blocking=False)


def test_wait_outside_of_a_turn_takes_none():
    turns = Turns(places=1, patience=0.01)
    with turns.left():
        assert turns._places.acquire(blocking=False)


def test_application_answers_in_a_turn():
    application = in_turns(lambda environ, start_response: [environ["word"]])
    assert application({"word": b"here"}, lambda *_: None) == [b"here"]


def _takes(turns):
    with turns.taken():
        return True
