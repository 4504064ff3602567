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

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from localcloud.cloud import Cloud

TRIGGER_TIMEOUT = 5.0
TRIGGER_TRIES = 3
DEFAULT_SESSION_MINUTES = 3

DEFINE = "DefineAuthChallenge"
CREATE = "CreateAuthChallenge"
VERIFY = "VerifyAuthChallengeResponse"
_CHALLENGE = "CUSTOM_CHALLENGE"
_RESPONSES: dict[str, dict[str, type]] = {
    DEFINE: {"challengeName": str, "issueTokens": bool, "failAuthentication": bool},
    CREATE: {
        "publicChallengeParameters": dict,
        "privateChallengeParameters": dict,
        "challengeMetadata": str,
    },
    VERIFY: {"answerCorrect": bool},
}
# As DescribeUserPoolClient gives it.
_Client = dict[str, Any]
_DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
# What an update resets, unless it says so itself.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "UpdateUserPool": {
        "Policies": {"PasswordPolicy": {"MinimumLength": 8, "TemporaryPasswordValidityDays": 7}},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
        "MfaConfiguration": "OFF",
        "DeletionProtection": "INACTIVE",
        "AutoVerifiedAttributes": [],
        **dict.fromkeys(("SmsVerificationMessage", "SmsAuthenticationMessage"), ""),
        **dict.fromkeys(("EmailVerificationMessage", "EmailVerificationSubject"), ""),
        **{
            name: {}
            for name in (
                *("LambdaConfig", "VerificationMessageTemplate", "UserAttributeUpdateSettings"),
                *("DeviceConfiguration", "EmailConfiguration", "SmsConfiguration"),
                *("UserPoolTags", "UserPoolAddOns", "AccountRecoverySetting"),
            )
        },
    },
    "UpdateUserPoolClient": {
        "RefreshTokenValidity": 30,
        "AuthSessionValidity": DEFAULT_SESSION_MINUTES,
        "PreventUserExistenceErrors": "LEGACY",
        "EnableTokenRevocation": True,
        "AllowedOAuthFlowsUserPoolClient": False,
        "EnablePropagateAdditionalUserContextData": False,
        "TokenValidityUnits": {},
        "DefaultRedirectURI": "",
        **dict.fromkeys(("AccessTokenValidity", "IdTokenValidity"), None),
        **{
            name: []
            for name in (
                *("ReadAttributes", "WriteAttributes", "ExplicitAuthFlows", "CallbackURLs"),
                *("SupportedIdentityProviders", "LogoutURLs", "AllowedOAuthFlows"),
                "AllowedOAuthScopes",
            )
        },
    },
}
_TARGET = "AWSCognitoIdentityProviderService."
_PROBE = "STRICT_FRONT_PROBE"
# Of Sessions, in seconds. Tests of the site move the other clock.
now = time.monotonic


@dataclass(frozen=True)
class Invocation:
    """One try to run a trigger. ``response`` is what it returned, or None if it never answered."""

    trigger: str
    event: dict[str, Any] = field(repr=False)
    response: Any = field(repr=False)


class _Refusal(Exception):
    def __init__(self, message: str, *, code: str = "NotAuthorizedException") -> None:
        super().__init__(message)
        self.code = code


@dataclass
class _Fault:
    code: str
    times: int | None
    after: bool

    def reply(self) -> "_Message":
        status = 500 if self.code == "InternalErrorException" else 400
        return _json_reply({"__type": self.code, "message": "As the test wants it."}, status)


@dataclass(frozen=True)
class _User:
    """``username`` is the internal name: the sub, or a UUID made up from an unknown name."""

    username: str
    attributes: dict[str, str]
    exists: bool = True


@dataclass(frozen=True)
class _Flow:
    """What a Session stands for. ``typed`` is the name with which the flow began."""

    client: _Client
    typed: str
    user: _User
    metadata: dict[str, str] | None = None
    history: tuple[dict[str, Any], ...] = ()
    private: dict[str, str] = field(default_factory=dict)
    challenge_metadata: str | None = None
    expires_at: float = 0.0


@dataclass(frozen=True)
class _Message:
    """A request or a reply as it stands on the wire."""

    headers: list[tuple[str, str]]
    body: bytes
    method: str = ""
    path: str = ""
    status: int = 0

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def without(self, name: str) -> list[tuple[str, str]]:
        return [(key, value) for key, value in self.headers if key.lower() != name]


