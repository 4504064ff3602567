import pytest

from lambdas.triggers import senders
from tests.lambdas.senders import replies


def test_text_shows_neither_phone_nor_body(text):
    for shown in (repr(text), str(text), f"{text}"):
        assert not replies.secrets_in(shown)
    assert repr(text) == "Message(lifetime=300, country='US')"


def test_text_cannot_be_changed(text):
    with pytest.raises(AttributeError):
        text.phone = "+12015550124"


def test_reasons_are_few():
    assert {str(reason) for reason in senders.Reason} == {
        "opted_out",
        "blocked_country",
        "landline",
        "spend_limit",
        "sandbox",
        "throttled",
        "provider_down",
        "misconfigured",
    }


@pytest.mark.parametrize(
    ("certain", "words"),
    [
        (True, "The text could not be sent: sandbox (Why)"),
        (False, "The text may or may not have been sent: sandbox (Why)"),
    ],
)
def test_send_error_says_what_is_known(certain, words):
    error = senders.SendError(senders.Reason.SANDBOX, "Why", certain=certain)
    assert (error.reason, error.detail, error.certain) == ("sandbox", "Why", certain)
    assert str(error) == words
