"""Kinds of challenge: a module for each name in ``plans.KINDS``, with two functions.

    make(asked)         returns what a challenge of this kind is: a ``Made``
    is_right(answered)  tells whether an answer is right; where it may be a guess, it is counted in
                        the ledger before it is compared

Both raise botocore's errors. An unknown name is answered like any other, and is never right.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from ..codes.recipients import Recipient
from ..environment import WrongEnvironment
from ..plans import KINDS, configured


@dataclass(frozen=True)
class Asked:
    """A challenge that is wanted of a kind.

    ``earlier`` has the metadata of those of this kind that were answered wrong in this sign-in,
    oldest first. ``recipient`` makes out who asks, which reads the server key. ``started`` is when
    the function was called (monotonic). ``is_proven``: an earlier step of this sign-in showed who
    it is.
    """

    earlier: tuple[str, ...]
    recipient: Callable[[], Recipient]
    started: float
    is_proven: bool = False


@dataclass(frozen=True)
class Made:
    """A challenge. The caller gets ``public``, only Verify gets ``private``.

    Later rounds get ``metadata``. All of them are strings. ``tries_left`` is given where it may be
    fewer than the wrong answers of this sign-in leave.
    """

    public: dict[str, str]
    private: dict[str, str]
    metadata: str
    tries_left: int | None = None


@dataclass(frozen=True)
class Answered:
    """An answer to a challenge. ``private`` is what ``make`` returned as such.

    ``answer`` is as it came, of any type and length. ``attributes`` are those of the user in
    Cognito, none of somebody unknown; ``pool`` is their pool's id. ``wrong_before`` is how many
    wrong answers this step of the sign-in had. ``phone`` is for logs, masked: ``recipient`` says
    whose answer it is. ``now`` is in seconds since the epoch, ``started`` as in ``Asked``.
    """

    private: dict[str, Any]
    answer: Any
    attributes: Mapping[str, Any]
    pool: str
    wrong_before: int
    recipient: Callable[[], Recipient]
    phone: str
    now: float
    started: float


class _Module(Protocol):
    def make(self, asked: Asked) -> Made: ...

    def is_right(self, answered: Answered) -> bool: ...


@cache
def _module(kind: str) -> _Module:
    return cast(_Module, import_module(f".{kind}", __package__))


def _load_plans() -> None:
    """Load what the plans ask for before the first call; every other kind would cost its time."""
    # A plan that cannot be read is named by the first call.
    with suppress(WrongEnvironment):
        for kind in KINDS.keys() & set().union(*configured().values()):
            _module(kind)


_load_plans()


def make(kind: str, asked: Asked) -> Made:
    """Return a challenge of ``kind``, which is one of ``plans.KINDS``."""
    return _module(kind).make(asked)


def is_right(kind: object, answered: Answered) -> bool:
    """Tell whether an answer to a challenge of ``kind`` is right. Any other kind has none."""
    return isinstance(kind, str) and kind in KINDS and _module(kind).is_right(answered)
