"""Somebody who signs in: the events that Cognito would make of it, and the two functions."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.triggers import clients, create_auth_challenge, keys, ledger, plans, senders
from lambdas.triggers import verify_auth_challenge_response as verify
from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import PhoneState
from tests.lambdas import aws
from tests.wire import WireServer

Event = dict[str, Any]
Response = dict[str, Any]

PUBLIC = "publicChallengeParameters"
PRIVATE = "privateChallengeParameters"
METADATA = "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent"
# A proof of work that was done, as a history shows it.
WORKED = {
    "challengeName": "CUSTOM_CHALLENGE",
    "challengeResult": True,
    "challengeMetadata": "proof ",
}
SHAPE = [
    (
        PUBLIC,
        [
            ("phone", str),
            ("expiresAt", str),
            ("resendAt", str),
            ("textedAt", str),
            ("now", str),
            ("codeLength", str),
            ("delivery", str),
            ("openAt", str),
            ("reference", str),
            ("channels", str),
            ("triesLeft", str),
            ("kind", str),
        ],
    ),
    (PRIVATE, [("challengeId", str), ("expiresAt", str), ("mark", str), ("kind", str)]),
    ("challengeMetadata", str),
]


class Flow:
    """``phone`` and ``sub`` are those of a user of the pool; ``other`` makes another one."""

    def __init__(self, sns: WireServer, event: Callable[[str], Event], phone: str) -> None:
        self.phone = phone
        self.sub = str(uuid.uuid4())
        self._sns = sns
        self._event = event

    def other(self, phone: str | None = None) -> "Flow":
        return Flow(self._sns, self._event, phone or self.phone)

    @property
    def name(self) -> str:
        return ledger.phone_name(self.phone)

    @property
    def user(self) -> str:
        return f"eu-west-1_Example01 {self.sub}"

    def start_event(self) -> Event:
        return self._mine(self._event("create_first_round"))

    def start(self, event: Event | None = None, *, works: bool = True) -> Response:
        """What Create returns at the start.

        After the proof of work that pressure puts in front of the plan, unless told otherwise.
        """
        asked = event or self.start_event()
        response = create_auth_challenge.handler(asked, None)["response"]
        is_of_plan = "proof" in plans.configured()[0] or asked["request"].get("session")
        if works and response[PUBLIC]["kind"] == "proof" and not is_of_plan:
            asked["request"]["session"] = [WORKED]
            response = create_auth_challenge.handler(asked, None)["response"]
        return response

    def next_round(self, response: Response, *, wrong_answers: int = 1) -> Response:
        """What Create returns after wrong answers in the flow of ``response``."""
        asked = self._mine(self._event("create_second_round"))
        [entry] = asked["request"]["session"]
        entry["challengeMetadata"] = response["challengeMetadata"]
        asked["request"]["session"] = [entry] * wrong_answers
        return self.start(asked)

    def answer_event(self, response: Response, answer: Any) -> Event:
        asked = self._mine(self._event("verify"))
        asked["request"] |= {
            "privateChallengeParameters": response["privateChallengeParameters"],
            "challengeAnswer": answer,
        }
        return asked

    def answer(self, response: Response, answer: Any) -> bool:
        return is_correct(self.answer_event(response, answer))

    def then(self, *entries: tuple[str, bool]) -> Response:
        """What Create returns after these answers, each by the metadata of what was asked."""
        asked = self.start_event()
        asked["request"]["session"] = [
            {"challengeName": "CUSTOM_CHALLENGE", "challengeMetadata": metadata}
            | {"challengeResult": result}
            for metadata, result in entries
        ]
        return self.start(asked)

    def code(self) -> str:
        """The code of the newest text to the phone."""
        return self.messages()[-1].rpartition("#")[2]

    def messages(self) -> list[str]:
        return [message for phone, message in aws.texts(self._sns) if phone == self.phone]

    def derived(self, response: Response) -> str:
        """The code that belongs to a challenge, whether it was ever texted or not."""
        return drawn(response).code(keys.code_key(), user=self.user)

    def _mine(self, event: Event) -> Event:
        event["userName"] = self.sub
        event["request"]["userAttributes"] |= {"sub": self.sub, "phone_number": self.phone}
        return event


def is_correct(event: Event) -> bool:
    response = verify.handler(event, None)["response"]
    assert list(response) == ["answerCorrect"]
    return response["answerCorrect"]


def drawn(response: Response) -> Challenge:
    found = Challenge.from_private_parameters(response["privateChallengeParameters"])
    assert found is not None
    return found


def id_of(reply: dict[str, Any]) -> str:
    """The id in what the function tells the site of a challenge."""
    return str(reply["challenge_id"]).partition(".")[0]


def warm_up() -> None:
    """Make the clients; a boto3 session is not meant to make them in many threads at once."""
    keys.code_key()
    clients.allowed.roles()
    ledger.configured()
    senders.configured()


def in_parallel(count: int, call: Callable[[int], object]) -> list:
    warm_up()
    with ThreadPoolExecutor(min(count, 30)) as pool:
        return list(pool.map(call, range(count)))


def shape(response: Response) -> object:
    """Keys and types of a response, in order."""
    if isinstance(response, dict):
        return [(key, shape(value)) for key, value in response.items()]
    return type(response)


def state(flow: Flow) -> PhoneState:
    return ledger.configured().show(flow.name, now=time.time())


def failures(flow: Flow) -> int:
    return state(flow).failures


def as_unknown(event: Event) -> None:
    """Make the event one of a user whom the pool does not know."""
    event["request"] |= {"userNotFound": True, "userAttributes": {}}


def as_member(event: Event) -> None:
    """Leave the event as it is: one of a user of the pool."""
