"""Finds where this site and Cognito differ, for a whole pool, and mends it or undoes that.

    only in Cognito   a user there who could sign in, and has no row here
    only here         a row whose user is neither in the list nor found when asked for
    differing phone   another number, or another word on whether it was proven; Cognito wins
    differing status  another status, or disabled on one side; Cognito wins. A status that was never
                      asked for is written down and is no finding. ``is_active`` is this site's own
                      and is not compared.
    limbo             UNCONFIRMED: somebody signed up past the site, maybe with a password of their
                      own, and Cognito lets nobody sign in. RESET_REQUIRED: likewise. And
                      FORCE_CHANGE_PASSWORD, which is how all our users begin and mostly remain,
                      where the number was never proven and nobody signed in here. All but the
                      second only after a while (``limbo_after``), as a sign-up may be under way.
                    Accounts without a number are none of these.
    duplicate         two users of the pool whose numbers are the same one. Operators decide.

A run (models.SyncRun) is done in steps of bounded size, each of which a killed process may leave
half done. Raised are

    DriftError
    ├── Overtaken       another process goes on with this run, or somebody began a new one
    └── NotDone         this finding was not mended or undone; the text says why
    cognito.CognitoError    as accounts/aws/cognito.py says; the step can be tried again
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.aws import cognito
from accounts.aws.cognito import CognitoUser
from accounts.conf import conf
from accounts.models import Claim, Finding, Listed, SyncRun, User
from accounts.models.users import DELETED
from accounts.sync import revalidation
from accounts.sync.duplicates import by_number, number_of
from accounts.sync.revalidation import Change

log = logging.getLogger(__name__)

Kind = Finding.Kind
State = Finding.State
Phase = SyncRun.Phase

MENDABLE = (Kind.ONLY_IN_COGNITO, Kind.ONLY_HERE, Kind.PHONE, Kind.STATUS, Kind.LIMBO)
# What mending does, for those who decide about it.
MEANS = {
    Kind.ONLY_IN_COGNITO: gettext_lazy("A row is made here, with the number in Cognito."),
    Kind.ONLY_HERE: gettext_lazy(
        "The person is shut out here and loses all sessions. The row is kept."
    ),
    Kind.PHONE: gettext_lazy("The number in Cognito is taken over, from another row if need be."),
    Kind.STATUS: gettext_lazy(
        "The status in Cognito is taken over. Who is disabled there loses all sessions here."
    ),
    Kind.LIMBO: gettext_lazy(
        "Cognito takes back all tokens, and gets a password that nobody knows in the place of any "
        "earlier one. Of an account that was never confirmed only the number is kept, unproven. "
        "The person can then sign in by phone. Undoing brings nothing of this back."
    ),
    Kind.DUPLICATE: gettext_lazy(
        "Not mended here: decide whose number it is, and delete or change the other user."
    ),
}
LIMBO_AFTER = timedelta(days=1)
SHUT_OUT_MOST = 100
PER_SECOND = 10.0  # Cognito grants 30 ListUsers and 120 AdminGetUser, to the whole account
_ASKED_AT_ONCE = 20
_COMPARED_AT_ONCE = 200
_MENDED_AT_ONCE = 60
_MOST_RESTARTS = 20


class DriftError(Exception):
    pass


class Overtaken(DriftError):
    pass


class NotDone(DriftError):
    pass


def start(
    *,
    by: str = "",
    mend: Collection[str] = (),
    dry_run: bool = False,
    limbo_after: timedelta = LIMBO_AFTER,
    shut_out_most: int = SHUT_OUT_MOST,
) -> SyncRun:
    """Begin a comparison with the pool. One that was under way is given up.

    With ``dry_run`` findings are written and nothing else. More than ``shut_out_most`` people who
    are only here are not shut out by the run: so many hint at a mistake, such as a restored pool.
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
            mend=[] if dry_run else sorted(set(mend)),
            limbo_after=limbo_after,
            shut_out_most=shut_out_most,
            started_by=by[:80],
        )


def unfinished() -> SyncRun | None:
    """Return the comparison of this pool that is under way or was cut off, if there is one."""
    runs = SyncRun.objects.filter(pool=conf.user_pool_id, state=SyncRun.State.RUNNING)
    return runs.order_by("-pk").first()


