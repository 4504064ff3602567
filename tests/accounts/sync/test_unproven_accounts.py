"""Accounts that nobody proved go, and no other ever does."""

import io
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import UnprovenAccount, User
from accounts.sync import unproven_accounts
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.tokens import POOL_ID
from tests.fakes.user_pool import DAY, NOTHING_HELD, OUTAGE, THROTTLED
from tests.wire import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(pool: SignInPool, settings) -> SignInPool:
    """With the function that tells of the ledger."""
    settings.LEDGER_FUNCTION = "phone-login-ledger"
    return pool


def made(pool: SignInPool, n: int = 1, *, days_ago: float = 31, **of_the_pool: Any) -> str:
    """An account that the site made, and whose number nobody proved."""
    phone = f"+1201555{n:04d}"
    sub = pool.add(f"sub-{n}", phone, verified=False, days_old=days_ago, **of_the_pool)
    at = timezone.now() - timedelta(days=days_ago)
    UnprovenAccount.objects.create(pool=POOL_ID, sub=sub, made_at=at)
    pool.held[phone] = {
        **NOTHING_HELD,
        "known_since": int(at.timestamp()) + 1,
        "used_at": 0,
    }
    return sub


def state_of(pool: SignInPool, sub: str) -> dict[str, Any]:
    return pool.held[pool.users[sub]["attributes"]["phone_number"]]


def purge(*arguments: str) -> str:
    out = io.StringIO()
    call_command("purge", "--per-second=25", *arguments, stdout=out)
    return out.getvalue().split("locks.\n")[-1]


def test_account_that_nobody_proved_goes_after_the_time(pool):
    old, young = made(pool, 1), made(pool, 2, days_ago=29)
    assert purge() == (
        "Removed 1 accounts that nobody proved; 0 are kept for good, 0 are put off, "
        "0 wait for the next run.\n"
    )
    assert list(pool.users) == [young]
    assert UnprovenAccount.objects.get().sub == young
    assert old not in purge()


def test_time_is_a_setting_and_nought_is_for_ever(pool, settings):
    made(pool, days_ago=400)
    settings.ACCOUNTS_UNPROVEN_KEPT_DAYS = 0
    assert purge().startswith("Removed 0 ")
    settings.ACCOUNTS_UNPROVEN_KEPT_DAYS = 7
    made(pool, 2, days_ago=8)
    assert purge().startswith("Removed 2 ")


def row(pool: SignInPool, sub: str) -> None:
    User.objects.for_identity(sub, "+12015559999")


KEPT = {
    "signed in, or invited, here": row,
    "number verified": lambda pool, sub: pool.change(sub, phone_number_verified="true"),
    "confirmed": lambda pool, sub: pool.change(sub, UserStatus="CONFIRMED"),
    "signed up by itself": lambda pool, sub: pool.change(sub, UserStatus="UNCONFIRMED"),
    "disabled": lambda pool, sub: pool.change(sub, Enabled=False),
    "changed by somebody": lambda pool, sub: pool.change(
        sub, UserLastModifiedDate=time.time() - DAY
    ),
    "made by somebody else": lambda pool, sub: pool.change(
        sub, UserCreateDate=time.time() - 40 * DAY, UserLastModifiedDate=time.time() - 40 * DAY
    ),
    "without a number": lambda pool, sub: pool.users[sub]["attributes"].pop("phone_number"),
    "in a group": lambda pool, sub: pool.groups.update({sub: ["support"]}),
    "signed in past the site": lambda pool, sub: state_of(pool, sub).update(used_at=1),
    "unknown to the ledger": lambda pool, sub: state_of(pool, sub).update(known_since=0),
    "known to the ledger for less": lambda pool, sub: state_of(pool, sub).update(
        known_since=int(time.time() - 30 * DAY)
    ),
}


@pytest.mark.parametrize("why", KEPT)
def test_account_of_somebody_is_kept_for_good(pool, why):
    sub = made(pool)
    KEPT[why](pool, sub)
    purge()
    assert sub in pool.users
    assert not UnprovenAccount.objects.exists()
    purge()
    assert "AdminDeleteUser" not in pool.operations()


