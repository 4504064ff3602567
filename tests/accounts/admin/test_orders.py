"""The orders in which lists can be shown, and the indexes that make them cheap."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.admin import base
from accounts.models import SignInEvent, User
from tests.accounts.admin.pages import LIST, helper
from tests.accounts.exports.files import people
from tests.pages import text

EVENTS = "/admin/accounts/signinevent/"


def subs(client: Client, **query: str) -> list[str]:
    return [user.sub for user in client.get(LIST, query).context["cl"].result_list]


def column(page, name: str) -> str:
    """The number of a column that can be sorted, as its address has it."""
    [number] = re.findall(rf'class="[^"]*column-{name}[^"]*">.*?\?o=-?(\d+)', text(page), re.DOTALL)
    return number


@pytest.fixture
def client(pool) -> Client:
    return helper("view_signinevent")


@pytest.mark.django_db
@pytest.mark.pages
def test_people_are_sorted_by_their_last_sign_in(client):
    people(6, name="Ana")
    now = timezone.now()
    for n, days in ((1, 3), (3, 1), (5, 2)):
        User.objects.filter(sub=f"sub-0000{n}").update(last_login=now - timedelta(days=days))
    number = column(client.get(LIST), "last_sign_in")
    never = ["sub-00000", "sub-00002", "sub-00004"]
    for query in ({}, {"q": "Ana"}):
        newest = [sub for sub in subs(client, o=f"-{number}", **query) if sub.startswith("sub-0")]
        assert newest == ["sub-00003", "sub-00005", "sub-00001", *reversed(never)]
        oldest = [sub for sub in subs(client, o=number, **query) if sub.startswith("sub-0")]
        assert oldest == [*never, "sub-00001", "sub-00005", "sub-00003"]


@pytest.mark.django_db
@pytest.mark.pages
def test_columns_without_an_index_are_not_sorted(client):
    people(3)
    page = text(client.get(LIST))
    assert len(re.findall('class="sortable', page)) == 1
    usual = subs(client)
    number = column(client.get(LIST), "last_sign_in")
    for other in range(1, 9):
        if str(other) != number:
            # Of numbers, an order would tell more than their masks.
            assert subs(client, o=str(other)) == usual
    SignInEvent.objects.create(kind="sent")
    assert len(re.findall('class="sortable', text(client.get(EVENTS)))) == 1


@pytest.mark.django_db
@pytest.mark.pages
def test_events_are_sorted_by_time_both_ways(client):
    now = timezone.now()
    made = [SignInEvent.objects.create(kind="sent", at=now - timedelta(hours=n)) for n in range(3)]
    number = column(client.get(EVENTS), "when")
    for order, wanted in ((number, made[::-1]), (f"-{number}", made)):
        assert list(client.get(EVENTS, {"o": order}).context["cl"].result_list) == wanted


def plan(client: Client, address: str, table: str) -> str:
    """The plan of the query that fills a page of a list, in one line."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    [sql] = [
        query["sql"]
        for query in captured
        if f'FROM "{table}"' in query["sql"] and "LIMIT 50" in query["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (COSTS OFF) {sql}")
        return " ".join(line.strip() for (line,) in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_each_order_has_an_index_on_postgresql(on_postgres, pool, monkeypatch):
    client = helper("view_signinevent", "view_phone")
    now = timezone.now()
    User.objects.bulk_create(
        User(
            pool="p",
            sub=f"sub-{n}",
            name=f"Ana {n}",
            phone=f"+1201555{n:04}",
            last_login=now - timedelta(minutes=n) if n % 10 else None,
        )
        for n in range(5_000)
    )
    SignInEvent.objects.bulk_create(
        SignInEvent(kind="sent", at=now - timedelta(seconds=n)) for n in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    number = column(client.get(LIST), "last_sign_in")
    for order, scan in ((number, "Index Scan Backward"), (f"-{number}", "Index Scan")):
        found = plan(client, f"{LIST}?o={order}", "accounts_user")
        assert re.match(rf"Limit -> +{scan} using users_by_last_login", found), found
    number = column(client.get(EVENTS), "when")
    for order in (number, f"-{number}"):
        found = plan(client, f"{EVENTS}?o={order}", "accounts_signinevent")
        assert "using accounts_si_at" in found, found
        assert not re.search(r"(?<!Incremental )Sort (?!Key)", found), found
    # Few results are read and sorted: the planner, which may expect others, cannot take the index.
    number = column(client.get(LIST), "last_sign_in")
    User.objects.filter(name__endswith="7").update(sharing=User.Sharing.SOME)
    for query in ("q=Ana+47", "sharing=any"):
        found = plan(client, f"{LIST}?{query}&o=-{number}", "accounts_user")
        assert re.search(r"Sort Key: \(\(last_login \+ ", found), found
        found = plan(client, f"{LIST}?{query}", "accounts_user")
        assert re.search(r"Sort Key: \(\(id \+ 0", found), found
    # Of many, enough are met soon: the planner may choose.
    monkeypatch.setattr(base, "COUNTED", 400)
    for query in ("q=Ana", "sharing=any"):
        found = plan(client, f"{LIST}?{query}&o={number}", "accounts_user")
        assert "last_login +" not in found, found
    # But numbers that begin alike may all be at the other end of the index.
    found = plan(client, f"{LIST}?q=%2B12015550&o={number}", "accounts_user")
    assert re.search(r"Sort Key: \(\(last_login \+ ", found), found
