"""Accounts whose user name is not the phone, and which hold one as an attribute."""

import pytest

from tests.codes import wrong
from tests.lambdas import emf
from tests.lambdas.flow import SHAPE, Event, Flow, failures, is_correct, shape

pytestmark = pytest.mark.cloud

MADE_BY_SITE = "phone-login-somebody"


class Holder(Flow):
    """An account that holds the phone of a flow. ``name`` is its user name, by default a UUID."""

    def become(self, user_name: str = "", **attributes: str) -> "Holder":
        self._user_name, self._attributes = user_name, attributes
        return self

    def _mine(self, event: Event) -> Event:
        event = super()._mine(event)
        event["userName"] = self._user_name or self.sub
        event["request"]["userAttributes"] |= {
            "email": "member@example.com",
            "cognito:user_status": "CONFIRMED",
            **{
                name.replace("status", "cognito:user_status"): v
                for name, v in self._attributes.items()
            },
        }
        return event


@pytest.fixture
def holder(flow, sns, event, monkeypatch):
    """``holder(...)``: another account with the phone of the test."""
    monkeypatch.setenv("COGNITO_USERNAME", "attribute")
    return lambda *name, **attributes: Holder(sns, event, flow.phone).become(*name, **attributes)


VERIFIED = {"phone_number_verified": "true"}
UNVERIFIED = {"phone_number_verified": "false"}


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("", VERIFIED),
        # AWS has been seen to write it so.
        ("", {"phone_number_verified": "True"}),
        ("member-17", VERIFIED),
        (MADE_BY_SITE, {**UNVERIFIED, "status": "FORCE_CHANGE_PASSWORD"}),
    ],
)
def test_number_that_counts_is_texted_and_its_code_is_right(holder, name, attributes):
    one = holder(name, **attributes)
    response = one.start()
    assert one.answer(response, one.code()) is True


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("", UNVERIFIED),
        ("", {**UNVERIFIED, "status": "FORCE_CHANGE_PASSWORD"}),
        # Signed up by somebody who chose the name, and knows the password.
        (MADE_BY_SITE, UNVERIFIED),
        (MADE_BY_SITE, {**UNVERIFIED, "status": "UNCONFIRMED"}),
    ],
)
def test_number_that_does_not_count_gets_no_text_and_no_code_is_right(
    holder, capsys, name, attributes
):
    one = holder(name, **attributes)
    response = one.start()
    assert shape(response) == SHAPE
    assert response["publicChallengeParameters"]["delivery"] == "sent"
    assert one.messages() == []
    [line] = emf.lines(capsys.readouterr().out)
    assert line["Reason"] == "number_unproven"
    assert one.phone not in str(line)
    assert one.answer(response, one.derived(response)) is False


def test_number_that_does_not_count_leaves_no_count_on_its_owner(holder):
    """Somebody may write any number on an account of theirs: its owner must not be held for it."""
    stranger, owner = holder(**UNVERIFIED), holder(**VERIFIED)
    for _ in range(4):
        response = stranger.start()
        for _ in range(3):
            stranger.answer(response, "000000")
    assert failures(owner) == 0
    assert owner.answer(owner.start(), owner.code()) is True


def test_unverified_number_is_texted_where_user_names_are_phones(flow, monkeypatch):
    """There the first code is what proves it."""
    asked = flow.start_event()
    assert asked["request"]["userAttributes"]["phone_number_verified"] == "false"
    for username in (None, "phone"):
        if username:
            monkeypatch.setenv("COGNITO_USERNAME", username)
        other = flow.other()
        other.phone = f"{flow.phone[:-1]}{4 if username else 5}"
        other.start()
        assert len(other.messages()) == 1


def test_two_accounts_with_one_number_share_its_texts(holder):
    one, other = holder(**VERIFIED), holder(**VERIFIED)
    first = one.start()
    second = other.start()
    assert len(one.messages()) == 1
    # In the cooldown of the number, and with the code of the other account.
    assert (
        second["publicChallengeParameters"]["textedAt"]
        == (first["publicChallengeParameters"]["textedAt"])
    )
    assert other.answer(second, one.code()) is False
    assert one.answer(first, one.code()) is True


def test_two_accounts_with_one_number_share_its_wrong_answers_and_holds(holder, clock):
    one, other = holder(**VERIFIED), holder(**VERIFIED)
    for count in range(1, 11):
        asker = (one, other)[count % 2]
        response = asker.start()
        assert asker.answer(response, wrong(asker.derived(response))) is False
        assert failures(one) == failures(other) == count
        clock.shift(901 if count < 10 else 31)
    for each in (one, other):
        started = each.start()
        assert started["publicChallengeParameters"]["delivery"] == "not_sent"


def test_name_of_a_caller_changes_nothing_of_what_is_counted(holder):
    """To Cognito directly, with the e-mail address for a user name: the event is the same."""
    by_phone, by_email = holder("member-17", **VERIFIED), holder(**VERIFIED)
    by_email.sub = by_phone.sub
    response = by_phone.start()
    asked = by_email.answer_event(response, wrong(by_phone.code()))
    assert is_correct(asked) is False
    assert failures(by_phone) == 1
    by_email.start()
    assert len(by_phone.messages()) == 1
