"""Second factors in a real browser: Cognito's own app after our code, and one of ours."""

import pytest
from playwright.sync_api import expect

from accounts.aws import cognito
from accounts.models import User
from tests.browser.conftest import assert_accessible
from tests.browser.steps import SCRIPTS, answer, ask
from tests.fakes.cognito_front.factors import code_of
from tests.fakes.sign_in_pool import SignInPool, further_step
from tests.fakes.tokens import CLIENT_ID, CLIENT_SECRET, ISSUER
from tests.wire import Reply, aws_error

RESPOND = "RespondToAuthChallenge"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def pool(site, settings):
    settings.COGNITO_CLIENT_ID, settings.COGNITO_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.COGNITO_ISSUER = ISSUER
    with SignInPool() as server:
        server.connect(settings)
        cognito._made_gateway.cache_clear()
        yield server


@pytest.fixture
def known(pool, phone) -> User:
    return User.objects.for_identity(pool.register(phone), phone, phone_verified=True)


def look(page):
    """The tool that looks needs scripts."""
    if page.evaluate("matchMedia('(scripting: enabled)').matches"):
        assert_accessible(page)


def send(page, code):
    with page.expect_navigation():
        page.get_by_label("6-digit code").fill(code)
        page.get_by_role("button", name="Sign in").click()


@SCRIPTS
def test_code_of_an_app_is_typed_again_after_a_wrong_and_a_used_one(page, site, pool, known):
    ask(page, site, known.phone)
    pool.fails(RESPOND, further_step("SOFTWARE_TOKEN_MFA"))
    answer(page, pool.code())
    expect(page.get_by_role("heading", name="Code of your app")).to_be_visible()
    expect(page.get_by_label("6-digit code")).to_be_focused()
    look(page)
    pool.fails(RESPOND, aws_error("CodeMismatchException"))
    send(page, "000000")
    expect(page.get_by_text("You have 4 tries left")).to_be_visible()
    pool.fails(RESPOND, aws_error("ExpiredCodeException"))
    send(page, "111111")
    expect(page.get_by_text("too old, or was used before")).to_be_visible()
    page.get_by_text("What if I do not have the app any more?").click()
    expect(page.get_by_text("Ask those who run this site to reset it.")).to_be_visible()
    pool.fails(RESPOND, Reply({"AuthenticationResult": pool._tokens(known.sub)}))
    send(page, "222222")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


@SCRIPTS
def test_choice_and_setup_in_a_sign_in(page, site, pool, known):
    ask(page, site, known.phone)
    pool.fails(RESPOND, further_step("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA","EMAIL_OTP"]'))
    answer(page, pool.code())
    look(page)
    pool.fails(RESPOND, further_step("MFA_SETUP", MFAS_CAN_SETUP='["SOFTWARE_TOKEN_MFA"]'))
    pool.fails("AssociateSoftwareToken", Reply({"SecretCode": KEY, "Session": "a" * 40}))
    with page.expect_navigation():
        page.get_by_role("button", name="By e-mail").click()
    expect(page.get_by_text("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")).to_be_visible()
    expect(page.locator(".qr svg")).to_be_visible()
    look(page)
    pool.fails("VerifySoftwareToken", Reply({"Status": "SUCCESS", "Session": "v" * 40}))
    pool.fails(RESPOND, Reply({"AuthenticationResult": pool._tokens(known.sub)}))
    send(page, code_of(KEY))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
