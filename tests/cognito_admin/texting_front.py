"""The strict front, with the services for texts that the local AWS lacks."""

import json
from typing import Any
from urllib.parse import parse_qs

from botocore.validate import ParamValidator

from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.cognito_front.messages import Message


class WithTexts(CognitoFront):
    """The front, with the services for texts that the local AWS lacks.

    ``replies`` are by operation; each is checked against botocore's model of it. A tuple is an
    error with its reason.
    """

    def __init__(self, aws: Any) -> None:
        super().__init__(aws)  # type: ignore[arg-type]
        self.replies: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._models = {
            "PinpointSMSVoiceV2": aws.client("pinpoint-sms-voice-v2").meta.service_model,
            "sns": aws.client("sns").meta.service_model,
        }

    def _answer(self, request: Message) -> Message:
        service, _, operation = request.header("x-amz-target").partition(".")
        if service == "PinpointSMSVoiceV2":
            data = json.loads(request.body)
            self.asked.append((operation, data))
            return self._texting(operation, data)
        action = parse_qs(request.body.decode("latin-1")).get("Action", [""])[0]
        if action in ("GetSMSSandboxAccountStatus", "GetSMSAttributes"):
            return self._sns(action)
        return super()._answer(request)

    def _texting(self, operation: str, data: dict[str, Any]) -> Message:
        reply = self.replies[operation]
        if callable(reply):
            reply = reply(data)
        model = self._models["PinpointSMSVoiceV2"].operation_model(operation)
        kind = "application/x-amz-json-1.0"
        if isinstance(reply, tuple):
            code, reason = reply
            shapes = {shape.name: shape for shape in model.error_shapes}
            reasons = shapes[code].members["Reason"].enum
            assert reason in reasons
            body = {"__type": code, "Message": reason, "Reason": reason}
            return Message([("Content-Type", kind)], json.dumps(body).encode(), status=400)
        report = ParamValidator().validate(reply, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return Message([("Content-Type", kind)], json.dumps(reply).encode(), status=200)

    def _sns(self, action: str) -> Message:
        inner = self.replies[action]
        body = f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"
        return Message([("Content-Type", "text/xml")], body.encode(), status=200)


def would_leave(data: dict[str, Any]) -> dict[str, str]:
    assert data["DryRun"] is True
    return {"MessageId": "dry-run"}


WELL: dict[str, Any] = {
    "GetSMSSandboxAccountStatus": "<IsInSandbox>false</IsInSandbox>",
    "GetSMSAttributes": "<attributes><entry><key>MonthlySpendLimit</key><value>1000</value>"
    "</entry></attributes>",
    "SendTextMessage": would_leave,
    "DescribeAccountAttributes": {
        "AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]
    },
    "DescribeSpendLimits": {
        "SpendLimits": [
            {
                "Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT",
                "EnforcedLimit": 1000,
                "MaxLimit": 1000,
                "Overridden": False,
            }
        ]
    },
}
