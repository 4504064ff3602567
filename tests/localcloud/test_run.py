"""``make run``, from outside: another process, a person's browser, signals."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from localcloud import preflight
from localcloud.__main__ import GENEROUS
from localcloud.emulator import free_port
from tests.localcloud import processes
from tests.localcloud.processes import needs_proc

pytestmark = [pytest.mark.cloud, needs_proc]

PHONE = "+12015550123"
# Nothing answers there.
DEAD = "http://127.0.0.1:9"
HOSTILE = {
    "HTTP_PROXY": DEAD,
    "http_proxy": DEAD,
    "HTTPS_PROXY": DEAD,
    "ALL_PROXY": DEAD,
    "no_proxy": "example.com",
    "AWS_PROFILE": "nonsense",
    "AWS_ACCESS_KEY_ID": "of-the-developer",
    "AWS_SECRET_ACCESS_KEY": "of-the-developer",
    "AWS_SESSION_TOKEN": "of-the-developer",
    "AWS_REGION": "eu-west-3",
    "AWS_ENDPOINT_URL": DEAD,
}

NEW_WORDS = """
_before = code_message


def code_message(*args, **named):
    return _before(*args, **named).replace(" ", " brand-new words ", 1)
"""


# Python prints and drops what is raised while it collects garbage.
SIGNAL_IN_A_COLLECTION = """
import gc, os, signal, sys, threading

def ask_to_stop(phase, info):
    if threading.current_thread() is threading.main_thread() and os.path.exists({path!r}):
        os.remove({path!r})
        signal.raise_signal(signal.SIGTERM)

if "localcloud" in sys.orig_argv:
    gc.set_threshold(50)
    gc.callbacks.append(ask_to_stop)
"""


class Run:
    """A ``python -m localcloud`` that this test started."""

    def __init__(self, project: Path, state: Path, **environment: str) -> None:
        self.state = state
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._output = state.with_name(f"{state.name}-{self.port}.log")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command(self.port), "--state", str(state)],
                cwd=project,
                env=bare_environment(state) | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As a shell does: Ctrl-C goes to all of the group.
                start_new_session=True,
            )

    def output(self) -> str:
        return self._output.read_text()

    def until(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not happened():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.01)

    def until_ready(self) -> None:
        self.until(lambda: "Ready." in self.output())

    def started(self, program: str) -> list[int]:
        """The processes that run ``program``, oldest first."""
        return sorted(pid for pid, line in processes.of(self.state).items() if program in line)

    def clean_up(self) -> None:
        """After a test that failed: end what it left, by id."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        processes.kill(self.state)


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "localcloud", "--port", str(port)]


def bare_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def start(tmp_path: Path, project: Path) -> Iterator[Callable[..., Run]]:
    """``start(**environment)``: a run of this project, or of ``project``, on this test's state."""
    runs: list[Run] = []

    def begin(project: Path = project, **environment: str) -> Run:
        runs.append(Run(project, tmp_path / "state", **environment))
        return runs[-1]

    yield begin
    for run in runs:
        run.clean_up()


