"""Second factors of Cognito's own after the code, by what Cognito says at the wire."""

import re

import pytest

from accounts.aws.challenges import KINDS
from accounts.models import SignInEvent
from tests.clock import seconds_later
from tests.fakes.sign_in_pool import further_step
from tests.login_steps import CODE, LOGIN, answer, ask, who
from tests.wire import Reply, aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

PAGE = "/accounts/login/challenge/"
RESPOND = "RespondToAuthChallenge"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FACTORS = {
    "SMS_MFA": ("SMS_MFA_CODE", "+*******4567"),
    "EMAIL_OTP": ("EMAIL_OTP_CODE", "a***@e***"),
    "SOFTWARE_TOKEN_MFA": ("SOFTWARE_TOKEN_MFA_CODE", "Open your authenticator app"),
}
MISMATCH = aws_error("CodeMismatchException", "Invalid code or auth state for the user.")


def reach(client, pool, known, challenge, **parameters):
    """Type the right code, after which Cognito asks for ``challenge``. Returns its page."""
    ask(client, known.phone)
    pool.fails(RESPOND, further_step(challenge, **parameters))
    assert answer(client, pool.code()).url == PAGE
    pool.forget_calls()
    return client.get(PAGE)


def hidden(page) -> dict[str, str]:
    found = re.findall(r'name="(attempt|kind)" value="([^"]*)"', page.content.decode())
    return dict(found)


def send(client, page, code):
    return client.post(PAGE, hidden(page) | {"answer": code})


def tokens(pool, known) -> Reply:
    return Reply({"AuthenticationResult": pool._tokens(known.sub)})


@pytest.mark.parametrize("challenge", FACTORS)
def test_code_goes_to_cognito_under_its_own_name(client, pool, known, challenge):
    name, words = FACTORS[challenge]
    page = reach(client, pool, known, challenge, CODE_DELIVERY_DESTINATION=words)
    assert words in page.content.decode()
    pool.fails(RESPOND, tokens(pool, known))
    assert send(client, page, " 123 456 ").url == "/"
    assert who(client) == known
    [asked] = pool.calls(RESPOND)
    assert asked["ChallengeName"] == challenge
    assert asked["Session"] == "s" * 40
    sent = asked["ChallengeResponses"]
    assert {key: sent[key] for key in sent if key != "SECRET_HASH"} == {
        "USERNAME": "somebody",
        name: "123456",
    }


def test_wrong_codes_use_the_same_session_until_the_tries_are_over(client, pool, known):
    page = reach(client, pool, known, "SOFTWARE_TOKEN_MFA")
    for left in (4, 3, 2, 1):
        pool.fails(RESPOND, MISMATCH)
        page = send(client, page, f"00000{left}")
        assert "That is not right." in page.content.decode()
        assert f"You have {left} tr" in page.content.decode()
    pool.fails(RESPOND, MISMATCH)
    assert send(client, page, "000009").url == LOGIN
    assert "That sign-in is over" in client.get(LOGIN).content.decode()
    assert {asked["Session"] for asked in pool.calls(RESPOND)} == {"s" * 40}
    reasons = SignInEvent.objects.filter(kind="failed").order_by("pk")
    assert list(reasons.values_list("reason", flat=True)) == [*["wrong_answer"] * 4, "over"]


def test_same_wrong_code_pressed_twice_costs_one_try(client, pool, known):
    page = reach(client, pool, known, "SMS_MFA")
    pool.fails(RESPOND, MISMATCH)
    send(client, page, "000000")
    assert "You have 4 tries" in send(client, page, "000000").content.decode()
    assert len(pool.calls(RESPOND)) == 1


def test_used_or_old_code_asks_for_a_newer_one(client, pool, known):
    page = reach(client, pool, known, "SOFTWARE_TOKEN_MFA")
    pool.fails(
        RESPOND,
        aws_error("ExpiredCodeException", "Your software token has already been used once."),
    )
    said = send(client, page, "123456").content.decode()
    assert "too old, or was used before" in said
    assert "You have 4 tries" in said
    pool.fails(RESPOND, tokens(pool, known))
    assert send(client, page, "654321").url == "/"


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1234567"])
def test_answer_that_is_no_code_asks_cognito_nothing(client, pool, known, code):
    page = reach(client, pool, known, "SMS_MFA")
    said = send(client, page, code)
    assert said.status_code == 200
    assert 'class="error"' in said.content.decode()
    assert pool.calls(RESPOND) == []


