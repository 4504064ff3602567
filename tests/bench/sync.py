"""``make bench WHAT=sync``: a comparison with a user pool of a million, repaired and undone.

The pool is a server at the wire, in a process of its own. Here stand the same people in PostgreSQL
(SQLite where there is none), but for some differences of each kind, which are found, repaired and
undone. Printed are users per second as fast as it goes, and the peak of memory after a tenth and
at the end. Exits with 1 where something is not found, or memory grows.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import django
import environ
from django.conf import settings

from tests import postgres

POOL = "eu-west-1_Example01"
CREATED = 1_700_000_000.0
# Of so many users one is different, in turn in each of these ways.
ONE_OF = 1000
WAYS = ("only_in_cognito", "only_here", "phone", "status", "unconfirmed", "duplicate")


def way_of(n: int) -> str:
    return WAYS[n // ONE_OF % len(WAYS)] if n % ONE_OF == 0 else ""


def sub_of(n: int) -> str:
    return f"{n:08x}-0000-4000-8000-000000000000"


def number_of(n: int) -> str:
    return f"+1{2_000_000_000 + n}"


# The pool


def user(n: int) -> dict[str, Any] | None:
    """Return a user as Cognito tells of one, None for one that it does not have."""
    way = way_of(n)
    if way == "only_here":
        return None
    phone, status, verified = number_of(n), "FORCE_CHANGE_PASSWORD", "true"
    if way == "phone":
        phone = number_of(n + 5_000_000)
    elif way == "unconfirmed":
        status, verified = "UNCONFIRMED", "false"
    elif way == "duplicate":
        # The number of the one before, in another spelling.
        phone = f"+1-{number_of(n + 1)[2:]}"
    attributes = {"sub": sub_of(n), "phone_number": phone, "phone_number_verified": verified}
    return {
        "Username": sub_of(n),
        "Attributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
        "UserCreateDate": CREATED,
        "UserLastModifiedDate": CREATED,
        "Enabled": way != "status",
        "UserStatus": status,
    }


def serve(users: int) -> None:
    """Answer ListUsers and AdminGetUser until killed; the port goes to standard output."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            operation = self.headers["x-amz-target"].partition(".")[2]
            status, reply = answer(operation, asked)
            body = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    def answer(operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if operation == "ListUsers":
            start = int(asked.get("PaginationToken", 0))
            end = min(start + asked["Limit"], users)
            found = (user(n) for n in range(start, end))
            page: dict[str, Any] = {"Users": [each for each in found if each]}
            return 200, page | ({"PaginationToken": str(end)} if end < users else {})
        found_one = user(int(asked["Username"][:8], 16))
        if found_one is None:
            return 400, {"__type": "UserNotFoundException", "message": "User does not exist."}
        if operation == "AdminGetUser":
            found_one["UserAttributes"] = found_one.pop("Attributes")
            return 200, found_one
        return 200, {}

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


# This site


def set_up(database_url: str, pool_url: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    settings.DATABASES = {"default": environ.Env.db_url_config(database_url)}
    settings.AWS_ENDPOINT_URL = pool_url
    settings.LOGGING_CONFIG = None
    django.setup()


def fill(users: int) -> None:
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command
    from django.utils import timezone

    from accounts.models import User

    call_command("migrate", verbosity=0)
    began = timezone.now() - timedelta(days=30)
    password = make_password(None)
    for start in range(0, users, 5_000):
        User.objects.bulk_create(
            User(
                pool=POOL,
                sub=sub_of(n),
                phone=number_of(n),
                phone_verified=True,
                password=password,
                cognito_status="FORCE_CHANGE_PASSWORD",
                date_joined=began,
            )
            for n in range(start, min(start + 5_000, users))
            if way_of(n) not in ("only_in_cognito", "unconfirmed", "duplicate")
        )


def peak() -> float:
    """The most memory that this process has held so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(users: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from accounts.models import SyncRun, User
    from accounts.sync import compare, repair, runs

    def state() -> str:
        """All that repairing may change and undoing must bring back, summed up."""
        fields = ("sub", "phone", "phone_verified", "cognito_status", "cognito_enabled")
        rows = User.objects.order_by("pk").values_list(*fields)
        digest = hashlib.sha256()
        for row in rows.iterator(chunk_size=1_000):
            digest.update(repr(row).encode())
        return digest.hexdigest()

    def no_pace() -> None:
        pass

    before = state()
    at_start = peak()
    run = runs.start(repair=compare.REPAIRABLE, by="bench", shut_out_most=users)
    queries: Counter[int] = Counter()
    clock = time.perf_counter()
    took: dict[str, float] = {}
    after_a_tenth = 0.0
    while run.state == SyncRun.State.RUNNING:
        phase, began = run.phase, time.perf_counter()
        if phase == "listing" and run.steps % 500 == 250:
            with CaptureQueriesContext(connection) as captured:
                runs.step(run, no_pace)
            queries[len(captured)] += 1
        else:
            runs.step(run, no_pace)
        took[phase] = took.get(phase, 0) + time.perf_counter() - began
        if not after_a_tenth and run.listed >= users / 10:
            after_a_tenth = peak()
        if phase == "listing" and run.steps % 1000 == 0:
            rate = run.listed / (time.perf_counter() - clock)
            print(f"  {run.listed:,} users, {rate:,.0f}/s, {peak():.0f} MB", flush=True)
    at_end = peak()
    print(f"\n{run.listed:,} users listed, {connection.vendor}")
    print(f"listing      {took['listing']:8.1f} s  {run.listed / took['listing']:10,.0f} users/s")
    for phase in ("missing", "duplicates", "repairing"):
        print(f"{phase:12} {took[phase]:8.1f} s")
    print(
        f"at the default pace of {runs.PER_SECOND:g} pages a second it takes about "
        f"{run.listed / 60 / runs.PER_SECOND / 60:.0f} minutes"
    )
    print(f"queries of a page of 60: {', '.join(map(str, sorted(queries)))}")
    print(
        f"peak of memory: {at_start:.0f} MB at the start, {after_a_tenth:.0f} MB after a tenth, "
        f"{at_end:.0f} MB at the end"
    )
    found = runs.counts(run)
    for kind, states in found.items():
        print(f"  {kind:16} {states}")
    clock = time.perf_counter()
    undone = Counter(why for _, why in repair.undo_run(run, by="bench"))
    print(f"undone       {time.perf_counter() - clock:8.1f} s  {dict(undone)}")
    is_as_before = state() == before
    print(f"rows are as they were before: {is_as_before}")
    expected = {way for way in (way_of(n) for n in range(0, users, ONE_OF)) if way}
    complaints = []
    if missing := expected - set(found):
        complaints.append(f"not found: {missing}")
    if not is_as_before:
        complaints.append("undoing left something behind")
    if at_end > after_a_tenth + 30:
        complaints.append("memory grew with the pool")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return bool(complaints)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--sqlite", action="store_true", help="not PostgreSQL")
    wanted = parser.parse_args()
    if wanted.serve:
        serve(wanted.users)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sync-")))
        if wanted.sqlite or postgres.programs() is None:
            url = f"sqlite:///{scratch / 'db.sqlite3'}"
        else:
            url = stack.enter_context(postgres.Postgres(scratch))
        pool = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.sync", "--serve", f"--users={wanted.users}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(pool.wait)
        stack.callback(pool.kill)
        assert pool.stdout
        set_up(url, f"http://127.0.0.1:{int(pool.stdout.readline())}")
        clock = time.perf_counter()
        fill(wanted.users)
        print(f"{wanted.users:,} users made in {time.perf_counter() - clock:.0f} s", flush=True)
        return measure(wanted.users)


if __name__ == "__main__":
    sys.exit(main())
