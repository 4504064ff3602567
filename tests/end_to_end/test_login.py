"""The whole way: Django, boto3, the emulator, the real triggers and real keys. Nothing faked.

Every test runs twice: against the emulator as it is, and behind the front that is as strict as
Cognito.
"""

import re
import time

import pytest
from django.test import Client

from accounts import phones
from accounts.aws import cognito, cognito_steps, cognito_values
from accounts.models import User
from tests.clock import seconds_later
from tests.codes import code_in, wrong
from tests.end_to_end.conftest import both_fronts
from tests.login_steps import CODE, LOGIN, LOGOUT, RESEND, answer, ask, is_signed_in, sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def client(on_cloud) -> Client:
    return Client()


@pytest.fixture
def lookup(cloud):
    """``lookup(phone)``: the attributes and status of a user, as Cognito has them."""
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)

    def read(phone: str) -> dict[str, str]:
        user = api.admin_get_user(UserPoolId=cloud.outputs["CognitoUserPoolId"], Username=phone)
        return {a["Name"]: a["Value"] for a in user["UserAttributes"]} | {
            "status": user["UserStatus"]
        }

    return read


def reference(client: Client) -> str:
    return re.search(r"<strong>(\w{3}-\w{2})<", client.get(CODE).content.decode())[1]


@both_fronts
def test_first_sign_in_creates_the_user_with_exactly_one_text(client, phone, texts, lookup):
    page = ask(client, phone, next="/admin/")
    assert (page.status_code, page.url) == (302, CODE)
    [text] = texts(phone)
    assert text.endswith(f"@localhost #{code_in(text)}")
    done = answer(client, code_in(text))
    assert (done.status_code, done.url) == (302, "/admin/")
    assert is_signed_in(client)
    assert len(texts(phone)) == 1
    user, in_cognito = User.objects.get(phone=phone), lookup(phone)
    assert user.sub == in_cognito["sub"]
    assert user.phone_verified
    assert not user.has_usable_password()
    assert in_cognito["phone_number_verified"] == "true"


@both_fronts
def test_returning_number_signs_in_as_the_same_user(client, phone, texts):
    sign_in(client, phone, texts)
    client.post(LOGOUT)
    sign_in(client, phone, texts)
    assert User.objects.filter(phone=phone).count() == 1
    assert len(texts(phone)) == 2


@both_fronts
def test_right_code_after_two_wrong_ones_signs_in(client, phone, texts):
    ask(client, phone)
    code = code_in(texts(phone)[0])
    first = answer(client, wrong(code))
    assert "You have 2 tries left" in first.content.decode()
    second = answer(client, wrong(wrong(code)))
    assert "You have 1 try left" in second.content.decode()
    assert answer(client, code).url == "/"
    assert is_signed_in(client)
    assert len(texts(phone)) == 1


@both_fronts
def test_third_wrong_code_starts_over(client, phone, texts):
    ask(client, phone)
    code = code_in(texts(phone)[0])
    for offset in (1, 2):
        assert answer(client, f"{(int(code) + offset) % 1_000_000:06d}").status_code == 200
    third = answer(client, f"{(int(code) + 3) % 1_000_000:06d}")
    assert (third.status_code, third.url) == (302, LOGIN)
    page = client.get(LOGIN).content.decode()
    assert "That sign-in is over" in page
    assert phones.spaced(phone) in page
    # The right code comes too late.
    assert answer(client, code).url == LOGIN
    assert not is_signed_in(client)


def test_same_wrong_code_twice_costs_one_try(client, phone, texts):
    ask(client, phone)
    bad = wrong(code_in(texts(phone)[0]))
    for _ in range(4):
        assert "You have 2 tries left" in answer(client, bad).content.decode()


