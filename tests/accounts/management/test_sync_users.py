"""The command, with a pool at the wire; where it is killed, in a process of its own."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.management.commands import sync_users
from accounts.models import Difference, SyncRun, User
from tests.accounts.differences import mixed, number, people, person
from tests.concurrency import database_in_a_file
from tests.fakes.user_pool import OUTAGE, THROTTLED, UserPool

pytestmark = pytest.mark.django_db


def sync(*arguments: str) -> str:
    output = io.StringIO()
    call_command("sync_users", *arguments, "--per-second=1000", stdout=output, stderr=output)
    return output.getvalue()


def test_differences_are_listed_and_nobody_is_changed(pool: UserPool):
    mixed(pool)
    said = sync("--dry-run", "--repair", "phone", "only_here")
    assert "153 users listed" not in said
    assert f"{len(pool.users):,} users listed; 31 differences" in said
    assert "only_in_cognito: 22 open" in said
    assert "only_here: 3 open\n  would be repaired: The person is blocked here" in said
    assert "  … the others are listed in the admin pages" in said
    assert not Difference.objects.exclude(state="open").exists()
    assert User.objects.count() == 130


def test_kinds_that_are_named_are_repaired_and_undone(pool):
    mixed(pool)
    said = sync("--repair", "phone", "status")
    assert "phone: 2 repaired" in said
    assert "status: 1 repaired" in said
    assert "only_here: 3 open" in said
    run = SyncRun.objects.get()
    assert f"To undo: manage.py sync_users --undo {run.pk}" in said
    assert "3 undone, 0 left as they are" in sync("--undo", str(run.pk))
    assert User.objects.get(sub="sub-4").phone == number(4)


def test_numbers_are_masked(pool):
    mixed(pool)
    said = sync()
    assert "+1••••••••04" in said
    assert "+1201" not in said


def test_what_is_not_undone_is_said(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    sync("--repair", "phone")
    User.objects.update(phone=number(8888))
    said = sync("--undo", str(SyncRun.objects.get().pk))
    assert "phone of sub-1: The row was changed since." in said
    assert "0 undone, 1 left as they are" in said


def test_undoing_cannot_be_tried_dry(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    sync("--repair", "phone")
    with pytest.raises(CommandError, match="--dry-run"):
        sync("--dry-run", "--undo", str(SyncRun.objects.get().pk))
    assert User.objects.get().phone == number(7777)


def test_people_who_are_too_many_to_shut_out_are_told(pool):
    people(pool, range(3))
    pool.users.clear()
    assert "too many to shut out" in sync("--repair", "only_here", "--shut-out-most=2")
    assert not User.objects.filter(cognito_enabled=False).exists()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sync_users, "_LONGEST_WAIT", 0.01)


def test_throttled_list_is_waited_for(pool, impatient):
    pool.faults["ListUsers"] = [THROTTLED] * 5
    assert "0 users listed" in sync()
    assert pool.operations() == ["ListUsers"] * 6


def test_outage_ends_the_command_and_it_is_resumed(pool, impatient):
    pool.add("sub-1", number(1))
    pool.faults["ListUsers"] = OUTAGE
    with pytest.raises(CommandError, match="--resume goes on"):
        sync()
    assert len(pool.requests) == 8
    pool.faults.clear()
    assert "only_in_cognito: 1 open" in sync("--resume")
    with pytest.raises(CommandError, match="No run was cut off"):
        sync("--resume")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--repair", "duplicate"],
        ["--repair", "everything"],
        ["--undo", "1", "--resume"],
        ["--repair", "phone", "--resume"],
        ["--dry-run", "--resume"],
        ["--undo", "999"],
        ["--unconfirmed-after=-1"],
        ["--shut-out-most=-1"],
    ],
    ids=str,
)
def test_arguments_that_make_no_sense_are_refused(pool, arguments):
    with pytest.raises(CommandError):
        sync(*arguments)
    assert pool.requests == []
    assert not SyncRun.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.programs
def test_process_that_is_killed_is_resumed_where_it_was(pool, tmp_path, project: Path):
    """SIGKILL at whatever it is doing, then to the end, and nothing is found twice."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")
    } | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "SYNC_DATABASE": str(tmp_path / "db.sqlite3"),
        "SYNC_URL": pool.url,
    }
    script = (
        "import os, django\n"
        "from django.conf import settings\n"
        "settings.DATABASES['default']['NAME'] = os.environ['SYNC_DATABASE']\n"
        "settings.AWS_ENDPOINT_URL = os.environ['SYNC_URL']\n"
        "django.setup()\n"
        "from django.core.management import call_command\n"
        "import sys\n"
        "call_command('sync_users', *sys.argv[1:])\n"
    )

    def run(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    with database_in_a_file(tmp_path):
        people(pool, range(1000))
        User.objects.filter(pk__in=User.objects.order_by("pk").values("pk")[:300]).delete()
        process = run("--repair", "only_in_cognito", "--per-second=40")
        try:
            deadline = time.monotonic() + 60
            while not SyncRun.objects.filter(steps__gte=6).exists():
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert SyncRun.objects.get().state == SyncRun.State.RUNNING
        asked_before = len(pool.requests)
        process = run("--resume", "--per-second=1000")
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "1,000 users listed; 300 differences" in said
        assert Difference.objects.filter(state="repaired").count() == 300
        assert User.objects.count() == 1000
        # Not from the beginning: of seventeen pages, no more than those that were left.
        assert pool.operations()[asked_before:].count("ListUsers") <= 17 - 6 + 1
