"""What stands in the way of a make target is said in one line, before anything is installed."""

import os
import re
import shutil
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from localcloud import preflight
from localcloud.emulator import free_port

pytestmark = pytest.mark.programs

START = "Start it in another terminal (make run), wait until it says Ready, and do this again."
IS_NEEDED = f"The local AWS is not running. {START}\n"
APPS_NEED_IT = IS_NEEDED.replace("make run", "make run PUBLIC_CLIENT=1")


@pytest.fixture
def clone(tmp_path: Path, project: Path) -> Path:
    """A fresh clone as far as it is needed here, in a folder with a name that is not easy."""
    clone = tmp_path / "my clone é"
    shutil.copytree(project / "localcloud", clone / "localcloud")
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(project / name, clone)
    return clone


@pytest.fixture
def make(clone: Path, tmp_path: Path):
    """``make("run")``: what a newcomer types. Returns the status and what was said."""
    # Whatever is on this machine, npm can be had, and ends at once.
    (tmp_path / "npm").touch(mode=0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def run(*arguments: str, python: Path | str = sys.executable) -> tuple[int, str]:
        done = subprocess.run(
            ["make", "--no-print-directory", f"PYTHON={python}", *arguments],
            cwd=clone,
            # No venv can be made, and nothing installed.
            env={"PATH": path, "LC_ALL": "C", "PIP_NO_INDEX": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
        return done.returncode, "".join(f"{line}\n" for line in said)

    return run


@pytest.fixture
def state(clone: Path) -> Path:
    state = clone / ".local"
    state.mkdir()
    return state


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("admin", "PHONE=+12015550123"), f"make admin: {IS_NEEDED}"),
        (("admin",), "make admin: Whose number? make admin PHONE=+12015550123\n"),
        (("manage", "ARGS=migrate"), f"make manage: {IS_NEEDED}"),
        (("spa",), f"make spa: {APPS_NEED_IT}"),
    ],
)
def test_target_before_make_run_says_what_to_do_first(make, clone, arguments, said):
    assert make(*arguments) == (2, said)
    assert not (clone / ".local").exists(), "Something was installed for nothing"


def test_operator_is_not_made_without_a_run_but_commands_are_run_with_a_note(make, state):
    (state / "env").touch()
    assert make("admin", "PHONE=+12015550123") == (2, f"make admin: {IS_NEEDED}")
    assert preflight.may_use(state, is_needed=False) == (
        "make run is not running: what asks AWS will fail."
    )


def test_run_that_is_still_starting_is_waited_for(make, state):
    (state / "env").touch()
    with preflight.alone(state):
        for target in ("admin", "manage"):
            assert make(target, "PHONE=+12015550123") == (
                2,
                f"make {target}: make run is still starting. Wait until it says Ready\n",
            )


def test_run_that_is_ready_is_used(state):
    with preflight.alone(state) as lock:
        lock.write("http://localhost:8000/")
        lock.flush()
        assert preflight.may_use(state, is_needed=True) == ""
    assert preflight.serving(state) is None
    with preflight.alone(state):
        assert preflight.serving(state) == "", "The address of an earlier run"


def test_apps_need_a_run_with_a_client_of_theirs(make, state):
    (state / "env").write_text("AWS_REGION=us-east-1\n")
    with preflight.alone(state) as lock:
        still = "make spa: make run is still starting. Wait until it says Ready\n"
        assert make("spa") == (2, still)
        lock.write("http://localhost:8000/")
        lock.flush()
        status, said = make("spa")
        assert status == 2
        assert said.startswith("make spa: The local AWS has no client for apps. End make run. ")
        (state / "env").write_text("AWS_REGION=us-east-1\nCOGNITO_PUBLIC_CLIENT_ID=x\n")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            _, said = make("spa", f"SPA_PORT={port}")
    advice = rf"make spa: Port {port} cannot be had; choose another: SPA_PORT=\d+ make spa\n"
    assert re.fullmatch(advice, said)


def test_apps_need_npm(state, monkeypatch):
    monkeypatch.setenv("PATH", str(state))
    with pytest.raises(preflight.LocalCloudError, match="Node 20 or newer with npm is needed"):
        preflight.may_serve_apps(8080, state)


def test_state_is_not_removed_under_a_run(make, state):
    with preflight.alone(state) as lock:
        assert make("clean") == (
            2,
            f"make clean: make run uses {state}. End it first, with Ctrl-C\n",
        )
        lock.write(address := "http://localhost:8123/")
        lock.flush()
        assert make("clean") == (
            2,
            f"make clean: make run uses {state} and serves {address}. End it first, with Ctrl-C\n",
        )
        assert state.exists()
    assert make("clean") == (0, "")
    assert not state.exists()
    assert make("clean") == (0, "")


