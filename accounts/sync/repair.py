"""Repair single differences between this site and Cognito, and undo that."""

import logging
from collections.abc import Callable, Iterator

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.aws import cognito
from accounts.aws.cognito_values import CognitoUser
from accounts.conf import conf
from accounts.models import Difference, SyncRun, User
from accounts.sync import compare, revalidation
from accounts.sync.errors import NotDone, translated
from accounts.sync.revalidation import Change

log = logging.getLogger(__name__)

Kind = Difference.Kind
State = Difference.State

_UNDONE_AT_ONCE = 60


def repair(difference: Difference, *, by: str, run: SyncRun | None = None) -> None:
    """Repair one difference with Cognito's present answer; one that has gone is marked so.

    ``by`` names the operator. Raises NotDone or Unreachable; then nothing has changed here.
    """
    if difference.pool != conf.user_pool_id:
        raise NotDone(_("This is of another user pool."))
    if difference.kind == Kind.DUPLICATE:
        raise NotDone(str(compare.MEANS[Kind.DUPLICATE]))
    if difference.kind in (Kind.ONLY_IN_COGNITO, Kind.PHONE) and _is_disputed(difference):
        raise NotDone(_("Another user of the pool has the same number. Decide on that first."))
    kept: list[str] = []
    with translated():
        user = compare.ask(difference.sub)
        if user and difference.kind == Kind.UNCONFIRMED:
            kept = cognito.gateway().repair(user.sub)
            user = cognito.gateway().read_user(user.sub)
    with transaction.atomic():
        if not _close(difference, State.REPAIRED, by=by, run=run):
            return
        changes = _CHANGES[Kind(difference.kind)](difference, user)
        Difference.objects.filter(pk=difference.pk).update(undo=changes)
        if not changes and difference.kind != Kind.UNCONFIRMED:
            Difference.objects.filter(pk=difference.pk).update(state=State.GONE)
        if kept:
            problem = _("The pool keeps %(names)s, which nobody has proven.") % {
                "names": ", ".join(kept)
            }
            Difference.objects.filter(pk=difference.pk).update(problem=problem[:200])
    difference.refresh_from_db()
    log.info("Repaired by %s: %s of %s", by or "nobody named", difference.kind, difference.sub)


def undo(difference: Difference, *, by: str) -> None:
    """Put our rows back as they were before this difference was repaired. Raises NotDone.

    Rows that changed since are left as they are. Nothing changes in Cognito.
    """
    try:
        with transaction.atomic():
            repaired = Difference.objects.filter(pk=difference.pk, state=State.REPAIRED)
            if not repaired.update(state=State.UNDONE, undone_at=timezone.now(), undone_by=by[:80]):
                raise NotDone(_("This is not repaired."))
            # Free a number before its former owner gets it back.
            for change in reversed(difference.undo):
                _put_back(change)
    except IntegrityError as error:
        raise NotDone(_("The number has another owner here since.")) from error
    difference.refresh_from_db()
    log.info("Undone by %s: %s of %s", by or "nobody named", difference.kind, difference.sub)


def undo_run(run: SyncRun, *, by: str) -> Iterator[tuple[Difference, str]]:
    """Undo the repairs of ``run``, the last first. Yield each with "" or why it was not undone."""
    last = None
    while True:
        left = run.repaired.filter(state=State.REPAIRED).order_by("-pk")
        batch = list((left.filter(pk__lt=last) if last else left)[:_UNDONE_AT_ONCE])
        if not batch:
            return
        for difference in batch:
            last = difference.pk
            try:
                undo(difference, by=by)
            except NotDone as reason:
                yield difference, str(reason)
            else:
                yield difference, ""


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


def _close(difference: Difference, state: str, *, by: str, run: SyncRun | None) -> bool:
    """Close an open difference. False: another process has done so."""
    return bool(
        Difference.objects.filter(pk=difference.pk, state=State.OPEN).update(
            state=state,
            open_key=None,
            problem="",
            repaired_at=timezone.now(),
            repaired_by=by[:80],
            repaired_in=run,
        )
    )