class CognitoFront:
    """Serves on a port of its own from ``with`` to its end.

    ``records`` holds every run of a trigger, oldest first. With ``single_use=False`` a Session
    serves any number of answers: that is how the triggers are attacked with parallel ones.
    ``fail`` makes an operation fail, ``heal`` ends that.
    """

    def __init__(
        self, cloud: Cloud, *, trigger_timeout: float = TRIGGER_TIMEOUT, single_use: bool = True
    ) -> None:
        self.records: list[Invocation] = []
        self._single_use = single_use
        self._emulator = urlsplit(cloud.emulator.url).netloc
        session, url = cloud.root_session(), cloud.emulator.url
        once = Config(max_pool_connections=64, retries={"total_max_attempts": 1})
        timed = once.merge(Config(read_timeout=trigger_timeout))
        self._api: Any = session.client("cognito-idp", endpoint_url=url, config=once)
        self._functions: Any = session.client("lambda", endpoint_url=url, config=timed)
        self._pools: dict[Any, str] = {}  # by client
        self._sessions: dict[str, _Flow] = {}
        self._spent: set[str] = set()
        self._permitted: set[tuple[str, str]] = set()
        self._faults: dict[str, _Fault] = {}
        self._lock = threading.Lock()
        self._server = _server(self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

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

    def __enter__(self) -> "CognitoFront":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._functions.close()
        self._api.close()

    # Requests

    def _answer(self, request: _Message) -> _Message:
        target = request.header("x-amz-target")
        operation = target.removeprefix(_TARGET) if target.startswith(_TARGET) else ""
        fault = self._fault_of(operation)
        try:
            if fault and not fault.after:
                return fault.reply()
            reply = self._answer_operation(operation, request)
            return fault.reply() if fault else reply
        except _Refusal as refusal:
            return _json_reply({"__type": refusal.code, "message": str(refusal)}, 400)

    def _fault_of(self, operation: str) -> "_Fault | None":
        with self._lock:
            fault = self._faults.get(operation)
            if fault and fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    del self._faults[operation]
            return fault

    def _answer_operation(self, operation: str, request: _Message) -> _Message:
        if operation in _DEFAULTS:
            return self._forward(_updating(operation, request))
        if operation == "AdminUpdateUserAttributes":
            self._refuse_phone_of_another(_object(request.body))
        action = operation.removeprefix("Admin")
        if action not in ("InitiateAuth", "RespondToAuthChallenge", "SignUp"):
            return self._forward(request)
        data = _object(request.body)
        client = self._find_client(data)
        if client is None:
            return self._forward(request)
        if action == "SignUp":
            self._refuse_closed_sign_up(client)
            return self._forward(request)
        if action == "InitiateAuth":
            flow = data.get("AuthFlow")
            if f"ALLOW_{flow}" not in (client.get("ExplicitAuthFlows") or _DEFAULT_FLOWS):
                raise _invalid(f"{flow} flow not enabled for this client")
            if flow != "CUSTOM_AUTH":
                return self._forward(request)
            return self._refused(request, data, "AuthFlow") or self._start(client, data)
        if data.get("ChallengeName") != _CHALLENGE:
            # The emulator grants tokens for some of these without any Session.
            raise _Refusal("Invalid session for the user.")
        return self._refused(request, data, "ChallengeName") or self._go_on(client, data)

    def _forward(self, request: _Message) -> _Message:
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
            return _Message(reply.getheaders(), reply.read(), status=reply.status)
        finally:
            connection.close()

    def _refused(self, request: _Message, data: dict[str, Any], selector: str) -> _Message | None:
        """Let the emulator check signature, permission and SECRET_HASH; return its refusal.

        It gets the request with a flow or challenge that it does not have, so that nothing
        happens.
        """
        reply = self._forward(_with_body(request, {**data, selector: _PROBE}))
        return None if _PROBE in reply.body.decode() else reply

    # The pool

    def _find_client(self, data: dict[str, Any]) -> _Client | None:
        client_id = data.get("ClientId")
        for pool_id in self._pools_to_search(data):
            try:
                reply = self._api.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
            except ClientError:
                continue
            self._pools[client_id] = pool_id
            client: _Client = reply["UserPoolClient"]
            return client
        return None

    def _pools_to_search(self, data: dict[str, Any]) -> list[str]:
        if known := data.get("UserPoolId") or self._pools.get(data.get("ClientId")):
            return [known]
        pages = self._api.get_paginator("list_user_pools").paginate(MaxResults=60)
        return [pool["Id"] for page in pages for pool in page["UserPools"]]

    def _refuse_closed_sign_up(self, client: _Client) -> None:
        pool = self._api.describe_user_pool(UserPoolId=client["UserPoolId"])["UserPool"]
        if pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly"):
            raise _Refusal("SignUp is not permitted for this user pool")

    def _refuse_phone_of_another(self, data: dict[str, Any]) -> None:
        for attribute in data.get("UserAttributes") or ():
            if attribute.get("Name") == "phone_number":
                owner = self._sub_of(data, attribute.get("Value"))
                if owner and owner != self._sub_of(data, data.get("Username")):
                    message = "An account with the given phone_number already exists."
                    raise _Refusal(message, code="AliasExistsException")

    def _sub_of(self, data: dict[str, Any], name: Any) -> str | None:
        try:
            found = self._api.admin_get_user(UserPoolId=data.get("UserPoolId"), Username=name)
        except ClientError:
            return None
        return str(found["Username"])

    def _find_user(self, client: _Client, name: str) -> _User:
        try:
            found = self._api.admin_get_user(UserPoolId=client["UserPoolId"], Username=name)
        except self._api.exceptions.UserNotFoundException:
            if not _hides_users(client):
                raise _Refusal("User does not exist.", code="UserNotFoundException") from None
            made_up = uuid.uuid3(uuid.NAMESPACE_URL, client["UserPoolId"] + name)
            return _User(str(made_up), {}, exists=False)
        status = found["UserStatus"]
        if not found["Enabled"]:
            raise _Refusal("User is disabled.")
        if status == "UNCONFIRMED":
            raise _Refusal("User is not confirmed.", code="UserNotConfirmedException")
        if status == "RESET_REQUIRED":
            raise _Refusal(
                "Password reset required for the user", code="PasswordResetRequiredException"
            )
        attributes = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
        return _User(found["Username"], attributes | {"cognito:user_status": status})

    def _tokens(self, flow: _Flow) -> dict[str, Any]:
        """Let the emulator issue tokens, for a challenge that it answers with nothing else."""
        name, client = flow.user.username, flow.client
        responses = {"USERNAME": name}
        if secret := client.get("ClientSecret"):
            digest = hmac.digest(
                secret.encode(), (name + client["ClientId"]).encode(), hashlib.sha256
            )
            responses["SECRET_HASH"] = base64.b64encode(digest).decode()
        reply = self._api.respond_to_auth_challenge(
            ClientId=client["ClientId"],
            ChallengeName="MFA_SETUP",
            ChallengeResponses=responses,
            ClientMetadata=flow.metadata or {},
        )
        return reply["AuthenticationResult"]  # type: ignore[no-any-return]

    # The flow

    def _start(self, client: _Client, data: dict[str, Any]) -> _Message:
        parameters = data.get("AuthParameters") or {}
        typed = _required(parameters, "USERNAME")
        # The caller's ClientMetadata does not reach Define and Create from here.
        flow = _Flow(client, typed, self._find_user(client, typed))
        if "SRP_A" in parameters or parameters.get("CHALLENGE_NAME") == "SRP_A":
            flow = replace(flow, history=(_entry("SRP_A", True, None),))
        return self._next_step(flow)

    def _go_on(self, client: _Client, data: dict[str, Any]) -> _Message:
        responses = data.get("ChallengeResponses") or {}
        name, answer = _required(responses, "USERNAME"), _required(responses, "ANSWER")
        session = str(data.get("Session"))
        flow = replace(self._take(session, client, name), metadata=data.get("ClientMetadata"))
        try:
            if flow.user.exists:
                user = self._find_user(client, flow.user.username)
                flow = replace(flow, user=replace(user, username=flow.user.username))
            asked = {"privateChallengeParameters": flow.private, "challengeAnswer": answer}
            is_correct = self._run(VERIFY, flow, asked).get("answerCorrect") is True
            entry = _entry(_CHALLENGE, is_correct, flow.challenge_metadata)
            return self._next_step(replace(flow, history=(*flow.history, entry)))
        except _Refusal:
            if self._single_use:
                del self._sessions[session]
            raise

    def _take(self, session: str, client: _Client, name: str) -> _Flow:
        with self._lock:
            flow = self._sessions.get(session)
            if (
                not flow
                or flow.client["ClientId"] != client["ClientId"]
                or name not in (flow.typed, flow.user.username)
            ):
                raise _Refusal("Invalid session for the user.")
            if self._single_use and session in self._spent:
                raise _Refusal("Invalid session for the user, session can only be used once.")
            if now() >= flow.expires_at:
                raise _Refusal("Invalid session for the user, session is expired.")
            self._spent.add(session)
            return flow

    def _next_step(self, flow: _Flow) -> _Message:
        history = {"session": list(flow.history)}
        step = self._run(DEFINE, flow, history)
        if step.get("failAuthentication") or (step.get("issueTokens") and not flow.user.exists):
            raise _Refusal("Incorrect username or password.")
        if step.get("issueTokens"):
            return _json_reply({"AuthenticationResult": self._tokens(flow)})
        if step.get("challengeName") != _CHALLENGE:
            raise _unrecognizable()
        created = self._run(CREATE, flow, {"challengeName": _CHALLENGE, **history})
        minutes = flow.client.get("AuthSessionValidity") or DEFAULT_SESSION_MINUTES
        session = secrets.token_urlsafe(48)
        self._sessions[session] = replace(
            flow,
            private=created.get("privateChallengeParameters") or {},
            challenge_metadata=created.get("challengeMetadata"),
            expires_at=now() + minutes * 60,
        )
        public = created.get("publicChallengeParameters") or {}
        return _json_reply(
            {
                "ChallengeName": _CHALLENGE,
                "Session": session,
                "ChallengeParameters": public | {"USERNAME": flow.user.username},
            }
        )

    # The triggers

    def _run(self, trigger: str, flow: _Flow, asked: dict[str, Any]) -> dict[str, Any]:
        pool = self._api.describe_user_pool(UserPoolId=flow.client["UserPoolId"])["UserPool"]
        function = pool.get("LambdaConfig", {}).get(trigger)
        if not function:
            raise _invalid("Custom auth lambda trigger is not configured for the user pool.")
        request = {"userAttributes": flow.user.attributes, **asked}
        if _hides_users(flow.client):
            request["userNotFound"] = not flow.user.exists
        if flow.metadata:
            request["clientMetadata"] = flow.metadata
        event = {
            "version": "1",
            "triggerSource": f"{trigger}_Authentication",
            "region": flow.client["UserPoolId"].partition("_")[0],
            "userPoolId": flow.client["UserPoolId"],
            "userName": flow.user.username,
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": flow.client["ClientId"],
            },
            "request": request,
            "response": dict.fromkeys(_RESPONSES[trigger]),
        }
        self._require_permission(function, trigger, flow.client["UserPoolId"])
        payload, failed = self._invoke(function, trigger, event)
        if failed:
            raise _Refusal(
                f"{trigger} failed with error {_object(payload).get('errorMessage')}.",
                code="UserLambdaValidationException",
            )
        return _read_response(trigger, payload)

    def _require_permission(self, function: str, trigger: str, pool_id: str) -> None:
        """Refuse where the function's own policy does not let Cognito call it for the pool."""
        if (function, pool_id) in self._permitted:
            return
        try:
            policy = self._functions.get_policy(FunctionName=function)["Policy"]
        except self._functions.exceptions.ResourceNotFoundException as error:
            if "policy" not in str(error):
                return  # There is no such function, as its invocation will say.
            policy = '{"Statement": []}'
        for statement in json.loads(policy)["Statement"]:
            source = str(statement.get("Condition", {}).get("ArnLike", {}).values())
            if (
                statement["Principal"] == {"Service": "cognito-idp.amazonaws.com"}
                and statement["Resource"] == function
                and f"userpool/{pool_id}'" in source
            ):
                self._permitted.add((function, pool_id))
                return
        raise _Refusal(
            f"{trigger} invocation failed due to error AccessDeniedException.",
            code="UnexpectedLambdaException",
        )

    def _invoke(self, function: str, trigger: str, event: dict[str, Any]) -> tuple[bytes, bool]:
        """Return what a function returned and whether that is an error, at the latest try."""
        failure = f"{trigger} invocation failed due to error"
        for _ in range(TRIGGER_TRIES):
            try:
                reply = self._functions.invoke(FunctionName=function, Payload=json.dumps(event))
                payload = reply["Payload"].read()
            except (ConnectTimeoutError, ReadTimeoutError):
                self.records.append(Invocation(trigger, event, None))
                continue
            except ClientError as error:
                code = error.response["Error"]["Code"]
                raise _Refusal(f"{failure} {code}.", code="UnexpectedLambdaException") from error
            self.records.append(Invocation(trigger, event, _value(payload)))
            return payload, "FunctionError" in reply
        raise _Refusal(
            f"{failure} Socket timeout while invoking Lambda function.",
            code="UnexpectedLambdaException",
        )


