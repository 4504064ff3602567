"""A front before the emulator which is as strict as Amazon Cognito where the emulator is not.

It runs the CUSTOM_AUTH flow itself: it invokes the deployed triggers, with Cognito's events,
time-outs and second tries, where the function lets the pool call it, and hands out a Session that
serves one answer. What an update of a pool or client leaves out is reset. Users, secrets,
permissions, tokens and keys remain the emulator's, and every other request passes unchanged.

    with CognitoFront(cloud) as front:
        boto3.client("cognito-idp", endpoint_url=front.url)

A flow has any number of rounds, may begin with a password (SRP), and may end with a second factor
of Cognito's own. It does not play PostAuthentication or throttling.
"""

import threading
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.config import Config

from localcloud.cloud import Cloud
from tests.fakes.cognito_front.factors import Factors
from tests.fakes.cognito_front.messages import (
    TARGET,
    Message,
    json_reply,
    make_server,
    read_object,
    with_body,
)
from tests.fakes.cognito_front.passwords import Passwords
from tests.fakes.cognito_front.pools import Pools, Refusal, invalid
from tests.fakes.cognito_front.steps import Steps
from tests.fakes.cognito_front.triggers import TRIGGER_TIMEOUT, Invocation, Triggers
from tests.fakes.cognito_front.updates import DEFAULTS, as_cognito_updates

_DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
_PROBE = "STRICT_FRONT_PROBE"


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
    ``fail`` makes an operation fail, ``heal`` ends that. ``factors`` has the second codes that the
    pool itself sent; with ``factors_follow_ours=False`` it asks for none after our challenges.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        trigger_timeout: float = TRIGGER_TIMEOUT,
        single_use: bool = True,
        factors_follow_ours: bool = True,
    ) -> None:
        self._emulator = urlsplit(cloud.emulator.url).netloc
        session, url = cloud.root_session(), cloud.emulator.url
        once = Config(max_pool_connections=64, retries={"total_max_attempts": 1})
        timed = once.merge(Config(read_timeout=trigger_timeout))
        self._api: Any = session.client("cognito-idp", endpoint_url=url, config=once)
        self._functions: Any = session.client("lambda", endpoint_url=url, config=timed)
        self._pools = Pools(self._api)
        self._triggers = Triggers(self._api, self._functions)
        self._passwords = Passwords(self._api)
        self.factors = Factors(self._api, self._pools, follow_ours=factors_follow_ours)
        self._steps = Steps(
            self._pools, self._triggers, self._passwords, self.factors, single_use=single_use
        )
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
        self._passwords.close()
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
        if operation == "AdminSetUserMFAPreference":
            self.factors.prefer(read_object(request.body))
        if operation in ("AssociateSoftwareToken", "VerifySoftwareToken"):
            data = read_object(request.body)
            act = self._steps.associate if operation[0] == "A" else self._steps.verify
            return act(data) or self._forward(request)
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
            return self._refused(request, data, "AuthFlow") or self._steps.start(client, data)
        # Before the emulator hears of it, which grants tokens for some without any Session.
        self._steps.require(client, data)
        return self._refused(request, data, "ChallengeName") or self._steps.go_on(client, data)

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
