"""Sign-ins through a provider: our site, the strict front, the deployed triggers, and its page."""

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from django.test import Client

from accounts.models import SignInEvent
from localcloud import inbox
from localcloud.emulator import REGION
from tests import sign_in_plan
from tests.codes import code_in
from tests.login_steps import CODE, LOGIN, answer, is_signed_in
from tests.provider_stack import ProviderStack, running
from tests.wire import Reply

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

CHALLENGE, RETURN = "/accounts/login/challenge/", "/accounts/login/return/"


@pytest.fixture(scope="module")
def _stack(tmp_path_factory) -> Iterator[ProviderStack]:
    state = tmp_path_factory.mktemp("provider")
    with running(state, "provider", return_url=f"http://localhost{RETURN}") as stack:
        yield stack


@pytest.fixture
def stack(_stack, settings, monkeypatch) -> ProviderStack:
    _stack.serve(settings, monkeypatch)
    return _stack


@pytest.fixture
def provider(stack):
    return stack.provider


def ask(client: Client, phone: str):
    return client.post(LOGIN, {"phone": phone}, follow=True)


def link(page) -> str:
    """The link to the provider's page."""
    return html.unescape(re.search(r'class="button" href="([^"]+)"', page.content.decode())[1])


def visit(page, *, press: str = "confirm") -> str:
    """Go to the provider's page and press there. Return the path to which it leads back."""
    url = link(page)
    assert requests.get(url, timeout=10).ok
    back = requests.get(url.replace("/page?", f"/{press}?"), timeout=10, allow_redirects=False)
    found = urlsplit(back.headers["location"])
    assert found.netloc == "localhost"
    return f"{found.path}?{found.query}"


def fields(page) -> dict[str, str]:
    """The hidden fields of the form that carries the token on."""
    text = page.content.decode().partition('id="returned"')[2] or page.content.decode()
    found = re.findall(r'name="(attempt|kind|next|answer)" value="([^"]*)"', text)
    return {name: html.unescape(value) for name, value in found}


def go_on(client: Client, path: str):
    page = client.get(path)
    assert page.status_code == 200
    return client.post(CHALLENGE, fields(page))


def test_sign_in_by_the_page_of_the_provider_and_back(client, provider, phone):
    page = ask(client, phone)
    assert page.redirect_chain[-1][0] == CHALLENGE
    assert provider.texts == []
    back = visit(page)
    assert provider.texts == [phone]
    assert not is_signed_in(client)
    assert go_on(client, back).status_code == 302
    assert is_signed_in(client)


def test_number_that_was_never_here_gets_an_account_on_the_way(client, provider, phone):
    go_on(client, visit(ask(client, phone)))
    assert is_signed_in(client)
    assert next(iter(provider.people.values())).phone == phone


def test_way_back_alone_signs_nobody_in(client, phone, provider):
    back = visit(ask(client, phone))
    for _ in range(2):
        assert client.get(back).status_code == 200
        assert not is_signed_in(client)
    assert not provider.asked("/validate")


def test_way_back_in_another_browser_signs_nobody_in(client, phone, provider):
    back = visit(ask(client, phone))
    other = Client()
    page = other.get(back, follow=True)
    assert "Your sign-in timed out" in page.content.decode()
    assert not is_signed_in(other)
    assert go_on(client, back).status_code == 302
    assert is_signed_in(client)


def test_way_back_of_somebody_else_signs_nobody_in(client, make_phone, provider):
    """Whoever is led to a link that another person got does not become that person."""
    theirs = visit(ask(Client(), make_phone()))
    page = ask(client, make_phone())
    told = client.get(theirs, follow=True)
    assert "That was for an earlier sign-in" in told.content.decode()
    stolen = fields(page) | {"answer": parse_qs(urlsplit(theirs).query)["token"][0]}
    assert "has not told us that it is you" in client.post(CHALLENGE, stolen).content.decode()
    assert not is_signed_in(client)


def test_form_without_its_csrf_token_does_nothing(phone, provider):
    client = Client(enforce_csrf_checks=True)
    page = client.get(LOGIN)
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())[1]
    page = client.post(LOGIN, {"phone": phone, "csrfmiddlewaretoken": token}, follow=True)
    back = client.get(visit(page))
    assert client.post(CHALLENGE, fields(back)).status_code == 403
    assert not is_signed_in(client)
    assert not provider.asked("/validate")


