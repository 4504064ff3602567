"""Clients of AWS: what they send, and when boto3 is imported."""

import subprocess
import sys

import boto3
import botocore
import pytest

from accounts.aws import clients
from tests.wire import Reply

CHECK = """
import sys
import django
from django.core.management import call_command
django.setup()
call_command("check")
from accounts.aws import cognito, functions
assert "accounts.views.login" in sys.modules
assert not {"boto3", "botocore.session"} & sys.modules.keys()
cognito.gateway()
assert "boto3" in sys.modules
"""


@pytest.mark.programs
def test_boto3_is_imported_with_the_first_client_and_not_before(project):
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture
def client(wire):
    return clients.make(
        "cognito-idp", region="eu-west-1", endpoint_url=wire.url, read_timeout=2, connections=1
    )


def test_call_names_boto3_and_nothing_of_the_machine(client, wire):
    wire.will(Reply({}))
    client.initiate_auth(ClientId="exampleclientid", AuthFlow="CUSTOM_AUTH")

    named = f"Boto3/{boto3.__version__} Botocore/{botocore.__version__}"
    assert wire.requests[0].headers["user-agent"] == named


def test_calls_one_after_the_other_share_a_connection(client, wire):
    wire.will(Reply({}))
    for _ in range(3):
        client.initiate_auth(ClientId="exampleclientid", AuthFlow="CUSTOM_AUTH")

    assert (len(wire.requests), wire.connections) == (3, 1)