class Person:
    """Somebody with a browser and a phone."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def get(self, url: str) -> requests.Response:
        return self.session.get(url, timeout=10)

    def send(self, page: requests.Response, **typed: str) -> requests.Response:
        """Fill in the first form of a page."""
        form = re.search(r"<form[^>]*>.*?</form>", page.text, re.DOTALL)[0]
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        return self.session.post(page.url, hidden | typed, timeout=10)

    def ask(self, url: str, phone: str) -> requests.Response:
        """Ask for a text. Returns the page of the code."""
        page = self.send(self.get(f"{url}/"), phone=phone)
        assert page.url == f"{url}/accounts/login/code/", re.sub(r"<[^>]+>|\s+", " ", page.text)
        return page

    def sign_in(self, url: str, phone: str) -> requests.Response:
        page = self.ask(url, phone)
        text = re.search(r'class="bubble"[^>]*>(\d{6})\b', self.get(f"{url}/local/inbox/").text)
        return self.send(page, code=text[1])


def subs(state: Path) -> list[str]:
    """The users of the site, as Cognito calls them."""
    with closing(sqlite3.connect(state / "db.sqlite3")) as database:
        return [sub for (sub,) in database.execute("SELECT sub FROM accounts_user")]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def copy(tmp_path: Path, project: Path) -> Path:
    """A copy of the project that a test may change."""
    copy = tmp_path / "project"
    packages = ("accounts", "cognito_admin", "config", "lambdas", "localcloud")
    for name in (*packages, "static", "templates"):
        shutil.copytree(project / name, copy / name)
    shutil.copy(project / "manage.py", copy)
    (copy / ".local").mkdir()
    (copy / ".local" / "emulator-venv").symlink_to(project / ".local" / "emulator-venv")
    return copy


def test_second_start_keeps_users_and_redeploys_changed_triggers(start, tmp_path, copy):
    """A developer's day: sign in, Ctrl-C, change a trigger, start again, and the site dies.

    With everything in the developer's environment that could lead astray.
    """
    person = Person()
    run = start(copy, **HOSTILE)
    run.until_ready()
    assert f"Site    {run.url}/" in run.output()
    assert f"Inbox   {run.url}/local/inbox/" in run.output()
    home = person.sign_in(run.url, PHONE)
    assert (home.status_code, home.url) == (200, f"{run.url}/")
    assert "sessionid" in home.request.headers["cookie"]
    # The site and its reloader; the emulator and its workers.
    assert len(run.started("runserver")) == 2
    assert len(run.started("emulator")) > 1
    addresses = {address for address, _ in processes.listening(processes.of(run.state))}
    assert addresses == {"127.0.0.1"}

    assert preflight.serving(run.state) == f"{run.url}/"

    second = start(copy)
    assert second.process.wait(20) == 1
    assert second.output() == f"make run: Another make run uses {run.state} already\n"
    assert run.process.poll() is None
    assert preflight.serving(run.state) == f"{run.url}/"

    # Again and again, as people do when it takes a moment.
    while run.process.poll() is None:
        os.killpg(run.process.pid, signal.SIGINT)
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    assert run.process.returncode == 0
    assert processes.left_of(run.state) == {}
    assert not is_listening(run.port)
    assert run.output().endswith(f"Stopped; users and texts are kept in {run.state}\n")
    assert "Traceback" not in run.output()
    before = subs(run.state)

    words = copy / "lambdas" / "triggers" / "messages" / "__init__.py"
    words.write_text(words.read_text() + NEW_WORDS)
    run = start(copy)
    run.until_ready()
    assert person.get(f"{run.url}/").url == f"{run.url}/", "Not signed in any more"
    inbox = person.get(f"{run.url}/local/inbox/").text
    assert 'class="bubble"' in inbox, "The text of before is gone"
    assert "brand-new words" not in inbox
    assert Person().sign_in(run.url, PHONE).url == f"{run.url}/"
    assert "brand-new words" in person.get(f"{run.url}/local/inbox/").text
    assert subs(run.state) == before
    assert len(before) == 1

    os.kill(run.started("manage.py runserver")[0], signal.SIGKILL)
    ends_with_one_line(run, "The site ended")


def test_texts_leave_all_day_and_one_that_does_not_is_said_with_the_way_on(start):
    """Far more than any limit of production lets through to a machine, a block, a number."""
    run = start()
    run.until_ready()
    # The first person does not wait while the triggers load, and lose the text by it.
    log = (run.state / "emulator" / "emulator.log").read_text()
    for trigger in ("define", "create", "verify"):
        assert f"spawned for phone-login-{trigger}-local" in log
    assert "No text to" not in run.output()
    for last in range(25):
        Person().ask(run.url, f"+120155501{last:02}")
    inbox = Person().get(f"{run.url}/local/inbox/").text
    assert inbox.count('class="bubble"') == 25, run.output()
    assert "No text to" not in run.output()

    Person().ask(run.url, "+12015550103")
    run.until(lambda: "No text to" in run.output())
    assert re.search(
        r"^No text to \+•+03 \([A-Z0-9]{3}-[A-Z0-9]{2}\): it was asked for too soon\. "
        r"The next may leave after the wait on the page\.$",
        run.output(),
        re.MULTILINE,
    )
    assert run.output().count("No text to") == 1


def test_limits_of_make_run_are_the_widest_that_the_template_allows(project):
    template = (project / "lambdas" / "template.yaml").read_text()
    parameters = re.findall(r"^  (\w+):\n((?:    .*\n)+)", template, re.MULTILINE)
    widest = {name: re.search(r"MaxValue: (\d+)", text) for name, text in parameters}
    limits = {name: found[1] for name, found in widest.items() if found and "Per" in name}
    assert len(limits) == 12
    # How often somebody may guess stays what it is.
    assert limits.items() - GENEROUS.items() <= {
        ("FailuresPerPoolDay", "10000"),
        ("FailuresPerPhone", "100"),
    }


def test_death_of_the_local_aws_ends_the_rest_with_one_line(start):
    run = start()
    run.until_ready()
    os.kill(run.started("bin/ministack")[0], signal.SIGKILL)
    ends_with_one_line(run, "The local AWS died: ")
    # It could not save its state, and starts with none.
    start().until_ready()


@processes.needs_proc
def test_run_that_is_killed_leaves_nothing_behind_and_starts_again(start):
    run = start()
    run.until_ready()
    run.process.kill()
    run.process.wait()
    assert processes.left_of(run.state) == {}
    assert not is_listening(run.port)
    start().until_ready()


def test_make_that_is_killed_leaves_nothing_behind(project, tmp_path):
    state, port = tmp_path / "state", free_port()
    recipe = subprocess.run(
        ["make", "--dry-run", "run", f"PORT={port}", f"RUN={sys.executable}"],
        cwd=project,
        # That of make test would let make name its folder after the recipe.
        env=bare_environment(state),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()[-1]
    output = tmp_path / "output"
    with output.open("wb") as file:
        # In the place of make, which would install what it needs first.
        make = subprocess.Popen(
            ["sh", "-c", f"({recipe} --state '{state}'); true"],
            cwd=project,
            env=bare_environment(state),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while "Ready." not in output.read_text():
            assert make.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        make.kill()
        make.wait()
        # All that it started is ended in good order, which takes a moment longer.
        assert processes.left_of(state, seconds=20) == {}
        assert "Stopped;" in output.read_text()
    finally:
        make.kill()
        processes.kill(state)


def ends_with_one_line(run: Run, reason: str) -> None:
    assert run.process.wait(20) == 1
    [line] = [line for line in run.output().splitlines() if line.startswith("make run: ")]
    assert line.startswith(f"make run: {reason}")
    assert "Traceback" not in run.output()
    assert processes.left_of(run.state) == {}
    assert not is_listening(run.port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_in_the_midst_of_the_deployment_ends_it(start, tmp_path, number):
    run = start()
    log = run.state / "emulator" / "emulator.log"
    run.until(lambda: log.exists() and "bucket created" in log.read_text())
    [emulator] = run.started("bin/ministack")
    # It hangs, so that the signal comes while an answer is awaited, and then goes on.
    os.kill(emulator, signal.SIGSTOP)
    run.process.send_signal(number)
    time.sleep(0.3)
    os.kill(emulator, signal.SIGCONT)
    assert run.process.wait(20) == 0
    assert "Traceback" not in run.output()
    assert processes.left_of(tmp_path) == {}


def test_signal_whose_exception_is_lost_ends_it_all_the_same(start, tmp_path):
    now, site = tmp_path / "now", tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SIGNAL_IN_A_COLLECTION.format(path=str(now)))
    run = start(PYTHONPATH=str(site))
    run.until_ready()
    now.touch()
    assert run.process.wait(20) == 0
    assert "Exception ignored in" in run.output()
    assert run.output().endswith(f"Stopped; users and texts are kept in {run.state}\n")
    assert processes.left_of(run.state) == {}


def test_database_that_cannot_be_migrated_ends_with_one_line(start, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "db.sqlite3").write_bytes(b"no database" * 1000)
    run = start()
    assert run.process.wait(30) == 1
    assert "\nmake run: The database could not be migrated; see above\n" in run.output()
    assert processes.left_of(tmp_path) == {}


def test_taken_port_is_said_in_one_line(tmp_path, project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*command(port), "--state", str(tmp_path / "state")],
            check=False,
            cwd=project,
            env=bare_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert done.stderr.startswith(f"make run: Port {port} cannot be had; choose another: PORT=")
    assert len(done.stderr.splitlines()) == 1
    assert (done.returncode, done.stdout) == (1, "")
    assert processes.left_of(tmp_path) == {}
    assert not (tmp_path / "state" / "emulator").exists()


def test_help_lists_every_target(project):
    makefile = (project / "Makefile").read_text()
    targets = {
        name
        for line in re.findall(r"^\.PHONY:((?:.*\\\n)*.*)", makefile, re.MULTILINE)
        for name in line.replace("\\", " ").split()
    }
    done = subprocess.run(
        ["make"], check=True, cwd=project, env={"PATH": os.environ["PATH"]}, capture_output=True
    )
    assert targets
    assert set(re.findall(r"^  make (\S+) +\S", done.stdout.decode(), re.MULTILINE)) == targets
