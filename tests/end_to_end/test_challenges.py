"""Plans with more steps than a code, on the real triggers behind the strict front.

The further kind is the one that CONTRIBUTING.md shows, built from there.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from django.test import Client

from accounts.aws import challenges, cognito
from accounts.models import SignInEvent, User
from localcloud.cloud import PROJECT, Cloud
from tests.codes import code_in, wrong
from tests.fakes.cognito_front.front import CognitoFront
from tests.login_steps import CODE, LOGIN, answer, ask, is_signed_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

GUIDE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHALLENGE = "/accounts/login/challenge/"
WORD = "marmalade"


def block_after(words: str) -> str:
    """The code that the guide shows after ``words``."""
    _, found, rest = GUIDE.partition(words)
    assert found, words
    return textwrap.dedent(re.search(r"```\w+\n(.*?)```", rest, re.DOTALL)[1])


def line_of(words: str) -> str:
    return re.search(rf"`({re.escape(words)}.*?)`", GUIDE)[1]


@pytest.fixture(scope="module")
def lambdas(tmp_path_factory) -> Path:
    """The triggers with one more kind, as the guide says."""
    copy = tmp_path_factory.mktemp("guide") / "lambdas"
    shutil.copytree(PROJECT / "lambdas", copy, ignore=shutil.ignore_patterns("__pycache__"))
    module = block_after("`kinds/watchword.py`")
    (copy / "triggers/kinds/watchword.py").write_text(module)
    plans = copy / "triggers/plans.py"
    registered = "KINDS: dict[str, Kind] = {\n"
    source = plans.read_text()
    assert registered in source
    line = line_of('"watchword": Kind')
    plans.write_text(source.replace(registered, f"{registered}    {line}\n"))
    return copy


@pytest.fixture(scope="module", params=["watchword code", "code watchword"])
def cloud(request, tmp_path_factory, lambdas) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("cloud")
    parameters = {"SignInPlan": request.param, "TokenClaims": "true", "PublicClient": "true"}
    with Cloud(state, parameters=parameters, lambdas=lambdas) as running:
        yield running


@pytest.fixture(scope="module")
def strict_front(cloud) -> Iterator[CognitoFront]:
    with CognitoFront(cloud) as front:
        yield front


@pytest.fixture
def plan(cloud) -> list[str]:
    return cloud.outputs["AccountsSignInPlan"].split()


@pytest.fixture
def site(on_cloud, settings, tmp_path, monkeypatch) -> None:
    """The site with one more kind, as the guide says."""
    module = ModuleType("watchword")
    exec(block_after("`challenges/watchword.py`"), vars(module))  # noqa: S102 - our own
    monkeypatch.setitem(challenges.KINDS, "watchword", module.WatchwordChallenge)
    pages = tmp_path / "accounts/challenges"
    pages.mkdir(parents=True)
    (pages / "watchword.html").write_text(block_after("`challenges/watchword.html`"))
    settings.TEMPLATES = [
        {**each, "DIRS": [tmp_path, *each["DIRS"]]} for each in settings.TEMPLATES
    ]


@pytest.fixture
def client(site) -> Client:
    return Client()


def fields(page) -> dict[str, str]:
    html = page.content.decode()
    return dict(re.findall(r'<input type="hidden" name="(attempt|kind)" value="([^"]*)"', html))


def say(client: Client, word: str, **changes: str):
    page = client.get(CHALLENGE)
    return client.post(CHALLENGE, {**fields(page), "answer": word, **changes})


def take_step(client: Client, step: str, texts, phone: str):
    if step == "code":
        return answer(client, code_in(texts(phone)[-1]))
    return say(client, WORD)


def begin(client: Client, phone: str, plan: list[str], texts) -> None:
    """Go as far as the watchword."""
    ask(client, phone)
    if plan[0] == "code":
        answer(client, code_in(texts(phone)[-1]))


def test_plan_signs_in_after_each_of_its_steps_with_one_text(client, phone, texts, plan):
    asked = ask(client, phone)
    pages = {"code": CODE, "watchword": CHALLENGE}
    assert asked.url == pages[plan[0]]
    assert len(texts(phone)) == (plan[0] == "code")
    between = take_step(client, plan[0], texts, phone)
    assert (between.status_code, between.url) == (302, pages[plan[1]])
    assert not is_signed_in(client)
    done = take_step(client, plan[1], texts, phone)
    assert (done.status_code, done.url) == (302, "/")
    assert is_signed_in(client)
    assert len(texts(phone)) == 1
    kinds = [each.kind for each in SignInEvent.objects.order_by("pk")]
    assert kinds == ["started", "sent", "succeeded"]
    assert User.objects.get(phone=phone).phone_verified
    assert client.session["accounts.methods"] == ["sms"]


def test_plan_each_page_leads_to_the_step_that_is_awaited(client, phone, texts, plan):
    ask(client, phone)
    for step, here, elsewhere in (
        (plan[0], *((CODE, CHALLENGE) if plan[0] == "code" else (CHALLENGE, CODE))),
        (plan[1], *((CODE, CHALLENGE) if plan[1] == "code" else (CHALLENGE, CODE))),
    ):
        assert client.get(here).status_code == 200
        assert client.get(elsewhere).url == here
        take_step(client, step, texts, phone)


def test_wrong_answer_says_how_many_tries_are_left_and_the_third_ends_it(
    client, phone, texts, plan
):
    begin(client, phone, plan, texts)
    assert "You have 2 tries left" in say(client, "jam").content.decode()
    assert "You have 1 try left" in say(client, "honey").content.decode()
    assert say(client, "butter").url == LOGIN
    assert say(client, WORD).url == LOGIN
    assert not is_signed_in(client)
    reasons = list(SignInEvent.objects.filter(kind="failed").values_list("reason", flat=True))
    assert reasons == ["wrong_answer", "wrong_answer", "over"]


def test_second_press_of_a_wrong_answer_costs_no_second_try(client, phone, texts, plan):
    begin(client, phone, plan, texts)
    say(client, "jam")
    assert "You have 2 tries left" in say(client, "jam").content.decode()


def test_answer_for_an_earlier_step_is_no_answer_to_the_next(client, phone, texts, plan):
    """A second press on the page before, which the browser sends while the next one loads."""
    begin(client, phone, plan, texts)
    if plan[0] == "code":
        again = answer(client, code_in(texts(phone)[-1]))
        assert (again.status_code, again.url) == (302, CHALLENGE)
        assert "You have 2 tries left" in say(client, "jam").content.decode()
    else:
        old = fields(client.get(CHALLENGE))
        assert say(client, WORD).url == CODE
        again = client.post(CHALLENGE, {**old, "answer": WORD})
        assert (again.status_code, again.url) == (302, CODE)
        assert "tries left" not in client.get(CODE).content.decode()


@pytest.mark.parametrize(
    "odd", [{"kind": ""}, {"kind": "code"}, {"kind": "x" * 9}, {"attempt": "x"}]
)
def test_answer_of_another_page_costs_no_try(client, phone, texts, plan, odd):
    begin(client, phone, plan, texts)
    assert say(client, "jam", **odd).url == CHALLENGE
    assert "You have 2 tries left" in say(client, "jam").content.decode()


@pytest.mark.parametrize("typed", ["", "x" * 20_001])
def test_answer_that_is_none_is_said_so_and_costs_no_try(client, phone, texts, plan, typed):
    begin(client, phone, plan, texts)
    page = say(client, typed)
    assert page.status_code == 200
    assert 'id="error_answer"' in page.content.decode()
    assert "You have 2 tries left" in say(client, "jam").content.decode()


def test_page_without_a_sign_in_leads_to_the_first_one(client):
    assert client.get(CHALLENGE).url == LOGIN
    assert client.post(CHALLENGE, {"answer": WORD, "kind": "watchword"}).url == LOGIN


def test_unknown_number_goes_through_the_same_steps_and_never_in(
    client, phone, texts, plan, settings
):
    settings.ACCOUNTS_SIGN_UP = "closed"
    assert ask(client, phone).url == (CODE if plan[0] == "code" else CHALLENGE)
    if plan[0] == "watchword":
        assert say(client, WORD).url == CODE
    assert answer(client, "000000").status_code == 200
    assert texts(phone) == []
    assert not is_signed_in(client)


def test_caller_past_the_site_gets_tokens_after_each_step_only(site, phone, texts, plan):
    gateway = cognito.gateway()
    gateway.create_user(phone)
    challenge = gateway.start_challenge(phone)
    for step in plan:
        right = WORD if step == "watchword" else code_in(texts(phone)[-1])
        assert challenge.kind == step
        challenge = gateway.answer_challenge(challenge, wrong(right) if step == "code" else "no")
        assert (challenge.kind, challenge.tries_left) == (step, 2)
        challenge = gateway.answer_challenge(challenge, right)
    assert challenge.id_token


# Past the site, by callers who want to leave something out


@pytest.fixture
def app(cloud, strict_front):
    """boto3 as an app uses it, without credentials, and the public client."""
    return cloud.root_session().client(
        "cognito-idp",
        endpoint_url=strict_front.url,
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def respond(app, cloud):
    """Answer a challenge as the public client, with whatever else a caller may send."""

    def send(asked: dict, answer: str, **changes: Any) -> dict:
        responses = {"USERNAME": asked["ChallengeParameters"]["USERNAME"], "ANSWER": answer}
        return app.respond_to_auth_challenge(
            **{
                "ClientId": cloud.outputs["PublicClientId"],
                "ChallengeName": "CUSTOM_CHALLENGE",
                "ChallengeResponses": responses,
                "Session": asked["Session"],
                **changes,
            }
        )

    return send


@pytest.fixture
def begun(app, cloud, site, phone):
    """Start a sign-in of somebody who has an account, as often as it is called."""
    cognito.gateway().create_user(phone)

    def start(**changes: Any) -> dict:
        return app.initiate_auth(
            ClientId=cloud.outputs["PublicClientId"],
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"USERNAME": phone},
            **changes,
        )

    return start


def kind_of(asked: dict) -> str:
    assert "AuthenticationResult" not in asked
    return asked["ChallengeParameters"]["kind"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"kind": "code"},
        {"kind": "watchword", "wrongAnswers": "0", "plan": "code"},
        {"SIGN_IN_PLAN": "code", "challengeMetadata": "code -", "answerCorrect": "true"},
    ],
)
def test_caller_who_names_a_kind_or_a_plan_changes_nothing(begun, respond, plan, metadata):
    asked = begun(ClientMetadata=metadata)
    assert kind_of(asked) == plan[0]
    again = respond(asked, "no", ClientMetadata=metadata)
    assert (kind_of(again), again["ChallengeParameters"]["triesLeft"]) == (plan[0], "2")


@pytest.mark.parametrize("name", ["PASSWORD_VERIFIER", "SMS_MFA", "SOFTWARE_TOKEN_MFA", "DEVICE"])
def test_caller_who_answers_a_round_that_was_not_asked_for_is_refused(begun, respond, name):
    asked = begun()
    responses = {
        "USERNAME": asked["ChallengeParameters"]["USERNAME"],
        "ANSWER": WORD,
        "SMS_MFA_CODE": "000000",
        "SOFTWARE_TOKEN_MFA_CODE": "000000",
    }
    with pytest.raises(ClientError):
        respond(asked, WORD, ChallengeName=name, ChallengeResponses=responses)


def test_caller_who_answers_one_kind_with_the_answer_of_another_is_wrong(
    begun, respond, phone, texts, plan
):
    asked = begun()
    others = WORD if plan[0] == "code" else "000000"
    again = respond(asked, others)
    assert (kind_of(again), again["ChallengeParameters"]["triesLeft"]) == (plan[0], "2")


@pytest.mark.parametrize("answer", ["", "x" * 1_000_000, "\0", "marmalade\0", '{"kind":"code"}'])
def test_caller_who_sends_odd_answers_gets_nothing(begun, respond, plan, answer):
    asked = begun()
    try:
        again = respond(asked, answer)
    except ClientError:
        return
    assert kind_of(again) == plan[0]


def test_caller_with_two_sign_ins_at_once_takes_every_step_of_one(
    begun, respond, phone, texts, plan
):
    """The step that one of them has taken is none for the other."""
    first, second = begun(), begun()
    right = {"watchword": WORD}
    right["code"] = code_in(texts(phone)[-1]) if plan[0] == "code" else ""
    ahead = respond(first, right[plan[0]])
    assert kind_of(ahead) == plan[1]
    behind = respond(second, right[plan[1]] or "000000")
    assert kind_of(behind) == plan[0]
    # Nor does a Session serve another flow's step, or twice.
    for spent in (first, second):
        with pytest.raises(ClientError):
            respond(spent, right[plan[0]])


def test_caller_who_mixes_public_and_admin_calls_leaves_no_step_out(
    begun, respond, cloud, strict_front, phone, texts, plan
):
    admin = cloud.root_session().client("cognito-idp", endpoint_url=strict_front.url)
    asked = begun()
    right = WORD if plan[0] == "watchword" else code_in(texts(phone)[-1])
    try:
        after = admin.admin_respond_to_auth_challenge(
            UserPoolId=cloud.outputs["CognitoUserPoolId"],
            ClientId=cloud.outputs["PublicClientId"],
            ChallengeName="CUSTOM_CHALLENGE",
            ChallengeResponses={
                "USERNAME": asked["ChallengeParameters"]["USERNAME"],
                "ANSWER": right,
            },
            Session=asked["Session"],
        )
    except ClientError:
        return
    assert kind_of(after) == plan[1]
    again = respond(after, "no")
    assert kind_of(again) == plan[1]


def test_guide_shows_a_kind_of_thirty_lines():
    module = block_after("`kinds/watchword.py`")
    assert len(module.splitlines()) <= 30
    assert "watchword" not in sys.modules
