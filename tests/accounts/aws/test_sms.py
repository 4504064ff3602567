"""What the site asks of the function that sends its texts."""

import json
from dataclasses import asdict

import pytest

from accounts.aws import functions, sms
from tests.wire import Reply

PHONE, SUB = "+12015550123", "7c1d4a52-90b1-70e4-3f2a-5b0c9d8e7f61"
PROOF = {
    "challenge_id": "6Zk3vQ1rT8yLw0XnB5mJ2dA",
    "expires_at": 1_700_000_300,
    "resend_at": 1_700_000_030,
    "tries_left": 3,
    "code_length": 6,
    "delivery": "sent",
    "reference": "K7F-2Q",
    "texted_at": 1_700_000_000,
    "said_at": 1_700_000_001,
    "channels": "",
    "open_at": 1_700_003_600,
}
CALLS = {
    "prove": lambda: sms.prove(PHONE, user_sub=SUB, language="en"),
    "check": lambda: sms.check(
        PHONE,
        user_sub=SUB,
        challenge_id=PROOF["challenge_id"],
        expires_at=PROOF["expires_at"],
        code="123456",
    ),
    "send_by": lambda: sms.send_by("voice", username=SUB, is_known=False),
    "tell": lambda: sms.tell(PHONE, "invited", language="en"),
}


@pytest.fixture
def function(settings, wire):
    settings.AWS_ENDPOINT_URL = wire.url
    settings.TEXTS_FUNCTION = "phone-login-texts-test"
    return wire


def asked(function) -> dict:
    [request] = function.requests
    assert request.path.endswith("/functions/phone-login-texts-test/invocations")
    return json.loads(request.body)


@pytest.mark.parametrize("said", [{}, {"texted_at": None}], ids=["not said", "nothing texted"])
def test_proof_without_the_time_of_a_text_has_none(function, said):
    always = {
        name: PROOF[name] for name in PROOF if name not in ("texted_at", "said_at", "open_at")
    }
    function.will(Reply(always | said))
    proof = CALLS["prove"]()
    assert (proof.texted_at, proof.said_at, proof.open_at) == (None, None, 0)


def test_prove_asks_once_and_returns_the_proof(function):
    function.will(Reply(PROOF | {"now": PROOF["said_at"]}))
    assert asdict(CALLS["prove"]()) == PROOF
    assert asked(function) == {
        "action": "prove",
        "phone": PHONE,
        "user": SUB,
        "language": "en",
        "purpose": "change_number",
        "channel": "text",
    }


@pytest.mark.parametrize(
    ("said", "channels"),
    [("voice whatsapp email", "voice whatsapp email"), ("voice pigeon", "voice"), (None, "")],
)
def test_proof_names_the_channels_that_this_site_can_ask_for(function, said, channels):
    function.will(Reply(PROOF | {"channels": said}))
    assert CALLS["prove"]().channels == channels


def test_code_by_another_channel_is_asked_for_once_by_the_name_of_the_account(function):
    function.will(Reply(PROOF | {"now": PROOF["said_at"], "channels": "voice"}))
    assert CALLS["send_by"]().channels == "voice"
    said = {"action": "send_by", "channel": "voice", "user_name": SUB, "is_known": False}
    assert asked(function) == said


@pytest.mark.parametrize("is_correct", [True, False])
def test_check_asks_once_and_returns_the_verdict(function, is_correct):
    function.will(Reply({"is_correct": is_correct}))
    assert CALLS["check"]() is is_correct
    assert asked(function) == {
        "action": "check",
        "phone": PHONE,
        "user": SUB,
        "challenge_id": PROOF["challenge_id"],
        "expires_at": PROOF["expires_at"],
        "code": "123456",
        "purpose": "change_number",
    }


@pytest.mark.parametrize("delivery", ["sent", "opted_out", "pool"])
def test_tell_asks_once_and_returns_what_became_of_it(function, delivery):
    function.will(Reply({"delivery": delivery}))
    assert CALLS["tell"]() == delivery
    assert asked(function) == {
        "action": "tell",
        "phone": PHONE,
        "message": "invited",
        "language": "en",
    }


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_answer_of_wrong_types_is_unavailable(function, call):
    function.will(
        Reply({**PROOF, "expires_at": None, "is_correct": "true", "delivery": 1, "tries_left": []})
    )
    with pytest.raises(functions.Unavailable):
        call()
