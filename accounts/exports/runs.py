"""Write exports in steps of a thousand rows, which any process may continue.

An export is a row before anything is written (models.Export). Work on it begins after the response
to the operator's press of the button, and goes on after the pages that show how far it got, and in
``manage.py run_operations``. A process takes it with a lease; each step writes a part of the file
and the progress in one transaction. So a process that is killed loses no more than a step, and when
its lease is over another one goes on where it stopped.

Errors:

ExportError
├── AlreadyRunning    another export of this operator is under way
└── Overtaken         another process works on it, or it was removed
"""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from auditlog.models import LogEntry
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone, translation

from accounts.events import audit
from accounts.exports import lists, queries
from accounts.exports.formats import FORMATS
from accounts.models import Export, ExportPart, ListName, User

log = logging.getLogger(__name__)

State, Problem, Action = Export.State, Export.Problem, LogEntry.Action

CHUNK = 1_000
# As many as a spreadsheet takes.
MOST = 1_000_000
# There are few threads for work after responses (after_response), and others need them as well.
SECONDS = 3.0
# Much longer than a step takes.
_LEASE = timedelta(seconds=30)
_TRIES = 3


class ExportError(Exception):
    pass


class AlreadyRunning(ExportError):
    pass


class Overtaken(ExportError):
    pass