def test_account_whose_language_the_site_has_changed_goes_all_the_same(pool):
    sub = made(pool)
    other = made(pool, 2)
    for each in (sub, other):
        pool.change(each, UserLastModifiedDate=time.time() - 20 * DAY)
    with time_machine.travel(time.time() - 20 * DAY, tick=True):
        unproven_accounts.note_change(sub)
    assert purge().startswith("Removed 1 ")
    assert list(pool.users) == [other]


def test_account_that_the_site_did_not_make_is_never_looked_at(pool):
    pool.add("by hand", "+12015550001", verified=False, days_old=500)
    assert purge().startswith("Removed 0 ")
    assert pool.requests == []


def test_account_that_was_texted_lately_is_put_off_for_a_day(pool):
    sub = made(pool)
    state_of(pool, sub)["sends_last_day"] = 1
    assert "1 are put off" in purge()
    assert "0 are put off" in purge()
    assert sub in pool.users
    UnprovenAccount.objects.update(put_off_until=timezone.now())
    state_of(pool, sub)["sends_last_day"] = 0
    assert purge().startswith("Removed 1 ")


def test_sign_in_between_the_judgement_and_the_deletion_keeps_the_account(pool):
    def show_and_let_sign_in(asked: dict[str, Any]) -> dict[str, Any]:
        pool.change("sub-1", phone_number_verified="true")
        return pool.held[asked["phone"]]

    made(pool)
    pool.functions["show"] = show_and_let_sign_in
    assert "Removed 0 accounts that nobody proved; 1 are kept for good" in purge()
    assert "AdminDeleteUser" not in pool.operations()


def test_account_that_is_gone_already_is_no_obstacle(pool):
    del pool.users[made(pool)]
    made(pool, 2)
    assert "Removed 1 accounts that nobody proved; 1 are kept" in purge()
    assert not UnprovenAccount.objects.exists()


def test_list_names_what_would_go_and_changes_nothing(pool):
    made(pool)
    made(pool, 2, status="CONFIRMED")
    row(pool, made(pool, 3))
    out = purge("--list")
    assert "sub-1 +1••••••••01, made " in out
    assert "Would remove 1 accounts that nobody proved; 1 are kept for good" in out
    assert "5550001" not in out
    assert set(pool.operations()) <= {"AdminGetUser", "AdminListGroupsForUser", ""}
    assert UnprovenAccount.objects.count() == 3


def test_run_looks_at_so_many_and_the_next_one_goes_on(pool):
    for n in range(1, 6):
        made(pool, n, days_ago=50 - n)
    assert purge("--accounts=2").endswith("3 wait for the next run.\n")
    assert list(pool.users) == ["sub-3", "sub-4", "sub-5"]
    assert purge("--accounts=9").startswith("Removed 3 ")


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("AdminGetUser", OUTAGE),
        ("AdminListGroupsForUser", THROTTLED),
        ("AdminDeleteUser", OUTAGE),
        ("", Reply({"errorType": "Busy"}, headers={"x-amz-function-error": "Unhandled"})),
    ],
)
def test_fault_ends_the_run_without_a_word_lost_and_the_next_one_goes_on(pool, operation, fault):
    made(pool)
    pool.faults[operation] = fault
    with pytest.raises(CommandError, match="The next run goes on"):
        purge()
    assert pool.users
    assert UnprovenAccount.objects.exists()
    del pool.faults[operation]
    assert purge().startswith("Removed 1 ")


def test_functions_that_do_not_say_enough_decide_nothing(pool):
    sub = made(pool)
    del state_of(pool, sub)["used_at"]
    with pytest.raises(CommandError, match="make deploy"):
        purge()
    assert sub in pool.users


def test_calls_are_paced(pool):
    calls = []
    made(pool)
    unproven_accounts.purge(timezone.now(), pace=lambda: calls.append(len(pool.requests)))
    # Read, its groups, and read again with the deletion; the ledger is not in Cognito.
    assert len(calls) == 3


@pytest.mark.parametrize("arguments", [["--per-second=0"], ["--per-second=26"], ["--accounts=-1"]])
def test_senseless_options_are_refused(arguments):
    with pytest.raises(CommandError):
        call_command("purge", *arguments)
