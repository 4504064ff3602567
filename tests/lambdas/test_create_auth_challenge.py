import logging
import os
import re
import subprocess
import sys

import pytest
import time_machine

from lambdas.triggers import challenge, create_auth_challenge, environment, senders
from tests.lambdas import aws
from tests.wire import aws_error

NOW = 1_700_000_000
PHONE = "+12015550123"
USER = "eu-west-1_Example01 7c1d4a52-90b1-70e4-3f2a-5b0c9d8e7f61"
VARIABLES = {
    "APP_NAME": "Example",
    "SITE_HOST": "example.com",
    "CODE_LIFETIME_SECONDS": "300",
}


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def _variables(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _services(secrets_manager, sns):
    """Both are there; a test that asks for one finds what it was asked, or queues another reply."""


@pytest.fixture
def working(secrets_manager, sns):
    secrets_manager.will(aws.KEY_READ)
    sns.will(aws.TEXT_SENT)


def created(event) -> dict:
    return create_auth_challenge.handler(event, None)["response"]


def code_in(sns) -> str:
    ((_, message),) = aws.texts(sns)
    return message[:6]


def logged(caplog) -> str:
    """All that any formatter could write of what was logged."""
    return caplog.text + repr([vars(record) for record in caplog.records])


def ours(caplog) -> list[logging.LogRecord]:
    return [record for record in caplog.records if not record.name.startswith("botocore")]


def drawn(response) -> challenge.Challenge:
    found = challenge.Challenge.from_private_parameters(response["privateChallengeParameters"])
    assert found is not None
    return found


def without_phone(event):
    asked = event("create_first_round")
    del asked["request"]["userAttributes"]["phone_number"]
    return asked


def test_first_round_texts_the_code_of_the_challenge_once(event, sns, working):
    response = created(event("create_first_round"))
    ((phone, message),) = aws.texts(sns)
    assert phone == PHONE
    assert message[:6] == drawn(response).code(aws.CODE_KEY.encode(), user=USER)


def test_first_round_text_names_app_site_and_lifetime(event, sns, working):
    created(event("create_first_round"))
    ((_, message),) = aws.texts(sns)
    assert "your Example sign-in code" in message
    assert "5 min" in message
    assert message.endswith(f"\n@example.com #{message[:6]}")


def test_first_round_public_parameters(event, working):
    assert created(event("create_first_round"))["publicChallengeParameters"] == {
        "phone": "+•••••••••23",
        "expiresAt": str(NOW + 300),
        "resendAt": str(NOW + 30),
        "triesLeft": "3",
        "codeLength": "6",
    }


def test_first_round_private_parameters_are_id_and_end_only(event, working):
    parameters = created(event("create_first_round"))["privateChallengeParameters"]
    assert set(parameters) == {"challengeId", "expiresAt"}
    assert re.fullmatch(r"[\w-]{22}", parameters["challengeId"])
    assert parameters["expiresAt"] == str(NOW + 300)


def test_first_round_metadata_is_id_and_end_only(event, working):
    response = created(event("create_first_round"))
    assert response["challengeMetadata"] == f"{drawn(response).id} {NOW + 300}"


def test_first_round_keeps_the_rest_of_the_event(event, working):
    asked = event("create_first_round")
    answered = create_auth_challenge.handler(event("create_first_round"), None)
    assert answered | {"response": None} == asked | {"response": None}
    assert set(answered["response"]) == set(asked["response"])


def test_first_round_lifetime_is_the_variable(event, monkeypatch, sns, working):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", "600")
    response = created(event("create_first_round"))
    assert drawn(response).expires_at == NOW + 600
    assert response["publicChallengeParameters"]["resendAt"] == str(NOW + 30)
    assert "10 min" in aws.texts(sns)[0][1]


@pytest.mark.parametrize("history", [[], None])
def test_first_round_history_empty_or_null_is_a_start(event, sns, working, history):
    asked = event("create_first_round")
    asked["request"]["session"] = history
    created(asked)
    assert len(sns.requests) == 1


def test_first_round_history_missing_is_a_start(event, sns, working):
    asked = event("create_first_round")
    del asked["request"]["session"]
    created(asked)
    assert len(sns.requests) == 1


def test_two_flows_have_different_challenges(event, working):
    one, other = (drawn(created(event("create_first_round"))) for _ in range(2))
    assert one.id != other.id


def test_two_flows_in_one_process_read_the_key_once(event, secrets_manager, working):
    for _ in range(2):
        created(event("create_first_round"))
    assert len(secrets_manager.requests) == 1


@pytest.mark.parametrize(("wrong_answers", "tries_left"), [(1, "2"), (2, "1")])
def test_later_round_reuses_the_challenge_and_texts_nothing(
    event, secrets_manager, sns, wrong_answers, tries_left
):
    asked = event("create_second_round")
    asked["request"]["session"] *= wrong_answers
    response = created(asked)
    assert response["privateChallengeParameters"] == {
        "challengeId": "Zk3vQ1rT8yLw0XnB5mJ2dA",
        "expiresAt": "1700000300",
    }
    assert response["challengeMetadata"] == "Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300"
    assert response["publicChallengeParameters"] == {
        "phone": "+•••••••••23",
        "expiresAt": "1700000300",
        "resendAt": "1700000030",
        "triesLeft": tries_left,
        "codeLength": "6",
    }
    assert (sns.requests, secrets_manager.requests) == ([], [])


def test_later_round_continues_what_the_first_returned(event, sns, working):
    first = created(event("create_first_round"))
    asked = event("create_second_round")
    asked["request"]["session"][0]["challengeMetadata"] = first["challengeMetadata"]
    second = created(asked)
    assert second["privateChallengeParameters"] == first["privateChallengeParameters"]
    assert second["challengeMetadata"] == first["challengeMetadata"]
    assert len(sns.requests) == 1


@pytest.mark.parametrize("metadata", [None, "", "PROVIDE_AUTH_PARAMETERS", "code 123456"])
def test_later_round_without_a_challenge_of_ours_raises(event, sns, metadata):
    asked = event("create_second_round")
    asked["request"]["session"][0]["challengeMetadata"] = metadata
    with pytest.raises(ValueError, match="no challenge of ours"):
        created(asked)
    assert sns.requests == []


def test_later_round_metadata_missing_raises(event, sns):
    asked = event("create_second_round")
    del asked["request"]["session"][0]["challengeMetadata"]
    with pytest.raises(ValueError, match="no challenge of ours"):
        created(asked)
    assert sns.requests == []


def test_code_is_nowhere_in_the_event(event, sns, working):
    answered = create_auth_challenge.handler(event("create_first_round"), None)
    assert code_in(sns) not in repr(answered)


def test_logs_hold_neither_code_nor_phone(event, caplog, sns, working):
    caplog.set_level(logging.INFO)
    created(event("create_first_round"))
    assert "Text sent" in caplog.text
    assert code_in(sns) not in logged(caplog)
    assert PHONE[1:] not in logged(caplog)


def test_logs_of_a_sent_text_lead_to_it(event, caplog, working):
    caplog.set_level(logging.INFO)
    response = created(event("create_first_round"))
    (record,) = ours(caplog)
    assert record.challenge_id == drawn(response).id
    assert record.phone == "+•••••••••23"
    assert record.message_id == "message-1"


def test_logs_at_debug_hold_neither_code_nor_phone_nor_key(event, caplog, sns, working):
    caplog.set_level(logging.DEBUG)
    created(event("create_first_round"))
    assert re.search(rf"\b{code_in(sns)}\b", logged(caplog)) is None
    assert PHONE[1:] not in logged(caplog)
    assert aws.CODE_KEY not in logged(caplog)


def test_logs_of_a_process_at_debug_hold_neither_code_nor_key(event, project, sns, working):
    """The runtime sets the root logger before it imports the function."""
    script = (
        "import json, logging, sys\n"
        "logging.basicConfig(level=logging.DEBUG)\n"
        "from lambdas.triggers import create_auth_challenge\n"
        "create_auth_challenge.handler(json.load(sys.stdin), None)\n"
    )
    recorded = project / "tests/lambdas/events/create_first_round.json"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-west-1"},
        input=recorded.read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Text sent" in done.stderr
    assert re.search(rf"\b{code_in(sns)}\b", done.stderr + done.stdout) is None
    assert aws.CODE_KEY not in done.stderr + done.stdout


def test_unknown_user_gets_the_same_shape(event, working):
    unknown = created(event("create_unknown_user"))
    known = created(event("create_first_round"))
    for part in ("publicChallengeParameters", "privateChallengeParameters"):
        assert set(unknown[part]) == set(known[part])
    steady = ("expiresAt", "resendAt", "triesLeft", "codeLength")
    for name in steady:
        public = "publicChallengeParameters"
        assert unknown[public][name] == known[public][name]
    assert challenge.Challenge.from_metadata(unknown["challengeMetadata"]) == drawn(unknown)


def test_unknown_user_gets_a_phone_masked_from_the_name(event):
    asked = event("create_unknown_user") | {"userName": "+447400123456"}
    assert created(asked)["publicChallengeParameters"]["phone"] == "+••••••••••56"


def test_unknown_user_gets_no_text(event, secrets_manager, sns):
    created(event("create_unknown_user"))
    assert (sns.requests, secrets_manager.requests) == ([], [])


def test_unknown_user_with_somebodys_attributes_gets_no_text(event, sns):
    asked = event("create_first_round")
    asked["request"]["userNotFound"] = True
    created(asked)
    assert sns.requests == []


def test_unknown_user_second_round_continues_the_challenge(event, sns):
    asked = event("create_second_round")
    asked["request"] |= {"userNotFound": True, "userAttributes": {}}
    response = created(asked)
    assert response["challengeMetadata"] == "Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300"
    assert response["publicChallengeParameters"]["triesLeft"] == "2"
    assert sns.requests == []


def test_user_without_a_phone_gets_a_challenge_but_no_text(event, caplog, sns):
    caplog.set_level(logging.INFO)
    response = created(without_phone(event))
    assert drawn(response).expires_at == NOW + 300
    assert sns.requests == []
    assert "No text" in caplog.text


@pytest.mark.parametrize("attributes", [None, {}])
def test_user_without_attributes_gets_no_text(event, sns, attributes):
    asked = event("create_first_round")
    asked["request"]["userAttributes"] = attributes
    created(asked)
    assert sns.requests == []


@pytest.mark.parametrize(
    "name", ["create_first_round", "create_second_round", "create_unknown_user"]
)
def test_response_holds_strings_only(event, working, name):
    response = created(event(name))
    assert isinstance(response["challengeMetadata"], str)
    for part in ("publicChallengeParameters", "privateChallengeParameters"):
        assert response[part]
        for key, value in response[part].items():
            assert isinstance(key, str)
            assert isinstance(value, str)


@pytest.fixture
def refusing(secrets_manager, sns):
    secrets_manager.will(aws.KEY_READ)
    sns.will(aws.sns_error("InvalidParameter", f"Invalid parameter: {PHONE} is not valid"))


def test_refused_text_raises_and_is_tried_once(event, sns, refusing):
    with pytest.raises(senders.SendError, match="InvalidParameter"):
        created(event("create_first_round"))
    assert len(sns.requests) == 1


def test_refused_text_leaves_no_response(event, refusing):
    asked = event("create_first_round")
    with pytest.raises(senders.SendError):
        created(asked)
    assert asked == event("create_first_round")


def test_refused_text_logs_the_reason_and_neither_phone_nor_code(event, caplog, sns, refusing):
    caplog.set_level(logging.INFO)
    with pytest.raises(senders.SendError) as raised:
        created(event("create_first_round"))
    (record,) = ours(caplog)
    assert (record.levelname, record.reason) == ("ERROR", "InvalidParameter")
    for secret in (PHONE[1:], code_in(sns)):
        assert secret not in logged(caplog)
        assert secret not in str(raised.value)


def test_hanging_text_service_raises_and_is_asked_once(event, secrets_manager, sns):
    secrets_manager.will(aws.KEY_READ)
    sns.will(aws.HANGING)
    with pytest.raises(senders.SendError, match="ReadTimeoutError"):
        created(event("create_first_round"))
    assert len(sns.requests) == 1


def test_key_unreadable_texts_nothing(event, secrets_manager, sns):
    secrets_manager.will(aws_error("InternalServiceError", status=500))
    with pytest.raises(Exception, match="InternalServiceError"):
        created(event("create_first_round"))
    assert len(secrets_manager.requests) == 1
    assert sns.requests == []


@pytest.mark.parametrize("name", [*VARIABLES, "CODE_KEY_SECRET_ID"])
def test_variable_missing_is_named_and_nothing_texted(event, monkeypatch, sns, working, name):
    monkeypatch.delenv(name)
    with pytest.raises(environment.WrongEnvironment, match=name):
        created(event("create_first_round"))
    assert sns.requests == []


@pytest.mark.parametrize("value", ["0", "601", "five", "-1"])
def test_lifetime_out_of_range_is_named_and_nothing_texted(event, monkeypatch, sns, value):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", value)
    with pytest.raises(environment.WrongEnvironment, match="CODE_LIFETIME_SECONDS"):
        created(event("create_first_round"))
    assert sns.requests == []


def test_site_host_with_a_scheme_is_refused_and_nothing_texted(event, monkeypatch, sns, working):
    monkeypatch.setenv("SITE_HOST", "https://example.com")
    with pytest.raises(ValueError, match="host"):
        created(event("create_first_round"))
    assert sns.requests == []
