import pytest
import time_machine
from botocore.exceptions import EndpointConnectionError

from lambdas.triggers import verify_auth_challenge_response
from lambdas.triggers.challenge import Challenge
from tests.lambdas import aws

END = 1_700_000_300
CODE = "419090"


@pytest.fixture(autouse=True)
def _in_time():
    with time_machine.travel(END - 60, tick=False):
        yield


@pytest.fixture(autouse=True)
def key_store(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    return secrets_manager


def verdict(event) -> bool:
    response = verify_auth_challenge_response.handler(event, None)["response"]
    assert list(response) == ["answerCorrect"]
    return response["answerCorrect"]


@pytest.mark.parametrize("name", ["verify", "verify_later_fields"])
def test_handler_right_code_is_correct(event, name):
    answered = verify_auth_challenge_response.handler(event(name), None)
    assert answered == event(name) | {"response": {"answerCorrect": True}}


def test_handler_wrong_code_is_not_correct(event):
    asked = event("verify")
    asked["request"]["challengeAnswer"] = "000000"
    answered = verify_auth_challenge_response.handler(asked, None)
    assert answered == asked | {"response": {"answerCorrect": False}}


@pytest.mark.parametrize(
    "typed",
    [
        " 419 090 ",
        "419-090",
        "\uff14\uff11\uff19\uff10\uff19\uff10",
        "\u0664\u0661\u0669\u0660\u0669\u0660",
    ],
)
def test_handler_right_code_in_another_spelling_is_correct(event, typed):
    asked = event("verify")
    asked["request"]["challengeAnswer"] = typed
    assert verdict(asked) is True


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " ",
        CODE[:-1],
        CODE + "0",
        "0" + CODE,
        CODE + CODE,
        CODE + "x",
        "abcdef",
        CODE + "\ud800",
        "\ud83d",
        "1" * 100_000,
        CODE + " " * 100_000,
        None,
        int(CODE),
        True,
        [CODE],
        {"code": CODE},
    ],
)
def test_handler_answer_malformed_is_not_correct(event, answer):
    asked = event("verify")
    asked["request"]["challengeAnswer"] = answer
    assert verdict(asked) is False


def test_handler_answer_missing_is_not_correct(event):
    asked = event("verify")
    del asked["request"]["challengeAnswer"]
    assert verdict(asked) is False


@pytest.mark.parametrize(("late", "correct"), [(-1, True), (0, False), (1, False), (86400, False)])
def test_handler_right_code_works_until_the_end_only(event, late, correct):
    with time_machine.travel(END + late, tick=False):
        assert verdict(event("verify")) is correct


@pytest.mark.parametrize(
    "attributes",
    [None, {}, {"sub": ""}, {"sub": None}, {"sub": "b82f6c0e-1173-4d29-a5e8-6f40d3c29b17"}],
)
def test_handler_another_or_no_sub_is_not_correct(event, attributes):
    asked = event("verify")
    asked["request"]["userAttributes"] = attributes
    assert verdict(asked) is False


@pytest.mark.parametrize("attributes", [{}, {"sub": ""}, {"sub": None}])
def test_handler_code_of_nobody_is_not_correct(event, attributes):
    asked = event("verify")
    asked["request"]["userAttributes"] = attributes
    user = f"{asked['userPoolId']} {attributes.get('sub')}"
    nobodys = Challenge.from_private_parameters(asked["request"]["privateChallengeParameters"])
    asked["request"]["challengeAnswer"] = nobodys.code(aws.CODE_KEY.encode(), user=user)
    assert verdict(asked) is False


def test_handler_attributes_missing_is_not_correct(event):
    asked = event("verify")
    del asked["request"]["userAttributes"]
    assert verdict(asked) is False


def test_handler_another_pool_is_not_correct(event):
    assert verdict(event("verify") | {"userPoolId": "eu-west-1_Example02"}) is False


def test_handler_tampered_id_is_not_correct(event):
    asked = event("verify")
    asked["request"]["privateChallengeParameters"]["challengeId"] = "A" * 22
    assert verdict(asked) is False


@pytest.mark.parametrize("missing", ["challengeId", "expiresAt"])
def test_handler_private_parameter_missing_is_not_correct(event, missing):
    asked = event("verify")
    del asked["request"]["privateChallengeParameters"][missing]
    assert verdict(asked) is False


@pytest.mark.parametrize("name", ["challengeId", "expiresAt"])
@pytest.mark.parametrize("value", [None, "", "x", 0, "\ud800"])
def test_handler_private_parameter_malformed_is_not_correct(event, name, value):
    asked = event("verify")
    asked["request"]["privateChallengeParameters"][name] = value
    assert verdict(asked) is False


@pytest.mark.parametrize("parameters", [None, {}, [], "challengeId", {"code": CODE}])
def test_handler_no_private_parameters_of_ours_is_not_correct(event, parameters):
    asked = event("verify")
    asked["request"]["privateChallengeParameters"] = parameters
    assert verdict(asked) is False


def test_handler_private_parameters_missing_is_not_correct(event):
    asked = event("verify")
    del asked["request"]["privateChallengeParameters"]
    assert verdict(asked) is False


def test_handler_unknown_user_is_not_correct(event):
    assert verdict(event("verify_unknown_user")) is False


def test_handler_unknown_user_with_somebodys_attributes_is_not_correct(event):
    asked = event("verify")
    asked["request"]["userNotFound"] = True
    assert verdict(asked) is False


def test_handler_without_the_key_answers_nothing(event, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    asked = event("verify")
    with pytest.raises(EndpointConnectionError):
        verify_auth_challenge_response.handler(asked, None)
    assert asked == event("verify")


def test_handler_asks_for_the_key_once_per_process(event, secrets_manager):
    for _ in range(3):
        verdict(event("verify"))
    assert len(secrets_manager.requests) == 1


@pytest.mark.parametrize(
    "level",
    [
        "INFO",
        "DEBUG",
    ],
)
@pytest.mark.parametrize("answer", [CODE, "314159"])
def test_handler_logs_neither_answer_nor_key(event, caplog, level, answer):
    caplog.set_level(level)
    asked = event("verify")
    asked["request"]["challengeAnswer"] = answer
    verdict(asked)
    logged = caplog.text + repr([vars(record) for record in caplog.records])
    assert answer not in logged
    assert aws.CODE_KEY not in logged