def test_person_who_cancelled_goes_to_the_page_again(client, phone, provider):
    page = go_on(client, visit(ask(client, phone), press="cancel"))
    text = page.content.decode()
    assert "has not told us that it is you" in text
    assert "You have 2 tries left" in text
    assert go_on(client, visit(page)).status_code == 302
    assert is_signed_in(client)


def test_way_back_without_a_token_leads_to_the_page(client, phone, provider):
    ask(client, phone)
    for query in ("", "?token=", "?attempt=K7F-2Q"):
        assert client.get(RETURN + query).url == CHALLENGE


def test_third_answer_that_is_wrong_ends_the_sign_in(client, phone, provider):
    page = ask(client, phone)
    form = fields(page)
    for wrong in ("a", "b"):
        assert client.post(CHALLENGE, form | {"answer": wrong}).status_code == 200
    assert client.post(CHALLENGE, form | {"answer": "c"}).url == LOGIN
    assert client.get(visit(page)).url == LOGIN


def test_second_press_of_the_way_back_ends_where_the_first_did(client, phone, provider):
    back = client.get(visit(ask(client, phone)))
    first = client.post(CHALLENGE, fields(back))
    second = client.post(CHALLENGE, fields(back))
    assert (first.status_code, second.status_code) == (302, 302)
    assert is_signed_in(client)
    assert len(provider.asked("/validate")) == 1


def test_way_back_after_the_end_says_so(client, phone, provider, monkeypatch):
    back = visit(ask(client, phone))
    form = fields(client.get(back))
    session = client.session
    kept = session["accounts.pending"]
    kept["challenge"]["expires_at"] = 1
    session["accounts.pending"] = kept
    session.save()
    assert "This page is too old" in client.post(CHALLENGE, form).content.decode()
    assert not is_signed_in(client)


def test_second_tab_begins_a_sign_in_of_its_own(client, phone, provider):
    first = visit(ask(client, phone))
    second = ask(client, phone)
    told = client.get(first, follow=True)
    assert "That was for an earlier sign-in" in told.content.decode()
    assert go_on(client, visit(second)).status_code == 302
    assert is_signed_in(client)


def test_provider_that_is_down_is_told_in_words(client, phone, provider):
    provider.faults["/v1/"] = Reply({"error": "secret words"}, 500)
    page = client.post(LOGIN, {"phone": phone})
    assert page.status_code == 503
    assert "Nothing is lost" in page.content.decode()
    assert "secret words" not in page.content.decode()
    provider.faults.clear()
    back = client.get(visit(ask(client, phone)))
    provider.faults["/v1/validate"] = Reply(drop=True)
    page = client.post(CHALLENGE, fields(back))
    assert page.status_code == 503
    assert "Nothing is lost" in page.content.decode()


def test_page_is_that_of_the_setting_or_none(client, phone, provider, settings):
    settings.PROVIDER_PAGE = "https://elsewhere.example.com"
    page = client.post(LOGIN, {"phone": phone})
    assert page.status_code == 503


def test_limit_of_the_number_is_told_in_words(client, phone, provider):
    for _ in range(5):
        assert "It brings you back here" in ask(client, phone).content.decode()
    text = ask(client, phone).content.decode()
    assert "Too many sign-ins were begun with this number" in text
    assert "/page?token=" not in text


def test_store_of_the_attempt_shows_no_token_and_no_url(client, phone, provider):
    ask(client, phone)
    kept = str(client.session["accounts.pending"])
    assert "/page?token=" not in kept
    assert not any(token in kept for token in provider.tokens)


def test_code_page_leads_to_the_page_of_the_provider(client, phone, provider):
    ask(client, phone)
    assert client.get(CODE).url == CHALLENGE


def test_events_name_a_wrong_answer(client, phone, provider):
    form = fields(ask(client, phone))
    client.post(CHALLENGE, form | {"answer": "a"})
    assert SignInEvent.objects.filter(reason="wrong_answer").exists()


