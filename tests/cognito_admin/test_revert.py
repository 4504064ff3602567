"""make revert: what is asked of CloudFormation, by botocore's own model, and what people see."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.stub import Stubber

from cognito_admin import revert
from cognito_admin.aws_account import Account
from cognito_admin.terminal import DeployError

pytestmark = pytest.mark.cloud

NAME = "phone-login-local"
ID = "arn:aws:cloudformation:us-east-1:000000000000:changeSet/revert-1/1"


@dataclass
class Stubbed(Account):
    """An account whose CloudFormation answers as written, and refuses any other question."""

    stubs: dict[str, Stubber] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        client = super().client(service)
        if service not in self.stubs:
            self.stubs[service] = Stubber(client)
            self.stubs[service].activate()
        return client


@pytest.fixture
def account():
    made = Stubbed("us-east-1")
    made.client("cloudformation")
    return made


@pytest.fixture
def cloudformation(account):
    stub = account.stubs["cloudformation"]
    parameters = {"Stage": "local", "AppName": "My own site"}
    stub.add_response(
        "describe_stacks",
        {
            "Stacks": [
                {
                    "StackName": NAME,
                    "CreationTime": "2026-01-01T00:00:00Z",
                    "StackStatus": "CREATE_COMPLETE",
                    "Outputs": [{"OutputKey": "CognitoUserPoolId", "OutputValue": "us-east-1_A"}],
                    "Parameters": [
                        {"ParameterKey": name, "ParameterValue": value}
                        for name, value in parameters.items()
                    ],
                }
            ]
        },
    )
    stub.add_response("list_stack_resources", {"StackResourceSummaries": []})
    return stub


def created(stub, monkeypatch):
    monkeypatch.setattr(revert.time, "time", lambda: 1.0)
    stub.add_response(
        "create_change_set",
        {"Id": ID},
        {
            "StackName": NAME,
            "ChangeSetName": "revert-1",
            "ChangeSetType": "UPDATE",
            "DeploymentMode": "REVERT_DRIFT",
            "UsePreviousTemplate": True,
            # Those left out would go back to their defaults.
            "Parameters": [
                {"ParameterKey": "AppName", "UsePreviousValue": True},
                {"ParameterKey": "Stage", "UsePreviousValue": True},
            ],
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        },
    )


def compared(stub, *changes, status="CREATE_COMPLETE", reason=""):
    answer = {"Status": status, "StatusReason": reason, "Changes": list(changes)}
    stub.add_response("describe_change_set", answer)
    if status == "CREATE_COMPLETE":
        stub.add_response("describe_change_set", answer)


def change(action, name, *properties):
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": name,
            "Details": [{"Target": {"Name": each}} for each in properties],
        },
    }


def test_what_was_changed_is_shown_and_brought_back(account, cloudformation, monkeypatch, capsys):
    created(cloudformation, monkeypatch)
    compared(
        cloudformation,
        change("Modify", "CreateAuthChallenge", "Environment"),
        change("Add", "BlockedTextsAlarmed"),
        change("SyncWithActual", "Ledger"),
    )
    cloudformation.add_response("execute_change_set", {}, {"ChangeSetName": ID})
    cloudformation.add_response(
        "describe_stacks",
        {
            "Stacks": [
                {
                    "StackName": NAME,
                    "CreationTime": "2026-01-01T00:00:00Z",
                    "StackStatus": "UPDATE_COMPLETE",
                }
            ]
        },
    )
    revert.revert(account, "local", yes=True)
    cloudformation.assert_no_pending_responses()
    said = capsys.readouterr().out
    assert "Modify CreateAuthChallenge (Environment)" in said
    assert "Add BlockedTextsAlarmed" in said
    assert "Ledger" not in said


@pytest.mark.parametrize("answer", ["n", ""])
def test_nothing_is_changed_without_a_yes(account, cloudformation, monkeypatch, capsys, answer):
    created(cloudformation, monkeypatch)
    compared(cloudformation, change("Modify", "CreateAuthChallenge", "Environment"))
    cloudformation.add_response("delete_change_set", {}, {"ChangeSetName": ID})
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    with pytest.raises(DeployError, match="Nothing was changed"):
        revert.revert(account, "local", yes=False)
    cloudformation.assert_no_pending_responses()


def test_stack_without_differences_is_said_to_be_so(account, cloudformation, monkeypatch, capsys):
    created(cloudformation, monkeypatch)
    compared(
        cloudformation,
        status="FAILED",
        reason="The submitted information didn't contain changes. Submit different information.",
    )
    cloudformation.add_response("delete_change_set", {}, {"ChangeSetName": ID})
    revert.revert(account, "local", yes=True)
    cloudformation.assert_no_pending_responses()
    assert "Nothing differs" in capsys.readouterr().out


def test_comparison_that_fails_says_why(account, cloudformation, monkeypatch):
    created(cloudformation, monkeypatch)
    compared(cloudformation, status="FAILED", reason="Access to CloudWatch was denied.")
    cloudformation.add_response("delete_change_set", {}, {"ChangeSetName": ID})
    with pytest.raises(DeployError, match="Access to CloudWatch was denied"):
        revert.revert(account, "local", yes=True)


def test_local_aws_takes_the_whole_request(as_operator, capsys):
    """The local AWS cannot compare resources, but accepts the request with all parameters."""
    as_operator.deploy()
    account = Account("us-east-1", as_operator.emulator.url)
    revert.revert(account, "local", yes=True)
    stacks = as_operator.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
    kept = {each["ParameterKey"]: each["ParameterValue"] for each in stacks[0]["Parameters"]}
    assert kept["AppName"] == "Phone login"
    assert "Nothing differs" in capsys.readouterr().out