def test_malformed_codes_cost_no_try(client, phone, texts):
    ask(client, phone)
    code = code_in(texts(phone)[0])
    for typed in (
        "",
        "12345",
        "1234567",
        "abcdef",
        '{"code": 123}',
        "9" * 60_000,
        "12\x003456",
    ):
        page = answer(client, typed)
        assert page.status_code == 200
        assert len(page.content) < 10_000
    assert answer(client, code).url == "/"


@pytest.mark.parametrize("spell", ["{0} {1}", "{0}-{1}", " {0}{1} ", "\u200e{0}\u00a0{1}"])
def test_codes_with_spaces_and_hyphens_are_accepted(client, phone, texts, spell):
    ask(client, phone)
    code = code_in(texts(phone)[0])
    assert answer(client, spell.format(code[:3], code[3:])).url == "/"


def test_arabic_digits_are_accepted(client, phone, texts):
    ask(client, phone)
    code = code_in(texts(phone)[0])
    assert answer(client, code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))).url == "/"


def test_signing_out_ends_the_session(client, phone, texts):
    sign_in(client, phone, texts)
    assert client.get(LOGOUT).url == "/"
    assert is_signed_in(client)
    assert client.post(LOGOUT).url == LOGIN
    assert not is_signed_in(client)


def test_resend_texts_the_same_code_again_after_the_cooldown(client, phone, texts, age_ledger):
    ask(client, phone)
    early = client.post(RESEND)
    assert early.status_code == 429
    assert 0 < int(early["Retry-After"]) <= 31
    assert len(texts(phone)) == 1
    age_ledger(31)
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
        first, second = texts(phone)
        assert code_in(second) == code_in(first)
        assert answer(client, code_in(first)).url == "/"


def test_same_number_typed_again_texts_nothing_during_the_cooldown(client, phone, texts):
    ask(client, phone)
    ask(client, phone)
    assert len(texts(phone)) == 1
    assert answer(client, code_in(texts(phone)[0])).url == "/"


def test_expired_code_asks_for_a_new_one_and_spends_no_try(client, phone, texts):
    ask(client, phone)
    code = code_in(texts(phone)[0])
    with seconds_later(301):
        page = answer(client, code)
    assert "too old" in page.content.decode()
    assert answer(client, code).url == "/"


@both_fronts
def test_late_text_works_after_asking_for_another(client, phone, texts, age_ledger):
    ask(client, phone)
    age_ledger(240)
    with seconds_later(240):
        assert client.post(RESEND).url == CODE
        first, second = (code_in(text) for text in texts(phone))
        assert second != first
        assert "2 tries left" in answer(client, wrong(first)).content.decode()
        assert answer(client, first).url == "/"
        # One right code has ended both.
        other = Client()
        ask(other, phone)
        assert "2 tries left" in answer(other, second).content.decode()


def test_sign_in_lives_on_when_another_device_asks_late(client, phone, texts, age_ledger):
    ask(client, phone)
    age_ledger(240)
    with seconds_later(240):
        ask(Client(), phone)
        first, second = texts(phone)
        assert code_in(second) != code_in(first)
        assert answer(client, code_in(first)).url == "/"


def test_triggers_refuse_a_late_code_from_whoever_asks_them(on_cloud, phone, texts, age_ledger):
    gateway = cognito.gateway()
    gateway.create_user(phone)
    challenge = gateway.start_challenge(phone)
    age_ledger(challenge.expires_at - time.time() + 1)
    late = gateway.answer_challenge(challenge, code_in(texts(phone)[0]))
    assert isinstance(late, cognito_values.Challenge)
    # Nor will any other be right.
    assert late.tries_left == 0


@both_fronts
def test_admin_api_signs_in_as_well(client, phone, texts, settings):
    settings.COGNITO_API = "admin"
    sign_in(client, phone, texts)


