"""One call over HTTPS with JSON in and out, within the seconds that its caller has left.

Each call has a connection of its own, follows no redirect and asks no proxy. Parameters of the
stack say where it goes, and their patterns demand https.
"""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

_MOST_BYTES = 64 * 1024
_CHUNK = 8 * 1024


class NoReplyError(Exception):
    """No reply, or one that cannot be read; the message says why and quotes nothing of it.

    What was asked for may have been done all the same.
    """


@dataclass(frozen=True)
class Reply:
    """``body`` is the JSON value, None where the reply has none."""

    status: int
    body: Any = field(repr=False)


def call(
    method: str,
    url: str,
    body: Any = None,
    *,
    headers: Mapping[str, str],
    within: float,
    form: str | None = None,
) -> Reply:
    """Send one request and return the reply, whatever its status. Raises NoReplyError.

    ``body`` is sent as JSON, or ``form`` as it is, already encoded. ``within`` is in seconds: it
    bounds each wait for the network, and the whole from the first byte of the reply's body.
    """
    deadline = time.monotonic() + within
    if within <= 0:
        raise NoReplyError("no time left")
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = _connection(parts.scheme, parts.netloc, within)
    content, sent_as = None, {}
    if form is not None:
        content, sent_as = form, {"Content-Type": "application/x-www-form-urlencoded"}
    elif body is not None:
        content, sent_as = json.dumps(body), {"Content-Type": "application/json"}
    problem = ""
    try:
        connection.connect()
        _wait_no_longer(connection, deadline)
        connection.request(
            method, path, content, {"Accept": "application/json", **sent_as, **headers}
        )
        _wait_no_longer(connection, deadline)
        response = connection.getresponse()
        read = _read(response, connection, deadline)
        return Reply(response.status, json.loads(read) if read.strip() else None)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        problem = type(error).__name__
    finally:
        connection.close()
    # Raised out here it has no context, which may quote what was sent.
    raise NoReplyError(problem)


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connection(scheme: str, address: str, timeout: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(address, timeout=timeout, context=_trusted())
    return http.client.HTTPConnection(address, timeout=timeout)


def _wait_no_longer(connection: http.client.HTTPConnection, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _read(
    response: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float
) -> bytes:
    """Return the body. A host that sends it byte by byte is left at the deadline."""
    read = bytearray()
    while chunk := response.read1(_CHUNK):
        read += chunk
        if len(read) > _MOST_BYTES:
            raise ValueError("too long")
        _wait_no_longer(connection, deadline)
    return bytes(read)