def _updating(operation: str, request: _Message) -> _Message:
    """Return the request with what Cognito makes of all that it leaves out."""
    data = _object(request.body)
    passwords = data.get("Policies", {}).get("PasswordPolicy", {})
    if "TemporaryPasswordValidityDays" in passwords and "UnusedAccountValidityDays" in data.get(
        "AdminCreateUserConfig", {}
    ):
        raise _invalid("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of it")
    if data.get("MfaConfiguration", "OFF") != "OFF" and not data.get("SmsConfiguration"):
        raise _invalid("SMS configuration is required when MFA is on for the pool")
    data = {**_DEFAULTS[operation], **data}
    if days := passwords.get("TemporaryPasswordValidityDays"):
        # One setting under two names.
        data["AdminCreateUserConfig"] = {
            **data["AdminCreateUserConfig"],
            "UnusedAccountValidityDays": days,
        }
    return _with_body(request, data)


def _with_body(request: _Message, data: dict[str, Any]) -> _Message:
    """Return the request with another body, for the emulator.

    The signature covers the hash of the true one, which it takes from the header.
    """
    body = json.dumps(data).encode()
    headers = [
        *request.without("content-length"),
        ("Content-Length", str(len(body))),
        ("X-Amz-Content-Sha256", hashlib.sha256(request.body).hexdigest()),
    ]
    return replace(request, headers=headers, body=body)


