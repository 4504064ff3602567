"""The deployment: the same sources give the same stack, changed ones a changed stack."""

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
import requests

from cognito_admin import revision
from localcloud import LocalCloudError, stack
from localcloud.cloud import EMULATOR_PROGRAM
from localcloud.emulator import REGION, Emulator

PARAMETERS = {
    "Stage": "local",
    "AppName": "Phone login",
    "SiteHost": "localhost",
    "AllowedCountries": "US",
}
# Each breaks another resource, once the stack is under way.
BROKEN_POLICY = ("!GetAtt ManageLedger.Arn\n", "!GetAtt ManageLedger.Nothing\n")
BROKEN_TRIGGER = (
    "Handler: triggers.pre_sign_up.handler\n",
    """Handler: triggers.pre_sign_up.handler
      Layers: [arn:aws:lambda:us-east-1:000000000000:layer:none:1]
""",
)


@pytest.fixture
def sources(tmp_path: Path, project: Path) -> Path:
    """A copy of lambdas/ that a test may change."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(project / "lambdas", tmp_path / "lambdas", ignore=ignored))


@pytest.fixture(scope="module")
def _emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    local_aws = Emulator(EMULATOR_PROGRAM, tmp_path_factory.mktemp("stack"))
    local_aws.start()
    yield local_aws
    local_aws.stop()


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    """A local AWS with nothing in it."""
    requests.post(f"{_emulator.url}/_ministack/reset", timeout=10).raise_for_status()
    return _emulator


@pytest.fixture
def session(emulator: Emulator) -> boto3.Session:
    return boto3.Session(emulator.root_key.id, emulator.root_key.secret, region_name=REGION)


@pytest.fixture
def deploy(emulator: Emulator, session, sources: Path) -> Callable[[], dict[str, str]]:
    return lambda: stack.deploy(session, emulator.url, sources, PARAMETERS)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_package_of_the_same_sources_is_the_same(sources, project):
    for path in sources.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    assert stack.package(sources) == stack.package(project / "lambdas")


@pytest.mark.parametrize("change", ["content", "name", "addition", "removal"])
def test_package_of_changed_sources_has_another_key(sources, change):
    _, before = stack.package(sources)
    path = sources / "triggers" / "phones.py"
    if change == "content":
        path.write_text(path.read_text() + "\n")
    elif change == "name":
        path.rename(path.with_name("telephones.py"))
    elif change == "addition":
        (sources / "triggers" / "more.py").touch()
    else:
        path.unlink()
    assert stack.package(sources)[1] != before


def test_package_holds_the_triggers_sources_and_nothing_else(project):
    code, key = stack.package(project / "lambdas")
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    lambdas = project / "lambdas"
    assert packed == {
        path.relative_to(lambdas).as_posix(): path.read_bytes()
        for path in lambdas.rglob("*")
        if path.suffix in (".py", ".json")
    }
    assert "triggers/messages/en.json" in packed
    assert "triggers/create_auth_challenge.py" in packed
    assert len(code) < 150_000
    assert key.endswith(".zip")


def test_local_stack_and_make_deploy_call_the_same_sources_the_same(project, sources):
    _, key = stack.package(project / "lambdas")
    assert revision.has_sources(key[:48], sources)
    assert revision.of(sources, {"Stage": "prod"})[16:] == key[:48]
    assert revision.of(sources, {"Stage": "prod"}) != revision.of(sources, {"Stage": "test"})
    edit(sources / "triggers" / "pre_sign_up.py", "Sign-up is closed", "Come back tomorrow")
    assert not revision.has_sources(key[:48], sources)


@pytest.mark.cloud
def test_second_deployment_of_the_same_sources_changes_nothing(deploy, emulator, session):
    client = session.client("cloudformation", endpoint_url=emulator.url)
    first = deploy()
    before = client.describe_stack_events(StackName=stack.STACK)["StackEvents"]
    assert deploy() == first
    assert client.describe_stack_events(StackName=stack.STACK)["StackEvents"] == before
    assert first.keys() >= {"CognitoUserPoolId", "CognitoClientId", "LedgerFunction"}


@pytest.mark.cloud
def test_changed_parameter_reaches_the_trigger_that_cognito_calls(emulator, session, sources):
    """Cognito calls a published version, which keeps the environment it was published with."""
    functions = session.client("lambda", endpoint_url=emulator.url)

    def deployed(limit: str) -> str:
        stack.deploy(session, emulator.url, sources, PARAMETERS | {"SendsPerPhoneHour": limit})
        live = functions.get_function_configuration(
            FunctionName="phone-login-create-local", Qualifier="live"
        )
        return live["Environment"]["Variables"]["SENDS_PER_PHONE_HOUR"]

    assert deployed("5") == "5"
    assert deployed("7") == "7"


@pytest.mark.cloud
def test_changed_trigger_is_redeployed_for_the_same_users(deploy, emulator, session, sources):
    outputs = deploy()
    client = session.client("cognito-idp", endpoint_url=emulator.url)

    # Without a secret: not what this is about.
    app = client.create_user_pool_client(
        UserPoolId=outputs["CognitoUserPoolId"], ClientName="without-a-secret"
    )["UserPoolClient"]["ClientId"]

    def sign_up() -> str:
        with pytest.raises(client.exceptions.UserLambdaValidationException) as refused:
            client.sign_up(ClientId=app, Username="+12015550100", Password="Aa1!" * 4)
        return str(refused.value)

    assert "Sign-up is closed" in sign_up()
    edit(sources / "triggers" / "pre_sign_up.py", "Sign-up is closed", "Come back tomorrow")
    again = deploy()
    assert "Come back tomorrow" in sign_up()
    assert again["CognitoUserPoolId"] == outputs["CognitoUserPoolId"]


@pytest.mark.cloud
def test_failed_creation_names_its_resource_and_can_be_repaired(deploy, sources):
    edit(sources / "template.yaml", *BROKEN_POLICY)
    with pytest.raises(LocalCloudError, match=r"^The deployment failed: WebTierPolicy: .*Nothing"):
        deploy()
    edit(sources / "template.yaml", *reversed(BROKEN_POLICY))
    assert deploy()["CognitoUserPoolId"]


@pytest.mark.cloud
def test_failed_change_can_be_taken_back_and_is_not_blamed_for_the_next(deploy, sources):
    outputs = deploy()
    edit(sources / "template.yaml", *BROKEN_POLICY)
    with pytest.raises(LocalCloudError, match=r"failed: WebTierPolicy: "):
        deploy()
    edit(sources / "template.yaml", *reversed(BROKEN_POLICY))
    assert deploy() == outputs
    edit(sources / "template.yaml", *BROKEN_TRIGGER)
    with pytest.raises(LocalCloudError, match=r"failed: PreSignUp: "):
        deploy()


@pytest.mark.cloud
def test_template_that_is_refused_at_once_names_what_is_wrong(deploy, sources):
    edit(sources / "template.yaml", "AWS::Logs::LogGroup", "AWS::Logs::Unheard")
    with pytest.raises(LocalCloudError, match=r"^The deployment failed: .*AWS::Logs::Unheard"):
        deploy()


@pytest.mark.cloud
@pytest.mark.parametrize("uris", ["", "CodeUri: .\n    CodeUri: .\n"], ids=["none", "two"])
def test_template_without_exactly_one_code_uri_is_refused(deploy, sources, uris):
    edit(sources / "template.yaml", "CodeUri: .\n", uris)
    with pytest.raises(LocalCloudError, match=r"must say 'CodeUri: \.' exactly once"):
        deploy()


@pytest.mark.cloud
def test_deployment_that_takes_too_long_is_given_up(deploy, emulator, session, monkeypatch):
    monkeypatch.setattr(stack, "DEPLOY_TIMEOUT", 0.0)
    with pytest.raises(LocalCloudError, match="took longer than 0 s"):
        deploy()
    # It goes on all the same, and must not do so into the next test.
    created = session.client("cloudformation", endpoint_url=emulator.url).get_waiter(
        "stack_create_complete"
    )
    created.wait(StackName=stack.STACK, WaiterConfig={"Delay": 0.1})