@both_fronts
def test_closed_sign_up_shows_the_same_pages_and_texts_nobody(client, phone, texts, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    assert ask(client, phone).url == CODE
    page = client.get(CODE)
    assert page.status_code == 200
    assert texts(phone) == []
    for code, left in (("000001", 2), ("000002", 1)):
        assert f"You have {left} tr" in answer(client, code).content.decode()
    assert answer(client, "000003").url == LOGIN
    assert not User.objects.filter(phone=phone).exists()


def test_closed_sign_up_lets_known_numbers_in(client, phone, texts, settings):
    sign_in(client, phone, texts)
    client.post(LOGOUT)
    settings.ACCOUNTS_SIGN_UP = "closed"
    sign_in(client, phone, texts)


def test_closed_sign_up_lets_a_number_in_that_only_cognito_knows(client, phone, texts, settings):
    cognito.gateway().create_user(phone)
    settings.ACCOUNTS_SIGN_UP = "closed"
    sign_in(client, phone, texts)


@both_fronts
def test_user_deleted_in_cognito_gets_a_new_account(client, cloud, front, phone, texts):
    sign_in(client, phone, texts)
    client.post(LOGOUT)
    old = User.objects.get(phone=phone)
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    api.admin_delete_user(UserPoolId=cloud.outputs["CognitoUserPoolId"], Username=phone)
    ask(client, phone)
    if front == "strict":
        # Cognito does not say that the user is gone; asking for another text makes a new one.
        assert len(texts(phone)) == 1
        with seconds_later(31):
            assert client.post(RESEND).url == CODE
    assert len(texts(phone)) == 2
    assert answer(client, code_in(texts(phone)[-1])).url == "/"
    new = User.objects.get(phone=phone)
    assert new.sub != old.sub
    old.refresh_from_db()
    assert old.phone is None


def test_user_shut_out_here_gets_no_text(client, phone, texts):
    sign_in(client, phone, texts)
    client.post(LOGOUT)
    User.objects.filter(phone=phone).update(is_active=False)
    other = Client()
    assert ask(client, phone).url == ask(other, phone).url == CODE
    assert len(texts(phone)) == 1
    # As it is for everybody, whoever asks: else it would tell.
    assert reference(client) == reference(other)


def test_user_disabled_in_cognito_gets_the_same_page_and_no_text(client, cloud, phone, texts):
    sign_in(client, phone, texts)
    client.post(LOGOUT)
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    api.admin_disable_user(UserPoolId=cloud.outputs["CognitoUserPoolId"], Username=phone)
    other = Client()
    assert ask(client, phone).url == ask(other, phone).url == CODE
    assert len(texts(phone)) == 1
    assert reference(client) == reference(other)


@both_fronts
def test_public_sign_up_is_refused(on_cloud, front, phone, settings):
    gateway = cognito.gateway()
    named = cognito_steps._named(gateway._usual, phone)
    api = on_cloud.root_session().client("cognito-idp", endpoint_url=settings.AWS_ENDPOINT_URL)
    # By the pool itself in Cognito; by our trigger where the pool does not.
    refusal, words = {
        "strict": (api.exceptions.NotAuthorizedException, "not permitted"),
        "ministack": (api.exceptions.UserLambdaValidationException, "closed"),
    }[front]
    with pytest.raises(refusal, match=words):
        api.sign_up(
            ClientId=on_cloud.outputs["CognitoClientId"],
            SecretHash=named["SECRET_HASH"],
            Username=phone,
            Password="Aa1!" + "x" * 40,
        )


def test_srp_start_gives_no_tokens(on_cloud, phone, settings):
    """Whoever starts with SRP_A has a true first entry in the history, and no code."""
    gateway = cognito.gateway()
    gateway.create_user(phone)
    api = on_cloud.root_session().client("cognito-idp", endpoint_url=settings.AWS_ENDPOINT_URL)
    with pytest.raises(api.exceptions.NotAuthorizedException):
        api.initiate_auth(
            ClientId=on_cloud.outputs["CognitoClientId"],
            AuthFlow="CUSTOM_AUTH",
            AuthParameters=cognito_steps._named(gateway._usual, phone)
            | {"SRP_A": "ab" * 128, "CHALLENGE_NAME": "SRP_A"},
        )
