"""How long requests wait for a service, and how many of them at once."""

import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, ParamValidationError
from django.views.debug import ExceptionReporter

from accounts import gil, middleware
from accounts.aws import call_limits
from accounts.aws.call_limits import Bounded, Calls, NoAnswer


@pytest.fixture
def hang() -> Iterator[Callable[[], None]]:
    """A call that does not end before the test does."""
    over = threading.Event()
    yield lambda: over.wait(20)
    over.set()


def outcome(calls: Calls, call: Callable[[], object]) -> str:
    try:
        return str(calls.run(call))
    except call_limits.CallError as error:
        return type(error).__name__


def waiting(calls: Calls, call: Callable[[], object], count: int) -> None:
    """Let so many requests begin to wait."""
    for _ in range(count):
        threading.Thread(target=outcome, args=(calls, call), daemon=True).start()
    deadline = time.monotonic() + 5
    while len(calls._begun) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def timeout() -> None:
    raise ConnectTimeoutError(endpoint_url="http://127.0.0.1:9")


def refuse() -> None:
    raise ParamValidationError(report="")


def test_call_returns_what_it_returns_and_raises_what_it_raises():
    calls = Calls(2)
    assert calls.run(lambda: "an answer") == "an answer"
    with pytest.raises(ParamValidationError):
        calls.run(refuse)


def test_request_that_waits_lets_others_work(hang):
    calls = Calls(4)

    def in_a_turn() -> None:
        with gil.current.taken():
            outcome(calls, hang)

    for _ in range(2):
        threading.Thread(target=in_a_turn, daemon=True).start()
    while len(calls._begun) < 2:
        time.sleep(0.005)
    began = time.monotonic()
    with gil.current.taken(), gil.current.taken():
        assert time.monotonic() - began < gil.PATIENCE


def test_call_that_hangs_is_waited_for_until_the_deadline(hang):
    with call_limits.deadline(0.05), pytest.raises(NoAnswer):
        Calls(2).run(hang)


def test_calls_of_a_request_share_one_deadline(hang):
    calls, asked = Calls(4), []
    with call_limits.deadline(0.05):
        assert outcome(calls, hang) == "NoAnswer"
        assert outcome(calls, lambda: asked.append(1)) == "NotSent"
    assert asked == []
    assert outcome(calls, lambda: "after it") == "after it"


def test_request_has_a_deadline_and_work_after_it_another(rf):
    seen: list[float | None] = []
    middleware.limit_calls(lambda request: seen.append(call_limits._ends_at.get()))(rf.get("/"))
    assert seen[0] == pytest.approx(time.monotonic() + call_limits.LONGEST, abs=1)
    assert call_limits._ends_at.get() is None


def test_one_thread_is_left_while_the_others_wait(hang):
    calls = Calls(4)
    waiting(calls, hang, 3)
    assert outcome(calls, lambda: "asked") == "NotSent"


def test_half_of_the_threads_are_left_once_a_call_is_slow(hang, monkeypatch):
    monkeypatch.setattr(call_limits, "_SLOW", 0.05)
    calls = Calls(8)
    waiting(calls, hang, 3)
    time.sleep(0.06)
    assert outcome(calls, lambda: "asked") == "asked"
    waiting(calls, hang, 4)
    assert outcome(calls, lambda: "asked") == "NotSent"


def test_one_thread_is_left_while_the_others_wait_for_several_services(hang, settings):
    settings.WEB_THREADS = 4
    one, other = call_limits.calls_to("one"), call_limits.calls_to("other")
    waiting(one, hang, 2)
    waiting(other, hang, 1)
    assert [outcome(each, lambda: "asked") for each in (one, other)] == ["NotSent"] * 2


def test_places_are_given_back_by_calls_that_were_not_made(hang, settings):
    settings.WEB_THREADS = 2
    calls = call_limits.calls_to("one")
    for _ in range(5):
        with pytest.raises(ConnectTimeoutError):
            calls.run(timeout)
    assert [outcome(calls, lambda: "asked") for _ in range(3)] == ["NotSent"] * 3
    assert outcome(call_limits.calls_to("other"), lambda: "asked") == "asked"


def test_machine_without_threads_sends_nothing_and_is_asked_again_later(monkeypatch):
    def refuse_to_start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls = Calls(2)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse_to_start)
        assert [outcome(calls, lambda: "asked") for _ in range(9)] == ["NotSent"] * 9
    assert outcome(calls, lambda: "asked") == "asked"


