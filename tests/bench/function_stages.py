"""Triggers to compare: ours, one function for all of ours, and those of AWS's sample.

DynamoDB, SNS, SES and KMS are the local AWS for all of them.
"""

import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import requests

from localcloud import inbox, stack
from localcloud.cloud import PROJECT, Cloud
from localcloud.emulator import REGION
from tests.bench import cognito
from tests.bench.functions import TRIGGERS, Answer, Event, Person, Stage
from tests.wire import Reply, WireServer

SAMPLE = PROJECT / ".local/node/aws-sample"
_ORIGIN, _SENDER, _TABLE = "https://app.example.com", "sign-in@example.com", "links"


@contextmanager
def running(cloud: Cloud, scratch: Path) -> Iterator[dict[str, Stage]]:
    key = cloud.emulator.root_key
    aws = {
        "PATH": "/usr/bin:/bin",
        "AWS_ENDPOINT_URL": cloud.emulator.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
    }
    pool = cloud.environment["COGNITO_USER_POOL_ID"]
    client = {"pool": pool, "id": cloud.environment["COGNITO_CLIENT_ID"]}
    with WireServer() as keys:
        signer = cognito.Pool()
        signer.issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool}"
        keys.will(Reply(signer.keys(), headers={"content-type": "application/json"}))
        sample = {"client": client, "log": scratch / "sample.log", **_sample(cloud, aws, keys.url)}
        yield {
            **_ours(cloud, aws, client, scratch),
            "AWS's sample, text": Stage(
                **sample, answers=lambda person: _step_up(person, signer, client["id"])
            ),
            "AWS's sample, link": Stage(**sample, answers=lambda _: _link(cloud.emulator.url)),
        }


def _ours(
    cloud: Cloud, aws: dict[str, str], client: dict[str, str], scratch: Path
) -> dict[str, Stage]:
    package, _ = stack.package(PROJECT / "lambdas")
    zipfile.ZipFile(BytesIO(package)).extractall(scratch / "package")
    # What a deployment has: no bytecode, and no way to keep it.
    environment = {**aws, "PYTHONDONTWRITEBYTECODE": "1"}
    functions = cloud.root_session().client("lambda", endpoint_url=cloud.emulator.url)
    for name in ("define", "create", "verify"):
        told = functions.get_function_configuration(FunctionName=f"phone-login-{name}-local")
        environment |= told["Environment"]["Variables"]
    base = [sys.executable, "-m", "tests.bench.function", str(scratch / "package")]

    def answers(person: Person) -> list[Answer]:
        def code(_: Event) -> tuple[str, dict[str, str]]:
            return inbox.texts(cloud.emulator.url, person.phone)[-1].code, {}

        return [code]

    def stage(commands: dict[str, list[str]]) -> Stage:
        log = scratch / "ours.log"
        return Stage(commands, environment, answers, client, log, len(package) / 1000)

    one = [*base, *TRIGGERS.values(), "pre_sign_up"]
    return {
        "ours": stage({name: [*base, module] for name, module in TRIGGERS.items()}),
        "one function for all of ours": stage(dict.fromkeys(TRIGGERS, one)),
    }


def _sample(cloud: Cloud, aws: dict[str, str], keys: str) -> dict[str, Any]:
    """Make what the sample needs in the local AWS, and return the fields of its stages."""

    def client(service: str) -> Any:
        return cloud.root_session().client(service, endpoint_url=cloud.emulator.url)

    client("dynamodb").create_table(
        TableName=_TABLE,
        KeySchema=[{"AttributeName": "userNameHash", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "userNameHash", "AttributeType": "B"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("ses").verify_email_identity(EmailAddress=_SENDER)
    signing = client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    environment = {
        **aws,
        # As its construct sets them.
        "LOG_LEVEL": "INFO",
        "SMS_OTP_STEP_UP_ENABLED": "TRUE",
        "MAGIC_LINK_ENABLED": "TRUE",
        "ALLOWED_ORIGINS": _ORIGIN,
        "SES_FROM_ADDRESS": _SENDER,
        "KMS_KEY_ID": signing["KeyMetadata"]["KeyId"],
        "DYNAMODB_SECRETS_TABLE": _TABLE,
        "STACK_ID": "stack",
    }
    driver = str(Path(__file__).parent / "aws_sample/function.mjs")
    bundles = {
        name: SAMPLE / f"functions/{module.replace('_', '-')}.mjs"
        for name, module in TRIGGERS.items()
    }
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in bundles.values():
            archive.write(path)
    return {
        "commands": {name: ["node", driver, str(path), keys] for name, path in bundles.items()},
        "environment": environment,
        "kilobytes": len(packed.getvalue()) / 1000,
    }


def _step_up(person: Person, signer: cognito.Pool, client_id: str) -> list[Answer]:
    chosen = {"signInMethod": "SMS_OTP_STEPUP"}
    token = signer.id_token(person.phone, sub=person.sub, token_use="access", client_id=client_id)

    def code(made: Event) -> tuple[str, dict[str, str]]:
        secret = made["privateChallengeParameters"]["secretCode"]
        return json.dumps({"secretCode": secret, "jwt": token}), chosen

    return [lambda _: ("-", chosen), code]


def _link(url: str) -> list[Answer]:
    chosen = {"signInMethod": "MAGIC_LINK", "redirectUri": _ORIGIN}

    def link(_: Event) -> tuple[str, dict[str, str]]:
        found = requests.get(f"{url}/_ministack/ses/messages", timeout=5).json()["messages"]
        body = json.dumps([message for each in found.values() for message in each][-1])
        return body.rpartition(f"{_ORIGIN}#")[2].partition("\\n")[0].partition('"')[0], chosen

    return [lambda _: ("-", chosen), link]


def version_of_sample() -> str:
    package = SAMPLE / "node_modules/amazon-cognito-passwordless-auth/package.json"
    version: str = json.loads(package.read_text())["version"]
    return version