def test_second_run_is_told_of_the_first_and_leaves_its_address_there(make, state):
    with preflight.alone(state) as lock:
        lock.write("http://localhost:8123/")
        lock.flush()
        assert make("run") == (
            2,
            f"make run: Another make run uses {state} already and serves http://localhost:8123/\n",
        )
        assert preflight.serving(state) == "http://localhost:8123/"


@pytest.mark.parametrize(("family", "address"), [("ipv4", "127.0.0.1"), ("ipv6", "::1")])
def test_taken_port_is_said_before_the_install_with_one_that_is_free(make, clone, family, address):
    try:
        taken = socket.create_server(
            (address, 0), family=socket.AF_INET6 if family == "ipv6" else socket.AF_INET
        )
    except OSError:
        pytest.skip("This machine has no IPv6")
    with taken:
        port = taken.getsockname()[1]
        status, said = make("run", f"PORT={port}")
    assert status == 2
    advice = rf"make run: Port {port} cannot be had; choose another: PORT=(\d+) make run\n"
    other = int(re.fullmatch(advice, said)[1])
    socket.create_server(("127.0.0.1", other)).close()
    assert not (clone / ".local").exists(), "Something was installed for nothing"


@pytest.mark.parametrize("port", ["http", "70000", "-1"])
def test_port_that_is_none_is_said_in_one_line(make, port):
    status, said = make("run", f"PORT={port}")
    assert status == 2
    assert "Traceback" not in said
    assert "port" in said.lower()


OLD_PYTHON = """#!/bin/sh
exec "{python}" -c 'import sys; sys.version_info = (3, 7, 1); exec(sys.argv[1])' "$2"
"""


@pytest.mark.parametrize("target", ["run", "admin", "manage", "aws", "install"])
def test_python_that_is_too_old_is_said_in_one_line(make, clone, target):
    old = clone / "python3.7"
    old.write_text(OLD_PYTHON.format(python=sys.executable))
    old.chmod(0o700)
    status, said = make(target, "PHONE=+12015550123", python="./python3.7")
    assert status == 2
    assert said.startswith("Python 3.11 or newer is needed: make PYTHON=python3.12 …\n")
    assert "Traceback" not in said
    assert not (clone / ".local" / "venv").exists()


NOT_INSTALLED = "make: Not installed; see above. Is there a network? Then do the same again."


def test_install_without_a_network_says_so_and_heals_what_was_killed_half_way(make, state):
    # As python -m venv leaves it when it is killed.
    venv.create(state / "venv", symlinks=True)
    status, said = make("install")
    assert (status, said.splitlines()[-1]) == (2, NOT_INSTALLED)
    assert "ERROR: No matching distribution" in said
    assert "No such file" not in said
    assert "No module named pip" not in said
    assert not (state / "venv" / ".site-installed").exists()


@pytest.fixture(params=["moved", "python gone"])
def broken(request: pytest.FixtureRequest, state: Path) -> Path:
    environment = state / "emulator-venv"
    # As make does, without a pip of its own.
    venv.create(environment, symlinks=True)
    if request.param == "moved":
        made = environment / "pyvenv.cfg"
        made.write_text(made.read_text().replace(str(state), "/another/place"))
    else:
        (environment / "bin" / "python").unlink()
        (environment / "bin" / "python").symlink_to(state / "python3.10")
    return environment


def test_environment_that_cannot_run_any_more_is_said_with_the_way_on(make, broken):
    said = f"{broken} was made in another place, or for a Python that is gone. "
    way_on = "Remove that folder, and do the same again"
    assert make("run", f"PORT={free_port()}") == (2, f"make run: {said}{way_on}\n")
    shutil.rmtree(broken)
    # With a pip of its own at hand, which would take seconds to make.
    venv.create(broken.with_name("venv"), symlinks=True, system_site_packages=True)
    _, said = make("run", f"PORT={free_port()}")
    # No network: it has got as far as the install.
    assert said.splitlines()[-1] == NOT_INSTALLED


@pytest.mark.parametrize("arguments", [(), ("WHAT=nonsense",)])
def test_bench_without_a_subject_names_those_that_there_are(make, clone, project, arguments):
    modules = (project / "tests" / "bench").glob("*.py")
    benches = {
        path.stem for path in modules if f"``make bench WHAT={path.stem}``" in path.read_text()
    }

    status, said = make("bench", *arguments)

    assert status == 2
    named = said.removeprefix("make bench: Which one? make bench WHAT=… with one of: ").split()
    assert benches
    assert set(named) == benches
    assert not (clone / ".local").exists()


def test_manage_py_without_settings_or_packages_says_where_they_are(project):
    def manage(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *options, "manage.py", "migrate"],
            cwd=project,
            env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    # Without its site directories this Python has the standard library alone.
    for options, why in (
        ((), "Set the DJANGO_SECRET_KEY environment variable"),
        (("-S",), "This Python has no Django"),
    ):
        done = manage(*options)
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert why in line
        assert line.endswith('make manage ARGS="…"')
