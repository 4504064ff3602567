"""What a page tells, without what is drawn by chance or belongs to the moment."""

import re
from collections.abc import Iterable, Mapping

# Drawn by chance, counting down between two requests, and the number itself.
_NOT_TOLD = [
    r'(?<=name="csrfmiddlewaretoken" value=")[^"]+',
    r'(?<=name="attempt" value=")[^"]+',
    r"\b[2-9A-HJ-NP-Z]{3}-[2-9A-HJ-NP-Z]{2}\b",
    r'(?<=data-seconds=")\d+|(?<=<bdi>)\d+:\d\d',
    r"\+\d[ \d•-]+\d",
]
# The length is that of the page, in which a countdown may lose a digit between two requests.
# A server that ends closes the connection.
_OF_THE_MOMENT = {
    *("Connection", "Content-Length", "Date", "Expires"),
    *("Retry-After", "Set-Cookie", "X-Request-ID"),
}


def told(
    status: int,
    headers: Mapping[str, str],
    cookies: Iterable[tuple[str, int, object]],
    page: str,
) -> list[object]:
    """Return all that an answer tells, in a form that two numbers without a difference share.

    Of a cookie that is its name, the length of its value and how long it lives.
    """
    for pattern in _NOT_TOLD:
        page = re.sub(pattern, "…", page)
    # Each process has the directives of the content policy in an order of its own.
    kept = [
        (name, sorted(headers[name].split("; "))) for name in headers if name not in _OF_THE_MOMENT
    ]
    return [status, *sorted(kept), *sorted(cookies), *page.splitlines()]
