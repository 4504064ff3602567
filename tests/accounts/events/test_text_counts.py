"""The texts that the triggers count: asked of them seldom, and never slow."""

import json
import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.events import text_counts
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db

TEXTS = {
    "sent": [{"day": "2026-03-10", "country": "US", "count": 8}],
    "blocked": [{"day": "2026-03-10", "country": "US", "reason": "held", "count": 3}],
}


def test_triggers_are_asked_once_in_five_minutes(function):
    function.will(Reply(TEXTS))
    for _ in range(3):
        found = text_counts.read()
    assert [(each.country, each.reason, each.count) for each in found.texts.blocked] == [
        ("US", "held", 3)
    ]
    assert abs(found.asked_at - timezone.now()) < timedelta(seconds=5)
    [request] = function.requests
    assert json.loads(request.body) == {"action": "overview", "days": 30}
    with time_machine.travel(time.time() + 301):
        text_counts.read()
    assert len(function.requests) == 2


def test_triggers_that_fail_are_said_so_and_asked_again_soon(function):
    function.will(aws_error("AccessDeniedException", status=403), Reply(TEXTS))
    assert text_counts.read().trouble == "LEDGER_FUNCTION: AccessDeniedException"
    assert text_counts.read().trouble == "LEDGER_FUNCTION: AccessDeniedException"
    assert len(function.requests) == 1
    with time_machine.travel(time.time() + 31):
        assert text_counts.read().texts.blocked


def test_slow_triggers_keep_nobody_waiting_and_answer_the_next_one(function):
    function.will(Reply(TEXTS, delay=2.5))
    started = time.monotonic()
    first = text_counts.read()
    assert text_counts.read() == first
    assert time.monotonic() - started < 1
    assert (first.asked_at, first.trouble) == (None, "")
    deadline = time.monotonic() + 5
    while not (found := text_counts.read()).asked_at and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found.texts.sent
    assert len(function.requests) == 1


def test_site_without_a_ledger_says_which_setting_is_missing(settings):
    settings.LEDGER_FUNCTION = ""
    assert text_counts.read().trouble == "LEDGER_FUNCTION is not set"
