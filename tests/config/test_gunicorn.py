"""The hooks of config/gunicorn.conf.py."""

import runpy
import threading

import pytest

from accounts import after_response
from accounts.aws import cognito


@pytest.fixture(autouse=True)
def _threads(monkeypatch):
    """Leave the work after a response of other tests in their own thread."""
    monkeypatch.setattr(after_response, "threads", after_response.Threads())


@pytest.fixture
def hooks(project):
    return runpy.run_path(str(project / "config" / "gunicorn.conf.py"))


def test_worker_has_its_client_of_cognito_before_the_first_request(hooks):
    hooks["post_worker_init"](None)

    assert cognito._made_gateway.cache_info().currsize == 1


def test_worker_does_in_other_threads_what_nobody_waits_for(hooks):
    hooks["post_worker_init"](None)

    done = threading.Event()
    assert after_response.threads.take(done.set)
    assert done.wait(10)


def test_worker_starts_where_the_client_cannot_be_made(hooks, settings):
    settings.COGNITO_CLIENT_ID = ""

    hooks["post_worker_init"](None)

    assert cognito._made_gateway.cache_info().currsize == 0
