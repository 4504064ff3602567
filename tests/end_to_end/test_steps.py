"""Sign-ins of more steps than a code: the site, boto3, and the deployed triggers."""

import contextlib
import re
import time

import boto3
import pytest
from botocore.exceptions import ClientError
from django.test import Client

from lambdas.triggers.ledger import names
from localcloud.cloud import Cloud
from localcloud.emulator import REGION
from tests import proofs
from tests.codes import code_in, wrong
from tests.login_steps import CODE, LOGIN, answer, ask, is_signed_in
from tests.wire import Reply

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

CHALLENGE = "/accounts/login/challenge/"


class Caller:
    """Somebody who goes straight to Cognito, with the client for apps."""

    def __init__(self, cloud: Cloud, url: str) -> None:
        self._client_id = cloud.outputs["PublicClientId"]
        session = boto3.Session("none", "none", region_name=REGION)
        self._api = session.client("cognito-idp", endpoint_url=url)

    def start(self, name: str):
        return self._api.initiate_auth(
            ClientId=self._client_id,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"USERNAME": name},
        )

    def answer(self, reply, answer: str):
        return self._api.respond_to_auth_challenge(
            ClientId=self._client_id,
            ChallengeName="CUSTOM_CHALLENGE",
            Session=reply["Session"],
            ChallengeResponses={
                "USERNAME": reply["ChallengeParameters"]["USERNAME"],
                "ANSWER": answer,
            },
        )


@pytest.fixture
def caller(on_cloud, strict) -> Caller:
    return Caller(on_cloud, strict.url)


@pytest.fixture
def member(cloud: Cloud, phone: str) -> str:
    """The number of somebody who has an account."""
    cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url).admin_create_user(
        UserPoolId=cloud.outputs["CognitoUserPoolId"],
        Username=phone,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "phone_number", "Value": phone}],
    )
    return phone


def kind(reply) -> str:
    return reply["ChallengeParameters"]["kind"]


def solved(reply) -> str:
    return proofs.solved(reply["ChallengeParameters"])


def asked_on(page) -> dict[str, str]:
    """The task that a page gives to its script, by the triggers' names for it."""
    found = dict(re.findall(r'data-(digest|salt|largest)="(\w+)"', page.content.decode()))
    return {"challenge": found["digest"], "salt": found["salt"], "maxnumber": found["largest"]}


def send(client: Client, kind: str, answer: str):
    return client.post(CHALLENGE, {"answer": answer, "kind": kind})


# A proof of work, then the code


def test_proof_straight_at_cognito_comes_before_the_text(sign_in_plan, caller, member, texts):
    sign_in_plan("proof code")
    proof = caller.start(member)
    assert (kind(proof), texts(member)) == ("proof", [])
    again = caller.answer(proof, "x")
    assert (kind(again), texts(member)) == ("proof", [])
    code = caller.answer(again, solved(again))
    assert kind(code) == "code"
    [text] = texts(member)
    assert caller.answer(code, code_in(text))["AuthenticationResult"]["IdToken"]


def test_proof_that_fails_twice_ends_the_flow_without_a_text(sign_in_plan, caller, member, texts):
    sign_in_plan("proof code")
    again = caller.answer(caller.start(member), "x")
    with pytest.raises(ClientError, match="NotAuthorized"):
        caller.answer(again, "x")
    assert texts(member) == []


def test_code_is_no_answer_to_a_proof(sign_in_plan, caller, member, texts):
    sign_in_plan("proof code")
    proof = caller.start(member)
    reply = caller.answer(proof, solved(proof))
    code = code_in(texts(member)[0])
    assert kind(caller.answer(caller.start(member), code)) == "proof"
    assert "AuthenticationResult" in caller.answer(reply, code)


def test_stranger_proves_and_is_never_right(sign_in_plan, caller, phone, texts):
    sign_in_plan("proof code")
    proof = caller.start(phone)
    code = caller.answer(proof, solved(proof))
    assert (kind(proof), kind(code), texts(phone)) == ("proof", "code", [])
    assert kind(caller.answer(code, "000000")) == "code"


