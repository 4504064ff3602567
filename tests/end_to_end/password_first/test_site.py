"""The whole way with a password first: Django, boto3, the real triggers, and keys of a pool."""

import logging
import re
import shlex
import time
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Session, SignInEvent, User
from tests.codes import code_in, wrong
from tests.cognito_admin import aws_cli
from tests.end_to_end.conftest import both_fronts
from tests.end_to_end.password_first.conftest import PASSWORD
from tests.fakes.cognito_front import passwords
from tests.fakes.cognito_front.triggers import CREATE, DEFINE, PRE_AUTHENTICATION
from tests.login_steps import CODE, LOGIN, LOGOUT, RESEND, answer, ask, is_signed_in, who

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

WORDS = "The number or the password is not right."


@pytest.fixture
def client(on_cloud) -> Client:
    return Client()


@both_fronts
@pytest.mark.parametrize("api", ["public", "admin"])
def test_password_then_code_signs_in(client, person, texts, settings, api):
    settings.COGNITO_API = api
    page = ask(client, person, password=PASSWORD, next="/accounts/devices/")
    assert (page.status_code, page.url) == (302, CODE)
    [text] = texts(person)
    assert answer(client, code_in(text)).url == "/accounts/devices/"
    assert is_signed_in(client)
    assert who(client).phone == person
    kinds = SignInEvent.objects.order_by("at", "pk").values_list("kind", flat=True)
    assert list(kinds) == ["started", "sent", "succeeded"]


def test_three_tries_of_a_code_follow_the_password(client, person, texts):
    ask(client, person, password=PASSWORD)
    code = code_in(texts(person)[0])
    assert "You have 2 tries left" in answer(client, wrong(code)).content.decode()
    assert "You have 1 try left" in answer(client, wrong(wrong(code))).content.decode()
    answer(client, code)
    assert is_signed_in(client)


def test_second_sign_in_is_the_same_person(client, person, texts, age_ledger):
    for _ in range(2):
        ask(client, person, password=PASSWORD)
        answer(client, code_in(texts(person)[-1]))
        assert is_signed_in(client)
        client.post(LOGOUT)
        age_ledger(31)
    assert User.objects.filter(phone=person).count() == 1


@both_fronts
def test_wrong_password_texts_nothing(client, person, texts):
    page = ask(client, person, password="Wrong-Horse-7")
    assert page.status_code == 200
    assert WORDS in page.content.decode()
    assert texts(person) == []


def test_wrong_password_makes_no_challenge(client, person, strict):
    ask(client, person, password="Wrong-Horse-7")
    ran = [record.trigger for record in strict.records]
    assert ran == [PRE_AUTHENTICATION, DEFINE]


def test_many_wrong_passwords_are_locked_by_cognito_and_look_the_same(
    client, person, monkeypatch, texts
):
    clock = passwords.now()
    monkeypatch.setattr(passwords, "now", lambda: clock)
    for _ in range(5):
        page = ask(client, person, password="Wrong-Horse-7").content.decode()
    # Cognito has locked the person for a second by now.
    locked = ask(client, person, password=PASSWORD).content.decode()
    assert page.count(WORDS) == locked.count(WORDS) == 1
    assert texts(person) == []
    clock += 1
    assert ask(client, person, password=PASSWORD).url == CODE


def test_unknown_and_disabled_people_meet_the_same_page(
    client, person, people, cloud, make_phone, add_person, texts
):
    disabled, temporary, nobody = make_phone(), make_phone(), make_phone()
    people.admin_disable_user(
        UserPoolId=cloud.outputs["CognitoUserPoolId"], Username=add_person(disabled)
    )
    add_person(temporary, permanent=False)
    told = set()
    for phone, password in (
        (person, "Wrong-Horse-7"),
        (disabled, PASSWORD),
        (temporary, PASSWORD),
        (nobody, PASSWORD),
    ):
        page = Client().post(LOGIN, {"phone": phone, "password": password})
        page = re.sub(r'(?<=name="csrfmiddlewaretoken" value=")[^"]+', "…", page.content.decode())
        page = re.sub(r"\w{3}-\w{2}(?=</strong>)", "…", page)
        told.add(re.sub(r'value="\+1[^"]+"', "…", page))
        assert texts(phone) == []
    [page] = told
    assert WORDS in page


def test_reset_that_an_operator_ordered_is_said_after_the_right_password(
    client, person, people, cloud, texts
):
    pool = cloud.outputs["CognitoUserPoolId"]
    people.admin_reset_user_password(UserPoolId=pool, Username=person)
    assert WORDS in ask(client, person, password="Wrong-Horse-7").content.decode()
    assert ask(client, person, password=PASSWORD).url == LOGIN
    assert "must be replaced" in client.get(LOGIN).content.decode()
    assert texts(person) == []


def test_another_text_needs_the_password_again(client, person, texts, age_ledger):
    ask(client, person, password=PASSWORD)
    with time_machine.travel(time.time() + 31, tick=True):
        assert client.post(RESEND).url == LOGIN
        age_ledger(31)
        assert ask(client, person, password=PASSWORD).url == CODE
        assert len(texts(person)) == 2
        answer(client, code_in(texts(person)[1]))
    assert is_signed_in(client)


