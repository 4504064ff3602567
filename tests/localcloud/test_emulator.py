"""The emulator's process, from its start to its end, whatever the program does."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from localcloud import LocalCloudError, emulator, inbox
from localcloud.cloud import EMULATOR_PROGRAM, Cloud
from localcloud.emulator import Emulator
from tests.localcloud import processes
from tests.localcloud.processes import needs_proc

SILENT = "exec sleep 60"
DEAF = "trap '' TERM; while :; do sleep 0.1; done"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Emulator]:
    local_aws = Emulator(EMULATOR_PROGRAM, tmp_path)
    local_aws.start()
    yield local_aws
    local_aws.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """``program(script)``: a program that does that instead of what the emulator does."""

    def write(script: str) -> Path:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path

    return write


def client(local_aws: Emulator, service: str):
    key = local_aws.root_key
    session = boto3.Session(key.id, key.secret, region_name=emulator.REGION)
    return session.client(service, endpoint_url=local_aws.url)


def wake_a_trigger(cloud: Cloud) -> None:
    functions = cloud.root_session().client("lambda", endpoint_url=cloud.emulator.url)
    functions.invoke(
        FunctionName="phone-login-define-local", Payload=b'{"request": {"session": []}}'
    )


@needs_proc
@pytest.mark.cloud
def test_sockets_are_on_loopback_only(cloud):
    wake_a_trigger(cloud)
    port = int(cloud.emulator.url.rpartition(":")[2])
    assert port != 8883
    assert processes.listening(processes.of(cloud.state_dir)) == {("127.0.0.1", port)}


@needs_proc
@pytest.mark.cloud
def test_ctrl_c_in_the_terminal_reaches_the_owner_alone(cloud):
    groups = {os.getpgid(pid) for pid in processes.of(cloud.state_dir)}
    assert groups
    assert os.getpgrp() not in groups


@needs_proc
@pytest.mark.cloud
def test_stop_leaves_no_process_and_no_socket(tmp_path):
    with Cloud(tmp_path) as cloud:
        wake_a_trigger(cloud)
        assert len(processes.of(tmp_path)) > 1, "No worker was started"
        assert cloud.emulator.is_running()
    assert not cloud.emulator.is_running()
    assert processes.left_of(tmp_path) == {}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(cloud.emulator.url.rpartition(":")[2])))


def test_stop_is_harmless_before_a_start(tmp_path):
    Emulator(EMULATOR_PROGRAM, tmp_path).stop()


@pytest.mark.cloud
def test_users_and_texts_survive_a_restart(running, phone):
    users = client(running, "cognito-idp")
    pool = users.create_user_pool(PoolName="kept")["UserPool"]["Id"]
    before = users.admin_create_user(UserPoolId=pool, Username=phone)["User"]["Attributes"]
    client(running, "sns").publish(PhoneNumber=phone, Message="kept")
    running.stop()
    running.start()
    users = client(running, "cognito-idp")
    after = users.admin_get_user(UserPoolId=pool, Username=phone)["UserAttributes"]
    assert after == before
    assert [text.body for text in inbox.texts(running.url, phone)] == ["kept"]


@needs_proc
@pytest.mark.cloud
def test_environment_of_the_developer_stays_outside(tmp_path, monkeypatch):
    monkeypatch.setenv("MINISTACK_ACCOUNT_ID", "of-the-developer")
    local_aws = Emulator(EMULATOR_PROGRAM, tmp_path)
    local_aws.start()
    try:
        [pid] = processes.of(tmp_path)
        assert b"of-the-developer" not in Path(f"/proc/{pid}/environ").read_bytes()
    finally:
        local_aws.stop()


@pytest.mark.cloud
def test_relative_state_is_kept_where_it_was_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    local_aws = Emulator(EMULATOR_PROGRAM, Path("state"))
    local_aws.start()
    local_aws.stop()
    assert list((tmp_path / "state" / "services").glob("*.json"))


def test_missing_program_is_named_in_one_line(tmp_path):
    with pytest.raises(LocalCloudError, match=r"^The emulator is not installed: .*/none is") as e:
        Emulator(tmp_path / "none", tmp_path).start()
    assert "\n" not in str(e.value)


@pytest.mark.programs
def test_program_whose_interpreter_is_gone_is_said_in_one_line(tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/nowhere/python\n")
    program.chmod(0o700)
    reason = r"^The local AWS did not start: .*/program cannot be run: No such file"
    with pytest.raises(LocalCloudError, match=reason) as caught:
        Emulator(program, tmp_path / "state").start()
    assert "\n" not in str(caught.value)


@needs_proc
@pytest.mark.programs
def test_program_that_exits_is_quoted_with_its_log(program, tmp_path):
    local_aws = Emulator(program("echo first; echo 'disk is full'; echo; exit 3"), tmp_path / "s")
    began = time.monotonic()
    with pytest.raises(LocalCloudError) as caught:
        local_aws.start()
    assert time.monotonic() - began < emulator.START_TIMEOUT / 3
    log = tmp_path / "s" / "emulator.log"
    assert str(caught.value) == f"The local AWS did not start: disk is full (see {log})"
    assert log.read_text().startswith("first\n")
    assert not local_aws.is_running()
    assert processes.left_of(tmp_path / "s") == {}


@needs_proc
@pytest.mark.parametrize("script", [SILENT, DEAF], ids=["silent", "deaf"])
@pytest.mark.programs
def test_program_that_never_gets_healthy_is_stopped(program, tmp_path, monkeypatch, script):
    monkeypatch.setattr(emulator, "START_TIMEOUT", 0.3)
    monkeypatch.setattr(emulator, "STOP_TIMEOUT", 0.3)
    local_aws = Emulator(program(script), tmp_path / "state")
    with pytest.raises(LocalCloudError, match=r"did not start: it said nothing \(see "):
        local_aws.start()
    assert not local_aws.is_running()
    assert processes.left_of(tmp_path / "state") == {}


@needs_proc
@pytest.mark.programs
def test_start_that_is_interrupted_leaves_nothing(program, tmp_path):
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            Emulator(program(SILENT), tmp_path / "state").start()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert processes.left_of(tmp_path / "state") == {}


def test_ports_that_are_handed_out_are_free_and_on_loopback():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", emulator.free_port()))


def test_root_keys_differ_from_process_to_process(tmp_path):
    one, other = (Emulator(Path(sys.executable), tmp_path).root_key for _ in range(2))
    assert one.secret != other.secret
    assert os.environ.get("AWS_SECRET_ACCESS_KEY") != one.secret
