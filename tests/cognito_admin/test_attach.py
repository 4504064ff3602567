"""A pool with many settings of its own, which gets our sign-in and keeps everything else."""

import re
from typing import Any

import jwt
import pytest
from django.core.management.base import CommandError
from django.test import Client

from cognito_admin import attach
from cognito_admin import pool as pools
from cognito_admin.aws_account import configured
from cognito_admin.plans import Refused
from localcloud import inbox
from tests.cognito_admin import srp
from tests.cognito_admin.existing_pool import OTHER, RICH, everything, undeploy

pytestmark = pytest.mark.cloud

PASSWORD = "Correct-horse-7-battery"


@pytest.fixture
def old_client(aws, pool) -> str:
    made = aws.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool,
        ClientName="mobile-app",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        CallbackURLs=["https://example.com/callback"],
        RefreshTokenValidity=90,
    )
    return str(made["UserPoolClient"]["ClientId"])


@pytest.fixture
def member(aws, pool, phone) -> str:
    """Somebody who has had a password for years."""
    account = {"UserPoolId": pool, "Username": phone}
    aws.client("cognito-idp").admin_create_user(
        **account,
        UserAttributes=[
            {"Name": "phone_number", "Value": phone},
            {"Name": "phone_number_verified", "Value": "true"},
        ],
        MessageAction="SUPPRESS",
    )
    aws.client("cognito-idp").admin_set_user_password(**account, Password=PASSWORD, Permanent=True)
    return phone


