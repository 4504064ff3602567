"""A browser of a WSGI application in this process, which itself costs little."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Browser:
    """Keeps cookies and follows no redirect. ``address`` is that of its network."""

    def __init__(self, application: Callable[..., Any], address: str) -> None:
        self._application = application
        self._address = address
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, b"")

    def post(self, path: str, **fields: str) -> Answer:
        return self._ask("POST", path, urlencode(fields).encode())

    def _ask(self, method: str, target: str, body: bytes) -> Answer:
        path, _, query = target.partition("?")
        token = next((v for name, v in self.cookies.items() if name.endswith("csrftoken")), "")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._address,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "HTTP_HOST": "localhost",
            "HTTP_X_FORWARDED_FOR": self._address,
            "HTTP_X_FORWARDED_PROTO": "https",
            "HTTP_USER_AGENT": _AGENT,
            "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
            "HTTP_ACCEPT_LANGUAGE": "en",
            "HTTP_SEC_FETCH_DEST": "document",
            "HTTP_REFERER": "https://localhost/",
            "HTTP_X_CSRFTOKEN": token,
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        began: list[Any] = []
        answer = self._application(environ, lambda status, headers: began.extend((status, headers)))
        try:
            content = b"".join(answer)
        finally:
            # What is done after the response belongs to its price.
            answer.close()
        status, headers = began
        for name, value in headers:
            if name == "Set-Cookie":
                self._keep(value)
        return Answer(int(status[:3]), dict(headers), content)

    def _keep(self, cookie: str) -> None:
        pair, _, attributes = cookie.partition(";")
        name, _, value = pair.partition("=")
        if "max-age=0" in attributes.lower():
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
