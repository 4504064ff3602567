import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.triggers import define_auth_challenge
from lambdas.triggers.define_auth_challenge import Step

RIGHT = {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": True}
WRONG = {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": False}
BUILT_IN = [
    "SRP_A",
    "PASSWORD_VERIFIER",
    "SMS_MFA",
    "EMAIL_OTP",
    "SOFTWARE_TOKEN_MFA",
    "DEVICE_SRP_AUTH",
    "DEVICE_PASSWORD_VERIFIER",
    "ADMIN_NO_SRP_AUTH",
    "NEW_PASSWORD_REQUIRED",
]
CHALLENGE = {
    "challengeName": "CUSTOM_CHALLENGE",
    "issueTokens": False,
    "failAuthentication": False,
}
TOKENS = {"challengeName": None, "issueTokens": True, "failAuthentication": False}
FAIL = {"challengeName": None, "issueTokens": False, "failAuthentication": True}


def step(history, *, user_exists=True):
    return define_auth_challenge.next_step(history, user_exists=user_exists)


@pytest.mark.parametrize("wrong_answers", [0, 1, 2])
def test_next_step_while_tries_are_left_is_a_challenge(wrong_answers):
    assert step([WRONG] * wrong_answers) is Step.CHALLENGE


@pytest.mark.parametrize("wrong_answers", [0, 1, 2])
def test_next_step_after_a_right_answer_is_tokens(wrong_answers):
    assert step([*[WRONG] * wrong_answers, RIGHT]) is Step.TOKENS


@pytest.mark.parametrize("wrong_answers", [3, 4, 30])
def test_next_step_after_three_wrong_answers_fails(wrong_answers):
    assert step([WRONG] * wrong_answers) is Step.FAIL


@pytest.mark.parametrize("wrong_answers", [3, 4, 30])
def test_next_step_right_after_three_wrong_answers_fails(wrong_answers):
    assert step([*[WRONG] * wrong_answers, RIGHT]) is Step.FAIL


@pytest.mark.parametrize("history", [[RIGHT, RIGHT], [RIGHT, WRONG], [WRONG, RIGHT, RIGHT]])
def test_next_step_after_more_than_the_right_answer_fails(history):
    assert step(history) is Step.FAIL


@pytest.mark.parametrize("name", [*BUILT_IN, "custom_challenge", "", None, 1])
@pytest.mark.parametrize("result", [True, False])
def test_next_step_with_another_challenge_anywhere_fails(name, result):
    other = {"challengeName": name, "challengeResult": result}
    for history in ([other], [other, RIGHT], [RIGHT, other], [WRONG, other], [other, WRONG, RIGHT]):
        assert step(history) is Step.FAIL


def test_next_step_unknown_user_right_answer_fails():
    assert step([RIGHT], user_exists=False) is Step.FAIL


@pytest.mark.parametrize("wrong_answers", [0, 1, 2, 3])
def test_next_step_unknown_user_wrong_answers_go_as_for_any_other(wrong_answers):
    history = [WRONG] * wrong_answers
    assert step(history, user_exists=False) is step(history)


@pytest.mark.parametrize("history", [None, {}, (), (RIGHT,), {"0": RIGHT}, "[]", "", 0, True])
def test_next_step_history_not_a_list_fails(history):
    assert step(history) is Step.FAIL


@pytest.mark.parametrize("entry", [None, True, "CUSTOM_CHALLENGE", 1, [], ["challengeName"], {}])
def test_next_step_entry_not_ours_fails(entry):
    for history in ([entry], [entry, RIGHT], [RIGHT, entry]):
        assert step(history) is Step.FAIL


@pytest.mark.parametrize("result", [None, "true", "false", 1, 0, [True], {}])
def test_next_step_result_not_a_boolean_fails(result):
    odd = {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": result}
    for history in ([odd], [odd, RIGHT], [odd, WRONG], [WRONG, odd]):
        assert step(history) is Step.FAIL


def test_next_step_result_missing_fails():
    assert step([{"challengeName": "CUSTOM_CHALLENGE"}]) is Step.FAIL


def test_next_step_name_missing_fails():
    assert step([{"challengeResult": True}]) is Step.FAIL


results = st.sampled_from([True, False, False, False, None, "true", "false", 1, 0])
names = st.sampled_from(["CUSTOM_CHALLENGE"] * 9 + BUILT_IN) | st.none() | st.text(max_size=3)
entries = (
    st.sampled_from([RIGHT, WRONG, WRONG])
    | st.fixed_dictionaries({"challengeName": names, "challengeResult": results})
    | st.fixed_dictionaries({}, optional={"challengeName": names, "challengeResult": results})
    | st.none()
    | st.booleans()
    | st.text(max_size=3)
)
nearly_right = st.builds(
    lambda wrong, then: [WRONG] * wrong + [RIGHT] + then,
    st.integers(0, 5),
    st.just([]) | st.lists(entries, max_size=1),
)
histories = (
    nearly_right | st.lists(entries, max_size=6) | st.none() | st.dictionaries(st.text(), entries)
)


def earns_tokens(history) -> bool:
    return isinstance(history, list) and history in (
        [RIGHT],
        [WRONG, RIGHT],
        [WRONG, WRONG, RIGHT],
    )


def has_only_boolean_results(history) -> bool:
    return all(isinstance(entry["challengeResult"], bool) for entry in history)


@given(histories, st.booleans())
@example([WRONG, WRONG, RIGHT], True)
@example([RIGHT, RIGHT], True)
@example([{"challengeName": "SRP_A", "challengeResult": True}], True)
def test_next_step_any_history_grants_tokens_for_one_shape_only(history, user_exists):
    earned = user_exists and earns_tokens(history) and has_only_boolean_results(history)
    assert (step(history, user_exists=user_exists) is Step.TOKENS) == earned


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