def test_client_of_the_provider_is_let_into_its_page_alone(client, phone, provider, settings):
    settings.PROVIDER_SCRIPT = "https://scripts.example.com/client.js"
    settings.PROVIDER_SCRIPT_INTEGRITY = "sha384-abc"
    settings.PROVIDER_TENANT = "a-tenant"
    ask(client, phone)
    page = client.get(CHALLENGE)
    policy = page["Content-Security-Policy"]
    assert "script-src 'self' https://scripts.example.com/client.js" in policy.split("; ")
    assert page["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    for path in (LOGIN, RETURN + "?token=a"):
        other = client.get(path)
        assert "scripts.example.com" not in other["Content-Security-Policy"]
        assert other["Cross-Origin-Opener-Policy"] == "same-origin"


def test_nothing_of_the_client_is_there_where_it_is_off(client, phone, provider):
    ask(client, phone)
    page = client.get(CHALLENGE)
    assert "provider.js" not in page.content.decode()
    assert page["Cross-Origin-Opener-Policy"] == "same-origin"


# A code, and then the provider


def test_code_comes_before_the_provider_where_the_plan_says_so(stack, client, phone, settings):
    with sign_in_plan.deployed(stack.cloud, "code provider"):
        settings.ACCOUNTS_SIGN_IN_PLAN = "code provider"
        client.post(LOGIN, {"phone": phone})
        assert not stack.provider.requests
        [text] = inbox.texts(stack.cloud.emulator.url, phone)
        assert answer(client, code_in(text.body)).url == CHALLENGE
        page = client.get(CHALLENGE)
        assert "You have not set up a way to do so yet" in page.content.decode()
        assert not is_signed_in(client)
        assert go_on(client, visit(page)).status_code == 302
        assert is_signed_in(client)


# Straight to Cognito


def test_boto3_signs_in_by_the_token_of_the_provider(stack, phone):
    member, app = caller(stack, phone)
    asked = app("start", member)
    parameters = asked["ChallengeParameters"]
    assert parameters["kind"] == "provider"
    assert stack.provider.tokens[parameters["token"]].user == member
    wrong = app("answer", member, asked, parameters["token"])
    assert wrong["ChallengeParameters"]["triesLeft"] == "2"
    done = app("answer", member, wrong, stack.provider.confirm())
    assert done["AuthenticationResult"]["IdToken"]


def test_boto3_gets_a_question_for_a_name_that_nobody_has(stack, phone, make_phone):
    member, app = caller(stack, phone)
    known = app("start", member)["ChallengeParameters"]
    token = stack.provider.confirm()
    asked = app("start", make_phone())
    unknown = asked["ChallengeParameters"]
    assert {name: len(value) for name, value in unknown.items() if name != "USERNAME"} == {
        name: len(value) for name, value in known.items() if name != "USERNAME"
    }
    for _ in range(2):
        asked = app("answer", make_phone(), asked, token)
    with pytest.raises(ClientError, match="NotAuthorized"):
        app("answer", make_phone(), asked, token)


def test_boto3_is_told_nothing_of_a_fault_of_the_provider(stack, phone):
    member, app = caller(stack, phone)
    stack.provider.faults["/v1/"] = Reply({"error": "secret words"}, 500)
    with pytest.raises(ClientError) as caught:
        app("start", member)
    assert "Try again later" in str(caught.value)
    assert "secret words" not in str(caught.value)


def caller(stack: ProviderStack, phone: str):
    """Return the sub of a new account, and what calls Cognito with the client for apps."""
    cloud, session = stack.cloud, boto3.Session("none", "none", region_name=REGION)
    made = (
        cloud.root_session()
        .client("cognito-idp", endpoint_url=cloud.emulator.url)
        .admin_create_user(
            UserPoolId=cloud.outputs["CognitoUserPoolId"],
            Username=phone,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "phone_number", "Value": phone}],
        )
    )
    [sub] = [each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub"]
    api = session.client("cognito-idp", endpoint_url=stack.front.url)
    client_id = cloud.outputs["PublicClientId"]

    def call(what: str, name: str, asked=None, token: str = ""):
        if what == "start":
            return api.initiate_auth(
                ClientId=client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": name}
            )
        return api.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName="CUSTOM_CHALLENGE",
            Session=asked["Session"],
            ChallengeResponses={
                "USERNAME": asked["ChallengeParameters"]["USERNAME"],
                "ANSWER": token,
            },
        )

    return sub, call
