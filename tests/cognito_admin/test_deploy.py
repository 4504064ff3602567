"""make deploy and make undeploy, as commands of a shell, against the local AWS."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import environ
import pytest

from cognito_admin import accepted_findings, deploy, deploy_config, retained, revision, stack
from cognito_admin.aws_account import Account, configured
from cognito_admin.doctor.context import Finding, Level, danger, ok
from cognito_admin.plans import Refused
from cognito_admin.terminal import DeployError
from localcloud.cloud import PROJECT
from tests.cognito_admin import aws_cli
from tests.cognito_admin.existing_pool import OTHER
from tests.lambdas.template import TEMPLATE
from tests.wire import Reply, WireServer

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
FailedAnswersAlarm = 0
UnusedTextsAlarm = 0
"""
ACCEPTED = f'{{ reason = "asked for", until = {datetime.now(UTC).date() + timedelta(days=30)} }}'
NO_ANSWER = "-"
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
    """``shell("-m", "…")``: what Python says where no settings of a site are; fails with it."""

    def run(
        *arguments: object, fails: bool | None = False, answer: str = "", **variables: str
    ) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=PROJECT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "NO_PROXY": "*",
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": aws.emulator.url,
                "AWS_ACCESS_KEY_ID": aws.emulator.root_key.id,
                "AWS_SECRET_ACCESS_KEY": aws.emulator.root_key.secret,
                **variables,
            },
            input="" if answer == NO_ANSWER else answer,
            capture_output=True,
            text=True,
            check=False,
        )
        assert fails is None or (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def make(shell, config, sam):
    """``make("up")``: what the target runs; with an ``answer`` it asks."""

    def run(
        *arguments: str, stage: str = "test", fails: bool | None = False, answer: str = ""
    ) -> str:
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
    assert "left out    site" in said
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
    shell("manage.py", *detach.split(), "--yes", DJANGO_SECRET_KEY="of-no-use-here")
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


ASKED = """
[asked]
region = "us-east-1"
AppName = "Bob's & Sons+1"
SiteHost = "www.example.com"
AllowedCountries = ["US", "CA"]
SendsPerPhoneHour = {sends}
AlarmEmail = "{email}"
FailedAnswersAlarm = 0
UnusedTextsAlarm = 0
"""


def test_no_deploys_nothing_and_what_is_emptied_goes_back_to_its_default(make, config, as_operator):
    account = configured()

    def parameters() -> dict[str, str]:
        return stack.read(account, "asked").parameters

    config.write_text(ASKED.format(sends=7, email="ops@example.com"))
    said = make("up", stage="asked", answer="n\n", fails=True)
    assert "make deploy: Nothing was deployed." in said
    assert "What the doctor says" not in said
    assert "What the doctor says" in make("up", stage="asked", answer="y\n")
    assert parameters()["AppName"] == "Bob's & Sons+1"
    assert (parameters()["SendsPerPhoneHour"], parameters()["AlarmEmail"]) == (
        "7",
        "ops@example.com",
    )

    config.write_text(ASKED.format(sends='""', email=""))
    # The local AWS publishes no version for a new parameter, which the doctor says.
    make("up", stage="asked", fails=None)
    assert (parameters()["SendsPerPhoneHour"], parameters()["AlarmEmail"]) == ("5", "")

    assert "Nothing was deleted." in make("down", stage="asked", answer="n\n", fails=True)
    assert "Nothing was deleted. Nobody is there to ask" in make(
        "down", stage="asked", answer=NO_ANSWER, fails=True
    )
    assert "Deleted phone-login-asked" in make("down", stage="asked")


FAILING_SAM = """#!{python}
import boto3
cloudformation = boto3.client("cloudformation", "us-east-1")
cloudformation.create_stack(StackName="phone-login-failed", TemplateBody='''
Resources:
  UserPool:
    Type: AWS::Cognito::UserPool
    DeletionPolicy: Retain
    Properties: {{DeletionProtection: ACTIVE}}
  Broken:
    Type: AWS::SNS::Topic
    Properties: {{TopicName: !GetAtt UserPool.Nothing}}
''')
try:
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="phone-login-failed", WaiterConfig={{"Delay": 1}}
    )
finally:
    raise SystemExit(1)
"""


@pytest.mark.parametrize("sam", ["stand-in"], indirect=True)
def test_first_deployment_that_failed_says_why_and_the_next_one_removes_it(
    aws, make, config, sam, as_operator
):
    config.write_text(CONFIG.replace("[test]", "[failed]"))
    works = sam.read_text()
    sam.write_text(FAILING_SAM.format(python=sys.executable))
    said = make("up", stage="failed", fails=True)
    assert "It failed at Broken: " in said
    assert "run make deploy again: it removes what is left of this one first" in said
    assert stack.status(configured(), "failed") == "ROLLBACK_COMPLETE"
    pool = stack.once_made(configured(), "failed", "UserPool")

    said = make("up", stage="failed", answer="n\n", fails=True)
    assert "The first deployment failed at Broken: " in said
    assert "Nothing was removed." in said

    sam.write_text(works)
    said = make("up", stage="failed")
    assert "Removed phone-login-failed." in said
    assert "ok          triggers: the pool calls ours" in said
    # What it says about the pool that was kept is what deletes it.
    commands = re.findall(r"^  (aws cognito-idp .* --region us-east-1 .*)$", said, re.MULTILINE)
    assert len(commands) == 2
    assert all(pool in command for command in commands)
    for command in commands:
        aws_cli.run(aws.client, shlex.split(command)[1:])
    cognito = aws.client("cognito-idp")
    with pytest.raises(cognito.exceptions.ResourceNotFoundException):
        cognito.describe_user_pool(UserPoolId=pool)
    assert "Deleted phone-login-failed" in make("down", stage="failed")


DESCRIBED = """
<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
<StackName>phone-login-test</StackName><StackStatus>{status}</StackStatus>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>
"""
NO_EVENTS = b"""
<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents/>
</DescribeStackEventsResult></DescribeStackEventsResponse>
"""


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --region eu-west-1 --stack-name"),
        ("UPDATE_IN_PROGRESS", "is being changed"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "is being changed"),
        ("REVIEW_IN_PROGRESS", ""),
        ("UPDATE_ROLLBACK_COMPLETE", ""),
    ],
)
def test_stack_that_cannot_be_changed_now_is_told_apart(status, said, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    wire = WireServer()
    wire.will(Reply(DESCRIBED.format(status=status).encode()), Reply(NO_EVENTS))
    account = Account("eu-west-1", wire.url)
    with pytest.raises(DeployError, match=said) if said else nullcontext():
        retained.clear_the_way(account, "test", yes=True)
    assert b"DeleteStack" not in b"".join(request.body for request in wire.requests)
    wire.close()


@pytest.mark.parametrize("sam", ["stand-in"], indirect=True)
def test_danger_that_the_stage_accepts_fails_no_deployment(make, config):
    config.write_text(CONFIG.replace("[test]", "[india]").replace('"CA"', '"IN"'))
    assert "danger      india: " in make("up", stage="india", fails=True)
    with config.open("a") as opened:
        opened.write(f"\n[india.accept]\nindia = {ACCEPTED}\n")
    said = make("up", stage="india")
    assert re.search(r"accepted    india: .* Accepted until 2\d{3}-\d\d-\d\d: asked for", said)
    make("down", stage="india")


@pytest.mark.parametrize("sam", ["stand-in"], indirect=True)
def test_printed_variables_are_a_file_that_lacks_the_secret_until_it_is_added(aws, make, tmp_path):
    said = make("up")
    (block,) = re.findall(r"The site's environment:\n\n(.*?)\n\n", said, re.DOTALL)
    path = tmp_path / "printed.env"
    path.write_text(block)

    class Printed(environ.Env):
        ENVIRON: ClassVar[dict[str, str]] = {}

    Printed.read_env(path)
    variables = Printed.ENVIRON
    assert variables["SITE_NAME"] == "My own site"
    # The site refuses to start without; an empty one would only fail at the first sign-in.
    commands = dict(re.findall(r'# echo "(\w+)=\$\((.*)\)" >> \.env', block))
    assert not set(commands) & set(variables)
    for name, identifier in (
        ("COGNITO_CLIENT_SECRET", variables["COGNITO_CLIENT_ID"]),
        ("COGNITO_KNOWN_CLIENT_SECRET", variables["COGNITO_KNOWN_CLIENT_ID"]),
        ("COGNITO_SITE_CLIENT_SECRET", variables["COGNITO_SITE_CLIENT_ID"]),
    ):
        client = aws_cli.run(aws.client, shlex.split(commands.pop(name))[1:])["UserPoolClient"]
        assert client["ClientId"] == identifier
        assert client["ClientSecret"]
    key = aws_cli.run(aws.client, shlex.split(commands.pop("SITE_KEY"))[1:])
    assert len(key["SecretString"]) == 64
    assert not commands
    make("down")


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
    assert revision.has_sources(first, deploy_config.LAMBDAS)


def test_only_what_is_there_and_not_the_stack_s_own_is_used_again(as_operator):
    def left() -> dict[str, bool]:
        return retained.left_by_earlier_stack(configured(), "remains")

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
            deploy_config.read(path, "test")


@pytest.mark.parametrize("stage", ["", "Prod", "../prod", "a" * 21, "1st"])
def test_name_that_is_no_stage_is_refused(config, stage):
    with pytest.raises(DeployError, match="not the name of a stage"):
        deploy_config.read(config, stage)


def test_file_that_cannot_be_read_is_explained(tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text("[test\n")
    with pytest.raises(DeployError, match=r"deploy\.toml cannot be read"):
        deploy_config.read(path, "test")


def test_parameters_are_spelled_as_cloudformation_wants_them(config):
    region, parameters = deploy_config.read(config, "test")
    assert region == "us-east-1"
    assert parameters == {
        "Stage": "test",
        "AppName": "My own site",
        "SiteHost": "www.example.com",
        "AllowedCountries": "US,CA",
        "SendsPerPhoneHour": "6",
        "PublicClient": "true",
        "FailedAnswersAlarm": "0",
        "UnusedTextsAlarm": "0",
    }


def test_parameters_of_the_template_are_read_with_their_defaults():
    assert deploy_config.template_parameters() == {
        name: str(one["Default"]) if "Default" in one else None
        for name, one in TEMPLATE["Parameters"].items()
    }


def test_name_that_is_no_parameter_is_refused(config):
    config.write_text(CONFIG + 'AlarmMail = "ops@example.com"\n')
    with pytest.raises(DeployError, match=r"template\.yaml does not have: AlarmMail"):
        deploy_config.read(config, "test")


def test_empty_value_without_a_default_is_refused(config):
    config.write_text(CONFIG.replace("www.example.com", ""))
    with pytest.raises(DeployError, match="leaves empty what has no default: SiteHost"):
        deploy_config.read(config, "test")


TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sandbox = true", "needs a reason and an end: sandbox = "),
        ("sandbox = { until = 2027-01-31 }", "needs a reason and an end"),
        ('sandbox = { reason = " ", until = 2027-01-31 }', "needs a reason and an end"),
        ('sandbox = { reason = "asked" }', "needs a reason and an end"),
        ('sandbox = { reason = "asked", until = "2027-01-31" }', "without quotes"),
        ('sandbox = { reason = "asked", until = 2027-01-31T10:00:00Z }', "without quotes"),
        ('sandbox = { reason = "asked", until = 2099-01-01 }', "at most a year lies ahead"),
    ],
)
def test_acceptance_without_a_reason_and_an_end_is_refused(config, written, said):
    config.write_text(f"[test.accept]\n{written}\n")
    with pytest.raises(DeployError, match=said):
        accepted_findings.read(config, "test", today=TODAY)