def differences(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {".".join(change.path) for change in pools.changes(before, after)}


@pytest.mark.django_db(transaction=True)
def test_member_signs_in_with_password_and_by_phone_as_the_same_person(
    aws, front, run, pool, old_client, member, settings
):
    run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
    # The front plays no passwords.
    cognito = aws.client("cognito-idp")
    granted = srp.sign_in(cognito, pool, old_client, member, PASSWORD)
    by_password = jwt.decode(granted["IdToken"], options={"verify_signature": False})

    settings.COGNITO_USER_POOL_ID = pool
    settings.COGNITO_CLIENT_ID = aws.outputs["CognitoClientId"]
    settings.COGNITO_CLIENT_SECRET = aws.secret_of(aws.outputs["CognitoClientId"])
    settings.COGNITO_JWKS_URL = f"{front.url}/{pool}/.well-known/jwks.json"
    browser = Client()
    browser.post("/accounts/login/", {"phone": member})
    (text,) = inbox.texts(aws.emulator.url, member)
    code = re.match(r"\d{6}", text.body)[0]
    assert browser.post("/accounts/login/code/", {"code": code}).status_code == 302
    page = browser.get("/")
    assert page.wsgi_request.user.sub == by_password["sub"]
    # And again, afterwards.
    assert srp.sign_in(cognito, pool, old_client, member, PASSWORD)["IdToken"]


def test_attach_changes_nothing_but_what_it_adds_and_detach_brings_back_the_start(
    aws, run, make_pool
):
    pool = make_pool()
    aws.client("cognito-idp").create_user_pool_client(UserPoolId=pool, ClientName="mobile-app")
    start = everything(aws, pool)
    aws.deploy(ExistingUserPoolId=pool)
    ours = ("--user-pool-id", pool, "--stage", "local", "--yes")

    said = run("cognito_attach", *ours)
    attached = everything(aws, pool)
    assert differences(start["pool"], attached["pool"]) == {
        "LambdaConfig.DefineAuthChallenge",
        "LambdaConfig.CreateAuthChallenge",
        "LambdaConfig.VerifyAuthChallengeResponse",
        "LambdaConfig.PreAuthentication",
    }
    assert attached["mfa"] == start["mfa"]
    assert attached["clients"].pop("phone-login-site-local")
    assert attached["clients"].pop("phone-login-known-local")
    assert attached["clients"].pop("phone-login-proven-local")
    assert attached["clients"] == start["clients"]
    assert "+ LambdaConfig.CreateAuthChallenge = arn:" in said
    assert "nothing else has changed" in said

    assert "Nothing to change" in run("cognito_attach", *ours)
    run("cognito_detach", *ours)
    undeploy(aws)
    assert everything(aws, pool) == start


def test_pool_with_a_pre_authentication_of_its_own_keeps_it_and_has_no_lane(
    aws, as_operator, run, make_pool
):
    pool = make_pool(LambdaConfig={"PreAuthentication": OTHER})
    start = everything(aws, pool)
    found, notes = attach.examine(configured(), pool, "local", {})
    assert found == {"CognitoUsername": "phone", "KnownBrowsers": "false"}
    assert any("browsers have no lane" in note for note in notes)
    with pytest.raises(Refused, match="PreAuthentication is taken"):
        attach.examine(configured(), pool, "local", {"KnownBrowsers": "true"})

    aws.deploy(ExistingUserPoolId=pool, KnownBrowsers="false")
    assert "CognitoKnownClientId" not in aws.outputs
    run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
    attached = everything(aws, pool)
    assert attached["pool"]["LambdaConfig"]["PreAuthentication"] == OTHER
    run("cognito_detach", "--user-pool-id", pool, "--stage", "local", "--yes")
    undeploy(aws)
    assert everything(aws, pool) == start


def test_stack_does_not_lose_a_function_that_the_pool_still_calls(aws, as_operator, run, pool):
    run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
    with pytest.raises(Refused, match=r"LambdaConfig\.PreAuthentication=null"):
        attach.examine(configured(), pool, "local", {"KnownBrowsers": "false"})
    found, _ = attach.examine(configured(), pool, "local", {})
    assert found["KnownBrowsers"] == "true"


def test_front_resets_what_an_update_leaves_out(aws, front, make_pool):
    """Else the other tests would prove nothing."""
    pool = make_pool()
    cognito = aws.root_session().client("cognito-idp", endpoint_url=front.url)
    start = everything(aws, pool)
    cognito.update_user_pool(UserPoolId=pool, LambdaConfig=start["pool"]["LambdaConfig"])
    assert differences(start["pool"], everything(aws, pool)["pool"]) > {
        "MfaConfiguration",
        "DeletionProtection",
        "UserPoolTags.team",
        "EmailConfiguration.From",
    }


def test_dry_run_and_no_change_nothing(aws, run, pool, monkeypatch):
    start = everything(aws, pool)
    said = run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--dry-run")
    assert "+ LambdaConfig.DefineAuthChallenge" in said
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert "Nothing was changed" in run(
        "cognito_attach", "--user-pool-id", pool, "--stage", "local"
    )
    assert everything(aws, pool) == start


def test_detach_keeps_what_others_have_changed_since(aws, run, pool):
    ours = ("--user-pool-id", pool, "--stage", "local", "--yes")
    cognito = aws.client("cognito-idp")
    run("cognito_attach", *ours)
    config = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["LambdaConfig"]
    cognito.update_user_pool(
        UserPoolId=pool,
        LambdaConfig={**config, "DefineAuthChallenge": OTHER},
        DeletionProtection="INACTIVE",
    )
    said = run("cognito_detach", *ours)
    after = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert after["DeletionProtection"] == "INACTIVE"
    assert after["LambdaConfig"] == RICH["LambdaConfig"] | {"DefineAuthChallenge": OTHER}
    assert "LambdaConfig.DefineAuthChallenge was changed by somebody since" in said


def test_lost_trigger_is_put_back_and_the_way_back_stays_the_first(aws, run, pool):
    ours = ("--user-pool-id", pool, "--stage", "local", "--yes")
    start = everything(aws, pool)
    run("cognito_attach", *ours)
    aws.client("cognito-idp").update_user_pool(
        UserPoolId=pool, LambdaConfig=start["pool"]["LambdaConfig"]
    )
    assert "+ LambdaConfig.CreateAuthChallenge" in run("cognito_attach", *ours)
    run("cognito_detach", *ours)
    assert everything(aws, pool)["pool"] == start["pool"]


@pytest.mark.parametrize(
    ("given", "reason", "remedy"),
    [
        (
            {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}},
            "devices have to prove themselves",
            "DeviceConfiguration.ChallengeRequiredOnNewDevice=false",
        ),
        (
            {
                "Schema": [
                    {
                        "Name": "family_name",
                        "AttributeDataType": "String",
                        "Required": True,
                        "Mutable": True,
                    }
                ]
            },
            "requires family_name",
            'ClientWriteAttributes = "locale,family_name"',
        ),
        (
            {"LambdaConfig": {"CreateAuthChallenge": OTHER}},
            f"CreateAuthChallenge is taken: {OTHER}",
            "cognito_set --user-pool-id {} LambdaConfig.CreateAuthChallenge=null",
        ),
    ],
)
def test_pool_that_cannot_be_attached_is_refused_with_the_remedy(
    aws, run, make_pool, given, reason, remedy
):
    pool = make_pool(**given)
    with pytest.raises(CommandError, match=re.escape(reason)) as refused:
        run("cognito_attach", "--user-pool-id", pool)
    assert remedy.format(pool) in str(refused.value)


