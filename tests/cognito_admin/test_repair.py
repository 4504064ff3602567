"""Accounts in bulk, in a pool where people once signed up by themselves."""

import time

import pytest
import time_machine
from django.core.management.base import CommandError

from cognito_admin.repair import Kind
from tests.fakes.cognito_front.messages import json_reply

pytestmark = pytest.mark.cloud

PASSWORD = "Chosen-by-them-1"
# The accounts of these tests are seconds old.
OF_ANY_AGE = ("--older-than", "0")


@pytest.fixture
def cognito(aws):
    return aws.client("cognito-idp")


@pytest.fixture
def pool(cognito) -> str:
    """An old pool of names, where any number of digits passes for a phone."""
    made = cognito.create_user_pool(
        PoolName="old",
        AliasAttributes=["phone_number"],
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": False},
    )
    return str(made["UserPool"]["Id"])


@pytest.fixture
def client(cognito, pool) -> str:
    made = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    return str(made["UserPoolClient"]["ClientId"])


@pytest.fixture
def sign_up(cognito, client):
    def run(name: str, phone: str = "", **more: str) -> None:
        attributes = {"name": "Whoever"} | ({"phone_number": phone} if phone else {}) | more
        cognito.sign_up(
            ClientId=client,
            Username=name,
            Password=PASSWORD,
            UserAttributes=[{"Name": n, "Value": v} for n, v in attributes.items()],
        )

    return run


@pytest.fixture
def create(cognito, pool):
    def run(
        name: str, phone: str = "", *, confirmed: bool = True, verified: bool = False, **more: str
    ) -> None:
        attributes = dict(more)
        if phone:
            attributes |= {"phone_number": phone, "phone_number_verified": str(verified).lower()}
        who = {"UserPoolId": pool, "Username": name}
        cognito.admin_create_user(
            **who,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": n, "Value": v} for n, v in attributes.items()],
        )
        if confirmed:
            cognito.admin_set_user_password(**who, Password=PASSWORD, Permanent=True)

    return run


def states(cognito, pool) -> dict[str, tuple[str, bool]]:
    return {
        one["Username"]: (one["UserStatus"], one["Enabled"])
        for one in cognito.list_users(UserPoolId=pool)["Users"]
    }


def attributes(cognito, pool, name: str) -> list[dict[str, str]]:
    found = cognito.admin_get_user(UserPoolId=pool, Username=name)["UserAttributes"]
    return sorted(found, key=lambda each: each["Name"])


def phones(cognito, pool) -> dict[str, str]:
    return {
        one["Username"]: {a["Name"]: a["Value"] for a in one["Attributes"]}["phone_number"]
        for one in cognito.list_users(UserPoolId=pool)["Users"]
    }


def test_unconfirmed_account_is_listed_then_repaired_and_then_gone(
    cognito, pool, client, run, sign_up, create
):
    sign_up("ann", "+12015550123")
    sign_up("ben", "+12015550124")
    create("cat", "+12015550125")
    before = states(cognito, pool)
    ours = ("cognito_repair", "--user-pool-id", pool, *OF_ANY_AGE)

    said = run(*ours)
    assert "found: 2 unconfirmed" in said
    assert "Nothing was changed" in said
    assert "2015550123" not in said
    assert states(cognito, pool) == before

    assert "repaired: 1 unconfirmed" in run(
        *ours, "--repair", "--yes", "--limit", "1", "--per-second", "100"
    )
    assert "repaired: 1 unconfirmed" in run(*ours, "--repair", "--yes", "--per-second", "100")
    assert "Nothing to change" in run(*ours, "--repair", "--yes")
    assert set(states(cognito, pool).values()) == {("CONFIRMED", True)}
    for name in ("ann", "ben"):
        with pytest.raises(cognito.exceptions.NotAuthorizedException):
            cognito.initiate_auth(
                ClientId=client,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
            )


def test_accounts_without_a_number_are_left_alone(cognito, pool, run, sign_up, create):
    """They sign in by name or e-mail, and their invitations are on the way."""
    sign_up("ann", email="ann@example.com")
    create("ben", confirmed=False, email="ben@example.com")
    sign_up("cat", "+12015550125")
    before = attributes(cognito, pool, "ann"), attributes(cognito, pool, "ben")
    kinds = ("--kinds", "unconfirmed,force-change", *OF_ANY_AGE)
    ours = ("cognito_repair", "--user-pool-id", pool, *kinds)
    said = run(*ours)
    assert "note: 2 left alone, without a number" in said
    assert "found: 1 unconfirmed" in said
    assert "repaired: 1 unconfirmed" in run(*ours, "--repair", "--yes")
    assert (attributes(cognito, pool, "ann"), attributes(cognito, pool, "ben")) == before
    found = states(cognito, pool)
    assert found["ann"] == ("UNCONFIRMED", True)
    assert found["ben"] == ("FORCE_CHANGE_PASSWORD", True)


