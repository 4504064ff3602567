"""make deploy and make undeploy, as commands of a shell, against the local AWS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cognito_admin import deploy, revision
from cognito_admin.account import configured
from cognito_admin.deploy import DeployError
from localcloud.cloud import PROJECT

pytestmark = pytest.mark.cloud

CONFIG = """
[test]
region = "us-east-1"
AppName = "My own site"
SiteHost = "www.example.com"
AllowedCountries = ["US", "CA"]
SendsPerPhoneHour = 6
PublicClient = true
"""
REAL_SAM = PROJECT / ".local" / "sam-venv" / "bin" / "sam"


@pytest.fixture(params=["stand-in", "real"])
def sam(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "real":
        if not REAL_SAM.exists():
            pytest.skip("AWS SAM is not installed; make deploy installs it")
        return REAL_SAM
    script = tmp_path / "sam"
    module = "tests.cognito_admin.stand_in_sam"
    script.write_text(f'#!/bin/sh\ncd {PROJECT} && exec {sys.executable} -m {module} "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "deploy.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def make(aws, config, sam):
    """``make("up")``: what the target runs. Returns what it said; fails with it."""

    def run(*arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "cognito_admin.deploy", *arguments),
                *("--stage", "test", "--config", config, "--sam", sam, "--yes"),
            ],
            cwd=PROJECT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(config.parent),
                "NO_PROXY": "*",
                "AWS_ENDPOINT_URL": aws.emulator.url,
                "AWS_ACCESS_KEY_ID": aws.emulator.root_key.id,
                "AWS_SECRET_ACCESS_KEY": aws.emulator.root_key.secret,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_deployed_examined_printed_undeployed_and_back_with_the_same_users(aws, make, config):
    said = make("up")
    assert "ok          triggers: the pool calls ours" in said
    assert "ok          revision: the triggers are those of this checkout" in said
    assert "not checked site" in said
    variables = dict(
        line.split("=", 1) for line in said.splitlines() if line.split("=")[0].isupper()
    )
    pool = variables["COGNITO_USER_POOL_ID"]
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["ACCOUNTS_COUNTRIES"] == "US,CA"
    assert variables["SITE_NAME"] == "My own site"
    assert variables["LEDGER_FUNCTION"] == "phone-login-ledger-test"
    described = aws.client("cognito-idp").describe_user_pool_client(
        UserPoolId=pool, ClientId=variables["COGNITO_CLIENT_ID"]
    )
    public = aws.client("cognito-idp").describe_user_pool_client(
        UserPoolId=pool, ClientId=variables["COGNITO_PUBLIC_CLIENT_ID"]
    )
    assert "ClientSecret" not in public["UserPoolClient"]
    # Whoever reads what CI prints must not get it.
    assert described["UserPoolClient"]["ClientSecret"] not in said
    assert variables["COGNITO_CLIENT_SECRET"].startswith("$(aws cognito-idp describe-user-pool")
    live = aws.client("lambda").get_function_configuration(
        FunctionName="phone-login-create-test", Qualifier="live"
    )["Environment"]["Variables"]
    assert live["APP_NAME"] == "My own site"
    assert live["SENDS_PER_PHONE_HOUR"] == "6"
    key = aws.client("secretsmanager").get_secret_value(SecretId="phone-login/test/code-key")

    said = make("down")
    assert f"Kept: the pool {pool}" in said
    assert aws.client("cognito-idp").describe_user_pool(UserPoolId=pool)

    said = make("up", "--user-pool-id", pool)
    assert "are used again" in said
    assert f"COGNITO_USER_POOL_ID={pool}" in said
    assert "ok          triggers: the pool calls ours" in said
    again = aws.client("secretsmanager").get_secret_value(SecretId="phone-login/test/code-key")
    assert again["SecretString"] == key["SecretString"]

    # Attached now: what people sign in by is not pulled away under the pool.
    said = make("down", fails=True)
    assert f"cognito_detach --user-pool-id {pool} --stage test" in said


def test_code_key_that_was_changed_by_hand_is_another_revision(as_operator):
    account, secrets = configured(), as_operator.client("secretsmanager")

    def revision_now() -> str:
        return deploy.revision_for(account, "keyed", {"Stage": "keyed"})

    name, without = "phone-login/keyed/code-key", revision_now()
    secrets.create_secret(Name=name, SecretString="a" * 64)
    first = revision_now()
    assert first == revision_now() != without
    secrets.put_secret_value(SecretId=name, SecretString="b" * 64)
    assert revision_now() != first
    assert revision.has_sources(first, deploy.LAMBDAS)


def test_stage_that_the_file_does_not_name_is_explained(tmp_path):
    for text in (None, "[prod]\n"):
        path = tmp_path / "deploy.toml"
        if text:
            path.write_text(text)
        with pytest.raises(DeployError, match=r"(?s)nothing of the stage test.*\[test\]\nregion"):
            deploy.read_parameters(path, "test")


@pytest.mark.parametrize("stage", ["", "Prod", "../prod", "a" * 21, "1st"])
def test_name_that_is_no_stage_is_refused(config, stage):
    with pytest.raises(DeployError, match="no name of a stage"):
        deploy.read_parameters(config, stage)


def test_file_that_cannot_be_read_is_explained(tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text("[test\n")
    with pytest.raises(DeployError, match=r"deploy\.toml cannot be read"):
        deploy.read_parameters(path, "test")


def test_parameters_are_spelled_as_cloudformation_wants_them(config):
    region, parameters = deploy.read_parameters(config, "test")
    assert region == "us-east-1"
    assert parameters == {
        "Stage": "test",
        "AppName": "My own site",
        "SiteHost": "www.example.com",
        "AllowedCountries": "US,CA",
        "SendsPerPhoneHour": "6",
        "PublicClient": "true",
    }


def test_staged_sources_are_those_of_the_revision_and_nothing_else(tmp_path):
    template = deploy.stage_sources(tmp_path / "build")
    assert "    CodeUri: code\n" in template.read_text()
    code = tmp_path / "build" / "code"
    staged = {path.relative_to(code) for path in code.rglob("*") if path.is_file()}
    assert staged == {path.relative_to(deploy.LAMBDAS) for path in revision.sources(deploy.LAMBDAS)}
    assert Path("triggers/create_auth_challenge.py") in staged