def step(run: SyncRun, pace: Callable[[], None]) -> bool:
    """Do the next piece of ``run`` and return whether more is left.

    ``pace`` is called before each call to Cognito. Raises Overtaken, CognitoError.
    """
    {
        Phase.LISTING: _read_a_page,
        Phase.MISSING: _ask_for_some,
        Phase.DUPLICATES: _compare_numbers,
        Phase.MENDING: _mend_some,
    }[Phase(run.phase)](run, pace)
    return run.state == SyncRun.State.RUNNING


def counts(run: SyncRun) -> dict[str, dict[str, int]]:
    """Return how many findings of ``run`` there are, by kind and state."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    rows = run.findings.values_list("kind", "state").annotate(Count("pk")).order_by("kind", "state")
    for kind, state, number in rows:
        found[kind][state] = number
    return dict(found)


# Steps


@contextmanager
def _one_step(run: SyncRun, **values: Any) -> Iterator[None]:
    """Write what the body writes together with how far ``run`` has come, or neither."""
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
        # Cognito does not say that a token is too old, only that something is wrong.
        if not run.token or run.restarts >= _MOST_RESTARTS:
            raise
        log.info("Run %d begins the list again: its token is refused", run.pk)
        with _one_step(run, token="", restarts=run.restarts + 1):
            return
    phase = Phase.LISTING if token else Phase.MISSING
    with _one_step(run, token=token or "", phase=phase, listed=run.listed + len(users)):
        _compare(run, users)


def _ask_for_some(run: SyncRun, pace: Callable[[], None]) -> None:
    """Ask for people whom the list did not name, which may lag behind."""
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
        if user := _ask(row.sub):
            there.append(user)
        else:
            only_here.append(_finding(run, Kind.ONLY_HERE, row.sub, row, None))
    with _one_step(run, cursor=str(rows[-1].pk)):
        _compare(run, there)
        _store(only_here)


def _compare_numbers(run: SyncRun, pace: Callable[[], None]) -> None:
    claimed = Claim.objects.filter(run=run, phone__gt=run.cursor)
    numbers = list(
        claimed.order_by("phone").values_list("phone", flat=True).distinct()[:_COMPARED_AT_ONCE]
    )
    if not numbers:
        _settle(run)
        return
    claims = Claim.objects.filter(run=run, phone__in=numbers)
    # Those who claim no other number have the one of their row.
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
        _store(found)


def _confirm_duplicates(
    run: SyncRun, phone: str, subs: list[str], pace: Callable[[], None]
) -> list[Finding]:
    """Ask for users that the list named with one number, which may have moved in between."""
    asked = []
    for sub in subs:
        pace()
        if user := _ask(sub):
            asked.append((user.phone, user))
    users = by_number(asked).get(phone, [])
    if len(users) < 2:
        return []
    rows = {row.sub: row for row in User.objects.filter(pool=run.pool, sub__in=subs)}
    findings = []
    for user in users:
        finding = _finding(run, Kind.DUPLICATE, user.sub, rows.get(user.sub), user)
        finding.theirs["others"] = [other.sub for other in users if other is not user][:20]
        findings.append(finding)
    return findings


def _settle(run: SyncRun) -> None:
    """End the comparison: what it did not meet again is gone."""
    if run.mend:
        values: dict[str, Any] = {"phase": Phase.MENDING, "cursor": ""}
    else:
        values = {"state": SyncRun.State.DONE, "finished_at": timezone.now()}
    with _one_step(run, **values):
        Finding.objects.filter(pool=run.pool, state=State.OPEN, run__lt=run).update(
            state=State.GONE, open_key=None
        )
        Claim.objects.filter(run=run).delete()
        Listed.objects.filter(run=run).delete()


def _mend_some(run: SyncRun, pace: Callable[[], None]) -> None:
    kinds, problem = set(run.mend), ""
    missing = run.findings.filter(kind=Kind.ONLY_HERE).count()
    if Kind.ONLY_HERE in kinds and missing > run.shut_out_most:
        kinds.discard(Kind.ONLY_HERE)
        problem = _("%(number)d people are only here, too many to shut out unseen.") % {
            "number": missing
        }
    findings = list(
        run.findings.filter(state=State.OPEN, kind__in=kinds, pk__gt=run.cursor or 0).order_by(
            "pk"
        )[:_MENDED_AT_ONCE]
    )
    if not findings:
        end = {"state": SyncRun.State.DONE, "finished_at": timezone.now(), "problem": problem}
        with _one_step(run, **end):
            return
    by = run.started_by
    imported = _import([each for each in findings if each.kind == Kind.ONLY_IN_COGNITO], run, by)
    for finding in findings:
        if finding.pk in imported:
            continue
        pace()
        try:
            mend(finding, by=by, run=run)
        except NotDone as reason:
            Finding.objects.filter(pk=finding.pk).update(problem=str(reason)[:200])
    with _one_step(run, cursor=str(findings[-1].pk)):
        pass


# Comparing


def _compare(run: SyncRun, users: list[CognitoUser]) -> None:
    """Write down where ``users`` of the pool differ from the rows here."""
    if not users:
        return
    known = User.objects.filter(pool=run.pool, sub__in=[user.sub for user in users])
    rows = {row.sub: row for row in known}
    found: list[Finding] = []
    claims = []
    never_asked = []
    for user in users:
        row = rows.get(user.sub)
        found += [_finding(run, kind, user.sub, row, user) for kind in _differences(run, row, user)]
        normal = number_of(user.phone)
        if normal and not (row and row.phone == user.phone == normal):
            claims.append(Claim(run=run, sub=user.sub, phone=normal))
        if row and not row.cognito_status:
            row.cognito_status = user.status
            never_asked.append(row)
    if rows:
        Listed.objects.bulk_create(
            [Listed(run=run, user=row) for row in rows.values()], ignore_conflicts=True
        )
    if never_asked and not run.dry_run:
        User.objects.bulk_update(never_asked, ["cognito_status"])
    _store(found)
    if claims:
        # One page may name a user twice while the list moves under it.
        Claim.objects.bulk_create(
            {claim.sub: claim for claim in claims}.values(),
            update_conflicts=True,
            unique_fields=["run", "sub"],
            update_fields=["phone"],
        )


def _differences(run: SyncRun, row: User | None, user: CognitoUser) -> Iterator[Kind]:
    is_unconfirmed = user.status == "UNCONFIRMED"
    is_unproven = is_unconfirmed or (
        user.status == "FORCE_CHANGE_PASSWORD" and not user.phone_verified
    )
    was_here = bool(row and row.last_login)
    is_old = user.created_at <= run.started_at - run.limbo_after
    is_stuck = is_unproven and is_old and (is_unconfirmed or not was_here)
    # An account without a number is none that phone sign-in could help, or may touch.
    if user.phone and (is_stuck or user.status == "RESET_REQUIRED"):
        yield Kind.LIMBO
    if row is None:
        if not is_unproven:
            yield Kind.ONLY_IN_COGNITO
        return
    phone = revalidation.storable(user.phone)
    if (row.phone, row.phone_verified) != (phone, user.phone_verified):
        yield Kind.PHONE
    is_other = bool(row.cognito_status) and row.cognito_status != user.status
    if is_other or row.cognito_enabled != user.enabled:
        yield Kind.STATUS


def _finding(
    run: SyncRun, kind: Kind, sub: str, row: User | None, user: CognitoUser | None
) -> Finding:
    return Finding(
        run=run,
        kind=kind,
        pool=run.pool,
        sub=sub,
        user=row,
        open_key=f"{kind}:{sub}",
        ours={
            "phone": row.phone,
            "phone_verified": row.phone_verified,
            "status": row.cognito_status,
            "enabled": row.cognito_enabled,
        }
        if row
        else {},
        theirs={
            "phone": user.phone,
            "phone_verified": user.phone_verified,
            "status": user.status,
            "enabled": user.enabled,
        }
        if user
        else {},
    )


def _store(findings: list[Finding]) -> None:
    """Write findings; one that is open already is met again."""
    if findings:
        Finding.objects.bulk_create(
            {finding.open_key: finding for finding in findings}.values(),
            update_conflicts=True,
            unique_fields=["pool", "open_key"],
            update_fields=["run", "user", "ours", "theirs"],
        )


def _ask(sub: str) -> CognitoUser | None:
    try:
        return cognito.gateway().read_user(sub)
    except cognito.UnknownUser:
        return None


# Mending


def mend(finding: Finding, *, by: str, run: SyncRun | None = None) -> None:
    """Mend one finding, with what Cognito says now. What has gone by itself is noted as such.

    ``by`` says who wants it. Raises NotDone, CognitoError; nothing has changed here then.
    """
    if finding.pool != conf.user_pool_id:
        raise NotDone(_("This is of another user pool."))
    if finding.kind == Kind.DUPLICATE:
        raise NotDone(str(MEANS[Kind.DUPLICATE]))
    if finding.kind in (Kind.ONLY_IN_COGNITO, Kind.PHONE) and _is_disputed(finding):
        raise NotDone(_("Another user of the pool has the same number. Decide on that first."))
    user = _ask(finding.sub)
    kept: list[str] = []
    if user and finding.kind == Kind.LIMBO:
        kept = cognito.gateway().heal(user.sub)
        user = cognito.gateway().read_user(user.sub)
    with transaction.atomic():
        if not _close(finding, State.MENDED, by=by, run=run):
            return
        changes = _CHANGES[Kind(finding.kind)](finding, user)
        Finding.objects.filter(pk=finding.pk).update(undo=changes)
        if not changes and finding.kind != Kind.LIMBO:
            Finding.objects.filter(pk=finding.pk).update(state=State.GONE)
        if kept:
            problem = _("The pool keeps %(names)s, which nobody has proven.") % {
                "names": ", ".join(kept)
            }
            Finding.objects.filter(pk=finding.pk).update(problem=problem[:200])
    finding.refresh_from_db()
    log.info("Mended by %s: %s of %s", by or "nobody named", finding.kind, finding.sub)


def undo(finding: Finding, *, by: str) -> None:
    """Put our rows back as they were before this finding was mended. Raises NotDone.

    Rows that changed since are left as they are. What is in Cognito is not touched.
    """
    try:
        with transaction.atomic():
            mended = Finding.objects.filter(pk=finding.pk, state=State.MENDED)
            if not mended.update(state=State.UNDONE, undone_at=timezone.now(), undone_by=by[:80]):
                raise NotDone(_("This is not mended."))
            # Who took a number comes before who gets it back.
            for change in reversed(finding.undo):
                _put_back(change)
    except IntegrityError as error:
        raise NotDone(_("The number has another owner here since.")) from error
    finding.refresh_from_db()
    log.info("Undone by %s: %s of %s", by or "nobody named", finding.kind, finding.sub)


def undo_run(run: SyncRun, *, by: str) -> Iterator[tuple[Finding, str]]:
    """Undo all that ``run`` mended, the last first, and yield each with "" or why it was not."""
    last = None
    while True:
        left = run.mended.filter(state=State.MENDED).order_by("-pk")
        batch = list((left.filter(pk__lt=last) if last else left)[:_MENDED_AT_ONCE])
        if not batch:
            return
        for finding in batch:
            last = finding.pk
            try:
                undo(finding, by=by)
            except NotDone as reason:
                yield finding, str(reason)
            else:
                yield finding, ""


def _put_back(change: Change) -> None:
    rows = User.objects.select_for_update().filter(pk=change["pk"], **change["after"])
    row = rows.first()
    if row is None:
        raise NotDone(_("The row was changed since."))
    if change["before"] is not None:
        revalidation.set_fields(row, change["before"])
    elif row.last_login or row.sessions.exists() or row.is_staff or row.groups.exists():
        raise NotDone(_("The row made here is in use."))
    else:
        row.delete()


def _close(finding: Finding, state: str, *, by: str, run: SyncRun | None) -> bool:
    """Be the one who closes an open finding."""
    return bool(
        Finding.objects.filter(pk=finding.pk, state=State.OPEN).update(
            state=state,
            open_key=None,
            problem="",
            mended_at=timezone.now(),
            mended_by=by[:80],
            mended_in=run,
        )
    )


def _is_disputed(finding: Finding) -> bool:
    return Finding.objects.filter(
        pool=finding.pool, open_key=f"{Kind.DUPLICATE}:{finding.sub}"
    ).exists()


def _row(finding: Finding) -> User:
    row = User.objects.filter(pool=finding.pool, sub=finding.sub).first()
    if row is None:
        raise NotDone(_("There is no row here any more. Compare again."))
    return row


def _there(user: CognitoUser | None) -> CognitoUser:
    if user is None:
        raise NotDone(_("Cognito has no such user any more. Compare again."))
    return user


def _shut_out(finding: Finding, user: CognitoUser | None) -> list[Change]:
    return [] if user else revalidation.shut_out(_row(finding))


def _take_phone(finding: Finding, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    return revalidation.write(
        _row(finding),
        phone=revalidation.storable(user.phone),
        phone_verified=user.phone_verified,
    )


def _take_status(finding: Finding, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    return revalidation.write(
        _row(finding), cognito_status=user.status, cognito_enabled=user.enabled
    )


def _note_status(finding: Finding, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    row = User.objects.filter(pool=finding.pool, sub=finding.sub).first()
    return revalidation.write(row, cognito_status=user.status) if row else []


def _make_row(finding: Finding, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    if User.objects.filter(pool=finding.pool, sub=user.sub).exists():
        return []
    row = User.objects.create(pool=finding.pool, sub=user.sub, password=make_password(None))
    changes = revalidation.adopt(row, user)
    Finding.objects.filter(pk=finding.pk).update(user=row)
    moved = [change for change in changes if change["pk"] != row.pk]
    return [*moved, _made(row)]


def _made(row: User) -> Change:
    after = {
        "phone": row.phone,
        "phone_verified": row.phone_verified,
        "cognito_status": row.cognito_status,
        "cognito_enabled": row.cognito_enabled,
    }
    return {"pk": row.pk, "before": None, "after": after}


_CHANGES: dict[Kind, Callable[[Finding, CognitoUser | None], list[Change]]] = {
    Kind.ONLY_IN_COGNITO: _make_row,
    Kind.ONLY_HERE: _shut_out,
    Kind.PHONE: _take_phone,
    Kind.STATUS: _take_status,
    Kind.LIMBO: _note_status,
}


def _import(findings: list[Finding], run: SyncRun, by: str) -> set[int]:
    """Make rows for many at once, where there is nothing to consider, and return whose.

    This takes the word of the list: somebody who has left the pool since is found by the next run.
    """
    if not findings:
        return set()
    with transaction.atomic():
        by_sub = {finding.sub: finding for finding in findings if finding.theirs["enabled"]}
        phones_of = {
            sub: revalidation.storable(finding.theirs["phone"]) for sub, finding in by_sub.items()
        }
        taken = User.objects.filter(
            Q(sub__in=by_sub) | Q(phone__in=[phone for phone in phones_of.values() if phone]),
            pool=run.pool,
        )
        spoken_for: set[str | None] = set()
        for sub, phone in taken.values_list("sub", "phone"):
            spoken_for |= {sub, phone}
        disputed = Finding.objects.filter(
            pool=run.pool, open_key__in=[f"{Kind.DUPLICATE}:{sub}" for sub in by_sub]
        )
        spoken_for |= set(disputed.values_list("sub", flat=True))
        spoken_for.discard(None)
        rows = []
        for sub, finding in by_sub.items():
            if sub in spoken_for or phones_of[sub] in spoken_for:
                continue
            if phones_of[sub]:
                spoken_for.add(phones_of[sub])
            rows.append(
                User(
                    pool=run.pool,
                    sub=sub,
                    password=make_password(None),
                    phone=phones_of[sub],
                    phone_verified=finding.theirs["phone_verified"],
                    cognito_status=finding.theirs["status"],
                    cognito_enabled=True,
                )
            )
        # Where somebody signs in at this moment, theirs is the row.
        User.objects.bulk_create(rows, ignore_conflicts=True)
        passwords = {row.sub: row.password for row in rows}
        now = timezone.now()
        done = []
        for row in User.objects.filter(pool=run.pool, sub__in=passwords):
            if row.password != passwords[row.sub]:
                continue
            finding = by_sub[row.sub]
            finding.state, finding.open_key, finding.user = State.MENDED, None, row
            finding.mended_at, finding.mended_by, finding.mended_in = now, by[:80], run
            finding.undo = [_made(row)]
            done.append(finding)
        fields = ["state", "open_key", "user", "mended_at", "mended_by", "mended_in", "undo"]
        Finding.objects.bulk_update(done, fields)
        return {finding.pk for finding in done}
