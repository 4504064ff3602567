"""What is gone for good: the doctor says so once, and its remedy brings back what can be."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cognito_admin.breaking import complaints, only, try_remedy
from tests.cognito_admin.conftest import LEDGER, Aws, well
from tests.cognito_admin.texting_front import WithTexts

pytestmark = pytest.mark.cloud


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    """A local AWS of each test's own: nothing brings a pool back."""
    made = Aws(tmp_path / "aws")
    made.emulator.start()
    yield made
    made.emulator.stop()


@pytest.fixture
def front(aws: Aws) -> Iterator[WithTexts]:
    with WithTexts(aws) as made:
        yield made


@pytest.fixture
def deployed(aws: Aws) -> Aws:
    aws.deploy()
    well(aws)
    return aws


@pytest.fixture
def without_table(site):
    dynamodb = site.client("dynamodb")
    dynamodb.put_item(TableName=LEDGER, Item={"pk": {"S": "phone#locked"}})
    # The local AWS makes no backup by itself when a table goes.
    made = dynamodb.create_backup(TableName=LEDGER, BackupName="system")["BackupDetails"]
    dynamodb.update_table(TableName=LEDGER, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=LEDGER)
    return made["BackupArn"]


def test_lost_table_comes_back_from_its_backup_with_what_it_held(site, examine, run, without_table):
    found = {each["check"]: each for each in complaints(examine())}
    assert found["ledger"]["level"] == "danger"
    # Nobody can sign in, and that shows where the functions are run as well.
    assert found["dry run"]["level"] == "danger"
    restore, then = found["ledger"]["repair"].split("; then ")
    assert f"--backup-arn {without_table}" in restore
    assert then.startswith("run this again")
    try_remedy(site, run, restore)
    # A backup holds neither protection nor expiry; the next run names what is missing.
    for finding in complaints(examine()):
        assert finding["check"] == "ledger"
        try_remedy(site, run, finding["repair"])
    assert complaints(examine()) == []
    kept = site.client("dynamodb").get_item(TableName=LEDGER, Key={"pk": {"S": "phone#locked"}})
    assert "Item" in kept


def test_lost_table_without_a_backup_is_made_anew_with_the_stack(site, examine):
    dynamodb = site.client("dynamodb")
    for backup in dynamodb.list_backups(TableName=LEDGER)["BackupSummaries"]:
        dynamodb.delete_backup(BackupArn=backup["BackupArn"])
    table = dynamodb.describe_table(TableName=LEDGER)["Table"]
    dynamodb.update_table(TableName=LEDGER, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=LEDGER)
    try:
        (found,) = [each for each in examine(*only("ledger")) if each["check"] == "ledger"]
        pool = site.outputs["CognitoUserPoolId"]
        assert found["repair"].endswith(
            f"make undeploy STAGE=local, then make deploy STAGE=local USER_POOL_ID={pool}"
        )
    finally:
        dynamodb.create_table(
            TableName=LEDGER,
            KeySchema=table["KeySchema"],
            AttributeDefinitions=table["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
        )


def test_lost_function_is_named_with_the_way_to_make_the_stack_anew(site, examine):
    site.client("lambda").delete_function(FunctionName="phone-login-pre-sign-up-local")
    pool = site.outputs["CognitoUserPoolId"]
    examined = complaints(examine(*only("functions")))
    found = [each for each in examined if each["check"] == "functions"]
    assert [each["level"] for each in found] == ["danger"]
    assert "PreSignUp is gone" in found[0]["text"]
    assert found[0]["repair"] == (
        f"make undeploy STAGE=local; make deploy STAGE=local USER_POOL_ID={pool}"
    )


def test_lost_pool_is_said_once_and_no_deployment_is_promised_to_bring_it_back(site, examine):
    cognito, pool = site.client("cognito-idp"), site.outputs["CognitoUserPoolId"]
    cognito.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
    cognito.delete_user_pool(UserPoolId=pool)
    (found,) = examine()
    assert (found["check"], found["level"]) == ("pool", "danger")
    assert found["repair"].startswith("no command brings its people back")