def _hides_users(client: _Client) -> bool:
    return client.get("PreventUserExistenceErrors") == "ENABLED"


def _read_response(trigger: str, payload: bytes) -> dict[str, Any]:
    response = _object(payload).get("response")
    if not isinstance(response, dict):
        raise _unrecognizable()
    for name, kind in _RESPONSES[trigger].items():
        value = response.get(name)
        if value is not None and not isinstance(value, kind):
            raise _unrecognizable()
        if isinstance(value, dict) and not all(isinstance(each, str) for each in value.values()):
            raise _unrecognizable()
    return response


def _invalid(message: str) -> _Refusal:
    return _Refusal(message, code="InvalidParameterException")


def _unrecognizable() -> _Refusal:
    return _Refusal("Unrecognizable lambda output", code="InvalidLambdaResponseException")


def _entry(name: str, result: bool, metadata: str | None) -> dict[str, Any]:
    return {"challengeName": name, "challengeResult": result, "challengeMetadata": metadata}


def _required(parameters: dict[str, Any], name: str) -> str:
    value = parameters.get(name)
    if not (value and isinstance(value, str)):
        raise _invalid(f"Missing required parameter {name}")
    return value


def _value(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _object(content: bytes) -> dict[str, Any]:
    value = _value(content)
    return value if isinstance(value, dict) else {}


def _json_reply(content: dict[str, Any], status: int = 200) -> _Message:
    # Pages of any origin may read what Cognito says.
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Access-Control-Allow-Origin", "*"),
    ]
    return _Message(headers, json.dumps(content).encode(), status=status)


def _server(answer: Callable[[_Message], _Message]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            # No caller of ours sends its body in chunks.
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            reply = answer(_Message(self.headers.items(), body, self.command, self.path))
            self.send_response_only(reply.status)
            for name, value in reply.without("transfer-encoding"):
                self.send_header(name, value)
            if not reply.header("content-length"):
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    return Server(("127.0.0.1", 0), Handler)