def start(by: User, list_name: str, file_format: str, query: str) -> Export:
    """Order an export of a list with the filters and search of ``query``. Raises AlreadyRunning.

    ``work`` and ``run_due`` write it.
    """
    now = timezone.now()
    Export.objects.filter(by=by, expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            export = Export.objects.create(
                by=by,
                list_name=list_name,
                format=file_format,
                query=query,
                whole_numbers=sees_whole_numbers(by, list_name),
                expires_at=now + Export.KEPT,
            )
            _note(export, Action.CREATE, "begun")
    except IntegrityError as error:
        raise AlreadyRunning from error
    return export


def go_on(export: Export) -> None:
    """Let an export that was given up go on from where it stopped. Raises AlreadyRunning."""
    stopped = Export.objects.filter(pk=export.pk, state=State.STOPPED)
    try:
        with transaction.atomic():
            stopped.update(state=State.RUNNING, problem="", failures=0, lease_until=None)
    except IntegrityError as error:
        raise AlreadyRunning from error


def remove(export: Export) -> None:
    """Remove an export with its file, whether it is finished or not."""
    with transaction.atomic():
        _note(export, Action.DELETE, "removed")
        Export.objects.filter(pk=export.pk).delete()


def sees_whole_numbers(by: User, list_name: str) -> bool:
    """Tell whether a list has whole numbers for an operator. Events and changes never have."""
    return list_name == ListName.PEOPLE and by.has_perm("accounts.view_phone")


def may_have(export: Export, by: User) -> bool:
    """Tell whether an operator may have the file: their own, of what they may still see."""
    return bool(
        export.by_id == by.pk
        and by.is_active
        and by.is_staff
        and by.has_perm("accounts.export_lists")
        and (sees_whole_numbers(by, export.list_name) or not export.whole_numbers)
        and lists.may_see(export)
    )


def file_of(export: Export) -> Iterator[str]:
    """Enter a download of a finished export, and return the file in its parts.

    Raises Overtaken in the middle if the export is removed meanwhile, so that nobody takes a part
    for the whole.
    """
    Export.objects.filter(pk=export.pk).update(downloads=F("downloads") + 1)
    _note(export, Action.ACCESS, "downloaded")
    return _parts(export, export.parts.count())


def _parts(export: Export, number: int) -> Iterator[str]:
    for each in range(number):
        text = export.parts.filter(number=each).values_list("text", flat=True).first()
        if text is None:
            raise Overtaken
        yield text


# Writing


def run_due(*, seconds: float) -> int:
    """Go on with the exports that no process works on, oldest first. Return with how many."""
    until = time.monotonic() + seconds
    found = _due().order_by("pk").values_list("pk", flat=True)
    for done, pk in enumerate(list(found)):
        if time.monotonic() > until:
            return done
        work(pk, seconds=until - time.monotonic())
    return len(found)


def work(pk: int, *, seconds: float = SECONDS) -> None:
    """Go on with an export for some seconds, unless another process does. Errors are logged."""
    until = time.monotonic() + seconds
    export = _claim(pk)
    if export is None:
        return
    # A file is in one language, whichever process writes it. Days are those of the operator's page.
    with (
        translation.override(None),
        timezone.override(export.by.zone()),
        audit.acting(export.by),
    ):
        try:
            _write(export, until)
        except Overtaken:
            return
        except Exception:
            log.exception("Export %d failed", export.pk)
            _fail(export)


def _due() -> Any:
    now = timezone.now()
    running = Export.objects.filter(state=State.RUNNING, expires_at__gt=now)
    return running.filter(Q(lease_until=None) | Q(lease_until__lte=now))


def _claim(pk: int) -> Export | None:
    lease = timezone.now() + _LEASE
    if not _due().filter(pk=pk).update(lease_until=lease, steps=F("steps") + 1):
        return None
    return Export.objects.select_related("by").filter(pk=pk).first()


def _write(export: Export, until: float) -> None:
    if not _may_go_on(export):
        _move(export, state=State.STOPPED, problem=Problem.RIGHTS, lease_until=None)
        return
    rows = lists.rows_of(export)
    if export.total is None:
        total = rows.order_by().count()
        if total > MOST:
            _move(export, state=State.STOPPED, problem=Problem.TOO_MANY, lease_until=None)
            return
        _move(export, total=total, lease_until=timezone.now() + _LEASE)
    while _step(export, rows):
        if time.monotonic() > until:
            _move(export, lease_until=None)
            return


def _may_go_on(export: Export) -> bool:
    """Tell whether the rights are those of the beginning, so that numbers of a file are alike."""
    is_alike = sees_whole_numbers(export.by, export.list_name) == export.whole_numbers
    return is_alike and may_have(export, export.by)


def _step(export: Export, rows: Any) -> bool:
    """Write the next part, and return whether more is left."""
    page, form = lists.page_of(export), FORMATS[export.format]
    exported, request = page.exported, lists.request_of(export)
    found = list(exported.after(rows, export.cursor)[:CHUNK])
    text = form.rows(exported.columns, [exported.row(request, each) for each in found])
    before = form.between if export.rows and found else ""
    if not export.cursor:
        before = form.head(exported.columns)
    is_last = len(found) < CHUNK
    now = timezone.now()
    values: dict[str, Any] = {"rows": export.rows + len(found), "failures": 0}
    if found:
        values["cursor"] = exported.cursor(found[-1])
    if is_last:
        values |= {"state": State.DONE, "finished_at": now, "expires_at": now + Export.KEPT}
        values |= {"query": queries.masked(export.query), "lease_until": None}
    else:
        values["lease_until"] = now + _LEASE
    with transaction.atomic():
        number = export.parts.count()
        _move(export, **values)
        whole = before + text + (form.tail if is_last else "")
        ExportPart.objects.create(export=export, number=number, text=whole)
        if is_last:
            _note(export, Action.UPDATE, "finished")
    return not is_last


def _move(export: Export, **values: Any) -> None:
    """Store progress. Raises Overtaken."""
    values |= {"touched_at": timezone.now()}
    mine = Export.objects.filter(pk=export.pk, steps=export.steps, state=State.RUNNING)
    if not mine.update(steps=F("steps") + 1, **values):
        raise Overtaken
    export.steps += 1
    for name, value in values.items():
        setattr(export, name, value)


def _fail(export: Export) -> None:
    """Leave it to the next try, or give it up after some."""
    values: dict[str, Any] = {"failures": export.failures + 1, "lease_until": None}
    if export.failures + 1 >= _TRIES:
        values |= {"state": State.STOPPED, "problem": Problem.ERROR}
    Export.objects.filter(pk=export.pk, state=State.RUNNING).update(**values)


def _note(export: Export, action: int, done: str) -> None:
    """Enter in the audit log, and in the site's log, what was done with an export."""
    query = queries.in_line(export.query)
    facts = {
        "list_name": export.list_name,
        "format": export.format,
        "query": query,
        "whole_numbers": str(export.whole_numbers),
        **({"rows": str(export.rows)} if export.total is not None else {}),
    }
    audit.note(export, {name: ["", value] for name, value in facts.items()}, action=action)
    log.info(
        "Export %d %s by %s: %s as %s, %d rows, %s numbers, filters: %s",
        *(export.pk, done, export.by, export.list_name, export.format, export.rows),
        *("whole" if export.whole_numbers else "masked", query or "none"),
    )
