"""A front before the emulator which is as strict as Amazon Cognito where the emulator is not.

It runs the CUSTOM_AUTH flow itself: it invokes the deployed triggers, with Cognito's events,
time-outs and second tries, where the function lets the pool call it, and hands out a Session that
serves one answer. What an update of a pool or client leaves out is reset. Users, secrets,
permissions, tokens and keys remain the emulator's, and every other request passes unchanged.

    with CognitoFront(cloud) as front:
        boto3.client("cognito-idp", endpoint_url=front.url)

It does not play PreAuthentication, PostAuthentication, the built-in challenges (PASSWORD_VERIFIER
and so on), MFA or throttling.
"""

import secrets
import threading
import time
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.config import Config

from localcloud.cloud import Cloud
from tests.fakes.cognito_front.messages import (
    TARGET,
    Message,
    json_reply,
    make_server,
    read_object,
    with_body,
)
from tests.fakes.cognito_front.pools import DEFAULT_SESSION_MINUTES, Client, Pools, Refusal, invalid
from tests.fakes.cognito_front.triggers import (
    CREATE,
    DEFINE,
    TRIGGER_TIMEOUT,
    VERIFY,
    Flow,
    Invocation,
    Triggers,
    unrecognizable,
)
from tests.fakes.cognito_front.updates import DEFAULTS, as_cognito_updates

_CHALLENGE = "CUSTOM_CHALLENGE"
_DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
_PROBE = "STRICT_FRONT_PROBE"
# Of Sessions, in seconds. Tests of the site move the other clock.
now = time.monotonic


@dataclass
class _Fault:
    code: str
    times: int | None
    after: bool

    def reply(self) -> Message:
        status = 500 if self.code == "InternalErrorException" else 400
        return json_reply({"__type": self.code, "message": "As the test wants it."}, status)