def test_site_with_one_thread_asks_all_the_same():
    assert Calls(1).run(lambda: "asked") == "asked"


@pytest.mark.parametrize("failure", [timeout, None], ids=["refused", "hanging"])
def test_five_failures_in_a_row_keep_the_next_from_asking(hang, failure, monkeypatch):
    monkeypatch.setattr(call_limits, "_SLOW", 0.01)
    calls = Calls(20)
    for _ in range(5):
        with call_limits.deadline(0.02), pytest.raises((NoAnswer, ConnectTimeoutError)):
            calls.run(failure or hang)
    assert outcome(calls, lambda: "asked") == "NotSent"


def test_calls_with_little_time_left_say_nothing_of_the_service(hang):
    """A slow database, say, has used up the time of the request."""
    calls = Calls(20)
    for _ in range(5):
        with call_limits.deadline(0.02), pytest.raises(NoAnswer):
            calls.run(hang)
    assert outcome(calls, lambda: "asked") == "asked"


def test_answers_between_failures_let_the_next_one_ask():
    calls = Calls(4)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(ConnectTimeoutError):
                calls.run(timeout)
        with pytest.raises(ParamValidationError):
            calls.run(refuse)
    assert outcome(calls, lambda: "asked") == "asked"


def test_calls_that_never_end_are_bounded(hang):
    calls = Calls(2)
    calls._breaker = call_limits.Breaker(0, failures=1000)
    with call_limits.deadline(0.01):
        pass
    outcomes = []
    for _ in range(6):
        with call_limits.deadline(0.01):
            outcomes.append(outcome(calls, hang))
    assert outcomes == ["NoAnswer"] * 4 + ["NotSent"] * 2


def test_answers_reach_those_who_asked_for_them():
    calls = Calls(16)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: calls.run(lambda: n), range(200)))
    assert got == list(range(200))


def test_calls_one_after_the_other_are_made_by_one_thread():
    calls = Calls(4)
    assert len({calls.run(threading.get_ident) for _ in range(20)}) == 1


def test_thread_of_a_call_that_hangs_is_left_to_it(hang):
    calls = Calls(4)
    calls.run(lambda: None)
    with call_limits.deadline(0.05), pytest.raises(NoAnswer):
        calls.run(hang)
    assert calls.run(lambda: "an answer") == "an answer"


def test_thread_that_waits_for_a_call_holds_on_to_nothing_of_the_last():
    class Code:
        def send(self) -> None:
            pass

    calls, code = Calls(4), Code()
    gone = weakref.ref(code)
    calls.run(code.send)
    del code
    deadline = time.monotonic() + 5
    while gone():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_report_of_an_error_shows_nothing_of_the_call(rf):
    calls = Calls(4)
    with pytest.raises(TypeError) as raised:
        calls.run(partial(int, "1", "048213"))
    found = raised.value
    report = ExceptionReporter(rf.get("/"), type(found), found, found.__traceback__)
    frames = {frame["function"]: str(frame["vars"]) for frame in report.get_traceback_frames()}
    assert "********" in frames["_answer"]
    assert "048213" not in frames["_answer"] + frames["run"]


FORK = """
import os
import django
django.setup()
from accounts.aws import call_limits
calls = call_limits.Calls(4)
calls.run(os.getpid)
child = os.fork()
if child == 0:
    with call_limits.deadline(5):
        os._exit(calls.run(os.getpid) != os.getpid())
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
"""


@pytest.mark.programs
def test_process_that_was_forked_makes_calls_of_its_own(project):
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server that answers with a byte every now and then, for ever."""
    over = threading.Event()

    def serve(server: socket.socket) -> None:
        try:
            client, _ = server.accept()
            with client:
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
                while not over.wait(0.02):
                    client.sendall(b"a")
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()


def test_answer_in_drips_ends_at_the_deadline(dripping):
    client = boto3.Session().client(
        "cognito-idp",
        region_name="eu-west-1",
        endpoint_url=dripping,
        # Each drip comes well before this.
        config=Config(read_timeout=10, retries={"total_max_attempts": 1}),
    )
    with call_limits.deadline(0.3), pytest.raises(NoAnswer):
        Bounded(client, Calls(4)).describe_user_pool(UserPoolId="eu-west-1_Example01")


def test_bounded_client_keeps_what_is_no_operation():
    client = boto3.Session().client("cognito-idp", region_name="eu-west-1")
    bounded = Bounded(client, Calls(4))
    assert bounded.exceptions is client.exceptions
    assert bounded.meta is client.meta
