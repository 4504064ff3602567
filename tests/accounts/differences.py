"""People here and in a user pool, alike or not, and the comparison that finds the differences."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from accounts.models import Claim, Listed, SyncRun, User
from accounts.sync import runs
from tests.fakes.tokens import POOL_ID
from tests.fakes.user_pool import UserPool


def no_pace() -> None:
    pass


def number(n: int) -> str:
    return f"+1201555{n:04d}"


def people(pool: UserPool, numbers: Iterable[int], **known) -> list[User]:
    """Persons who stand here as in Cognito, for longer than a run lasts."""
    known = {
        "cognito_status": "FORCE_CHANGE_PASSWORD",
        "date_joined": timezone.now() - timedelta(days=2),
        "phone_verified": True,
        **known,
    }
    return User.objects.bulk_create(
        User(pool=POOL_ID, sub=pool.add(f"sub-{n}", number(n)), phone=number(n), **known)
        for n in numbers
    )


def person(pool: UserPool, n: int, **known) -> User:
    return people(pool, [n], **known)[0]


def compare(**options) -> SyncRun:
    run = runs.start(by="tests", **options)
    while runs.step(run, no_pace):
        pass
    assert run.state == SyncRun.State.DONE
    assert not Claim.objects.exists()
    assert not Listed.objects.exists()
    return run


def mixed(pool: UserPool) -> None:
    """Differences of each kind among a hundred and fifty users."""
    people(pool, range(130))
    for n in range(130, 150):
        pool.add(f"only-there-{n}", number(n))
    for n in (3, 63, 123):
        del pool.users[f"sub-{n}"]
    for n in (4, 64):
        pool.change(f"sub-{n}", phone_number=number(5000 + n))
    pool.change("sub-5", Enabled=False)
    pool.add("unconfirmed", number(6000), status="UNCONFIRMED", verified=False)
    pool.add("double-1", "+447400123456")
    pool.add("double-2", "+4407400123456")
