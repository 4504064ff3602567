"""Codes of authenticator apps: by the vectors of the RFC, and through Verify on a real table."""

import base64
import time
import uuid

import pytest

from lambdas.triggers import authenticators, define_auth_challenge, site_texts
from tests.lambdas.flow import in_parallel, is_correct

STEP = 30
ATTRIBUTE = "custom:authenticator"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_code_is_that_of_the_rfc(seconds, code):
    """RFC 6238, appendix B, whose values have two digits more in front."""
    assert authenticators.code(b"12345678901234567890", seconds // STEP) == code


class App:
    """An authenticator app of the user of ``flow``, who signs in with ``code authenticator``."""

    def __init__(self, flow) -> None:
        self.flow = flow
        drawn = site_texts.handler({"action": "new_authenticator", "user": flow.sub}, None)
        self.salt, self.key = drawn["salt"], base64.b32decode(drawn["secret"])

    def code(self, *, later: int = 0) -> str:
        return authenticators.code(self.key, int(time.time()) // STEP + later)

    def wrong(self) -> str:
        near = {self.code(later=by) for by in range(-2, 3)}
        return next(f"{n:06d}" for n in range(6) if f"{n:06d}" not in near)

    def event(self, answer: object, **attributes: object) -> dict:
        """What Verify gets for an answer to the step after the code."""
        asked = self.flow.answer_event(
            {"privateChallengeParameters": {"kind": "authenticator"}}, answer
        )
        asked["request"]["userAttributes"] |= {ATTRIBUTE: self.salt} | attributes
        return asked

    def answer(self, answer: object, **attributes: object) -> bool:
        return is_correct(self.event(answer, **attributes))

    def check(self, code: object, **changes: object) -> bool:
        asked = {
            "action": "check_authenticator",
            "user": self.flow.sub,
            "salt": self.salt,
            "code": code,
        }
        return site_texts.handler(asked | changes, None)["is_correct"]


@pytest.fixture
def app(flow, monkeypatch) -> App:
    monkeypatch.setenv("SIGN_IN_PLAN", "code authenticator")
    return App(flow)


@pytest.mark.cloud
@pytest.mark.parametrize("later", [-1, 0, 1])
def test_code_of_a_neighbouring_half_minute_is_right(app, later):
    assert app.answer(app.code(later=later)) is True


@pytest.mark.cloud
@pytest.mark.parametrize("later", [-3, 3])
def test_code_of_another_minute_is_wrong(app, later):
    assert app.answer(app.code(later=later)) is False


@pytest.mark.cloud
def test_code_is_right_once_however_many_send_it(app):
    code = app.code()
    assert sum(in_parallel(8, lambda _: app.answer(code))) == 1
    assert app.answer(code) is False


@pytest.mark.cloud
def test_guesses_in_parallel_are_held_after_ten(app):
    wrong = app.wrong()
    assert not any(in_parallel(12, lambda _: app.answer(wrong)))
    assert app.answer(app.code()) is False, "the hold keeps the right one out as well"


@pytest.mark.cloud
def test_right_code_forgets_the_wrong_ones(app):
    for _ in range(9):
        app.answer(app.wrong())
    assert app.answer(app.code()) is True
    for _ in range(9):
        app.answer(app.wrong())
    assert app.answer(app.code(later=1)) is True


@pytest.mark.cloud
def test_wrong_codes_of_one_user_hold_no_other(app, flow):
    for _ in range(10):
        app.answer(app.wrong())
    other = App(flow.other())
    assert other.answer(other.code()) is True


@pytest.mark.cloud
@pytest.mark.parametrize("salt", ["", "short", "x" * 23, "ä" * 22, None, 5])
def test_attribute_that_is_no_salt_accepts_nothing(app, table, salt):
    table.forget()
    assert app.answer(app.code(), **{ATTRIBUTE: salt}) is False
    assert table.calls == []


@pytest.mark.cloud
def test_app_of_another_salt_or_user_is_wrong(app, flow):
    assert app.answer(app.code(), **{ATTRIBUTE: authenticators.draw_salt()}) is False
    assert app.answer(app.code(), sub=str(uuid.uuid4())) is False


@pytest.mark.cloud
def test_unknown_user_is_never_right_and_costs_nothing(app, table):
    event = app.event(app.code())
    event["request"]["userNotFound"] = True
    table.forget()
    assert is_correct(event) is False
    assert table.calls == []


@pytest.mark.cloud
@pytest.mark.parametrize("answer", ["", "12345", "1234567", "१२३४५६", "12 456", "x" * 10**6, None])
def test_answer_that_is_no_code_is_not_counted(app, table, answer):
    table.forget()
    assert app.answer(answer) is False
    assert table.calls == []


@pytest.mark.cloud
def test_log_holds_neither_code_nor_secret(app, capsys):
    capsys.readouterr()
    code = app.code()
    app.answer(app.wrong())
    app.answer(code)
    printed = capsys.readouterr().out
    assert code not in printed
    assert authenticators.in_base_32(app.key) not in printed
    assert app.salt not in printed


# As the site sets one up


@pytest.mark.cloud
def test_check_takes_a_code_for_its_user_and_salt_alone(app):
    assert app.check(app.wrong()) is False
    assert app.check(app.code(), user=str(uuid.uuid4())) is False
    assert app.check(app.code(), salt=authenticators.draw_salt()) is False
    assert app.check(app.code()) is True
    assert app.check(app.code()) is False


@pytest.mark.cloud
def test_every_app_gets_a_secret_of_its_own(app, flow):
    assert len(app.key) == 20
    assert App(flow).key != app.key


@pytest.mark.parametrize("changed", [{"user": "x y"}, {"salt": "short"}, {"salt": None}])
def test_check_refuses_what_makes_no_sense(changed):
    asked = {"action": "check_authenticator", "user": "u", "salt": "s" * 22, "code": "123456"}
    with pytest.raises(ValueError, match="Wanted"):
        site_texts.handler(asked | changed, None)


# Through Define and Create


def history(*entries: tuple[str, bool]) -> list[dict]:
    return [
        {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": result,
            "challengeMetadata": f"{kind} ",
        }
        for kind, result in entries
    ]


def decide(event, entries, **attributes) -> dict:
    asked = event("define_first_round")
    asked["request"]["session"] = history(*entries)
    asked["request"]["userAttributes"] |= attributes
    return define_auth_challenge.handler(asked, None)["response"]


@pytest.mark.parametrize(
    ("entries", "has_app", "wanted"),
    [
        ([("code", True)], False, "tokens"),
        ([("code", True)], True, "challenge"),
        ([("code", True), ("authenticator", True)], True, "tokens"),
        ([("code", True), *[("authenticator", False)] * 2], True, "challenge"),
        ([("code", True), *[("authenticator", False)] * 3], True, "fail"),
        ([("authenticator", True)], True, "fail"),
        ([("code", True), ("code", True)], True, "fail"),
        # It was taken away in the middle of the sign-in, which begins again.
        ([("code", True), ("authenticator", False)], False, "fail"),
    ],
)
def test_define_asks_those_who_have_an_app(event, monkeypatch, entries, has_app, wanted):
    monkeypatch.setenv("SIGN_IN_PLAN", "code authenticator")
    given = decide(event, entries, **({ATTRIBUTE: "s" * 22} if has_app else {}))
    said = {"tokens": given["issueTokens"], "fail": given["failAuthentication"]}
    said["challenge"] = given["challengeName"] == "CUSTOM_CHALLENGE"
    assert [name for name, is_said in said.items() if is_said] == [wanted]


@pytest.mark.cloud
def test_create_tells_how_to_answer_and_nothing_of_the_app(app, flow):
    event = flow.start_event()
    event["request"]["session"] = history(("code", True), ("authenticator", False))
    event["request"]["userAttributes"][ATTRIBUTE] = app.salt
    made = flow.start(event)
    assert made["publicChallengeParameters"] == {
        "triesLeft": "2",
        "codeLength": "6",
        "kind": "authenticator",
    }
    assert made["privateChallengeParameters"] == {"kind": "authenticator", "wrongAnswers": "1"}
    assert flow.messages() == []