def test_site_signs_in_with_a_proof_and_a_code(sign_in_plan, strict_site, phone, texts):
    sign_in_plan("proof code")
    assert ask(strict_site, phone, next="/admin/").url == CHALLENGE
    page = strict_site.get(CHALLENGE)
    assert texts(phone) == []
    done = send(strict_site, "proof", proofs.solved(asked_on(page)))
    assert (done.status_code, done.url) == (302, CODE)
    assert answer(strict_site, code_in(texts(phone)[0])).url == "/admin/"
    assert is_signed_in(strict_site)


@pytest.fixture
def texts_of_the_hour(cloud: Cloud) -> int:
    """How many the pool has sent, as its budget counts them: more than a few."""
    table = cloud.root_session().client("dynamodb", endpoint_url=cloud.emulator.url)
    item = table.update_item(
        TableName="phone-login-ledger-local",
        Key={"pk": {"S": names.pool_item(time.time())}},
        UpdateExpression="ADD #hour :many",
        ExpressionAttributeNames={"#hour": f"hour_{names.hour(time.time())}"},
        ExpressionAttributeValues={":many": {"N": "100"}},
        ReturnValues="UPDATED_NEW",
    )
    [count] = item["Attributes"].values()
    return int(count["N"])


def test_site_and_caller_do_the_work_under_pressure_whatever_the_plan(
    sign_in_plan, texts_of_the_hour, caller, member, strict_site, make_phone, texts
):
    begun = caller.start(member)
    assert kind(begun) == "code"
    # The deployment warms the function up, which shows it how much is used.
    sign_in_plan("code", SENDS_PER_POOL_HOUR=str(texts_of_the_hour * 100 // 82))
    phone = make_phone()
    assert ask(strict_site, phone, next="/admin/").url == CHALLENGE
    page = strict_site.get(CHALLENGE)
    assert texts(phone) == []
    assert send(strict_site, "proof", proofs.solved(asked_on(page))).url == CODE
    assert answer(strict_site, code_in(texts(phone)[0])).url == "/admin/"
    assert is_signed_in(strict_site)
    # A sign-in that began before goes on without.
    again = caller.answer(begun, wrong(code_in(texts(member)[0])))
    assert kind(again) == "code"
    assert "AuthenticationResult" in caller.answer(again, code_in(texts(member)[0]))
    # Three wrong codes may follow the work.
    reply = caller.start(make_phone())
    assert kind(reply) == "proof"
    reply = caller.answer(reply, solved(reply))
    for tries in ("3", "2", "1"):
        assert (kind(reply), reply["ChallengeParameters"]["triesLeft"]) == ("code", tries)
        if tries != "1":
            reply = caller.answer(reply, "000000")


def test_site_after_two_wrong_proofs_starts_over(sign_in_plan, strict_site, phone, texts):
    sign_in_plan("proof code")
    ask(strict_site, phone)
    first = send(strict_site, "proof", "1x")
    assert "You have 1 try left" in first.content.decode()
    # The page that had an error does not send itself again.
    assert "data-goes" not in first.content.decode()
    assert send(strict_site, "proof", "2x").url == LOGIN
    assert texts(phone) == []


def test_site_second_press_of_a_proof_goes_on_to_the_code(sign_in_plan, strict_site, phone, texts):
    sign_in_plan("proof code")
    ask(strict_site, phone)
    number = proofs.solved(asked_on(strict_site.get(CHALLENGE)))
    assert [send(strict_site, "proof", number).url for _ in range(2)] == [CODE, CODE]
    assert len(texts(phone)) == 1
    wrong_one = answer(strict_site, wrong(code_in(texts(phone)[0])))
    assert "You have 2 tries left" in wrong_one.content.decode()


@pytest.fixture
def strict_site(on_cloud) -> Client:
    return Client()


# A code, then a secret question

RIGHT, WRONG = "Elm Street", "Oak Street"


def code_right(caller: Caller, phone: str, texts):
    """Go through the code, and return the question."""
    return caller.answer(caller.start(phone), code_in(texts(phone)[-1]))


def test_question_straight_at_cognito_is_chosen_first_and_then_asked(
    sign_in_plan, caller, member, texts, age_ledger
):
    sign_in_plan("code question")
    first = code_right(caller, member, texts)
    assert (kind(first), first["ChallengeParameters"]["task"]) == ("question", "choose")
    assert caller.answer(first, RIGHT)["AuthenticationResult"]["IdToken"]
    age_ledger(400)
    second = code_right(caller, member, texts)
    assert second["ChallengeParameters"]["task"] == "answer"
    third = caller.answer(second, WRONG)
    assert (kind(third), third["ChallengeParameters"]["triesLeft"]) == ("question", "2")
    assert caller.answer(third, "elm STREET.")["AuthenticationResult"]["IdToken"]


def test_three_wrong_answers_end_the_flow(sign_in_plan, caller, member, texts):
    sign_in_plan("question code")
    reply = caller.start(member)
    for _ in range(2):
        reply = caller.answer(reply, WRONG)
    with pytest.raises(ClientError, match="NotAuthorized"):
        caller.answer(reply, WRONG)
    assert texts(member) == []


def test_stranger_before_the_code_is_asked_a_question_too(sign_in_plan, caller, phone, texts):
    sign_in_plan("question code")
    reply = caller.start(phone)
    assert reply["ChallengeParameters"]["task"] == "answer"
    again = caller.answer(reply, RIGHT)
    assert again["ChallengeParameters"]["question"] == reply["ChallengeParameters"]["question"]
    assert texts(phone) == []


def answer_question(client: Client, answer: str):
    return send(client, "question", answer)


def test_site_chooses_an_answer_once_and_asks_for_it_then(
    sign_in_plan, strict_site, phone, texts, age_ledger
):
    sign_in_plan("code question")
    ask(strict_site, phone, next="/admin/")
    assert answer(strict_site, code_in(texts(phone)[0])).url == CHALLENGE
    assert "Choose a secret answer" in strict_site.get(CHALLENGE).content.decode()
    assert not is_signed_in(strict_site)
    assert answer_question(strict_site, RIGHT).url == "/admin/"
    assert is_signed_in(strict_site)
    age_ledger(400)
    other = Client()
    ask(other, phone)
    answer(other, code_in(texts(phone)[-1]))
    assert "Answer your secret question" in other.get(CHALLENGE).content.decode()
    assert "You have 2 tries left" in answer_question(other, WRONG).content.decode()
    assert answer_question(other, RIGHT).url == "/"
    assert is_signed_in(other)


# A CAPTCHA, then the code


@pytest.fixture
def captcha_code(sign_in_plan, cloud, wire):
    """The plan, with a provider that verifies what it is told to."""
    secrets = cloud.root_session().client("secretsmanager", endpoint_url=cloud.emulator.url)
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name="phone-login/local/captcha", SecretString="of the provider")
    sign_in_plan("captcha code", CAPTCHA_VERIFIER=wire.url)
    wire.renew(Reply({"success": True, "hostname": "localhost", "action": "sign_in"}))
    return wire


def test_captcha_straight_at_cognito_comes_before_the_text(captcha_code, caller, member, texts):
    captcha = caller.start(member)
    assert (kind(captcha), texts(member)) == ("captcha", [])
    code = caller.answer(captcha, f"token-{member}")
    assert kind(code) == "code"
    # The same token in another sign-in.
    assert kind(caller.answer(caller.start(member), f"token-{member}")) == "captcha"
    [text] = texts(member)
    assert caller.answer(code, code_in(text))["AuthenticationResult"]["IdToken"]


def test_captcha_that_is_refused_texts_nobody(captcha_code, caller, member, texts):
    captcha_code.renew(Reply({"success": False}))
    reply = caller.start(member)
    for n in range(2):
        reply = caller.answer(reply, f"bad-{member}-{n}")
        assert kind(reply) == "captcha"
    with pytest.raises(ClientError, match="NotAuthorized"):
        caller.answer(reply, f"bad-{member}-3")
    assert texts(member) == []


def test_site_signs_in_with_a_captcha_and_a_code(captcha_code, strict_site, phone, texts):
    assert ask(strict_site, phone).url == CHALLENGE
    assert send(strict_site, "captcha", f"token-{phone}").url == CODE
    answer(strict_site, code_in(texts(phone)[0]))
    assert is_signed_in(strict_site)


def test_only_the_page_of_a_captcha_lets_in_its_provider(captcha_code, strict_site, phone):
    ask(strict_site, phone)
    policy = strict_site.get(CHALLENGE)["Content-Security-Policy"]
    sources = dict(each.split(" ", 1) for each in policy.split("; "))
    host = "https://challenges.cloudflare.com"
    assert sources["script-src"] == f"'self' {host}"
    assert sources["frame-src"] == host
    assert sources["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert host not in strict_site.get(LOGIN)["Content-Security-Policy"]
