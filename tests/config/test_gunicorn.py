"""The hooks of config/gunicorn.conf.py."""

import runpy

import pytest

from accounts.aws import cognito


@pytest.fixture
def hooks(project):
    return runpy.run_path(str(project / "config" / "gunicorn.conf.py"))


def test_worker_has_its_client_of_cognito_before_the_first_request(hooks):
    hooks["post_worker_init"](None)

    assert cognito._made_gateway.cache_info().currsize == 1


def test_worker_starts_where_the_client_cannot_be_made(hooks, settings):
    settings.COGNITO_CLIENT_ID = ""

    hooks["post_worker_init"](None)

    assert cognito._made_gateway.cache_info().currsize == 0
