"""What AWS answers the functions, and what they asked it."""

from urllib.parse import parse_qs

from tests.wire import Reply, Request, WireServer

CODE_KEY = "0123456789abcdef" * 4
SECRET_ID = "phone-login/tests/code-key"
_SNS = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'

KEY_READ = Reply({"Name": SECRET_ID, "SecretString": CODE_KEY})
TEXT_SENT = Reply(
    f"<PublishResponse {_SNS}><PublishResult><MessageId>message-1</MessageId></PublishResult>"
    "</PublishResponse>".encode()
)
HANGING = Reply(delay=4, drop=True)


def sns_error(code: str, message: str, status: int = 400) -> Reply:
    body = (
        f"<ErrorResponse {_SNS}><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{message}</Message></Error></ErrorResponse>"
    )
    return Reply(body.encode(), status)


def published(request: Request) -> dict[str, str]:
    """The fields of an SNS call."""
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def texts(sns: WireServer) -> list[tuple[str, str]]:
    """Phone and message of every text that SNS was asked to send."""
    calls = [published(request) for request in sns.requests]
    return [(call["PhoneNumber"], call["Message"]) for call in calls]