def test_password_again_right_away_costs_no_second_text(client, person, texts):
    ask(client, person, password=PASSWORD)
    assert ask(client, person, password=PASSWORD).url == CODE
    [text] = texts(person)
    answer(client, code_in(text))
    assert is_signed_in(client)


def test_confirmation_asks_for_a_code_and_no_password(client, person, texts, age_ledger, strict):
    ask(client, person, password=PASSWORD)
    answer(client, code_in(texts(person)[0]))
    strict.records.clear()
    age_ledger(31)
    Session.objects.update(confirmed_at="2020-01-01T00:00:00Z")
    assert "password" not in client.get("/accounts/confirm/").content.decode()
    assert client.post("/accounts/confirm/").url == "/accounts/confirm/code/"
    assert len(texts(person)) == 2
    # The function of the stack texts it: Cognito would want the password.
    assert strict.records == []


def test_password_is_in_no_line(client, person, texts, caplog):
    for name in (None, "botocore", "boto3", "urllib3", "django", "accounts"):
        caplog.set_level(logging.DEBUG, logger=name)
    for password in ("Wrong-Horse-7", PASSWORD):
        ask(client, person, password=password)
    answer(client, code_in(texts(person)[0]))
    assert is_signed_in(client)
    assert "InitiateAuth" in caplog.text
    for password in ("Wrong-Horse-7", PASSWORD):
        assert password not in caplog.text


# Callers who go to Cognito themselves


def calls_cognito(cloud, anybody, phone: str, **parameters: str) -> Any:
    return anybody.initiate_auth(
        ClientId=cloud.outputs["PublicClientId"],
        AuthFlow="CUSTOM_AUTH",
        AuthParameters={"USERNAME": phone, **parameters},
    )


def test_start_without_a_password_is_refused(cloud, anybody, person, texts):
    # Define does not know the client, and that of the site needs no password: Create refuses.
    with pytest.raises(anybody.exceptions.UserLambdaValidationException):
        calls_cognito(cloud, anybody, person)
    assert texts(person) == []


@pytest.mark.parametrize("srp_a", ["0", "1", "ab" * 384, "f" * 100_000])
def test_start_with_a_strange_number_texts_nothing(cloud, anybody, person, texts, srp_a, strict):
    named = {"CHALLENGE_NAME": "SRP_A", "SRP_A": srp_a}
    asked = calls_cognito(cloud, anybody, person, **named)
    given = asked["ChallengeParameters"]
    with pytest.raises(anybody.exceptions.NotAuthorizedException):
        anybody.respond_to_auth_challenge(
            ClientId=cloud.outputs["PublicClientId"],
            ChallengeName="PASSWORD_VERIFIER",
            Session=asked["Session"],
            ChallengeResponses={
                "USERNAME": given["USERNAME"],
                "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
                "PASSWORD_CLAIM_SIGNATURE": "A" * 44,
                "TIMESTAMP": "Sat Nov 21 21:05:09 UTC 2026",
            },
        )
    assert texts(person) == []
    assert strict.count(CREATE) == 0


@pytest.mark.parametrize("name", ["CUSTOM_CHALLENGE", "NEW_PASSWORD_REQUIRED", "SMS_MFA"])
def test_question_for_a_password_takes_no_other_answer(cloud, anybody, person, strict, name):
    named = {"CHALLENGE_NAME": "SRP_A", "SRP_A": "ab" * 384}
    asked = calls_cognito(cloud, anybody, person, **named)
    strict.records.clear()
    with pytest.raises(anybody.exceptions.NotAuthorizedException):
        anybody.respond_to_auth_challenge(
            ClientId=cloud.outputs["PublicClientId"],
            ChallengeName=name,
            Session=asked["Session"],
            ChallengeResponses={
                "USERNAME": person,
                "ANSWER": "123456",
                "NEW_PASSWORD": PASSWORD,
                "SMS_MFA_CODE": "123456",
            },
        )
    assert strict.records == []


def test_proof_without_a_start_is_refused(cloud, anybody, person, strict):
    with pytest.raises(anybody.exceptions.NotAuthorizedException):
        anybody.respond_to_auth_challenge(
            ClientId=cloud.outputs["PublicClientId"],
            ChallengeName="PASSWORD_VERIFIER",
            Session="x" * 64,
            ChallengeResponses={"USERNAME": person},
        )
    assert strict.records == []


def test_commands_of_the_docs_give_somebody_a_password(
    client, cloud, phone, people, project, texts
):
    text = (project / "docs" / "configuration.md").read_text(encoding="utf-8")
    commands = re.findall(r'^make aws ARGS="(cognito-idp admin-.+)"$', text, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        line = command.replace("…", cloud.outputs["CognitoUserPoolId"])
        aws_cli.run(lambda _: people, shlex.split(line.replace("+12015550123", phone)))
    ask(client, phone, password=PASSWORD)
    answer(client, code_in(texts(phone)[0]))
    assert who(client).phone == phone
