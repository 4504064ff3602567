import pytest

from lambdas.triggers import senders
from lambdas.triggers.environment import WrongEnvironment


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, ["sns"]),
        ("", ["sns"]),
        ("  ", ["sns"]),
        ("sns", ["sns"]),
        ("pinpoint", ["pinpoint"]),
        ("end_user_messaging", ["end_user_messaging"]),
        ("end_user_messaging,sns", ["end_user_messaging", "sns"]),
        (" pinpoint , sns ", ["pinpoint", "sns"]),
    ],
)
def test_senders_are_those_of_the_variable_in_its_order(monkeypatch, value, names):
    if value is not None:
        monkeypatch.setenv("SMS_SENDERS", value)
    assert list(senders.configured().names) == names


@pytest.mark.parametrize(
    "value", ["twilio", "sns,twilio", "SNS", "sns,", ",", "sns,sns", "sns pinpoint", "sns;pinpoint"]
)
def test_senders_that_are_none_name_the_variable(monkeypatch, value):
    monkeypatch.setenv("SMS_SENDERS", value)
    with pytest.raises(
        WrongEnvironment, match=r"SMS_SENDERS .* sns, end_user_messaging, pinpoint, notify"
    ):
        senders.configured()


def test_senders_are_made_once_per_process():
    assert senders.configured() is senders.configured()


def test_variables_of_senders_that_are_not_listed_do_not_matter(monkeypatch):
    monkeypatch.delenv("PINPOINT_PROJECT_ID")
    monkeypatch.setenv("EUM_MAX_PRICE", "much")
    assert senders.configured().names == ("sns",)


@pytest.mark.parametrize(
    ("listed", "name", "value"),
    [
        ("sns,pinpoint", "PINPOINT_PROJECT_ID", ""),
        ("sns,end_user_messaging", "EUM_MAX_PRICE", "much"),
        ("pinpoint,sns", "SNS_MAX_PRICE", "much"),
    ],
)
def test_variables_of_all_listed_senders_are_read_at_once(monkeypatch, listed, name, value):
    monkeypatch.setenv("SMS_SENDERS", listed)
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongEnvironment, match=name):
        senders.configured()
