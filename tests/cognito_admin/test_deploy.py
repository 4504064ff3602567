"""make deploy and make undeploy, as commands of a shell, against the local AWS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cognito_admin import deploy, revision
from cognito_admin.account import configured
from cognito_admin.deploy import DeployError
from cognito_admin.plans import Refused
from localcloud.cloud import PROJECT
from tests.cognito_admin.existing_pool import OTHER

pytestmark = pytest.mark.cloud

CONFIG = """
[test]
region = "us-east-1"
AppName = "My own site"
SiteHost = "www.example.com"
AllowedCountries = ["US", "CA"]
SendsPerPhoneHour = 6
PublicClient = true
# The local AWS knows no alarms on several metrics.
UnusedTextsAlarm = 0
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
def shell(aws, tmp_path):
    """``shell("-m", "…")``: what Python says as the operator; fails with it."""

    def run(*arguments: object, fails: bool = False, answer: str = "") -> str:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=PROJECT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "NO_PROXY": "*",
                "AWS_REGION": "us-east-1",
                "DJANGO_SECRET_KEY": "of-no-use-to-these-commands",
                "AWS_ENDPOINT_URL": aws.emulator.url,
                "AWS_ACCESS_KEY_ID": aws.emulator.root_key.id,
                "AWS_SECRET_ACCESS_KEY": aws.emulator.root_key.secret,
            },
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def make(shell, config, sam):
    """``make("up")``: what the target runs; with an ``answer`` it asks."""

    def run(*arguments: str, stage: str = "test", fails: bool = False, answer: str = "") -> str:
        options = ["--stage", stage, "--config", config, "--sam", sam]
        if not answer:
            options.append("--yes")
        module = ("-m", "cognito_admin.deploy")
        return str(shell(*module, *arguments, *options, fails=fails, answer=answer))

    return run


def test_deployed_examined_printed_undeployed_and_back_with_the_same_users(aws, make, shell):
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

    logs = aws.client("logs")
    logs.put_retention_policy(logGroupName="/phone-login/test/triggers", retentionInDays=1)
    said = make("up", "--user-pool-id", pool)
    for what in ("table", "code key", "log group"):
        assert f"The {what} of an earlier stack is there, and is used again." in said
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/phone-login/test/")["logGroups"]
    assert group["retentionInDays"] == 30
    assert f"COGNITO_USER_POOL_ID={pool}" in said
    assert "ok          triggers: the pool calls ours" in said
    again = aws.client("secretsmanager").get_secret_value(SecretId="phone-login/test/code-key")
    assert again["SecretString"] == key["SecretString"]

    # Attached now: what people sign in by is not pulled away under the pool.
    said = make("down", fails=True)
    detach = f"cognito_detach --user-pool-id {pool} --stage test"
    assert detach in said
    shell("manage.py", *detach.split(), "--yes")
    assert "Deleted phone-login-test" in make("down")


def test_nothing_is_deployed_for_a_pool_whose_custom_triggers_are_taken(
    aws, as_operator, make_pool
):
    taken = make_pool(LambdaConfig={"VerifyAuthChallengeResponse": OTHER})
    runs_no_sam = Path("/bin/false")

    def up() -> None:
        parameters = {"Stage": "other", "ExistingUserPoolId": taken}
        deploy.up(configured(), "other", parameters, sam=runs_no_sam, yes=True)

    with pytest.raises(Refused, match=f"VerifyAuthChallengeResponse is taken: {OTHER}"):
        up()
    # Those of this stage are no obstacle: it is deployed again.
    ours = OTHER.replace("somebody-elses", "phone-login-verify-other") + ":live"
    aws.client("cognito-idp").update_user_pool(
        UserPoolId=taken, LambdaConfig={"VerifyAuthChallengeResponse": ours}
    )
    with pytest.raises(DeployError, match="SAM did not deploy"):
        up()


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


def test_only_what_is_there_and_not_the_stack_s_own_is_used_again(as_operator):
    def left() -> dict[str, bool]:
        return deploy._left_by_earlier_stack(configured(), "remains")

    assert left() == {"ReuseLedger": False, "ReuseCodeKey": False, "ReuseLogs": False}
    # A first deployment that failed may have come as far as this.
    as_operator.client("logs").create_log_group(logGroupName="/phone-login/remains/triggers")
    assert left() == {"ReuseLedger": False, "ReuseCodeKey": False, "ReuseLogs": True}
    as_operator.client("logs").create_log_group(logGroupName="/phone-login/remains/triggers-old")
    as_operator.client("secretsmanager").create_secret(
        Name="phone-login/remains/code-key", SecretString="a" * 64
    )
    assert left() == {"ReuseLedger": False, "ReuseCodeKey": True, "ReuseLogs": True}


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
        "UnusedTextsAlarm": "0",
    }


def test_staged_sources_are_those_of_the_revision_and_nothing_else(tmp_path):
    template = deploy.stage_sources(tmp_path / "build")
    assert "    CodeUri: code\n" in template.read_text()
    code = tmp_path / "build" / "code"
    staged = {path.relative_to(code) for path in code.rglob("*") if path.is_file()}
    assert staged == {path.relative_to(deploy.LAMBDAS) for path in revision.sources(deploy.LAMBDAS)}
    assert Path("triggers/create_auth_challenge.py") in staged