def test_pool_whose_trigger_is_somebody_elses_is_refused(aws, run, pool):
    cognito = aws.client("cognito-idp")
    config = {**RICH["LambdaConfig"], "CreateAuthChallenge": OTHER}
    cognito.update_user_pool(UserPoolId=pool, LambdaConfig=config)
    start = everything(aws, pool)
    with pytest.raises(CommandError, match=f"CreateAuthChallenge is taken: {OTHER}"):
        run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
    assert everything(aws, pool) == start


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (
            {"UsernameAttributes": [], "AliasAttributes": ["phone_number", "email"]},
            "ACCOUNTS_SIGN_UP=closed",
        ),
        (
            {"UsernameAttributes": ["email"]},
            "User names are e-mail addresses: the site looks for the account that holds a phone",
        ),
        (
            {"UsernameAttributes": ["email"]},
            "Nobody new can be signed up by phone: user names are e-mail addresses",
        ),
        ({"UsernameAttributes": []}, "User names are names of another kind: the site looks for"),
        ({"UsernameAttributes": []}, "Of 0 accounts, 0 can sign in by phone."),
        ({}, "Accounts without a phone"),
        ({}, "Cognito may ask people who have set one up for a second factor after our code"),
        ({"MfaConfiguration": "ON"}, "Cognito may ask everybody for a second factor"),
        ({}, "PreTokenGeneration runs in sign-ins by phone as well"),
        ({}, "Anybody can sign up"),
    ],
)
def test_pool_that_can_be_attached_is_examined_before_anything_is_deployed(
    aws, run, make_pool, given, note
):
    pool = make_pool(**given)
    said = run("cognito_attach", "--user-pool-id", pool)
    assert note in said
    assert f"make deploy STAGE=prod USER_POOL_ID={pool}" in said


def test_pool_that_still_calls_the_functions_of_this_stage_can_be_attached(aws, run, make_pool):
    """Such as after somebody has deleted the stack."""
    ours = OTHER.replace("somebody-elses", "phone-login-create-prod") + ":live"
    pool = make_pool(LambdaConfig={"CreateAuthChallenge": ours})
    assert "can be attached" in run("cognito_attach", "--user-pool-id", pool)
    with pytest.raises(CommandError, match="is taken"):
        run("cognito_attach", "--user-pool-id", pool, "--stage", "test")
    run("cognito_set", "--user-pool-id", pool, "LambdaConfig.CreateAuthChallenge=null", "--yes")
    assert "can be attached" in run("cognito_attach", "--user-pool-id", pool, "--stage", "test")


def test_doctor_of_an_attached_pool_names_what_leads_around_us(run, pool, old_client, capsys):
    run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
    with pytest.raises(CommandError, match="dangers"):
        run("cognito_doctor", "--stage", "local", "--without-site")
    lines = capsys.readouterr().out.splitlines()
    dangers = {line[12:].partition(":")[0] for line in lines if line.startswith("danger")}
    # People write what they like through the old client, sign up by themselves, and get texts of
    # Cognito's own when they forget a password. The function that others put into the pool is gone.
    assert dangers == {"sign-up", "recovery", "write attributes", "other triggers"}
    assert "ok          triggers: the pool calls ours" in lines
    # Passwords of the old client are what it is there for.
    assert "ok          other clients: none of them gets codes or leads past ours" in lines


def test_stack_of_another_pool_is_refused(run, pool, make_pool):
    other = make_pool()
    with pytest.raises(CommandError, match=f"works for {pool}"):
        run("cognito_attach", "--user-pool-id", other, "--stage", "local")


def test_pool_that_is_not_there_is_refused(run):
    with pytest.raises(CommandError, match="There is no pool us-east-1_None00000"):
        run("cognito_attach", "--user-pool-id", "us-east-1_None00000")


def test_single_setting_is_set_and_nothing_else(aws, run, make_pool):
    pool = make_pool()
    start = everything(aws, pool)
    said = run(
        "cognito_set",
        "--user-pool-id",
        pool,
        "--yes",
        "AdminCreateUserConfig.AllowAdminCreateUserOnly=true",
    )
    assert "~ AdminCreateUserConfig.AllowAdminCreateUserOnly: false → true" in said
    assert differences(start, everything(aws, pool)) == {
        "pool.AdminCreateUserConfig.AllowAdminCreateUserOnly"
    }


def test_single_setting_of_a_client_is_set_and_nothing_else(aws, run, pool, old_client):
    start = everything(aws, pool)
    run(
        "cognito_set",
        "--user-pool-id",
        pool,
        "--client-id",
        old_client,
        "--yes",
        'WriteAttributes=["name"]',
    )
    after = everything(aws, pool)
    assert differences(start, after) - {"clients.mobile-app.LastModifiedDate"} == {
        "clients.mobile-app.WriteAttributes"
    }


def test_setting_that_cannot_be_read_is_refused(run):
    with pytest.raises(CommandError, match="NAME=VALUE"):
        run("cognito_set", "--user-pool-id", "us-east-1_None00000", "DeletionProtection")
