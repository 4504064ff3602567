"""A site with a crowd of users and their events, in a process of its own: the price of each task.

It does what ``tests.bench.process`` does, on PostgreSQL. A price has the seconds of CPU of this
process and of the database's, and the blocks of 8 kB that the database looked at. It depends little
on what else the machine does.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.bench import trace
from tests.bench.process import Site, serve

Price = dict[str, float]


class CrowdedSite(Site):
    def __init__(self) -> None:
        super().__init__()
        from django.db import connection

        self._connection = connection
        # What works in the background, or in parallel, would be counted for nobody or for us.
        for setting in ("autovacuum = off", "max_parallel_workers_per_gather = 0"):
            self._ask(f"ALTER SYSTEM SET {setting}")
        self._ask("SELECT pg_reload_conf()")

    def login_price(self, times: int) -> Price:
        people = [self.journey.person() for _ in range(times)]

        def run() -> None:
            for phone in people:
                self.sign_in(phone)

        return self._price(run, times)

    def page_price(self, times: int) -> Price:
        browser = self.sign_in(self.journey.person())

        def run() -> None:
            for _ in range(times):
                browser.get("/")

        return self._price(run, times)

    def admin_prices(self, times: int) -> dict[str, Price]:
        """Return the price of each request of an operator."""
        from tests.bench import admin_pages

        operator = admin_pages.make_operator()
        found = {}
        for case in admin_pages.cases():
            if case.is_ours:
                client = admin_pages.signed_in(operator)
                addresses = (case.addresses * times)[:times]
                client.get(case.addresses[-1])

                def run(client: Any = client, addresses: list[str] = addresses) -> None:
                    for address in addresses:
                        if client.get(address).status_code != 200:
                            raise RuntimeError(address)

                found[case.name] = self._price(run, times)
        return found

    def sync_price(self) -> Price:
        """Return the price of comparing 1,000 users with the pool."""
        from accounts.models import SyncRun
        from accounts.sync import runs

        run = runs.start(dry_run=True)

        def compare() -> None:
            while run.state == SyncRun.State.RUNNING:
                runs.step(run, lambda: None)

        price = self._price(compare, 1)
        return {name: each / run.listed * 1000 for name, each in price.items()}

    def purge_price(self, days: int) -> Price:
        """Return the price of a purge after so many days, and how many events it removed."""
        from django.utils import timezone

        from accounts.events import retention, stats

        removed: list[int] = []
        now = timezone.now() + timedelta(days=days)
        # It is run every hour, so there are never days to sum up.
        stats.roll_up(now)
        price = self._price(lambda: removed.append(retention.purge(now).events), 1)
        return {**price, "events": removed[0]}

    def login_plans(self) -> str:
        """Return the statements of a login, each with how PostgreSQL goes about it."""
        lines = []
        for row in self.login_queries():
            if not trace.is_transaction(row["sql"]):
                plan = self._ask(f"EXPLAIN (COSTS OFF) {row['sql']}")
                lines += [
                    f"{row['caller']}: {row['sql'][:200]}",
                    *(f"    {line}" for (line,) in plan),
                ]
        return "\n".join(lines)

    def _price(self, work: Callable[[], object], times: int) -> Price:
        before = self._spent()
        work()
        return {name: (now - before[name]) / times for name, now in self._spent().items()}

    def _spent(self) -> dict[str, float]:
        # Else the statistics are up to a second late.
        self._ask("SELECT pg_stat_force_next_flush()")
        ((backend, blocks),) = self._ask(
            "SELECT pg_backend_pid(), blks_hit + blks_read FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        nanoseconds = int(Path(f"/proc/{backend}/schedstat").read_text().split()[0])
        return {
            "site": time.process_time(),
            "database": nanoseconds / 1e9,
            "blocks": float(blocks),
        }

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


if __name__ == "__main__":
    serve(CrowdedSite)