def test_acceptance_is_of_one_stage_and_of_one_name(config):
    config.write_text(f"{CONFIG}[test.accept]\nsandbox = {ACCEPTED}\n")
    assert set(accepted_findings.read(config, "test", today=TODAY)) == {"sandbox"}
    assert accepted_findings.read(config, "prod", today=TODAY) == {}
    assert "accept" not in deploy_config.read(config, "test")[1]


def test_acceptance_counts_until_its_day_is_over():
    accepts = {"sandbox": accepted_findings.Acceptance("asked for", TODAY)}
    found = [danger("sandbox", "verified numbers only.", "ask"), danger("ledger", "gone", "make")]

    def judged(today: date) -> list[Finding]:
        return list(accepted_findings.apply(found, accepts, today=today, are_all=True))

    told = "verified numbers only. Accepted until 2026-11-21: asked for"
    assert judged(TODAY) == [Finding("sandbox", Level.ACCEPTED, told, "ask"), found[1]]
    first, _ = judged(TODAY + timedelta(days=1))
    assert first.level is Level.DANGER
    assert first.text.endswith("It was accepted until 2026-11-21: asked for")


def test_acceptance_of_what_is_well_changes_nothing_and_of_what_is_unknown_is_said():
    accepts = {"sandbox": accepted_findings.Acceptance("asked", TODAY)}
    well = [ok("sandbox", "everybody gets texts")]
    assert list(accepted_findings.apply(well, accepts, today=TODAY, are_all=True)) == well
    (typo,) = accepted_findings.apply([], accepts, today=TODAY, are_all=True)
    assert typo.level is Level.WARNING
    assert "'sandbox'" in typo.text
    assert list(accepted_findings.apply([], accepts, today=TODAY, are_all=False)) == []


def test_staged_sources_are_those_of_the_revision_and_nothing_else(tmp_path):
    template = deploy.stage_sources(tmp_path / "build")
    assert "    CodeUri: code\n" in template.read_text()
    code = tmp_path / "build" / "code"
    staged = {path.relative_to(code) for path in code.rglob("*") if path.is_file()}
    lambdas = deploy_config.LAMBDAS
    assert staged == {path.relative_to(lambdas) for path in revision.sources(lambdas)}
    assert Path("triggers/create_auth_challenge.py") in staged
