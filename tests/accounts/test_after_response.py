"""Work after a response: in the thread of the request, or in others that a server asks for."""

import threading
import time

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from accounts import after_response

# Django looks at its connections whenever a response is closed.
pytestmark = pytest.mark.django_db


@pytest.fixture
def close():
    """``close(*works)``: close a response whose request has left this work."""

    def closed(*works) -> None:
        request, response = RequestFactory().get("/"), HttpResponse()
        for work in works:
            after_response.do(request, work)
        after_response.let_work_at_close(request, response)
        response.close()
        response.close()

    return closed


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(after_response, "threads", after_response.Threads(1))


def broken() -> None:
    raise ValueError("broken")


def test_work_is_done_once_when_the_response_is_closed(close):
    done = []
    close(lambda: done.append(threading.get_ident()))
    assert done == [threading.get_ident()]


def test_work_that_breaks_is_logged_and_keeps_nothing_from_the_rest(close, caplog):
    done = []
    close(broken, lambda: done.append(1))
    assert done == [1]
    assert "Work after a response failed" in caplog.text


def test_connection_is_free_while_another_thread_works(close, threads):
    may_end, ended = threading.Event(), threading.Event()

    def long() -> None:
        may_end.wait(10)
        ended.set()

    close(long)
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(10)


def test_work_is_done_at_once_where_no_thread_is_free(close, threads):
    may_end, done = threading.Event(), []
    close(lambda: may_end.wait(10))
    close(lambda: done.append(threading.get_ident()))
    assert done == [threading.get_ident()]
    may_end.set()


def test_thread_is_free_again_after_work_that_broke(close, threads):
    for _ in range(3):
        done = threading.Event()
        close(broken, done.set)
        assert done.wait(10)


def test_work_that_is_apart_waits_for_the_next_request_to_pass(monkeypatch, threads):
    monkeypatch.setattr(after_response, "_APART", 0.3)
    request, response = RequestFactory().get("/"), HttpResponse()
    done = threading.Event()
    after_response.do(request, done.set, apart=True)
    after_response.let_work_at_close(request, response)
    began = time.perf_counter()
    response.close()
    assert done.wait(10)
    assert time.perf_counter() - began >= 0.3
