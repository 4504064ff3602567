"""Compare this site with a whole user pool, in steps that any process may continue.

A run (models.SyncRun) has steps of bounded size. A process that is killed in a step loses nothing:
another one does this step again. The errors are in errors.py.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.aws import cognito
from accounts.conf import conf
from accounts.models import Claim, Difference, Listed, SyncRun, User
from accounts.models.users import DELETED
from accounts.sync import compare, repair
from accounts.sync.duplicates import by_number
from accounts.sync.errors import NotDone, Overtaken, translated

log = logging.getLogger(__name__)

Kind = Difference.Kind
State = Difference.State
Phase = SyncRun.Phase

UNCONFIRMED_AFTER = timedelta(days=1)
SHUT_OUT_MOST = 100
PER_SECOND = 10.0  # Cognito grants 30 ListUsers and 120 AdminGetUser, to the whole account
_ASKED_AT_ONCE = 20
_COMPARED_AT_ONCE = 200
_REPAIRED_AT_ONCE = 60
_MOST_RESTARTS = 20


def start(
    *,
    by: str = "",
    repair: Collection[str] = (),
    dry_run: bool = False,
    unconfirmed_after: timedelta = UNCONFIRMED_AFTER,
    shut_out_most: int = SHUT_OUT_MOST,
) -> SyncRun:
    """Begin a comparison with the pool. One that was under way is stopped.

    ``repair`` are kinds of differences (compare.REPAIRABLE). With ``dry_run`` the run only stores
    differences. If more than ``shut_out_most`` people are only here, it shuts out none of them: so
    many hint at a mistake, such as a restored pool.
    """
    pool = conf.user_pool_id
    with transaction.atomic():
        SyncRun.objects.filter(pool=pool, state=SyncRun.State.RUNNING).update(
            state=SyncRun.State.STOPPED,
            steps=F("steps") + 1,
            finished_at=timezone.now(),
            problem=_("Another comparison was started."),
        )
        Claim.objects.filter(run__pool=pool).delete()
        Listed.objects.filter(run__pool=pool).delete()
        return SyncRun.objects.create(
            pool=pool,
            dry_run=dry_run,
            repair=[] if dry_run else sorted(set(repair)),
            unconfirmed_after=unconfirmed_after,
            shut_out_most=shut_out_most,
            started_by=by[:80],
        )


def unfinished() -> SyncRun | None:
    """Return the comparison of this pool that is under way or was cut off, if there is one."""
    runs = SyncRun.objects.filter(pool=conf.user_pool_id, state=SyncRun.State.RUNNING)
    return runs.order_by("-pk").first()


def step(run: SyncRun, pace: Callable[[], None]) -> bool:
    """Do the next piece of ``run`` and return whether more is left.

    ``pace`` is called before each call to Cognito. Raises Overtaken, Unreachable.
    """
    work = {
        Phase.LISTING: _read_a_page,
        Phase.MISSING: _ask_for_some,
        Phase.DUPLICATES: _compare_numbers,
        Phase.REPAIRING: _repair_some,
    }[Phase(run.phase)]
    with translated():
        work(run, pace)
    return run.state == SyncRun.State.RUNNING


def counts(run: SyncRun) -> dict[str, dict[str, int]]:
    """Return the number of differences of ``run`` by kind and state: ``{"phone": {"open": 2}}``."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    rows = (
        run.differences.values_list("kind", "state").annotate(Count("pk")).order_by("kind", "state")
    )
    for kind, state, number in rows:
        found[kind][state] = number
    return dict(found)


@contextmanager
def _one_step(run: SyncRun, **values: Any) -> Iterator[None]:
    """Run the body and store the progress of ``run`` in one transaction. Raises Overtaken."""
    values |= {"touched_at": timezone.now()}
    with transaction.atomic():
        mine = SyncRun.objects.filter(pk=run.pk, steps=run.steps, state=SyncRun.State.RUNNING)
        if not mine.update(steps=F("steps") + 1, **values):
            raise Overtaken
        yield
    run.steps += 1
    for name, value in values.items():
        setattr(run, name, value)


def _read_a_page(run: SyncRun, pace: Callable[[], None]) -> None:
    pace()
    try:
        users, token = cognito.gateway().list_users(run.token or None)
    except (cognito.Misconfigured, cognito.Refused):
        # Cognito does not say that a token is too old, only that the request is wrong.
        if not run.token or run.restarts >= _MOST_RESTARTS:
            raise
        log.info("Run %d begins the list again: its token is refused", run.pk)
        with _one_step(run, token="", restarts=run.restarts + 1):
            return
    phase = Phase.LISTING if token else Phase.MISSING
    with _one_step(run, token=token or "", phase=phase, listed=run.listed + len(users)):
        compare.record(run, users)


