"""What the services answer, and what they must not be quoted with."""

from typing import Any

from tests.lambdas import aws
from tests.wire import Reply

PROJECT_ID = "fedcba9876543210fedcba9876543210"
PHONE = "+12015550123"
CODE = "012345"
BODY = f"{CODE} is your Example sign-in code."


def sent(sender: str) -> Reply:
    """A text taken as ``message-1``."""
    return {
        "sns": aws.TEXT_SENT,
        "pinpoint": pinpoint_result({"DeliveryStatus": "SUCCESSFUL", "MessageId": "message-1"}),
        "end_user_messaging": Reply({"MessageId": "message-1"}),
    }[sender]


def pinpoint_result(result: Any, phone: str = PHONE) -> Reply:
    response = {"ApplicationId": PROJECT_ID, "RequestId": "request-1", "Result": {phone: result}}
    return Reply(response)


def refusal(sender: str, code: str, status: int = 400, **more: Any) -> Reply:
    """An error that quotes what it was asked, as services do."""
    message = f"Invalid: {PHONE} {BODY}"
    if sender == "sns":
        return aws.sns_error(code, message, status)
    return Reply({"__type": code, "Message": message, **more}, status)


def secrets_in(shown: str) -> list[str]:
    """What of a phone, a text and its code can be read in ``shown``."""
    return [secret for secret in (PHONE[1:], "sign-in", CODE) if secret in shown]
