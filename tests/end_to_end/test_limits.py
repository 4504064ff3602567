"""The limits as people and attackers meet them, through the site and past it."""

import io
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.aws import cognito, cognito_values
from lambdas.triggers.ledger import names
from tests.codes import code_in, wrong
from tests.lambdas.aws import TABLE

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]


def at_once(count: int, call) -> list:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(call, range(count)))


def attempt(call):
    """Return what ``call`` returns, or the CognitoError that it raises."""
    try:
        return call()
    except cognito.CognitoError as error:
        return error


@pytest.fixture
def gateway(on_cloud) -> cognito.Gateway:
    return cognito.gateway()


@pytest.fixture
def user(gateway, phone) -> str:
    gateway.create_user(phone)
    return phone


def test_parallel_starts_past_the_site_send_one_text(gateway, user, texts):
    challenges = at_once(8, lambda _: gateway.start_challenge(user))
    [text] = texts(user)
    assert len({each.expires_at for each in challenges}) == 1
    assert isinstance(gateway.answer_challenge(challenges[7], code_in(text)), cognito_values.Tokens)


def test_parallel_right_answers_give_one_token_set(gateway, user, texts):
    challenges = [gateway.start_challenge(user) for _ in range(4)]
    code = code_in(texts(user)[0])
    got = at_once(4, lambda n: attempt(lambda: gateway.answer_challenge(challenges[n], code)))
    assert sum(isinstance(each, cognito_values.Tokens) for each in got) == 1


def test_tries_are_shared_by_all_sessions_but_the_one_that_asked(gateway, user, texts):
    asked, *others = [gateway.start_challenge(user) for _ in range(5)]
    code = code_in(texts(user)[0])
    for n, session in enumerate(others[:3]):
        assert isinstance(
            gateway.answer_challenge(session, wrong(code, n + 1)), cognito_values.Challenge
        )
    assert isinstance(gateway.answer_challenge(others[3], code), cognito_values.Challenge)
    assert isinstance(gateway.answer_challenge(asked, code), cognito_values.Tokens)


def test_used_code_is_dead_for_other_sessions(gateway, user, texts):
    first, second = gateway.start_challenge(user), gateway.start_challenge(user)
    code = code_in(texts(user)[0])
    assert isinstance(gateway.answer_challenge(first, code), cognito_values.Tokens)
    assert isinstance(gateway.answer_challenge(second, code), cognito_values.Challenge)


def test_wrong_code_before_the_right_one_is_no_attack_on_the_pool(
    on_cloud, gateway, user, texts, make_phone
):
    dynamodb = on_cloud.root_session().client("dynamodb", endpoint_url=on_cloud.emulator.url)

    def mistype() -> int:
        phone = make_phone()
        gateway.create_user(phone)
        challenge = gateway.start_challenge(phone)
        code = code_in(texts(phone)[0])
        challenge = gateway.answer_challenge(challenge, wrong(code))
        assert isinstance(gateway.answer_challenge(challenge, code), cognito_values.Tokens)
        key = {"pk": {"S": names.pool_item(time.time())}}
        item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
        return int(item["failures"]["N"])

    # What the last one takes back is written with the next answer.
    first, *_, last = [mistype() for _ in range(5)]
    assert last <= first


def test_client_outside_the_list_gets_no_text(on_cloud, user, texts):
    api = on_cloud.root_session().client("cognito-idp", endpoint_url=on_cloud.emulator.url)
    pool = on_cloud.outputs["CognitoUserPoolId"]
    made = api.create_user_pool_client(
        UserPoolId=pool, ClientName="stranger", ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"]
    )["UserPoolClient"]["ClientId"]
    try:
        with pytest.raises(api.exceptions.ClientError):
            api.initiate_auth(
                ClientId=made, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": user}
            )
    finally:
        api.delete_user_pool_client(UserPoolId=pool, ClientId=made)
    assert texts(user) == []


def test_held_number_is_told_that_no_text_left_until_an_operator_unlocks_it(
    on_cloud, phone, texts, age_ledger, settings
):
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    settings.ACCOUNTS_WRONG_CODES = "1000/hour"
    gateway = cognito.gateway()
    gateway.create_user(phone)
    for answers in (3, 3, 3, 1):
        challenge = gateway.start_challenge(phone)
        code = code_in(texts(phone)[-1])
        for by in range(1, answers + 1):
            last = partial(gateway.answer_challenge, challenge, wrong(code, by))
            challenge = attempt(last)
        age_ledger(400)
    held = Client()
    sent = len(texts(phone))
    assert held.post("/accounts/login/", {"phone": phone}).url == "/accounts/login/code/"
    page = held.get("/accounts/login/code/").content.decode()
    assert "No text was sent" in page
    assert re.search(r"You can ask for it in <bdi>[5-8]:\d\d</bdi>", page)
    assert len(texts(phone)) == sent
    assert "held until" in ledger_command("show", phone)
    assert "not held" in ledger_command("unlock", phone)
    free = Client()
    free.post("/accounts/login/", {"phone": phone})
    assert len(texts(phone)) == sent + 1
    assert free.post("/accounts/login/code/", {"code": code_in(texts(phone)[-1])}).url == "/"


def test_six_wrong_codes_are_followed_by_a_page_that_counts_down_to_the_next_text(
    on_cloud, phone, texts, age_ledger
):
    client = Client()
    for wrongs in ((1, 2, 3), (4, 5, 6)):
        # First as the one that asked for the text, then with the tries of all others.
        client.post("/accounts/login/", {"phone": phone})
        assert 'name="code"' in client.get("/accounts/login/code/").content.decode()
        code = code_in(texts(phone)[0])
        for by in wrongs:
            client.post("/accounts/login/code/", {"code": wrong(code, by)})
    client.post("/accounts/login/", {"phone": phone})
    page = client.get("/accounts/login/code/").content.decode()
    assert "No text was sent" in page
    assert "We sent it to" not in page
    assert re.search(r"You can ask for it in <bdi>0:\d\d</bdi>", page)
    assert 'name="code"' not in page
    early = client.post("/accounts/login/resend/")
    assert (early.status_code, len(texts(phone))) == (429, 1)
    age_ledger(31)
    with time_machine.travel(time.time() + 31, tick=True):
        page = client.post("/accounts/login/resend/", follow=True).content.decode()
    assert "We texted you again" in page
    assert client.post("/accounts/login/code/", {"code": code_in(texts(phone)[1])}).url == "/"


def ledger_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ledger", *arguments, stdout=out)
    return out.getvalue()


def test_refused_text_is_said_on_the_page(on_cloud, phone, texts):
    """The function loses its permission to text, and the page says that nothing left."""
    iam = on_cloud.root_session().client("iam", endpoint_url=on_cloud.emulator.url)
    [role] = [
        role["RoleName"]
        for role in iam.list_roles()["Roles"]
        if "CreateAuthChallengeRole" in role["RoleName"]
    ]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    without = [each for each in policy["Statement"] if each["Sid"] != "TextPhones"]
    put = partial(iam.put_role_policy, RoleName=role, PolicyName=name)
    put(PolicyDocument=json.dumps(policy | {"Statement": without}))
    try:
        client = Client()
        assert client.post("/accounts/login/", {"phone": phone}).url == "/accounts/login/code/"
        page = client.get("/accounts/login/code/").content.decode()
    finally:
        put(PolicyDocument=json.dumps(policy))
    assert "No text was sent" in page
    assert "We sent it to" not in page
    assert texts(phone) == []
    # The refusal has freed the cooldown.
    again = Client()
    again.post("/accounts/login/", {"phone": phone})
    assert len(texts(phone)) == 1
