import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from localcloud import stack
from localcloud.cloud import EMULATOR_PROGRAM, PROJECT
from localcloud.emulator import REGION, Emulator
from tests.cognito_admin.existing_pool import RICH, undeploy
from tests.cognito_admin.texting_front import WELL, WithTexts

LEDGER = "phone-login-ledger-local"
PARAMETERS = {
    "Stage": "local",
    "AppName": "Phone login",
    "SiteHost": "localhost",
    "AllowedCountries": "US,CA",
}


class Aws:
    """A local AWS of which we are the operator, behind the front that is as strict as Cognito."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.emulator = Emulator(EMULATOR_PROGRAM, state)
        self.outputs: dict[str, str] = {}
        self._clients: dict[str, Any] = {}

    def root_session(self) -> boto3.Session:
        key = self.emulator.root_key
        return boto3.Session(key.id, key.secret, region_name=REGION)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.root_session().client(
                service, endpoint_url=self.emulator.url
            )
        return self._clients[service]

    def deploy(self, **parameters: str) -> dict[str, str]:
        self.outputs = stack.deploy(
            self.root_session(),
            self.emulator.url,
            PROJECT / "lambdas",
            {**PARAMETERS, **parameters},
        )
        return self.outputs

    def secret_of(self, client_id: str) -> str:
        described = self.client("cognito-idp").describe_user_pool_client(
            UserPoolId=self.outputs["CognitoUserPoolId"], ClientId=client_id
        )
        return str(described["UserPoolClient"]["ClientSecret"])

    def client_list(self) -> str:
        """The list of clients as the stack makes it without a public one."""
        known, site = self.outputs["CognitoKnownClientId"], self.outputs["CognitoSiteClientId"]
        return f"{self.outputs['CognitoClientId']},{known}=known,{site}=site"

    def site_key(self) -> str:
        secrets = self.client("secretsmanager")
        found = secrets.get_secret_value(SecretId=self.outputs["SiteKeySecret"])
        return str(found["SecretString"])


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    made = Aws(tmp_path_factory.mktemp("aws"))
    made.emulator.start()
    yield made
    made.emulator.stop()


@pytest.fixture(scope="module")
def front(aws: Aws) -> Iterator[WithTexts]:
    with WithTexts(aws) as made:
        yield made


@pytest.fixture
def as_operator(aws: Aws, front: WithTexts, settings, monkeypatch) -> Aws:
    """Point the commands at the local AWS, with the operator's own key."""
    settings.AWS_ENDPOINT_URL = front.url
    settings.AWS_REGION = REGION
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.emulator.root_key.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.emulator.root_key.secret)
    return aws


@pytest.fixture
def run(as_operator, capsys) -> Callable[..., str]:
    """``run("cognito_attach", "--yes")``: what a command writes."""

    def command(*arguments: str) -> str:
        capsys.readouterr()
        call_command(*arguments)
        return capsys.readouterr().out

    return command


@pytest.fixture(scope="module")
def deployed(aws: Aws) -> Aws:
    aws.deploy()
    well(aws)
    return aws


def well(aws: Aws) -> None:
    """Do what follows a deployment, and what the local CloudFormation leaves out."""
    restorable(aws)
    iam = aws.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam.create_role(RoleName="site", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="site", PolicyArn=aws.outputs["WebTierPolicyArn"])
    aws.client("sns").subscribe(
        TopicArn=aws.outputs["AlarmTopicArn"], Protocol="email", Endpoint="ops@example.com"
    )


def restorable(aws: Aws) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.update_time_to_live(
        TableName=LEDGER, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    dynamodb.update_continuous_backups(
        TableName=LEDGER, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


@pytest.fixture
def site(deployed: Aws, as_operator, front: WithTexts, settings) -> Aws:
    """A stack and a site that are well."""
    outputs = deployed.outputs
    front.replies = dict(WELL)
    front.asked.clear()
    settings.COGNITO_USER_POOL_ID = outputs["CognitoUserPoolId"]
    settings.COGNITO_CLIENT_ID = outputs["CognitoClientId"]
    settings.COGNITO_CLIENT_SECRET = deployed.secret_of(outputs["CognitoClientId"])
    settings.COGNITO_KNOWN_CLIENT_ID = known = outputs["CognitoKnownClientId"]
    settings.COGNITO_KNOWN_CLIENT_SECRET = deployed.secret_of(known)
    settings.COGNITO_SITE_CLIENT_ID = proven = outputs["CognitoSiteClientId"]
    settings.COGNITO_SITE_CLIENT_SECRET = deployed.secret_of(proven)
    settings.SITE_KEY = deployed.site_key()
    settings.LEDGER_FUNCTION = outputs["LedgerFunction"]
    settings.TEXTS_FUNCTION = outputs["TextsFunction"]
    settings.ACCOUNTS_COUNTRIES = ["US", "CA"]
    settings.COGNITO_JWKS_URL = f"{front.url}/{outputs['CognitoUserPoolId']}/.well-known/jwks.json"
    return deployed


@pytest.fixture
def examine(site: Aws, db, capsys) -> Callable[..., list[dict[str, str]]]:
    def run(*arguments: str) -> list[dict[str, str]]:
        capsys.readouterr()
        failed = False
        try:
            call_command("cognito_doctor", "--stage", "local", "--json", *arguments)
        except CommandError:
            failed = True
        findings: list[dict[str, str]] = json.loads(capsys.readouterr().out)
        assert failed is any(each["level"] in ("danger", "not checked") for each in findings)
        return findings

    return run


@pytest.fixture
def make_pool(aws):
    made = []

    def make(**settings: Any) -> str:
        described = aws.client("cognito-idp").create_user_pool(**{**RICH, **settings})["UserPool"]
        made.append(described["Id"])
        return str(described["Id"])

    yield make
    for pool_id in made:
        aws.client("cognito-idp").update_user_pool(
            UserPoolId=pool_id, DeletionProtection="INACTIVE"
        )
        aws.client("cognito-idp").delete_user_pool(UserPoolId=pool_id)


@pytest.fixture
def pool(aws, make_pool):
    """An existing pool, with our stack next to it; the stack is deleted afterwards."""
    cognito, pool_id = aws.client("cognito-idp"), make_pool()
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="OPTIONAL",
    )
    aws.deploy(ExistingUserPoolId=pool_id)
    yield pool_id
    undeploy(aws)
