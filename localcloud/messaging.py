"""AWS End User Messaging as far as calls and WhatsApp go: the emulator has none of it.

A stand-in at the wire, which judges requests by AWS's own service models and keeps what it was
asked to send, for the inbox. Nothing leaves this machine, and all is forgotten at the end.

    GET /messages    what it keeps, oldest first
"""

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

_SMS_VOICE = "pinpoint-sms-voice-v2"
_SOCIAL = "socialmessaging"
# Of the functions: botocore reads where a service is from the environment.
_VARIABLES = ("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", "AWS_ENDPOINT_URL_SOCIALMESSAGING")


class Messaging:
    """The stand-in, on a port of its own. Use ``start`` and ``stop``."""

    def __init__(self) -> None:
        self.kept: list[dict[str, str]] = []
        # The error code of every answer, "" where requests are taken.
        self.refuses = ""
        self._models = botocore.session.get_session()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The address of the stand-in. It must have been started."""
        if self._server is None:
            raise RuntimeError("Not started")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which functions find it."""
        return dict.fromkeys(_VARIABLES, self.url)

    def start(self) -> None:
        """Listen on a free port of loopback."""
        messaging = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(200, {"messages": messaging.kept})

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
                self.reply(*messaging.answer(operation or self.path, json.loads(content)))

            def reply(self, status: int, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it. Harmless when it is not running."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body of the reply to a request, and keep what it asked to send."""
        if self.refuses:
            return 400, {"__type": self.refuses, "message": "Refused"}
        read = {
            "SendVoiceMessage": self._call,
            "SendNotifyVoiceMessage": self._notify_call,
            "/v1/whatsapp/send": self._whatsapp,
        }.get(operation)
        if read is None:
            return 400, {"__type": "UnknownOperationException", "message": operation}
        message = read(asked)
        if message is None:
            return 400, {"__type": "ValidationException", "message": "Not as the model says"}
        with self._lock:
            self.kept.append(message)
            name = f"local-{len(self.kept)}"
        return 200, {"MessageId": name, "messageId": name}

    def _call(self, asked: dict[str, Any]) -> dict[str, str] | None:
        if not self._fits(_SMS_VOICE, "SendVoiceMessage", asked):
            return None
        # As it is heard: a digit, a pause, a digit.
        spoken = re.sub(r"<break[^>]*>", " ", asked["MessageBody"])
        words = " ".join(re.sub(r"<[^>]*>", "", spoken).split())
        return {"channel": "voice", "to": asked["DestinationPhoneNumber"], "body": words}

    def _notify_call(self, asked: dict[str, Any]) -> dict[str, str] | None:
        if not self._fits(_SMS_VOICE, "SendNotifyVoiceMessage", asked):
            return None
        body = f"Your code is {asked['TemplateVariables']['code']}"
        return {"channel": "voice", "to": asked["DestinationPhoneNumber"], "body": body}

    def _whatsapp(self, asked: dict[str, Any]) -> dict[str, str] | None:
        content = base64.b64decode(asked.get("message", ""))
        if not self._fits(_SOCIAL, "SendWhatsAppMessage", asked | {"message": content}):
            return None
        message = json.loads(content)
        code = message["template"]["components"][0]["parameters"][0]["text"]
        # Meta's words, in which templates of this kind are.
        body = f"{code} is your verification code."
        return {"channel": "whatsapp", "to": message["to"], "body": body}

    def _fits(self, service: str, operation: str, asked: dict[str, Any]) -> bool:
        model: Any = self._models.get_service_model(service).operation_model(operation)
        report = ParamValidator().validate(asked, model.input_shape)
        return set(asked) <= set(model.input_shape.members) and not report.has_errors()
