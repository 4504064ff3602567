"""A comparison with the user pool, begun or carried on from the admin's pages."""

import time
from datetime import timedelta
from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from accounts import after_response
from accounts.admin import difference_actions
from accounts.events import totals
from accounts.models import Difference, SyncRun
from accounts.sync import errors, runs
from accounts.sync.pace import Pace

_AFTERWARDS_SECONDS = 5.0
# After so long without a step, no process is working on a run.
_AT_REST = timedelta(seconds=15)


def compare_view(request: HttpRequest) -> HttpResponse:
    """Begin a comparison, or go on with an unfinished one, after the response has left."""
    if not difference_actions.are_allowed(request):
        raise PermissionDenied
    if request.method != "POST":
        return redirect("admin:accounts_difference_changelist")
    run = runs.unfinished()
    if run is None:
        run = runs.start(by=str(request.user))
        messages.success(request, gettext("The comparison has begun."))
    elif timezone.now() - run.touched_at < _AT_REST:
        messages.info(request, gettext("The comparison goes on by itself at the moment."))
        return redirect("admin:accounts_difference_changelist")
    else:
        messages.success(request, gettext("The comparison goes on."))
    after_response.do(request, partial(_work, run))
    return redirect("admin:accounts_difference_changelist")


def _work(run: SyncRun) -> None:
    """Do steps of a run for five seconds, at a pace that Cognito accepts."""
    until = time.monotonic() + _AFTERWARDS_SECONDS
    pace = Pace(runs.PER_SECOND)
    try:
        while runs.step(run, pace) and time.monotonic() < until:
            pass
    except errors.Overtaken:
        return


def progress(run: SyncRun) -> tuple[int, int]:
    """Return how much of the present phase of ``run`` is done, and of how much; 0 for not known.

    Cognito does not say how many users the list has. It is about as many as there are here.
    """
    if run.phase == SyncRun.Phase.LISTING:
        people = totals.read(timezone.now()).people
        return (run.listed, people) if run.listed <= people else (0, 0)
    if run.phase == SyncRun.Phase.REPAIRING:
        wanted = run.differences.filter(kind__in=run.repair)
        return wanted.filter(pk__lte=int(run.cursor or 0)).count(), wanted.count()
    return (0, 0)


def summary(run: SyncRun) -> list[tuple[str, int]]:
    """Return each kind of difference found by ``run``, in words, with its count."""
    found = runs.counts(run)
    return [
        (str(kind.label), sum(found[kind.value].values()))
        for kind in Difference.Kind
        if kind.value in found
    ]
