"""What operators ask for, how long it takes, and in how many queries."""

import itertools
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from auditlog.models import LogEntry
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.admin.base import BoundedList
from accounts.models import Operation, SignInEvent, User

RUNS = 50
FARTHEST = 98
PLAIN_RUNS = 5
PLAIN_PATIENCE = 5.0
LIMIT = 0.2


@dataclass(frozen=True)
class Case:
    """``addresses`` are asked for one after the other, so that no answer is a repetition."""

    name: str
    addresses: list[str]
    is_ours: bool = True


def pages_of(rows: int) -> list[str]:
    """Return queries for pages of a list after its first: all of them, of a long list some."""
    numbers = range(2, min(FARTHEST, -(-rows // BoundedList.list_per_page)) + 1)
    return [f"p={n}" for n in random.Random(4).sample(numbers, min(50, len(numbers)))]


def cases() -> list[Case]:
    draw = random.Random(4)
    users = list(
        User.objects.filter(pk__in=draw.sample(range(1, User.objects.order_by("-pk")[0].pk), 60))
    )
    newest = SignInEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    some_events = list(SignInEvent.objects.filter(pk__in=draw.sample(range(1, newest), 60)))
    phones = [user.phone or "" for user in users]
    names = [user.name for user in User.objects.exclude(name="").order_by("sub")[:60]]
    references = [event.reference for event in some_events]
    spelled = {
        "in E.164": phones,
        "as (201) 555-0123": [f"({p[2:5]}) {p[5:8]}-{p[8:]}" for p in phones],
        "as 001 201 …": [f"+1 {p[2:5]} {p[5:8]} {p[8:]}" for p in phones],
    }

    def both(name: str, path: str, queries: list[str], *, plain: bool = True) -> Iterator[Case]:
        listed = reverse(f"admin:accounts_{path}_changelist")
        yield Case(name, [f"{listed}?{query}" for query in queries])
        if plain:
            listed = reverse(f"plain:accounts_{path}_changelist")
            yield Case(name, [f"{listed}?{query}" for query in queries], is_ours=False)

    def other_pages(model: type[Model]) -> list[str]:
        return pages_of(model._default_manager.count()) or [""]

    def searches(texts: list[str]) -> list[str]:
        return [urlencode({"q": text}) for text in texts]

    found: list[Case] = []
    for path, filters in (
        (
            "user",
            {
                "operators": ["staff=yes", "staff=super"],
                "by status": ["status=disabled", "status=unconfirmed", "status=active"],
                "shared": ["sharing=likely", "sharing=any"],
                "held": ["held=held", "held=locked", "held=unverified"],
                "by last sign-in": [
                    "signed_in=day",
                    "signed_in=month",
                    "signed_in=long_ago",
                    "signed_in=never",
                ],
                "by several of them": ["staff=yes&status=disabled", "sharing=any&held=held"],
                "sorted by last sign-in": ["o=-7", "o=7", "o=-7&status=active", "o=7&sharing=any"],
                "name, sorted by last sign-in": ["o=-7&q=Greta+1", "o=7&q=zzzz", "o=-7&q=mar"],
            },
        ),
        (
            "signinevent",
            {
                "failed": ["kind__exact=failed"],
                "held, which is rare": ["kind__exact=held"],
                "by reason": ["reason=wrong_code", "reason=landline", "reason=token_refused"],
                "by country": ["country=FR", "country=GB", "country=US"],
                "of a day": ["period=day"],
                "oldest first": ["o=0", "o=0&country=FR", "o=0&kind__exact=held"],
                "by all of them": [
                    "kind__exact=failed&reason=wrong_code&country=FR&period=month",
                    "kind__exact=blocked&reason=network&country=GB&period=week",
                ],
            },
        ),
    ):
        noun = {"user": "users", "signinevent": "events"}[path]
        found += both(f"{noun}: first page", path, [""])
        found += both(
            f"{noun}: any page", path, other_pages({"user": User, "signinevent": SignInEvent}[path])
        )
        for name, queries in filters.items():
            found += both(f"{noun}: {name}", path, queries, plain=False)
        for how, texts in spelled.items():
            found += both(f"{noun}: phone {how}", path, searches(texts), plain=how == "in E.164")
        found += both(f"{noun}: sub", path, searches([user.sub for user in users]))
        found += both(f"{noun}: nothing like it", path, searches(["zzzzzzzz", "no such thing"]))
    found += both("users: start of a name", "user", searches([name[:7] for name in names]))
    beginnings = ["Greta", "Mar", "a", *(name[:9] for name in names)]
    found += both("users: more or less of a name", "user", searches(beginnings), plain=False)
    parts = [name.split()[-1] for name in names]
    found += both("users: part of a name", "user", searches(parts), plain=False)
    last = [phone[-4 - n % 3 :] for n, phone in enumerate(phones)]
    found += both("users: last digits of a phone", "user", searches(last), plain=False)
    cut = [phone[: 3 + n % 9] for n, phone in enumerate(phones)]
    found += both("users: start of a phone", "user", searches(cut), plain=False)
    spoken = [reference.replace("-", "").lower() for reference in references]
    found += both("events: reference", "signinevent", searches(references))
    found += both("events: reference as spoken", "signinevent", searches(spoken), plain=False)
    for name, listed, queries in (
        (
            "orders",
            "accounts_operation",
            ["", *other_pages(Operation)[:1], "state__exact=refused", "kind__exact=invite"],
        ),
        ("audit log", "auditlog_logentry", ["", *other_pages(LogEntry)[:1], "action__exact=1"]),
        ("audit log: by operator", "auditlog_logentry", ["by=3", "by=50003", "by=100003"]),
        ("audit log: by date", "auditlog_logentry", _days_of_the_log()),
        ("audit log: number", "auditlog_logentry", searches(phones)),
        ("audit log: name", "auditlog_logentry", searches([name.split()[-1] for name in names])),
        (
            "audit log: by all of them",
            "auditlog_logentry",
            [f"{term}&by=3&{_days_of_the_log()[0]}" for term in searches(phones)],
        ),
    ):
        address = reverse(f"admin:{listed}_changelist")
        found.append(Case(name, [f"{address}?{query}" for query in queries]))
    page = "admin:accounts_{}_change"
    found += [
        Case("page of a user", [reverse(page.format("user"), args=[u.pk]) for u in users]),
        Case(
            "page of an event",
            [reverse(page.format("signinevent"), args=[event.pk]) for event in some_events],
        ),
        *(
            Case(f"overview: {name}", [f"{reverse('admin:index')}?range={name}"])
            for name in ("day", "week", "month", "quarter")
        ),
    ]
    return found


def _days_of_the_log() -> list[str]:
    """Return queries for a week of the log, which has half a year."""
    today = timezone.localdate()
    starts = [today - timedelta(days=n) for n in range(0, 170, 10)]
    return [urlencode({"from": day, "to": day + timedelta(days=6)}) for day in starts]


def make_operator() -> User:
    operator = User.objects.for_identity("sub-of-the-bench", None)
    operator.is_staff = operator.is_superuser = True
    operator.save()
    return operator


def measure_all() -> int:
    operator = make_operator()
    print(f"\n{'':36}{'p50 ms':>9}{'p95 ms':>9}{'queries':>9}   by default, p50 ms")
    wrong: list[str] = []
    every = cases()
    by_default = {case.name: case for case in every if not case.is_ours}
    for case in every:
        if not case.is_ours:
            continue
        seconds, queries = measure(case, operator)
        p95 = statistics.quantiles(seconds, n=20)[-1]
        counted = f"{min(queries)}" if len(queries) == 1 else f"{min(queries)}-{max(queries)}"
        beside = ""
        if peer := by_default.get(case.name):
            beside = f"{statistics.median(time_plainly(peer, operator)) * 1000:,.0f}"
        print(
            f"{case.name:36}{statistics.median(seconds) * 1000:9.0f}{p95 * 1000:9.0f}"
            f"{counted:>9}{beside:>12}",
            flush=True,
        )
        if p95 > LIMIT:
            wrong.append(f"{case.name}: above {LIMIT * 1000:.0f} ms at p95")
        if len(queries) > 1:
            wrong.append(f"{case.name}: more queries for one than for another")
    print("\n" + "\n".join(wrong or ["All within 200 ms at p95, with fixed numbers of queries."]))
    return 1 if wrong else 0


def measure(case: Case, operator: User) -> tuple[list[float], set[int]]:
    """Return the seconds of each run, and the numbers of queries that they took."""
    client = signed_in(operator)
    queries = set()
    # What Django remembers of its tables is asked for once.
    client.get(case.addresses[-1])
    for address in case.addresses[:3]:
        with CaptureQueriesContext(connection) as captured:
            page = client.get(address)
        if page.status_code != 200:
            raise RuntimeError(f"{address}: {page.status_code}")
        queries.add(len(captured))
    return [
        timed(client, address)
        for address in itertools.islice(itertools.cycle(case.addresses), RUNS)
    ], queries


def time_plainly(case: Case, operator: User) -> list[float]:
    """Return the seconds of few runs, since they may be long."""
    client = signed_in(operator)
    found: list[float] = []
    for address in case.addresses[:PLAIN_RUNS]:
        found.append(timed(client, address))
        if sum(found) > PLAIN_PATIENCE:
            break
    return found


def signed_in(operator: User) -> Client:
    # As the proxy before a site in production has it.
    client = Client(
        SERVER_NAME="localhost",
        HTTP_X_FORWARDED_FOR="192.0.2.1",
        HTTP_X_FORWARDED_PROTO="https",
    )
    client.force_login(operator)
    return client


def timed(client: Client, address: str) -> float:
    started = time.perf_counter()
    client.get(address)
    return time.perf_counter() - started
