"""The steps of a CUSTOM_AUTH flow: its Sessions, its rounds, and the challenges in them.

``DefineAuthChallenge`` says what comes next. A round of ours is made and judged by the other two
triggers; the built-in ones are Cognito's own (``passwords`` before ours, ``factors`` after them).
"""

import secrets
import threading
import time
from dataclasses import replace
from typing import Any

from tests.fakes.cognito_front import factors
from tests.fakes.cognito_front.factors import Factors
from tests.fakes.cognito_front.messages import Message, json_reply
from tests.fakes.cognito_front.passwords import NEW_PASSWORD, VERIFIER, Passwords
from tests.fakes.cognito_front.pools import DEFAULT_SESSION_MINUTES, Client, Pools, Refusal, invalid
from tests.fakes.cognito_front.triggers import (
    CREATE,
    DEFINE,
    VERIFY,
    Flow,
    Triggers,
    unrecognizable,
)

OURS = "CUSTOM_CHALLENGE"
# Of Sessions, in seconds. Tests of the site move the other clock.
now = time.monotonic


class Steps:
    """``start`` is InitiateAuth, ``go_on`` RespondToAuthChallenge; with or without Admin."""

    def __init__(
        self,
        pools: Pools,
        triggers: Triggers,
        passwords: Passwords,
        second: Factors,
        *,
        single_use: bool,
    ) -> None:
        self._pools = pools
        self._triggers = triggers
        self._passwords = passwords
        self._factors = second
        self._single_use = single_use
        self._sessions: dict[str, Flow] = {}
        self._spent: set[str] = set()
        self._lock = threading.Lock()

    def start(self, client: Client, data: dict[str, Any]) -> Message:
        parameters = data.get("AuthParameters") or {}
        typed = required(parameters, "USERNAME")
        with_password = "SRP_A" in parameters or parameters.get("CHALLENGE_NAME") == "SRP_A"
        user = self._pools.find_user(client, typed, with_password=with_password)
        flow = Flow(client, typed, user)
        # The caller's ClientMetadata reaches none of the others from here.
        self._triggers.may_begin(flow, data.get("ClientMetadata"))
        if with_password:
            flow = replace(
                flow,
                srp_a=required(parameters, "SRP_A"),
                history=(_entry("SRP_A", True, None),),
            )
        return self._next_step(flow)

    def require(self, client: Client, data: dict[str, Any]) -> None:
        """Refuse an answer to another challenge than the one that its Session awaits."""
        self._find(client, data)

    def go_on(self, client: Client, data: dict[str, Any]) -> Message:
        session, responses = str(data.get("Session")), data.get("ChallengeResponses") or {}
        flow = replace(self._take(client, data), metadata=data.get("ClientMetadata"))
        try:
            if flow.awaits in factors.ROUNDS:
                return self._factor(flow, session, responses)
            if flow.awaits != OURS:
                return self._built_in(flow, responses)
            answer = required(responses, "ANSWER")
            # Nobody is looked for as well: the front must not tell by its own time.
            name = flow.user.username if flow.user.exists else flow.typed
            user = self._pools.find_user(flow.client, name, with_password=bool(flow.srp_a))
            if flow.user.exists:
                flow = replace(flow, user=replace(user, username=flow.user.username))
            asked = {"privateChallengeParameters": flow.private, "challengeAnswer": answer}
            is_correct = self._triggers.run(VERIFY, flow, asked).get("answerCorrect") is True
            return self._next_step(_after(flow, OURS, is_correct, flow.challenge_metadata))
        except Refusal as refusal:
            if self._single_use and not refusal.keeps_session:
                del self._sessions[session]
            raise

    def _factor(self, flow: Flow, session: str, responses: dict[str, Any]) -> Message:
        try:
            if flow.awaits == factors.CHOICE:
                return self._ask_factor(flow, self._factors.choose(flow, responses))
            self._factors.check(flow, responses)
        except Refusal as refusal:
            with self._lock:
                self._spent.discard(session)
            refusal.keeps_session = True
            raise
        return self._granted(flow)

    def associate(self, data: dict[str, Any]) -> Message | None:
        """AssociateSoftwareToken by a Session of ours, None for any other one."""
        flow = self._setup_of(data)
        if flow is None:
            return None
        flow, secret = self._factors.begin_setup(flow)
        return json_reply({"SecretCode": secret, "Session": self._keep(flow, factors.SETUP)})

    def verify(self, data: dict[str, Any]) -> Message | None:
        """VerifySoftwareToken by a Session of ours, None for any other one."""
        flow = self._setup_of(data)
        if flow is None:
            return None
        flow = self._factors.end_setup(flow, data.get("UserCode"))
        return json_reply({"Status": "SUCCESS", "Session": self._keep(flow, factors.SETUP)})

    def _setup_of(self, data: dict[str, Any]) -> Flow | None:
        flow = self._sessions.get(str(data.get("Session")))
        if flow is None:
            return None
        if flow.awaits != factors.SETUP or now() >= flow.expires_at:
            raise Refusal("Invalid session for the user.")
        return flow

    def _built_in(self, flow: Flow, responses: dict[str, Any]) -> Message:
        if flow.awaits == NEW_PASSWORD:
            # Define is not asked again: github.com/amazon-archives/amazon-cognito-identity-js
            # issue 341.
            self._passwords.renew(flow, required(responses, "NEW_PASSWORD"))
            return self._granted(flow)
        self._passwords.check(flow, responses)
        if flow.user.attributes.get("cognito:user_status") == "FORCE_CHANGE_PASSWORD":
            return self._reply(flow, NEW_PASSWORD, self._passwords.new_one_wanted(flow))
        return self._next_step(_after(flow, VERIFIER, True, None))

    def _find(self, client: Client, data: dict[str, Any]) -> Flow:
        name = required(data.get("ChallengeResponses") or {}, "USERNAME")
        flow = self._sessions.get(str(data.get("Session")))
        if (
            not flow
            or flow.client["ClientId"] != client["ClientId"]
            or flow.awaits != data.get("ChallengeName")
            or name not in (flow.typed, flow.user.username)
        ):
            raise Refusal("Invalid session for the user.")
        return flow

    def _take(self, client: Client, data: dict[str, Any]) -> Flow:
        session = str(data.get("Session"))
        with self._lock:
            flow = self._find(client, data)
            if self._single_use and session in self._spent:
                raise Refusal("Invalid session for the user, session can only be used once.")
            if now() >= flow.expires_at:
                raise Refusal("Invalid session for the user, session is expired.")
            self._spent.add(session)
            return flow

    def _next_step(self, flow: Flow) -> Message:
        history = {"session": list(flow.history)}
        step = self._triggers.run(DEFINE, flow, history)
        if step.get("failAuthentication") or (step.get("issueTokens") and not flow.user.exists):
            raise Refusal("Incorrect username or password.")
        if step.get("issueTokens"):
            name = self._factors.wanted(flow)
            return self._ask_factor(flow, name) if name else self._granted(flow)
        name = step.get("challengeName")
        if name == OURS:
            created = self._triggers.run(CREATE, flow, {"challengeName": OURS, **history})
            flow = replace(
                flow,
                private=created.get("privateChallengeParameters") or {},
                challenge_metadata=created.get("challengeMetadata"),
            )
            public = created.get("publicChallengeParameters") or {}
            return self._reply(flow, OURS, public | {"USERNAME": flow.user.username})
        names = [entry["challengeName"] for entry in flow.history]
        if name == VERIFIER and names == ["SRP_A"]:
            flow, public = self._passwords.challenge(flow)
            return self._reply(flow, VERIFIER, public)
        if name == NEW_PASSWORD and names[:2] == ["SRP_A", VERIFIER]:
            return self._reply(flow, NEW_PASSWORD, self._passwords.new_one_wanted(flow))
        raise unrecognizable()

    def _reply(self, flow: Flow, name: str, parameters: dict[str, str]) -> Message:
        session = self._keep(flow, name)
        return json_reply(
            {"ChallengeName": name, "Session": session, "ChallengeParameters": parameters}
        )

    def _keep(self, flow: Flow, name: str) -> str:
        minutes = flow.client.get("AuthSessionValidity") or DEFAULT_SESSION_MINUTES
        session = secrets.token_urlsafe(48)
        self._sessions[session] = replace(flow, awaits=name, expires_at=now() + minutes * 60)
        return session

    def _ask_factor(self, flow: Flow, name: str) -> Message:
        flow, parameters = self._factors.ask(flow, name)
        return self._reply(flow, name, parameters)

    def _granted(self, flow: Flow) -> Message:
        tokens = self._pools.tokens(flow.client, flow.user.username, flow.metadata or {})
        return json_reply({"AuthenticationResult": tokens})


def _entry(name: str, result: bool, metadata: str | None) -> dict[str, Any]:
    return {"challengeName": name, "challengeResult": result, "challengeMetadata": metadata}


def _after(flow: Flow, name: str, result: bool, metadata: str | None) -> Flow:
    return replace(flow, history=(*flow.history, _entry(name, result, metadata)))


def required(parameters: dict[str, Any], name: str) -> str:
    value = parameters.get(name)
    if not (value and isinstance(value, str)):
        raise invalid(f"Missing required parameter {name}")
    return value
