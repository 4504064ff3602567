"""What a page of the admin asks of Cognito and the ledger."""

import time

import pytest

from accounts.aws import call_limits
from accounts.sync import remote_state

pytestmark = pytest.mark.django_db


def test_page_that_gave_up_leaves_no_call_waiting(pool, known, monkeypatch):
    monkeypatch.setattr(remote_state, "_PATIENCE", 0.3)
    pool.delays["AdminGetUser"] = 3
    live = remote_state.ask(known)
    assert live.cognito is None
    assert live.outage
    time.sleep(0.3)
    assert not call_limits.calls_to("cognito-idp")._begun
