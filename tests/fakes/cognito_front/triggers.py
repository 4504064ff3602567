"""The triggers of a pool, run as Cognito runs them."""

import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.fakes.cognito_front.messages import read_object, read_value
from tests.fakes.cognito_front.pools import Client, Refusal, User, hides_users, invalid

TRIGGER_TIMEOUT = 5.0
TRIGGER_TRIES = 3
DEFINE = "DefineAuthChallenge"
CREATE = "CreateAuthChallenge"
VERIFY = "VerifyAuthChallengeResponse"
PRE_AUTHENTICATION = "PreAuthentication"
_RESPONSES: dict[str, dict[str, type]] = {
    DEFINE: {"challengeName": str, "issueTokens": bool, "failAuthentication": bool},
    CREATE: {
        "publicChallengeParameters": dict,
        "privateChallengeParameters": dict,
        "challengeMetadata": str,
    },
    VERIFY: {"answerCorrect": bool},
    PRE_AUTHENTICATION: {},
}


@dataclass(frozen=True)
class Invocation:
    """One try to run a trigger. ``response`` is what it returned, or None if it never answered."""

    trigger: str
    event: dict[str, Any] = field(repr=False)
    response: Any = field(repr=False)


@dataclass(frozen=True)
class Flow:
    """What a Session stands for. ``typed`` is the name with which the flow began.

    ``awaits`` is the name of the challenge that the Session serves. ``srp_a`` is "" where the flow
    did not begin with a password, ``secret_block`` what the challenge to prove it handed out, and
    ``proof_until`` when a proof comes too late. ``factor_code`` is a second code that was sent,
    until ``factor_until``; ``setup_token`` belongs to somebody who sets up an authenticator app,
    and ``has_set_up`` once that is done.
    """

    client: Client
    typed: str
    user: User
    metadata: dict[str, str] | None = None
    history: tuple[dict[str, Any], ...] = ()
    private: dict[str, str] = field(default_factory=dict)
    challenge_metadata: str | None = None
    expires_at: float = 0.0
    awaits: str = ""
    srp_a: str = ""
    secret_block: str = ""
    proof_until: float = 0.0
    factor_code: str = ""
    factor_until: float = 0.0
    setup_token: str = ""
    has_set_up: bool = False


class Triggers:
    """Clients of the emulator with every right. ``records`` holds every run, oldest first."""

    def __init__(self, api: Any, functions: Any) -> None:
        self.records: list[Invocation] = []
        self._api = api
        self._functions = functions
        self._permitted: set[tuple[str, str]] = set()

    def run(self, trigger: str, flow: Flow, asked: dict[str, Any]) -> dict[str, Any]:
        function = self._function(trigger, flow)
        if not function:
            raise invalid("Custom auth lambda trigger is not configured for the user pool.")
        request = {"userAttributes": flow.user.attributes, **asked}
        if hides_users(flow.client):
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
            raise Refusal(
                f"{trigger} failed with error {read_object(payload).get('errorMessage')}.",
                code="UserLambdaValidationException",
            )
        return _read_response(trigger, payload)

    def may_begin(self, flow: Flow, validation_data: dict[str, str] | None) -> None:
        """Run PreAuthentication, where the pool has one. Its error is the Refusal of the flow.

        It gets what InitiateAuth carries as ClientMetadata, and no other trigger does.
        """
        if self._function(PRE_AUTHENTICATION, flow):
            self.run(PRE_AUTHENTICATION, flow, {"validationData": validation_data})

    def _function(self, trigger: str, flow: Flow) -> str:
        pool = self._api.describe_user_pool(UserPoolId=flow.client["UserPoolId"])["UserPool"]
        return str(pool.get("LambdaConfig", {}).get(trigger) or "")

    def _require_permission(self, function: str, trigger: str, pool_id: str) -> None:
        """Refuse where the function's own policy does not let Cognito call it for the pool."""
        if (function, pool_id) in self._permitted:
            return
        try:
            policy = self._functions.get_policy(FunctionName=function)["Policy"]
        except self._functions.exceptions.ResourceNotFoundException as error:
            if "policy" not in str(error):
                return  # The function does not exist, as its invocation will say.
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
        raise Refusal(
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
                raise Refusal(f"{failure} {code}.", code="UnexpectedLambdaException") from error
            self.records.append(Invocation(trigger, event, read_value(payload)))
            return payload, "FunctionError" in reply
        raise Refusal(
            f"{failure} Socket timeout while invoking Lambda function.",
            code="UnexpectedLambdaException",
        )


def _read_response(trigger: str, payload: bytes) -> dict[str, Any]:
    response = read_object(payload).get("response")
    if not isinstance(response, dict):
        raise unrecognizable()
    for name, kind in _RESPONSES[trigger].items():
        value = response.get(name)
        if value is not None and not isinstance(value, kind):
            raise unrecognizable()
        if isinstance(value, dict) and not all(isinstance(each, str) for each in value.values()):
            raise unrecognizable()
    return response


def unrecognizable() -> Refusal:
    return Refusal("Unrecognizable lambda output", code="InvalidLambdaResponseException")
