"""Clients of AWS: what they send, and when boto3 is imported."""

import subprocess
import sys

import pytest

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
