"""``make bench WHAT=admin``: how long operators wait, at a million users and five million events.

Brings a PostgreSQL up, fills it, and measures whole requests of an operator through Django: every
list with its pages, filters and searches, the pages of a user and of an event, and the overview.
The same lists as Django's admin makes them by default are measured beside them on the same data.
Exits with 1 where ours takes more than 200 ms at the 95th percentile, or where the number of
queries depends on what is asked for.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import environ
from django.conf import settings
from django.core.management import call_command

from tests.postgres import Postgres
from tests.wire import Reply, Request, WireServer


class FastAws(WireServer):
    """Answers what the site asks AWS for, without doing any of it."""

    def answer(self, request: Request) -> Reply:
        if "/functions/" in request.path:
            return Reply(self._ledger(request.json))
        if request.operation == "AdminListGroupsForUser":
            return Reply({"Groups": []})
        if request.operation == "AdminGetUser":
            sub = request.json["Username"]
            return Reply(
                {
                    "Username": sub,
                    "UserAttributes": [
                        {"Name": "sub", "Value": sub},
                        {"Name": "phone_number", "Value": "+12015550123"},
                        {"Name": "phone_number_verified", "Value": "true"},
                    ],
                    "UserCreateDate": 1_700_000_000.0,
                    "UserLastModifiedDate": 1_700_000_000.0,
                    "Enabled": True,
                    "UserStatus": "CONFIRMED",
                }
            )
        return Reply({}, 400)

    def _ledger(self, asked: Any) -> dict[str, Any]:
        if asked["action"] == "overview":
            return {
                "sent": [],
                "blocked": [
                    {"day": "2026-01-01", "country": country, "reason": reason, "count": 7}
                    for country in ("US", "GB", "FR")
                    for reason in ("phone_hour", "block", "held")
                ],
            }
        return {
            "failures": 0,
            "held_until": 0,
            "is_locked": False,
            "sends_last_hour": 1,
            "sends_last_day": 2,
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--keep", metavar="URL", help="measure on this database, filled before")
    wanted = parser.parse_args()
    aws = FastAws()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-admin-") as scratch,
            database(wanted.keep, Path(scratch)) as url,
        ):
            set_up(url, aws.url)
            # They need Django set up.
            from tests.bench import admin_pages, crowd

            if wanted.keep:
                call_command("migrate", verbosity=0)
            else:
                crowd.fill(wanted.users, wanted.events)
            return admin_pages.measure_all()
    finally:
        aws.close()


@contextmanager
def database(kept: str | None, scratch: Path) -> Iterator[str]:
    if kept:
        yield kept
        return
    with Postgres(scratch) as url:
        yield url


def set_up(url: str, aws_url: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    settings.DATABASES = {"default": environ.Env.db_url_config(url)}
    settings.ROOT_URLCONF = "tests.bench.plain_admin"
    settings.AWS_ENDPOINT_URL = aws_url
    settings.ACCOUNTS_LEDGER_FUNCTION = "bench"
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
