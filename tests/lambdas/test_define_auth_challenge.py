import pytest

from lambdas.triggers import define_auth_challenge, environment

CHALLENGE = {
    "challengeName": "CUSTOM_CHALLENGE",
    "issueTokens": False,
    "failAuthentication": False,
}
PASSWORD = {
    "challengeName": "PASSWORD_VERIFIER",
    "issueTokens": False,
    "failAuthentication": False,
}
TOKENS = {"challengeName": None, "issueTokens": True, "failAuthentication": False}
FAIL = {"challengeName": None, "issueTokens": False, "failAuthentication": True}


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("define_first_round", CHALLENGE),
        ("define_after_right_answer", TOKENS),
        ("define_after_three_wrong_answers", FAIL),
        ("define_after_srp", FAIL),
        ("define_unknown_user", FAIL),
    ],
)
def test_handler_recorded_event_gets_its_response(event, name, response):
    assert define_auth_challenge.handler(event(name), None) == event(name) | {"response": response}


@pytest.mark.parametrize("odd", [{}, {"session": None}])
def test_handler_no_history_is_a_start(event, odd):
    asked = event("define_first_round")
    del asked["request"]["session"]
    asked["request"] |= odd
    assert define_auth_challenge.handler(asked, None)["response"] == CHALLENGE


@pytest.mark.parametrize("odd", ["", 0, False, {}])
def test_handler_history_falsy_but_no_list_fails(event, odd):
    asked = event("define_first_round")
    asked["request"]["session"] = odd
    assert define_auth_challenge.handler(asked, None)["response"] == FAIL


def test_handler_unknown_user_wrong_answer_is_challenged_again(event):
    asked = event("define_unknown_user")
    asked["request"]["session"][0]["challengeResult"] = False
    assert define_auth_challenge.handler(asked, None)["response"] == CHALLENGE


def test_handler_client_metadata_decides_nothing(event):
    asked = event("define_after_three_wrong_answers")
    asked["request"]["clientMetadata"] = {"issueTokens": "true", "userNotFound": "false"}
    assert define_auth_challenge.handler(asked, None)["response"] == FAIL


@pytest.mark.parametrize("wrong_answers", [0, 1, 2, 3])
def test_handler_unknown_user_wrong_answers_go_as_for_any_other(event, wrong_answers):
    asked = event("define_unknown_user")
    entry = asked["request"]["session"][0] | {"challengeResult": False}
    asked["request"]["session"] = [entry] * wrong_answers
    known = {**asked, "request": asked["request"] | {"userNotFound": False}}
    response = define_auth_challenge.handler(asked, None)["response"]
    assert response == define_auth_challenge.handler(known, None)["response"]


def test_handler_password_plan_asks_for_the_password(event, monkeypatch):
    monkeypatch.setenv("SIGN_IN_PLAN", "password code")
    asked = event("define_after_srp")
    asked["request"]["userAttributes"]["cognito:user_status"] = "CONFIRMED"
    asked["request"]["session"] = [{"challengeName": "SRP_A", "challengeResult": True}]
    assert define_auth_challenge.handler(asked, None)["response"] == PASSWORD


@pytest.mark.parametrize("rounds", [["SRP_A"], ["SRP_A", "PASSWORD_VERIFIER"]])
def test_handler_temporary_password_is_not_asked_for(event, monkeypatch, rounds):
    """Cognito would give tokens for a new password, without our code."""
    monkeypatch.setenv("SIGN_IN_PLAN", "password code")
    asked = event("define_after_srp")
    asked["request"]["session"] = [
        {"challengeName": name, "challengeResult": True} for name in rounds
    ]
    attributes = asked["request"]["userAttributes"]
    attributes["cognito:user_status"] = "CONFIRMED"
    assert define_auth_challenge.handler(asked, None)["response"] != FAIL
    attributes["cognito:user_status"] = "FORCE_CHANGE_PASSWORD"
    assert define_auth_challenge.handler(asked, None)["response"] == FAIL


def test_handler_plan_without_a_password_takes_accounts_that_have_none(event):
    asked = event("define_first_round")
    asked["request"]["userAttributes"]["cognito:user_status"] = "FORCE_CHANGE_PASSWORD"
    assert define_auth_challenge.handler(asked, None)["response"] == CHALLENGE


def test_handler_plan_that_is_none_raises(event, monkeypatch):
    monkeypatch.setenv("SIGN_IN_PLAN", "code password")
    with pytest.raises(environment.WrongEnvironment):
        define_auth_challenge.handler(event("define_first_round"), None)