def _ask_for_some(run: SyncRun, pace: Callable[[], None]) -> None:
    """Ask for users whom the list left out, since it may be some time behind."""
    rows = list(
        User.objects.filter(
            ~Exists(Listed.objects.filter(run=run, user=OuterRef("pk"))),
            pool=run.pool,
            pk__gt=run.cursor or 0,
            date_joined__lt=run.started_at,
        )
        .exclude(cognito_status=DELETED)
        .order_by("pk")[:_ASKED_AT_ONCE]
    )
    if not rows:
        with _one_step(run, phase=Phase.DUPLICATES, cursor=""):
            return
    there, only_here = [], []
    for row in rows:
        pace()
        if user := compare.ask(row.sub):
            there.append(user)
        else:
            only_here.append(compare.difference(run, Kind.ONLY_HERE, row.sub, row, None))
    with _one_step(run, cursor=str(rows[-1].pk)):
        compare.record(run, there)
        compare.store(only_here)


def _compare_numbers(run: SyncRun, pace: Callable[[], None]) -> None:
    claimed = Claim.objects.filter(run=run, phone__gt=run.cursor)
    numbers = list(
        claimed.order_by("phone").values_list("phone", flat=True).distinct()[:_COMPARED_AT_ONCE]
    )
    if not numbers:
        _settle(run)
        return
    claims = Claim.objects.filter(run=run, phone__in=numbers)
    # Users without a claim have the number of their row.
    holders = User.objects.filter(
        ~Exists(Claim.objects.filter(run=run, sub=OuterRef("sub"))),
        Exists(Listed.objects.filter(run=run, user=OuterRef("pk"))),
        pool=run.pool,
        phone__in=numbers,
    )
    held = chain(claims.values_list("phone", "sub"), holders.values_list("phone", "sub"))
    found = []
    for phone, subs in by_number(held).items():
        if len(subs) > 1:
            found += _confirm_duplicates(run, phone, sorted(subs), pace)
    with _one_step(run, cursor=numbers[-1]):
        compare.store(found)


def _confirm_duplicates(
    run: SyncRun, phone: str, subs: list[str], pace: Callable[[], None]
) -> list[Difference]:
    """Ask again for users whom the list has with one number, which may have moved meanwhile."""
    asked = []
    for sub in subs:
        pace()
        if user := compare.ask(sub):
            asked.append((user.phone, user))
    users = by_number(asked).get(phone, [])
    if len(users) < 2:
        return []
    rows = {row.sub: row for row in User.objects.filter(pool=run.pool, sub__in=subs)}
    differences = []
    for user in users:
        difference = compare.difference(run, Kind.DUPLICATE, user.sub, rows.get(user.sub), user)
        difference.theirs["others"] = [other.sub for other in users if other is not user][:20]
        differences.append(difference)
    return differences


def _settle(run: SyncRun) -> None:
    """End the comparison: open differences that it did not find again are gone."""
    if run.repair:
        values: dict[str, Any] = {"phase": Phase.REPAIRING, "cursor": ""}
    else:
        values = {"state": SyncRun.State.DONE, "finished_at": timezone.now()}
    with _one_step(run, **values):
        Difference.objects.filter(pool=run.pool, state=State.OPEN, run__lt=run).update(
            state=State.GONE, open_key=None
        )
        Claim.objects.filter(run=run).delete()
        Listed.objects.filter(run=run).delete()


def _repair_some(run: SyncRun, pace: Callable[[], None]) -> None:
    kinds, problem = set(run.repair), ""
    missing = run.differences.filter(kind=Kind.ONLY_HERE).count()
    if Kind.ONLY_HERE in kinds and missing > run.shut_out_most:
        kinds.discard(Kind.ONLY_HERE)
        problem = _("%(number)d people are only here, too many to shut out unseen.") % {
            "number": missing
        }
    differences = list(
        run.differences.filter(state=State.OPEN, kind__in=kinds, pk__gt=run.cursor or 0).order_by(
            "pk"
        )[:_REPAIRED_AT_ONCE]
    )
    if not differences:
        end = {"state": SyncRun.State.DONE, "finished_at": timezone.now(), "problem": problem}
        with _one_step(run, **end):
            return
    by = run.started_by
    imported = repair.import_rows(
        [each for each in differences if each.kind == Kind.ONLY_IN_COGNITO], run, by
    )
    for difference in differences:
        if difference.pk in imported:
            continue
        pace()
        try:
            repair.repair(difference, by=by, run=run)
        except NotDone as reason:
            Difference.objects.filter(pk=difference.pk).update(problem=str(reason)[:200])
    with _one_step(run, cursor=str(differences[-1].pk)):
        pass
