"""Proxies at the wire that make the faults of the table: each passes everything on until told.

``Proxy`` stands before a server of any kind, ``CognitoProxy`` before a Cognito, where it makes a
fault for one person at one operation, so that many people meet different faults at once. Both serve
from an asyncio loop in a thread of their own.
"""

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

_NO_LINGER = struct.pack("ii", 1, 0)
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Served:
    """A server on a free port of loopback, from ``with`` to its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[Writer] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._soon(asyncio.start_server(self._served, "127.0.0.1", 0, backlog=512))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error: object) -> None:
        self.cut()
        self._soon(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset all connections."""
        self._soon(self._cut())

    def _soon(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _cut(self) -> None:
        for writer in list(self._open):
            reset(writer)

    async def _end(self) -> None:
        self._server.close()
        tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _served(self, reader: Reader, writer: Writer) -> None:
        self._open.add(writer)
        try:
            # Who hangs up is no error of ours.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(reader, writer)
        except asyncio.CancelledError:
            # The end. Raised on, asyncio would call it an error.
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        raise NotImplementedError


def reset(writer: Writer) -> None:
    """End a connection as when its machine is gone: the other side gets a reset."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


class Proxy(Served):
    """Stands before the server at ``port``. ``state`` may be changed at any time."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._upstream = port
        self.state: Literal["well", "gone", "hung"] = "well"

    def fail(self, state: Literal["gone", "hung"]) -> None:
        """Refuse connections and end those that are open, or answer nothing on any of them."""
        self.state = state
        if state == "gone":
            self.cut()

    def heal(self) -> None:
        self.state = "well"

    async def serve(self, reader: Reader, writer: Writer) -> None:
        if self.state == "gone":
            reset(writer)
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._open.add(back)
        relays = [
            asyncio.ensure_future(self._relay(*each)) for each in ((reader, back), (there, writer))
        ]
        try:
            await asyncio.wait(relays, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for relay in relays:
                relay.cancel()
            await asyncio.gather(*relays, return_exceptions=True)
            self._open.discard(back)
            back.close()

    async def _relay(self, reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                while self.state == "hung":
                    await asyncio.sleep(0.02)
                writer.write(chunk)
                await writer.drain()


@dataclass
class Exchange:
    """One request to Cognito. ``peer`` is the port from which it came."""

    head: bytes
    body: bytes
    operation: str
    person: str
    peer: int
    writer: Writer
    forward: Callable[[], Awaitable[bytes]]

    async def answer(
        self, content: bytes, status: int = 200, kind: str = "application/json"
    ) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}"
        self.writer.write(f"{head}\r\n\r\n".encode() + content)
        await self.writer.drain()

    async def refuse(self, code: str, status: int = 400, message: str = "") -> None:
        await self.answer(json.dumps({"__type": code, "message": message}).encode(), status)


async def _hanging(this: Exchange) -> None:
    await asyncio.sleep(3600)


async def _resetting(this: Exchange) -> None:
    reset(this.writer)


async def _truncating(this: Exchange) -> None:
    reply = await this.forward()
    this.writer.write(reply[: -len(reply) // 4])
    await this.writer.drain()
    this.writer.close()


async def _dripping(this: Exchange) -> None:
    for place in range(len(reply := await this.forward())):
        this.writer.write(reply[place : place + 1])
        await this.writer.drain()
        await asyncio.sleep(0.5)


async def _losing(this: Exchange) -> None:
    await this.forward()
    this.writer.close()


async def _throttling(this: Exchange) -> None:
    await this.refuse("TooManyRequestsException", message="Rate exceeded")


async def _failing(this: Exchange) -> None:
    await this.refuse("InternalErrorException", 500)


async def _speaking_html(this: Exchange) -> None:
    await this.answer(b"<html><h1>502 Bad Gateway</h1></html>", 200, "text/html")


async def _listing(this: Exchange) -> None:
    await this.answer(b"[]")


async def _flooding(this: Exchange) -> None:
    await this.answer(
        b'{"ChallengeName": "CUSTOM_CHALLENGE", "Session": "%b"}' % (b"x" * 20_000_000)
    )


async def _asking_for_more(this: Exchange) -> None:
    asked = {"ChallengeName": "NEW_KIND", "Session": "s" * 40, "ChallengeParameters": {}}
    await this.answer(json.dumps(asked).encode())


async def _handing_out_too_much(this: Exchange) -> None:
    parameters = {"expiresAt": "1", "resendAt": "1", "triesLeft": "3", "codeLength": "6"}
    asked = {"ChallengeName": "CUSTOM_CHALLENGE", "Session": "s" * 30_000}
    await this.answer(json.dumps({**asked, "ChallengeParameters": parameters}).encode())


async def _raising(this: Exchange) -> None:
    message = "CreateAuthChallenge failed with error Try again later."
    await this.refuse("UserLambdaValidationException", message=message)


async def _slow(this: Exchange) -> None:
    await asyncio.sleep(1.5)
    this.writer.write(await this.forward())
    await this.writer.drain()


# By the words of the table.
FAULTS: dict[str, Callable[[Exchange], Awaitable[None]]] = {
    "hangs": _hanging,
    "resets": _resetting,
    "truncates": _truncating,
    "drips": _dripping,
    "loses its reply": _losing,
    "throttles": _throttling,
    "answers 500": _failing,
    "answers HTML": _speaking_html,
    "answers []": _listing,
    "answers 20 MB": _flooding,
    "asks for an unknown challenge": _asking_for_more,
    "gives a Session of 30 kB": _handing_out_too_much,
    "has triggers that raise": _raising,
    "takes 1.5 s": _slow,
}


@dataclass(frozen=True)
class Order:
    """A fault, or what is called with the peer's port ``before`` it is passed on or ``after``."""

    fault: str = ""
    before: Callable[[int], None] | None = None
    after: Callable[[int], None] | None = None


class CognitoProxy(Served):
    """Stands before a Cognito at ``url``, the keys of its pools included.

    ``always`` has faults that everybody meets, by operation; "keys" is the request for the pool's
    keys, "" is every operation. ``hurried`` are phones whose replies ask for no wait before
    another text.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._upstream = urlsplit(url).port or 80
        self._orders: dict[tuple[str, str], Order] = {}
        self._people: dict[str, str] = {}
        self.always: dict[str, str] = {}
        self.hurried: set[str] = set()
        self.keys: bytes | None = None

    def will(self, phone: str, operation: str, order: Order) -> None:
        """Carry out ``order`` at the next ``operation`` for this phone."""
        self._orders[phone, operation] = order

    async def serve(self, reader: Reader, writer: Writer) -> None:
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            target = re.search(rb"x-amz-target: *\S*?\.(\w+)", head, re.IGNORECASE)
            operation = target[1].decode() if target else "keys"
            person = self._person(body)
            this = Exchange(
                *(head, body, operation, person, writer.get_extra_info("peername")[1], writer),
                lambda head=head, body=body, person=person: self._forward(head, body, person),
            )
            order = self._orders.pop((person, operation), Order())
            if fault := order.fault or self.always.get(operation, self.always.get("", "")):
                await FAULTS[fault](this)
                continue
            if operation == "keys" and self.keys is not None:
                await this.answer(self.keys)
                continue
            await _call(order.before, this.peer)
            reply = await this.forward()
            await _call(order.after, this.peer)
            writer.write(reply)
            await writer.drain()

    async def _forward(self, head: bytes, body: bytes, person: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            writer.write(head + body)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
        finally:
            writer.close()
        if person:
            self._learn(person, body)
        if person in self.hurried:
            # As many digits: the length stays.
            body = re.sub(rb'("resendAt": ?")\d+', rb"\g<1>%d" % time.time(), body)
        return head + body

    def _person(self, body: bytes) -> str:
        """Return the phone of whom a request is about, "" where it is about nobody we know."""
        for name in _names(body):
            if re.fullmatch(r"\+[0-9]+", name):
                return name
            if name in self._people:
                return self._people[name]
        return ""

    def _learn(self, person: str, reply: bytes) -> None:
        for name in _names(reply):
            self._people[name] = person


async def _call(work: Callable[[int], None] | None, peer: int) -> None:
    if work:
        await asyncio.get_running_loop().run_in_executor(None, work, peer)


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _names(body: bytes) -> list[str]:
    """Return all that may name a person in a request or reply."""
    try:
        data = json.loads(body)
    except ValueError:
        return []
    holders = [data, *(data.get(each) or {} for each in _HOLDERS)] if isinstance(data, dict) else []
    return [str(holder[key]) for holder in holders for key in _KEYS if holder.get(key)]


_HOLDERS = ("AuthParameters", "ChallengeResponses", "ChallengeParameters", "User")
_KEYS = ("USERNAME", "Username", "Session")