def _is_disputed(difference: Difference) -> bool:
    return Difference.objects.filter(
        pool=difference.pool, open_key=f"{Kind.DUPLICATE}:{difference.sub}"
    ).exists()


def _row(difference: Difference) -> User:
    row = User.objects.filter(pool=difference.pool, sub=difference.sub).first()
    if row is None:
        raise NotDone(_("There is no row here any more. Compare again."))
    return row


def _there(user: CognitoUser | None) -> CognitoUser:
    if user is None:
        raise NotDone(_("Cognito has no such user any more. Compare again."))
    return user


def _shut_out(difference: Difference, user: CognitoUser | None) -> list[Change]:
    return [] if user else revalidation.shut_out(_row(difference))


def _take_phone(difference: Difference, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    return revalidation.write(
        _row(difference),
        phone=revalidation.storable(user.phone),
        phone_verified=user.phone_verified,
    )


def _take_status(difference: Difference, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    return revalidation.write(
        _row(difference), cognito_status=user.status, cognito_enabled=user.enabled
    )


def _note_status(difference: Difference, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    row = User.objects.filter(pool=difference.pool, sub=difference.sub).first()
    return revalidation.write(row, cognito_status=user.status) if row else []


def _make_row(difference: Difference, user: CognitoUser | None) -> list[Change]:
    user = _there(user)
    if User.objects.filter(pool=difference.pool, sub=user.sub).exists():
        return []
    row = User.objects.create(pool=difference.pool, sub=user.sub, password=make_password(None))
    changes = revalidation.adopt(row, user)
    Difference.objects.filter(pk=difference.pk).update(user=row)
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


_CHANGES: dict[Kind, Callable[[Difference, CognitoUser | None], list[Change]]] = {
    Kind.ONLY_IN_COGNITO: _make_row,
    Kind.ONLY_HERE: _shut_out,
    Kind.PHONE: _take_phone,
    Kind.STATUS: _take_status,
    Kind.UNCONFIRMED: _note_status,
}


def import_rows(differences: list[Difference], run: SyncRun, by: str) -> set[int]:
    """Make rows for the simple cases, many at once. Return the keys of the differences repaired.

    It trusts the list of the run: a user who has left the pool since is found by the next run.
    """
    if not differences:
        return set()
    with transaction.atomic():
        by_sub = {
            difference.sub: difference for difference in differences if difference.theirs["enabled"]
        }
        phones_of = {
            sub: revalidation.storable(difference.theirs["phone"])
            for sub, difference in by_sub.items()
        }
        taken = User.objects.filter(
            Q(sub__in=by_sub) | Q(phone__in=[phone for phone in phones_of.values() if phone]),
            pool=run.pool,
        )
        spoken_for: set[str | None] = set()
        for sub, phone in taken.values_list("sub", "phone"):
            spoken_for |= {sub, phone}
        disputed = Difference.objects.filter(
            pool=run.pool, open_key__in=[f"{Kind.DUPLICATE}:{sub}" for sub in by_sub]
        )
        spoken_for |= set(disputed.values_list("sub", flat=True))
        spoken_for.discard(None)
        rows = []
        for sub, difference in by_sub.items():
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
                    phone_verified=difference.theirs["phone_verified"],
                    cognito_status=difference.theirs["status"],
                    cognito_enabled=True,
                )
            )
        # If somebody signs in at this moment, the row of their sign-in stays.
        User.objects.bulk_create(rows, ignore_conflicts=True)
        passwords = {row.sub: row.password for row in rows}
        now = timezone.now()
        done = []
        for row in User.objects.filter(pool=run.pool, sub__in=passwords):
            if row.password != passwords[row.sub]:
                continue
            difference = by_sub[row.sub]
            difference.state, difference.open_key, difference.user = State.REPAIRED, None, row
            difference.repaired_at, difference.repaired_by, difference.repaired_in = (
                now,
                by[:80],
                run,
            )
            difference.undo = [_made(row)]
            done.append(difference)
        fields = ["state", "open_key", "user", "repaired_at", "repaired_by", "repaired_in", "undo"]
        Difference.objects.bulk_update(done, fields)
        return {difference.pk for difference in done}