def test_page_after_its_session_says_to_start_again(client, pool, known):
    page = reach(client, pool, known, "SMS_MFA")
    with seconds_later(14 * 60):
        assert client.get(PAGE).status_code == 200
    with seconds_later(14 * 60 + 30):
        pool.fails(RESPOND, aws_error("NotAuthorizedException", "Invalid session for the user."))
        assert send(client, page, "123456").url == LOGIN


def test_choice_sends_the_name_and_leads_to_its_page(client, pool, known):
    page = reach(
        client, pool, known, "SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA","SOFTWARE_TOKEN_MFA"]'
    )
    said = page.content.decode()
    assert 'value="SMS_MFA"' in said
    assert 'value="SOFTWARE_TOKEN_MFA"' in said
    assert "EMAIL" not in said
    assert "Choose one of them" in send(client, page, "EMAIL_OTP").content.decode()
    assert pool.calls(RESPOND) == []
    pool.fails(RESPOND, further_step("SMS_MFA"))
    assert send(client, page, "SMS_MFA").url == PAGE
    [asked] = pool.calls(RESPOND)
    assert asked["ChallengeResponses"]["ANSWER"] == "SMS_MFA"
    assert "Another code by text" in client.get(PAGE).content.decode()


def set_up(client, pool, known):
    ask(client, known.phone)
    pool.fails(RESPOND, further_step("MFA_SETUP", MFAS_CAN_SETUP='["SOFTWARE_TOKEN_MFA"]'))
    pool.fails("AssociateSoftwareToken", Reply({"SecretCode": KEY, "Session": "associated" * 4}))
    assert answer(client, pool.code()).url == PAGE
    return client.get(PAGE)


def test_setup_answers_only_after_the_code_of_the_app(client, pool, known):
    page = set_up(client, pool, known)
    said = page.content.decode()
    assert "JBSW Y3DP EHPK 3PXP" in said
    assert "<svg" in said
    assert "style=" not in said
    assert pool.calls("AssociateSoftwareToken") == [{"Session": "s" * 40}]
    pool.forget_calls()
    pool.fails("VerifySoftwareToken", aws_error("EnableSoftwareTokenMFAException", "Code mismatch"))
    assert "That is not right." in send(client, page, "000000").content.decode()
    assert pool.calls(RESPOND) == []
    pool.fails("VerifySoftwareToken", Reply({"Status": "SUCCESS", "Session": "verified" * 5}))
    pool.fails(RESPOND, tokens(pool, known))
    assert send(client, page, "123456").url == "/"
    assert pool.calls("VerifySoftwareToken")[-1] == {
        "Session": "associated" * 4,
        "UserCode": "123456",
    }
    [asked] = pool.calls(RESPOND)
    assert asked["Session"] == "verified" * 5
    assert asked["ChallengeResponses"].keys() == {"USERNAME", "SECRET_HASH"}


@pytest.mark.parametrize("status", ["ERROR", ""])
def test_setup_that_cognito_does_not_verify_gives_no_tokens(client, pool, known, status):
    page = set_up(client, pool, known)
    pool.forget_calls()
    pool.fails("VerifySoftwareToken", Reply({"Status": status, "Session": "verified" * 5}))
    assert send(client, page, "123456").status_code == 200
    assert pool.calls(RESPOND) == []
    assert who(client) is None


def test_table_of_sessions_holds_no_secret_of_a_setup(client, pool, known):
    set_up(client, pool, known)
    kept = client.session["accounts.pending"]
    assert KEY not in str(kept)
    assert "associated" not in str(kept)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidSmsRoleAccessPolicyException", "a second code by text"),
        ("InvalidEmailRoleAccessPolicyException", "a code by e-mail"),
        ("SoftwareTokenMFANotFoundException", "a code from an authenticator app"),
        ("MFAMethodNotFoundException", "a second step"),
    ],
)
def test_factor_that_is_broken_is_named_and_not_said_to_pass(
    client, pool, known, caplog, code, words
):
    ask(client, known.phone)
    pool.fails(RESPOND, aws_error(code))
    page = client.post(CODE, {"code": pool.code()}, follow=True).content.decode()
    assert f"cannot do: {words}." in page
    assert "try again in a minute" not in page
    assert code in caplog.text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("code", "statement")])
def test_every_kind_has_a_page(kind):
    from django.template.loader import get_template

    assert get_template(f"accounts/challenges/{kind}.html")
