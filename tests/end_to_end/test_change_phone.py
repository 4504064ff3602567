"""A person changes their own number: Django, boto3, the emulator and the real functions."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
import time_machine
from botocore.exceptions import ClientError
from django.db import connection
from django.db.models.signals import post_save, pre_save
from django.test import Client

from accounts import operations, phones
from accounts.aws import cognito
from accounts.models import Operation, Session, SignInEvent, User
from tests.codes import code_in, wrong
from tests.login_steps import sign_in
from tests.pages import text

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

NUMBER, CODE, RESEND, TAKEN, CHANGED = (
    "/accounts/number/",
    "/accounts/number/code/",
    "/accounts/number/resend/",
    "/accounts/number/taken/",
    "/accounts/number/changed/",
)


@pytest.fixture(scope="module", autouse=True)
def _warm(cloud):
    """A busy machine takes its time to import boto3, and then none is left for a text."""
    lambdas = cloud.root_session().client("lambda", endpoint_url=cloud.emulator.url)
    lambdas.invoke(FunctionName=cloud.outputs["TextsFunction"], Payload=b"{}")


@pytest.fixture(autouse=True)
def _texts(on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    settings.ACCOUNTS_WRONG_CODES = settings.ACCOUNTS_SENDS = "1000/hour"
    settings.ACCOUNTS_UNUSED_SENDS = "1000/hour"


@pytest.fixture
def lookup(cloud):
    """``lookup(phone)``: the sub and the verified flag of who has a number in Cognito, or None."""
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)

    def read(phone: str) -> tuple[str, str] | None:
        try:
            user = api.admin_get_user(UserPoolId=cloud.outputs["CognitoUserPoolId"], Username=phone)
        except api.exceptions.UserNotFoundException:
            return None
        found = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
        assert found["phone_number"] == phone
        return found["sub"], found.get("phone_number_verified", "false")

    return read


def signed_in(phone: str) -> Client:
    """A browser whose person has an account with ``phone`` and typed a code a moment ago."""
    identity = cognito.gateway().create_user(phone)
    client = Client()
    client.force_login(User.objects.for_identity(identity.sub, phone, phone_verified=True))
    return client


@pytest.fixture
def client(phone) -> Client:
    return signed_in(phone)


@pytest.fixture
def user(client, phone) -> User:
    return User.objects.get(phone=phone)


def ask(client: Client, phone: str):
    response = client.post(NUMBER, {"phone": phone})
    assert response.url == CODE
    return response


def answer(client: Client, code: str):
    return client.post(CODE, {"code": code})


def agree(lookup, user: User, old: str, new: str) -> None:
    """Both sides say that ``new`` is the user's, verified, and ``old`` nobody's."""
    user.refresh_from_db()
    assert (user.phone, user.phone_verified) == (new, True)
    assert lookup(new) == (user.sub, "true")
    assert lookup(old) is None


def kinds(**of) -> list[tuple[str, str]]:
    return list(SignInEvent.objects.filter(**of).order_by("pk").values_list("kind", "reason"))


def test_number_changes_once_its_code_is_typed_and_not_before(
    client, user, phone, new_phone, texts, lookup
):
    ask(client, new_phone)
    [body] = texts(new_phone)
    assert "is your code to change your number at Phone login" in body
    assert f"@localhost #{code_in(body)}" in body
    assert answer(client, wrong(code_in(body))).status_code == 200
    user.refresh_from_db()
    assert user.phone == phone
    # Neither an account nor anything else was made for the number.
    assert lookup(new_phone) is None
    assert answer(client, code_in(body)).url == CHANGED
    agree(lookup, user, phone, new_phone)
    assert f"<strong>{phones.spaced(new_phone)}</strong>" in text(client.get(CHANGED))
    assert "has a new phone number" in texts(phone)[-1]
    assert len(texts(new_phone)) == 1
    reference = SignInEvent.objects.get(kind="number_changed").reference
    assert kinds(reference=reference) == [
        ("sent", "new_number"),
        ("failed", "wrong_code"),
        ("number_changed", ""),
    ]


def test_new_number_signs_in_to_the_same_account_and_the_old_one_no_more(
    client, user, phone, new_phone, texts, settings
):
    ask(client, new_phone)
    answer(client, code_in(texts(new_phone)[-1]))
    sign_in(Client(), new_phone, texts)
    assert User.objects.get(phone=new_phone) == user
    settings.ACCOUNTS_SIGN_UP = "closed"
    before = len(texts(phone))
    Client().post("/accounts/login/", {"phone": phone})
    assert len(texts(phone)) == before


def test_number_of_another_account_is_refused_only_once_it_is_proven(
    client, user, phone, new_phone, texts, lookup
):
    owner = signed_in(new_phone)
    ask(client, new_phone)
    assert "has an account" not in text(client.get(CODE))
    assert len(texts(new_phone)) == 1
    assert answer(client, code_in(texts(new_phone)[-1])).url == TAKEN
    said = text(client.get(TAKEN))
    assert "That number has an account of its own" in said
    [event] = SignInEvent.objects.filter(kind="failed", reason="phone_taken")
    assert event.reference in said
    # A second press of the same button says the same.
    assert answer(client, code_in(texts(new_phone)[-1])).url == TAKEN
    user.refresh_from_db()
    assert user.phone == phone
    assert lookup(phone)[0] == user.sub
    assert lookup(new_phone)[0] != user.sub
    assert owner.get("/").status_code == 200
    assert not Operation.objects.exists()


def test_number_that_only_cognito_knows_is_another_account(
    client, user, phone, new_phone, texts, cloud
):
    cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url).admin_create_user(
        UserPoolId=cloud.outputs["CognitoUserPoolId"],
        Username=new_phone,
        UserAttributes=[{"Name": "phone_number", "Value": new_phone}],
        MessageAction="SUPPRESS",
    )
    ask(client, new_phone)
    assert answer(client, code_in(texts(new_phone)[-1])).url == TAKEN


def test_two_people_who_prove_the_same_number_leave_one_owner(
    client, user, phone, new_phone, texts, lookup, strict
):
    """Both hold the phone; for both, what Cognito had to say at their code came too late."""
    rival_phone = f"{phone[:-4]}0199"
    rival = signed_in(rival_phone)
    strict.fail("AdminUpdateUserAttributes")
    for each in (client, rival):
        ask(each, new_phone)
        assert answer(each, code_in(texts(new_phone)[-1])).url == CHANGED
    assert Operation.objects.filter(state="waiting").count() == 2
    strict.heal()
    with time_machine.travel(time.time() + 40, tick=True):
        assert operations.run_due() == 2
    agree(lookup, user, phone, new_phone)
    assert User.objects.get(sub=lookup(rival_phone)[0]).phone == rival_phone
    assert sorted(Operation.objects.values_list("state", flat=True)) == ["done", "refused"]
    assert "was not changed" in text(rival.get(CHANGED))
    assert "Your number is changed" in text(client.get(CHANGED))


@pytest.mark.parametrize("is_done_there", [False, True], ids=["not taken", "taken, unheard"])
def test_cognito_failing_is_tried_again_until_both_sides_agree(
    client, user, phone, new_phone, texts, lookup, strict, is_done_there
):
    strict.fail("AdminUpdateUserAttributes", after=is_done_there)
    ask(client, new_phone)
    assert answer(client, code_in(texts(new_phone)[-1])).url == CHANGED
    assert "will be changed" in text(client.get(CHANGED))
    user.refresh_from_db()
    assert user.phone == phone
    assert (lookup(new_phone) is None) is not is_done_there
    assert "still under way" in text(client.get(NUMBER))
    assert kinds(kind="number_changed") == [("number_changed", "waiting")]
    strict.heal()
    told = len(texts(phone))
    with time_machine.travel(time.time() + 40, tick=True):
        assert operations.run_due() == 1
        assert operations.run_due() == 0
    agree(lookup, user, phone, new_phone)
    assert len(texts(phone)) == told + 1
    assert "Your number is changed" in text(client.get(CHANGED))


def test_sign_in_with_the_new_number_before_we_heard_of_it_is_the_same_account(
    client, user, phone, new_phone, texts, lookup, strict
):
    strict.fail("AdminUpdateUserAttributes", after=True)
    ask(client, new_phone)
    answer(client, code_in(texts(new_phone)[-1]))
    strict.heal()
    sign_in(Client(), new_phone, texts)
    with time_machine.travel(time.time() + 40, tick=True):
        operations.run_due()
    agree(lookup, user, phone, new_phone)
    assert User.objects.count() == 1


class PowerCut(BaseException):
    """The process dies: nothing of ours catches it."""


DEATHS = {
    "before the order is written": (pre_save, Operation, lambda it: it.pk is None),
    "after the order is written": (post_save, Operation, lambda it: it.tries == 0),
    "before Cognito is asked": (post_save, Operation, lambda it: it.tries == 1),
    "after Cognito took it": (pre_save, User, lambda it: it.phone_verified),
    "before the order is closed": (pre_save, Operation, lambda it: it.state == "done"),
}
BEFORE_THE_EVENT = "before the event is written"


@contextmanager
def dying(death: str) -> Iterator[None]:
    if death == BEFORE_THE_EVENT:

        def run(execute, sql, params, many, context):
            if "number_changed" in (params or ()) and "signinevent" in sql:
                raise PowerCut
            return execute(sql, params, many, context)

        with connection.execute_wrapper(run):
            yield
        return
    signal, model, is_here = DEATHS[death]

    def die(sender, instance, **_):
        if is_here(instance):
            raise PowerCut

    signal.connect(die, sender=model)
    try:
        yield
    finally:
        signal.disconnect(die, sender=model)


@pytest.mark.parametrize("death", [*DEATHS, BEFORE_THE_EVENT])
def test_process_that_dies_half_way_leaves_both_sides_agreeing_in_the_end(
    client, user, phone, new_phone, texts, lookup, death
):
    ask(client, new_phone)
    code = code_in(texts(new_phone)[-1])
    with dying(death), pytest.raises(PowerCut):
        answer(client, code)
    with time_machine.travel(time.time() + 300, tick=True):
        operations.run_due()
    if death == "before the order is written":
        # The code is used up, and nothing has changed.
        user.refresh_from_db()
        assert (user.phone, lookup(phone)[0], lookup(new_phone)) == (phone, user.sub, None)
        assert answer(client, code).url == NUMBER
    else:
        agree(lookup, user, phone, new_phone)
    assert not Operation.objects.filter(state="waiting").exists()


def test_code_of_a_sign_in_does_not_change_a_number(client, user, phone, new_phone, texts, lookup):
    """Not even one that was texted to the very number, in the same challenge."""
    Client().post("/accounts/login/", {"phone": new_phone})
    sign_in_code = code_in(texts(new_phone)[-1])
    ask(client, new_phone)
    assert len(texts(new_phone)) == 1
    assert "not the code" in text(answer(client, sign_in_code))
    user.refresh_from_db()
    assert user.phone == phone


def test_code_that_proves_a_number_does_not_sign_in(client, phone, new_phone, texts):
    ask(client, new_phone)
    other = Client()
    other.post("/accounts/login/", {"phone": new_phone})
    assert len(texts(new_phone)) == 1
    code = code_in(texts(new_phone)[-1])
    assert "not the code" in text(other.post("/accounts/login/code/", {"code": code}))


def test_right_code_twice_changes_once_and_ends_alike(
    client, user, phone, new_phone, texts, lookup
):
    ask(client, new_phone)
    code = code_in(texts(new_phone)[-1])
    assert answer(client, code).url == CHANGED
    assert answer(client, code).url == CHANGED
    assert Operation.objects.count() == 1
    agree(lookup, user, phone, new_phone)


def test_three_wrong_codes_end_it_and_a_new_code_is_needed(client, user, phone, new_phone, texts):
    ask(client, new_phone)
    code = code_in(texts(new_phone)[-1])
    assert "2 tries left" in text(answer(client, wrong(code, 1)))
    assert "2 tries left" in text(answer(client, wrong(code, 1)))
    assert "1 try left" in text(answer(client, wrong(code, 2)))
    assert answer(client, wrong(code, 3)).url == NUMBER
    assert "cannot be used here any more" in text(client.get(NUMBER))
    assert answer(client, code).url == NUMBER
    user.refresh_from_db()
    assert user.phone == phone


def test_resend_waits_for_the_cooldown_and_texts_the_same_code_again(
    client, user, new_phone, texts, age_ledger
):
    ask(client, new_phone)
    refused = client.post(RESEND)
    assert (refused.status_code, len(texts(new_phone))) == (429, 1)
    assert 0 < int(refused["Retry-After"]) <= 31
    age_ledger(31)
    with time_machine.travel(time.time() + 31, tick=True):
        assert client.post(RESEND).url == CODE
        first, second = texts(new_phone)
        assert code_in(first) == code_in(second)
        assert answer(client, code_in(second)).url == CHANGED


def test_held_number_is_told_that_no_text_left(client, user, phone, new_phone, cloud, texts):
    table = cloud.root_session().client("dynamodb", endpoint_url=cloud.emulator.url)
    ask(client, new_phone)
    for item in table.scan(TableName="phone-login-ledger-local")["Items"]:
        if "recent" in item and "challenge" in item:
            table.update_item(
                TableName="phone-login-ledger-local",
                Key={"pk": item["pk"]},
                UpdateExpression="SET failures = :n, last_failure = :now",
                ExpressionAttributeValues={
                    ":n": {"N": "10"},
                    ":now": {"N": str(int(time.time()))},
                },
            )
    with time_machine.travel(time.time() + 40, tick=True):
        ask(client, new_phone)
        assert "too soon for another text to this number" in text(client.get(CODE))
    assert len(texts(new_phone)) == 1


def test_other_devices_are_signed_out_for_who_presses(client, user, phone, new_phone, texts):
    other = Client()
    other.force_login(user)
    ask(client, new_phone)
    answer(client, code_in(texts(new_phone)[-1]))
    assert "signed in on 1 other device." in text(client.get(CHANGED))
    assert other.get("/").status_code == 200
    assert client.post(CHANGED).url == "/"
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302
    [ended] = Session.objects.exclude(ended_at=None)
    assert ended.ended_why == Session.Ended.NUMBER_CHANGED


def test_change_needs_a_code_typed_lately(client, user, phone, new_phone, texts):
    Session.objects.update(confirmed_at="2020-01-01T00:00:00Z")
    asked = client.post(NUMBER, {"phone": new_phone})
    assert asked.url.startswith("/accounts/confirm/")
    assert client.get(NUMBER).url.startswith("/accounts/confirm/")
    assert texts(new_phone) == []


def test_cancel_forgets_the_change(client, user, phone, new_phone, texts):
    ask(client, new_phone)
    assert client.post("/accounts/number/cancel/").url == "/"
    assert answer(client, code_in(texts(new_phone)[-1])).url == NUMBER
    user.refresh_from_db()
    assert user.phone == phone


def test_page_of_an_earlier_number_spends_no_try_of_the_later_one(
    client, user, phone, new_phone, texts, lookup
):
    ask(client, new_phone)
    attempt = re.search(r'name="attempt" value="([^"]+)"', text(client.get(CODE)))[1]
    later = f"{phone[:-4]}0155"
    ask(client, later)
    code = code_in(texts(new_phone)[-1])
    said = client.post(CODE, {"code": code, "attempt": attempt})
    assert "asked for another code since" in text(said)
    assert answer(client, code_in(texts(later)[-1])).url == CHANGED
    agree(lookup, user, phone, later)


def test_site_may_invoke_the_two_functions_for_it_and_no_trigger(on_cloud):
    """The role of the site, as the template gives it."""
    lambdas = boto3.Session().client(
        "lambda",
        region_name=on_cloud.environment["AWS_REGION"],
        endpoint_url=on_cloud.emulator.url,
    )
    for name in ("texts", "ledger"):
        reply = lambdas.invoke(FunctionName=f"phone-login-{name}-local", Payload=b"{}")
        assert reply["FunctionError"]
    for name in ("create", "verify", "define", "pre-sign-up"):
        with pytest.raises(ClientError, match="AccessDenied"):
            lambdas.invoke(FunctionName=f"phone-login-{name}-local", Payload=b"{}")
