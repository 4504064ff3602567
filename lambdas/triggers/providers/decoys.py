"""Tokens and URLs that lead nowhere, of the form and length of those that the provider gives.

They hide from everybody who sees our pages and replies that a name is unknown. Whoever opens the
URL is told by the provider itself: that cannot be hidden here.
"""

import re
import secrets

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Until this process has seen a real one: {"alg":"HS256","typ":"JWT"}, as tokens usually begin.
_TOKEN = f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{'x' * 320}.{'x' * 43}"
_URL = f"https://mfa.authsignal.com/?token={_TOKEN}"


class Decoys:
    """Make decoys after the last real ones."""

    def __init__(self) -> None:
        self.learn(_TOKEN, _URL)

    def learn(self, token: str, url: str) -> None:
        """Remember the form of a real token and its URL, without what was drawn in them."""
        header, dot, rest = token.partition(".")
        self._header = header + dot if dot else ""
        self._rest = _blank(rest if dot else token)
        self._has_token = token in url
        kept = url.find(token) if self._has_token else max(url.rfind("="), url.rfind("/")) + 1
        self._page = url[:kept]
        self._tail = url[kept + len(token) :] if self._has_token else _blank(url[kept:])

    def make(self) -> tuple[str, str]:
        """Return a token and a URL that belong to nothing."""
        token = self._header + _drawn(self._rest)
        tail = token + self._tail if self._has_token else _drawn(self._tail)
        return token, self._page + tail


def _blank(text: str) -> str:
    return re.sub(r"[A-Za-z0-9_-]", "x", text)


def _drawn(blank: str) -> str:
    return "".join(secrets.choice(_ALPHABET) if each == "x" else each for each in blank)


# Those of this process.
current = Decoys()
