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

from accounts import afterwards
from accounts.admin import difference_actions
from accounts.models import Finding, SyncRun
from accounts.sync import drift
from accounts.sync.pace import Pace

_AFTERWARDS_SECONDS = 5.0
# A run that was not touched for so long is not being worked on.
_AT_REST = timedelta(seconds=15)


def compare_view(request: HttpRequest) -> HttpResponse:
    """Begin a comparison, or go on with the one under way, when the answer has left."""
    if not difference_actions.are_allowed(request):
        raise PermissionDenied
    if request.method != "POST":
        return redirect("admin:accounts_finding_changelist")
    run = drift.unfinished()
    if run is None:
        run = drift.start(by=str(request.user))
        messages.success(request, gettext("The comparison has begun."))
    elif timezone.now() - run.touched_at < _AT_REST:
        messages.info(request, gettext("The comparison goes on by itself at the moment."))
        return redirect("admin:accounts_finding_changelist")
    else:
        messages.success(request, gettext("The comparison goes on."))
    afterwards.do(request, partial(_work, run))
    return redirect("admin:accounts_finding_changelist")


def _work(run: SyncRun) -> None:
    """Do some steps of a run, at the pace that Cognito bears, and leave the rest."""
    until = time.monotonic() + _AFTERWARDS_SECONDS
    pace = Pace(drift.PER_SECOND)
    try:
        while drift.step(run, pace) and time.monotonic() < until:
            pass
    except drift.Overtaken:
        return


def summary(run: SyncRun) -> list[tuple[str, int]]:
    found = drift.counts(run)
    return [
        (str(kind.label), sum(found[kind.value].values()))
        for kind in Finding.Kind
        if kind.value in found
    ]
