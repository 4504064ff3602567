"""``make bench WHAT=admin``: how long operators wait, at a million users and five million events.

Brings a PostgreSQL up, fills it, and measures whole requests of an operator through Django: every
list with its pages, filters and searches, the pages of a user and of an event, and the overview.
The same lists with Django's default admin are measured on the same data.
Exits with 1 where ours takes more than 200 ms at the 95th percentile, or where the number of
queries depends on what is asked for.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import django
import environ
from django.conf import settings
from django.core.management import call_command

from tests.fakes.user_pool import UserPool
from tests.postgres import Postgres


def stand_in() -> UserPool:
    """Return a pool of everybody, with a ledger that counted texts in three countries."""
    pool = UserPool()
    pool.everybody = True
    blocked = [
        {
            "day": datetime.now(UTC).date().isoformat(),
            "country": country,
            "reason": reason,
            "count": 7,
        }
        for country in ("US", "GB", "FR")
        for reason in ("phone_hour", "block", "held")
    ]
    pool.functions["overview"] = lambda _: {"sent": [], "blocked": blocked}
    return pool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--keep", metavar="URL", help="measure on this database, filled before")
    wanted = parser.parse_args()
    with (
        stand_in() as aws,
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
    settings.LEDGER_FUNCTION = "bench"
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
