"""Questions to the triggers' functions: asked once, with errors that tell no phone and no code."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.views.debug import ExceptionReporter

from accounts.aws import call_limits, functions, ledger, sms
from tests.wire import Reply, aws_error

PHONE, SUB, CODE = "+12015550123", "7c1d4a52-90b1-70e4-3f2a-5b0c9d8e7f61", "604218"


@dataclass(frozen=True)
class Question:
    setting: str
    action: str

    def ask(self) -> Any:
        if self.action in ("show", "unlock"):
            return getattr(ledger, self.action)(PHONE)
        if self.action == "another":
            return functions.ask("LEDGER_FUNCTION", {"phone": PHONE}, lambda answer: answer["more"])
        if self.action == "overview":
            return ledger.overview(7)
        if self.action == "prove":
            return sms.prove(PHONE, user_sub=SUB, language="en")
        if self.action == "tell":
            return sms.tell(PHONE, "invited", language="en")
        return sms.check(PHONE, user_sub=SUB, challenge_id="c", expires_at=1, code=CODE)


QUESTIONS = [
    *(Question("LEDGER_FUNCTION", action) for action in ("show", "unlock", "overview", "another")),
    *(Question("TEXTS_FUNCTION", action) for action in ("prove", "check", "tell")),
]


@pytest.fixture(params=QUESTIONS, ids=lambda question: question.action)
def question(request) -> Question:
    return request.param


@pytest.fixture(autouse=True)
def function(settings, wire):
    settings.AWS_ENDPOINT_URL = wire.url
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"
    settings.TEXTS_FUNCTION = "phone-login-texts-test"
    return wire


FAILED = {"x-amz-function-error": "Unhandled"}
FAILURES = {
    "throttled": (aws_error("TooManyRequestsException", status=429), functions.Unavailable),
    "denied": (aws_error("AccessDeniedException", status=403), functions.Misconfigured),
    "gone": (aws_error("ResourceNotFoundException", status=404), functions.Misconfigured),
    "failed": (Reply({"errorType": "TryAgainLater"}, headers=FAILED), functions.Unavailable),
    "failed without a word": (Reply(None, headers=FAILED), functions.NoAnswer),
    "garbage": (Reply(b"garbage"), functions.NoAnswer),
    "binary": (Reply(b"\xff\xfe"), functions.NoAnswer),
    "empty": (Reply({}), functions.NoAnswer),
    "list": (Reply([]), functions.NoAnswer),
    "null": (Reply(None), functions.NoAnswer),
    "500": (Reply({}, 500), functions.NoAnswer),
    "dropped": (Reply(drop=True), functions.NoAnswer),
}


@pytest.mark.parametrize(("reply", "error"), FAILURES.values(), ids=FAILURES)
def test_function_that_fails_is_asked_once_and_named_by_its_setting(
    function, question, reply, error
):
    function.will(reply)
    with pytest.raises(functions.FunctionError, match=question.setting) as caught:
        question.ask()
    assert type(caught.value) is error
    assert len(function.requests) == 1


def test_function_that_hangs_may_have_done_what_was_asked(function, question):
    function.will(Reply({}, delay=1))
    with call_limits.deadline(0.2), pytest.raises(functions.NoAnswer):
        question.ask()


def test_function_is_not_asked_when_no_time_is_left(function, question):
    with call_limits.deadline(0), pytest.raises(functions.Unavailable) as caught:
        question.ask()
    assert type(caught.value) is functions.Unavailable
    assert function.requests == []


def test_function_without_a_name_is_misconfigured(function, settings, question):
    setattr(settings, question.setting, "")
    with pytest.raises(functions.Misconfigured, match=f"{question.setting} is not set"):
        question.ask()
    assert function.requests == []


@pytest.mark.parametrize("name", ["denied", "garbage", "dropped", "empty", "500"])
def test_report_of_an_error_tells_no_phone_and_no_code(function, question, name):
    """Django mails such reports, with what every frame held, when nothing catches the error."""
    function.will(FAILURES[name][0])
    with pytest.raises(functions.FunctionError) as caught:
        question.ask()
    report = ExceptionReporter(None, caught.type, caught.value, caught.tb).get_traceback_html()
    # Else the frames are not in it, and nothing is proven.
    assert "accounts/aws/functions.py" in report
    # Ids of elements are addresses in memory, which may have any digits.
    report = re.sub(r'id="[a-z]\d+"', "", report)
    for secret in (PHONE, SUB, CODE):
        assert secret not in report, report[max(0, report.find(secret) - 300) :][:400]
