"""People who sign in all at once, each as fast as they are let, and how long they wait."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.bench import journeys
from tests.bench.cognito import code_of
from tests.site import FORWARDED

LOGIN, CODE = "/accounts/login/", "/accounts/login/code/"
# Until somebody who was turned away tries again.
_AGAIN = 0.5


@dataclass
class Seen:
    """``waits`` are the seconds of each request by its name; ``statuses`` counts all others."""

    logins: int = 0
    waits: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    def p99(self, name: str) -> float:
        if name not in self.waits:
            raise RuntimeError(f"Nobody got so far: {dict(self.statuses)}")
        ordered = sorted(self.waits[name])
        return ordered[int(len(ordered) * 0.99)]


class Visitors:
    """``number`` people at ``port`` of loopback, with numbers that nobody had before."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._number = number
        self._seen = Seen()
        self._ends_at = 0.0

    def come(self, seconds: float) -> Seen:
        """Let them sign in for so long. Nobody who is under way then is counted."""
        self._seen = Seen()
        self._ends_at = time.monotonic() + seconds
        asyncio.run(self._all())
        return self._seen

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._number):
                group.create_task(self._one_after_the_other())

    async def _one_after_the_other(self) -> None:
        while time.monotonic() < self._ends_at:
            visit = Visit(self._port)
            try:
                await self._sign_in(visit)
            except (ConnectionError, asyncio.IncompleteReadError):
                self._seen.statuses["hung up"] += 1
            finally:
                visit.close()

    async def _sign_in(self, visit: "Visit") -> None:
        phone = journeys.next_phone()
        steps = (
            ("phone page", 200, "GET", LOGIN, {}),
            ("post phone", 302, "POST", LOGIN, {"phone": phone}),
            ("code page", 200, "GET", CODE, {}),
            ("post code", 302, "POST", CODE, {"code": code_of(phone)}),
            ("first page", 200, "GET", "/", {}),
        )
        for name, wanted, method, path, fields in steps:
            while True:
                began = time.monotonic()
                status = await visit.ask(method, path, fields)
                if (ended := time.monotonic()) >= self._ends_at:
                    return
                if status == wanted:
                    self._seen.waits.setdefault(name, []).append(ended - began)
                    break
                self._seen.statuses[f"{name} {status}"] += 1
                if status != 503:
                    return
                await asyncio.sleep(_AGAIN)
        self._seen.logins += 1


class Visit:
    """A browser with a connection that is kept for as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._address = journeys.next_address()
        self.cookies: dict[str, str] = {}

    def close(self) -> None:
        if self._connection:
            self._connection[1].close()
            self._connection = None

    async def ask(self, method: str, path: str, fields: dict[str, str]) -> int:
        body = urlencode(fields)
        headers = {
            **FORWARDED,
            "X-Forwarded-For": self._address,
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "Accept": "text/html",
            "Accept-Language": "en",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Referer": "https://localhost/",
            "X-CSRFToken": self.cookies.get("__Host-csrftoken", ""),
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._connection
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = answer.split("\r\n")
        length = 0
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() == "set-cookie":
                cookie, _, content = value.strip().partition(";")[0].partition("=")
                self.cookies[cookie] = content
            elif name.lower() == "content-length":
                length = int(value)
        await reader.readexactly(length)
        if "\r\nconnection: close" in answer.lower():
            self.close()
        return int(first.split()[1])
