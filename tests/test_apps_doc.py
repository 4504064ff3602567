"""docs/apps.md: what it says of the triggers, and every program in it, as a reader would run it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import yaml

from lambdas.triggers.challenge import LENGTH_UNDER_ATTACK, USUAL_LENGTH
from lambdas.triggers.codes.sending import Delivery
from lambdas.triggers.limits import COOLDOWNS, HOLDS, TRIES_PER_CODE
from lambdas.triggers.senders.contract import Reason
from localcloud import example, inbox
from localcloud.cloud import PROJECT
from tests import provision
from tests.cognito_admin import aws_cli

pytestmark = pytest.mark.cloud

TEXT = (PROJECT / "docs" / "apps.md").read_text(encoding="utf-8")


def rows(title: str, *, heads: str) -> list[list[str]]:
    """Return the cells of the table under a title whose first head is ``heads``."""
    section = TEXT.partition(f" {title}\n")[2]
    table = section.partition(f"| {heads} |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def program(language: str, beginning: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    [found] = [block for block in blocks if block.startswith(beginning)]
    return found


@pytest.fixture
def user(cloud, phone) -> str:
    cognito = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    cognito.admin_create_user(
        UserPoolId=cloud.outputs["CognitoUserPoolId"],
        Username=phone,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "phone_number", "Value": phone}],
    )
    return phone


@pytest.fixture
def code(cloud) -> Callable[[str], str]:
    """``code(phone)``: the one of the newest text."""
    return lambda phone: inbox.texts(cloud.emulator.url, phone)[-1].code


@pytest.fixture
def environment(cloud) -> dict[str, str]:
    """What an app on the local AWS is given; no key of AWS is among it."""
    names = ("AWS_REGION", "AWS_ENDPOINT_URL", "COGNITO_PUBLIC_CLIENT_ID")
    given = {name: cloud.environment[name] for name in names}
    return given | {
        "PATH": os.environ["PATH"],
        "NO_PROXY": "*",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def signs_in(command: list[str], directory: Path, environment: dict[str, str], user: str, code):
    """Run a program, with a wrong code first. Returns what it said at last."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    said = b""

    def type_after(prompt: str, typed: Callable[[], str]) -> None:
        nonlocal said
        while not said.endswith(prompt.encode()):
            more = process.stdout.read(1)
            assert more, process.stderr.read().decode()
            said += more
        process.stdin.write(f"{typed()}\n".encode())

    with process:
        type_after("Number: ", lambda: user)
        type_after("Code (3 tries left): ", lambda: f"{(int(code(user)) + 1) % 1_000_000:06d}")
        type_after("Code (2 tries left): ", lambda: code(user))
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors.decode()
    return rest.decode()


def test_public_parameters_are_those_that_create_sets(cloud, strict, user):
    cognito = boto3.client("cognito-idp", region_name="us-east-1", endpoint_url=strict.url)
    started = cognito.initiate_auth(
        ClientId=cloud.outputs["PublicClientId"],
        AuthFlow="CUSTOM_AUTH",
        AuthParameters={"USERNAME": user},
    )
    documented = {quoted(name)[0] for name, *_ in rows("Public parameters", heads="Parameter")}
    assert documented == started["ChallengeParameters"].keys() - {"USERNAME"}


def test_every_delivery_is_documented():
    documented = {
        name
        for first, *_ in rows("Public parameters", heads="`delivery` | Means")
        for name in quoted(first)
    }
    assert documented == {*Delivery, *Reason}


def test_errors_are_those_of_the_operations():
    model = boto3.client("cognito-idp", region_name="us-east-1").meta.service_model
    known = {
        shape.name
        for operation in ("InitiateAuth", "RespondToAuthChallenge")
        for shape in model.operation_model(operation).error_shapes
    }
    found = {name for first, *_ in rows("Errors", heads="Error") for name in quoted(first)}
    assert {name for name in found if name.endswith("Exception")} <= known


def test_numbers_are_those_of_the_triggers(project):
    limits = dict(rows("Limits", heads="What"))
    first, *others = COOLDOWNS
    waits = ", ".join(map(str, others))
    assert f"one in {first} seconds, then {waits}" in limits["texts to one number"]
    assert TRIES_PER_CODE == 3
    assert "three" in limits["answers to a code"]
    assert f"{min(HOLDS)}, {HOLDS[min(HOLDS)] // 60}" == "10, 15"
    assert "after ten, 15 minutes" in limits["wrong codes in a row"]
    assert f"{USUAL_LENGTH}, or {LENGTH_UNDER_ATTACK} while" in TEXT
    client = yaml.safe_load(
        re.sub(r"!\w+", "", (project / "lambdas" / "template.yaml").read_text(encoding="utf-8"))
    )["Resources"]["PublicUserPoolClient"]["Properties"]
    tokens = {first: second for first, second, _ in rows("Tokens", heads="Token")}
    assert tokens["ID token"] == f"{client['IdTokenValidity']} minutes"
    assert tokens["access token"] == f"{client['AccessTokenValidity']} minutes"
    assert tokens["refresh token"].startswith(f"{client['RefreshTokenValidity']} days")
    assert limits["Session"] == f"{client['AuthSessionValidity']} minutes"


def test_python_program_signs_in(tmp_path, environment, user, code):
    script = tmp_path / "sign_in.py"
    script.write_text(program("python", "import os"), encoding="utf-8")
    said = signs_in([sys.executable, "-u", str(script)], tmp_path, environment, user, code)
    assert said == "['AccessToken', 'ExpiresIn', 'IdToken', 'RefreshToken', 'TokenType']\n"


@pytest.mark.skipif(
    provision.example_libraries() is None,
    reason="the libraries of examples/spa are not installed: make test needs npm for them",
)
def test_javascript_program_signs_in(tmp_path, environment, user, code):
    script = tmp_path / "sign-in.mjs"
    script.write_text(program("js", "import { createInterface"), encoding="utf-8")
    (tmp_path / "node_modules").symlink_to((example.LIBRARIES.parent / "node_modules").resolve())
    said = signs_in([shutil.which("node"), str(script)], tmp_path, environment, user, code)
    assert "'RefreshToken'" in said


def test_cli_commands_sign_in_and_out(cloud, environment, user, code):
    def run(operation: str, **values: str):
        [line] = re.findall(rf"^aws cognito-idp {operation} .+$", TEXT, re.MULTILINE)
        line = line.replace("+12015550123", user).replace("123456", values.get("code", ""))
        values["COGNITO_PUBLIC_CLIENT_ID"] = environment["COGNITO_PUBLIC_CLIENT_ID"]
        for name, value in values.items():
            line = line.replace(f"${name}", value)
        return aws_cli.run(client, shlex.split(line)[1:])

    def client(service: str):
        return boto3.client(service, region_name="us-east-1", endpoint_url=cloud.emulator.url)

    session = run("initiate-auth")["Session"]
    answered = run("respond-to-auth-challenge", SESSION=session, code=code(user))
    token = answered["AuthenticationResult"]["RefreshToken"]
    run("revoke-token", REFRESH_TOKEN=token)
    with pytest.raises(client("cognito-idp").exceptions.NotAuthorizedException):
        client("cognito-idp").initiate_auth(
            ClientId=environment["COGNITO_PUBLIC_CLIENT_ID"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )


def test_sign_up_is_refused(cloud, strict, phone):
    cognito = boto3.client("cognito-idp", region_name="us-east-1", endpoint_url=strict.url)
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.sign_up(
            ClientId=cloud.outputs["PublicClientId"], Username=phone, Password="Aa1!" * 5
        )