def test_sign_up_of_a_moment_ago_is_left_alone(cognito, pool, run, sign_up, create):
    sign_up("ann", "+12015550123")
    create("ben", "+12015550124", confirmed=False)
    create("cat", "+4407911123456")
    create("dan", "+4407911123457")
    create("don", "+447911123457", verified=True)
    before = states(cognito, pool)
    ours = ("cognito_repair", "--user-pool-id", pool, "--kinds", ",".join(Kind))
    said = run(*ours, "--repair", "--yes")
    assert "note: 5 left alone, too young" in said
    assert "Nothing to change" in said
    assert states(cognito, pool) == before
    with time_machine.travel(time.time() + 86_000, tick=True):
        assert "note: 5 left alone, too young" in run(*ours)
    with time_machine.travel(time.time() + 86_500, tick=True):
        found = "found: 1 unconfirmed, 1 force-change, 1 unverified, 1 numbers, 1 duplicates"
        assert found in run(*ours)
    assert "left alone" not in run(*ours, *OF_ANY_AGE)


def test_nobody_is_repaired_before_the_list_was_seen_and_agreed_to(
    cognito, pool, run, sign_up, monkeypatch
):
    sign_up("ann", "+12015550123")
    ours = ("cognito_repair", "--user-pool-id", pool, *OF_ANY_AGE, "--repair")
    monkeypatch.setattr("builtins.input", lambda question: "n")
    said = run(*ours)
    assert "unconfirmed   ann +1••••••••23" in said
    assert "Nothing was changed" in said
    assert "Dry run" in run(*ours, "--dry-run")
    assert states(cognito, pool) == {"ann": ("UNCONFIRMED", True)}
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert "repaired: 1 unconfirmed" in run(*ours)


def test_age_below_zero_is_refused(run, pool):
    with pytest.raises(CommandError, match="not below zero"):
        run("cognito_repair", "--user-pool-id", pool, "--older-than", "-1")


def test_forced_change_is_repaired_only_when_asked_for(cognito, pool, run, create):
    create("ann", "+12015550123", confirmed=False)
    ours = ("cognito_repair", "--user-pool-id", pool, "--repair", "--yes", *OF_ANY_AGE)
    assert "Nothing to change" in run(*ours)
    assert "repaired: 1 force-change" in run(*ours, "--kinds", "force-change")
    assert states(cognito, pool) == {"ann": ("CONFIRMED", True)}


def test_number_is_written_as_the_site_writes_it(cognito, pool, run, create):
    create("ann", "+4407911123456", verified=True)
    create("ben", "+447911123457")
    kinds = ("--kinds", "numbers,duplicates", "--repair", "--yes")
    ours = ("cognito_repair", "--user-pool-id", pool, *kinds, *OF_ANY_AGE)
    assert "repaired: 1 numbers" in run(*ours)
    assert phones(cognito, pool) == {"ann": "+447911123456", "ben": "+447911123457"}
    attributes = cognito.admin_get_user(UserPoolId=pool, Username="ann")["UserAttributes"]
    assert {"Name": "phone_number_verified", "Value": "true"} in attributes
    assert "Nothing to change" in run(*ours)


def test_of_two_with_one_number_the_proven_one_stays(cognito, pool, run, sign_up, create):
    create("first", "+4407911123456")
    create("proven", "+447911123456", verified=True)
    sign_up("stranger", "+44 07911123456".replace(" ", ""))
    said = run(
        "cognito_repair",
        "--user-pool-id",
        pool,
        "--kinds",
        "duplicates",
        "--repair",
        "--yes",
        *OF_ANY_AGE,
        "--per-second",
        "100",
    )
    assert "repaired: 2 duplicates" in said
    assert "keep proven" in said
    assert {name for name, (_, enabled) in states(cognito, pool).items() if enabled} == {"proven"}


def test_account_that_cannot_be_repaired_is_named_and_holds_up_no_other(
    cognito, pool, run, sign_up, front, monkeypatch
):
    for n, name in enumerate(("ann", "ben", "cat")):
        sign_up(name, f"+1201555012{n}")
    forward = front._forward

    def refuse_ben(request):
        if "AdminSetUserPassword" in request.header("x-amz-target") and b'"ben"' in request.body:
            return json_reply({"__type": "InvalidPasswordException"}, 400)
        return forward(request)

    monkeypatch.setattr(front, "_forward", refuse_ben)
    with pytest.raises(CommandError, match="1 could not be repaired"):
        run(
            *("cognito_repair", "--user-pool-id", pool, "--repair", "--yes"),
            *(*OF_ANY_AGE, "--per-second", "100"),
        )
    assert states(cognito, pool)["ben"] == ("UNCONFIRMED", True)
    assert states(cognito, pool)["cat"] == ("CONFIRMED", True)


def test_pool_and_region_that_nobody_names_are_asked_for(run, settings):
    settings.COGNITO_USER_POOL_ID = settings.AWS_REGION = ""
    settings.AWS_ENDPOINT_URL = ""
    with pytest.raises(CommandError, match="--user-pool-id"):
        run("cognito_repair")
    with pytest.raises(CommandError, match="specify a region"):
        run("cognito_repair", "--user-pool-id", "nowhere")


def test_unknown_kind_is_refused(run, pool):
    with pytest.raises(CommandError, match="is not a valid Kind"):
        run("cognito_repair", "--user-pool-id", pool, "--kinds", "everything")