class CognitoFront:
    """Serves on a port of its own from ``with`` to its end.

    ``records`` holds every run of a trigger, oldest first. With ``single_use=False`` a Session
    serves any number of answers: that is how the triggers are attacked with parallel ones.
    ``fail`` makes an operation fail, ``heal`` ends that.
    """

    def __init__(
        self, cloud: Cloud, *, trigger_timeout: float = TRIGGER_TIMEOUT, single_use: bool = True
    ) -> None:
        self._single_use = single_use
        self._emulator = urlsplit(cloud.emulator.url).netloc
        session, url = cloud.root_session(), cloud.emulator.url
        once = Config(max_pool_connections=64, retries={"total_max_attempts": 1})
        timed = once.merge(Config(read_timeout=trigger_timeout))
        self._api: Any = session.client("cognito-idp", endpoint_url=url, config=once)
        self._functions: Any = session.client("lambda", endpoint_url=url, config=timed)
        self._pools = Pools(self._api)
        self._triggers = Triggers(self._api, self._functions)
        self._sessions: dict[str, Flow] = {}
        self._spent: set[str] = set()
        self._faults: dict[str, _Fault] = {}
        self._lock = threading.Lock()
        self._server = make_server(self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def records(self) -> list[Invocation]:
        return self._triggers.records

    def count(self, trigger: str) -> int:
        """How many times a trigger was run, second tries included."""
        return sum(record.trigger == trigger for record in self.records)

    def fail(
        self,
        operation: str,
        code: str = "InternalErrorException",
        *,
        times: int | None = None,
        after: bool = False,
    ) -> None:
        """Answer ``operation`` with an error: the next ``times``, or until ``heal``.

        With ``after`` what was asked for is done first, and the caller does not hear of it.
        """
        self._faults[operation] = _Fault(code, times, after)

    def heal(self) -> None:
        self._faults.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._functions.close()
        self._api.close()

    # Requests

    def _answer(self, request: Message) -> Message:
        target = request.header("x-amz-target")
        operation = target.removeprefix(TARGET) if target.startswith(TARGET) else ""
        fault = self._fault_of(operation)
        try:
            if fault and not fault.after:
                return fault.reply()
            reply = self._answer_operation(operation, request)
            return fault.reply() if fault else reply
        except Refusal as refusal:
            return json_reply({"__type": refusal.code, "message": str(refusal)}, 400)

    def _fault_of(self, operation: str) -> _Fault | None:
        with self._lock:
            fault = self._faults.get(operation)
            if fault and fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    del self._faults[operation]
            return fault

    def _answer_operation(self, operation: str, request: Message) -> Message:
        if operation in DEFAULTS:
            return self._forward(as_cognito_updates(operation, request))
        if operation == "AdminUpdateUserAttributes":
            self._pools.refuse_phone_of_another(read_object(request.body))
        action = operation.removeprefix("Admin")
        if action not in ("InitiateAuth", "RespondToAuthChallenge", "SignUp"):
            return self._forward(request)
        data = read_object(request.body)
        client = self._pools.find_client(data)
        if client is None:
            return self._forward(request)
        if action == "SignUp":
            self._pools.refuse_closed_sign_up(client)
            return self._forward(request)
        if action == "InitiateAuth":
            flow = data.get("AuthFlow")
            if f"ALLOW_{flow}" not in (client.get("ExplicitAuthFlows") or _DEFAULT_FLOWS):
                raise invalid(f"{flow} flow not enabled for this client")
            if flow != "CUSTOM_AUTH":
                return self._forward(request)
            return self._refused(request, data, "AuthFlow") or self._start(client, data)
        if data.get("ChallengeName") != _CHALLENGE:
            # The emulator grants tokens for some of these without any Session.
            raise Refusal("Invalid session for the user.")
        return self._refused(request, data, "ChallengeName") or self._go_on(client, data)

    def _forward(self, request: Message) -> Message:
        connection = HTTPConnection(self._emulator, timeout=60)
        try:
            # The Host stays what the caller signed.
            connection.putrequest(
                request.method, request.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers:
                connection.putheader(name, value)
            connection.endheaders(request.body or None)
            reply = connection.getresponse()
            return Message(reply.getheaders(), reply.read(), status=reply.status)
        finally:
            connection.close()

    def _refused(self, request: Message, data: dict[str, Any], selector: str) -> Message | None:
        """Let the emulator check signature, permission and SECRET_HASH; return its refusal.

        It gets the request with a flow or challenge that it does not have, so that nothing
        happens.
        """
        reply = self._forward(with_body(request, {**data, selector: _PROBE}))
        return None if _PROBE in reply.body.decode() else reply

    # The flow

    def _start(self, client: Client, data: dict[str, Any]) -> Message:
        parameters = data.get("AuthParameters") or {}
        typed = _required(parameters, "USERNAME")
        # The caller's ClientMetadata does not reach Define and Create from here.
        flow = Flow(client, typed, self._pools.find_user(client, typed))
        if "SRP_A" in parameters or parameters.get("CHALLENGE_NAME") == "SRP_A":
            flow = replace(flow, history=(_entry("SRP_A", True, None),))
        return self._next_step(flow)

    def _go_on(self, client: Client, data: dict[str, Any]) -> Message:
        responses = data.get("ChallengeResponses") or {}
        name, answer = _required(responses, "USERNAME"), _required(responses, "ANSWER")
        session = str(data.get("Session"))
        flow = replace(self._take(session, client, name), metadata=data.get("ClientMetadata"))
        try:
            # Nobody is looked for as well: the front must not tell by its own time.
            name = flow.user.username if flow.user.exists else flow.typed
            user = self._pools.find_user(client, name)
            if flow.user.exists:
                flow = replace(flow, user=replace(user, username=flow.user.username))
            asked = {"privateChallengeParameters": flow.private, "challengeAnswer": answer}
            is_correct = self._triggers.run(VERIFY, flow, asked).get("answerCorrect") is True
            entry = _entry(_CHALLENGE, is_correct, flow.challenge_metadata)
            return self._next_step(replace(flow, history=(*flow.history, entry)))
        except Refusal:
            if self._single_use:
                del self._sessions[session]
            raise

    def _take(self, session: str, client: Client, name: str) -> Flow:
        with self._lock:
            flow = self._sessions.get(session)
            if (
                not flow
                or flow.client["ClientId"] != client["ClientId"]
                or name not in (flow.typed, flow.user.username)
            ):
                raise Refusal("Invalid session for the user.")
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
            tokens = self._pools.tokens(flow.client, flow.user.username, flow.metadata or {})
            return json_reply({"AuthenticationResult": tokens})
        if step.get("challengeName") != _CHALLENGE:
            raise unrecognizable()
        created = self._triggers.run(CREATE, flow, {"challengeName": _CHALLENGE, **history})
        minutes = flow.client.get("AuthSessionValidity") or DEFAULT_SESSION_MINUTES
        session = secrets.token_urlsafe(48)
        self._sessions[session] = replace(
            flow,
            private=created.get("privateChallengeParameters") or {},
            challenge_metadata=created.get("challengeMetadata"),
            expires_at=now() + minutes * 60,
        )
        public = created.get("publicChallengeParameters") or {}
        return json_reply(
            {
                "ChallengeName": _CHALLENGE,
                "Session": session,
                "ChallengeParameters": public | {"USERNAME": flow.user.username},
            }
        )


def _entry(name: str, result: bool, metadata: str | None) -> dict[str, Any]:
    return {"challengeName": name, "challengeResult": result, "challengeMetadata": metadata}


def _required(parameters: dict[str, Any], name: str) -> str:
    value = parameters.get(name)
    if not (value and isinstance(value, str)):
        raise invalid(f"Missing required parameter {name}")
    return value
