"""Requests of UpdateUserPool and UpdateUserPoolClient that change one thing. No I/O.

Both operations set what a request leaves out to its default, so a request that changes one thing
must carry all the others: whatever botocore's model of the request has a place for.
"""

import copy
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Settings = Mapping[str, Any]
Path = tuple[str, ...]

# Settings that change by themselves.
_MOVING = frozenset(
    {"LastModifiedDate", "CreationDate", "EstimatedNumberOfUsers", "Status", "ClientSecret"}
)
# One setting under two names, of which only one may be sent.
_TEMPORARY = ("Policies", "PasswordPolicy", "TemporaryPasswordValidityDays")
_UNUSED = ("AdminCreateUserConfig", "UnusedAccountValidityDays")
# Values that mean the same as a missing setting.
_UNSAID: tuple[Any, ...] = (None, "", {})


@dataclass(frozen=True)
class Change:
    """A change of one setting; ``before`` or ``after`` is None where it is not set."""

    path: Path
    before: Any
    after: Any

    def __str__(self) -> str:
        name, before, after = ".".join(self.path), _shown(self.before), _shown(self.after)
        if self.before is None:
            return f"+ {name} = {after}"
        return f"- {name} = {before}" if self.after is None else f"~ {name}: {before} → {after}"


class NotAsPlanned(Exception):
    """``undone`` are planned changes that did not come true, ``more`` is what else has changed."""

    def __init__(self, undone: list[Change], more: list[Change]) -> None:
        said = []
        if undone:
            said += ["AWS took the change and did not make it:", *map(str, undone)]
        if more:
            said += ["More has changed than was asked for:", *map(str, more)]
        super().__init__("\n".join(said))
        self.undone, self.more = undone, more


def update_request(described: Settings, members: Collection[str]) -> dict[str, Any]:
    """Return the UpdateUserPool that changes nothing of a pool, as DescribeUserPool gives it.

    ``members`` are those of the request in botocore's model.
    """
    request = _carried_over(described, members)
    request["UserPoolId"] = described["Id"]
    # Described under one name and set under another.
    if "PoolName" in members and described.get("Name"):
        request["PoolName"] = described["Name"]
    if setting(request, _TEMPORARY) is not None:
        request.get(_UNUSED[0], {}).pop(_UNUSED[1], None)
    if described.get("MfaConfiguration", "OFF") != "OFF" and not described.get("SmsConfiguration"):
        # UpdateUserPool takes it for MFA by text; SetUserPoolMfaConfig puts it back.
        request.pop("MfaConfiguration", None)
    return request


def client_update_request(described: Settings, members: Collection[str]) -> dict[str, Any]:
    """Return the UpdateUserPoolClient that changes nothing of a client."""
    request = _carried_over(described, members)
    if not request.get("DefaultRedirectURI"):
        request.pop("DefaultRedirectURI", None)
    return request


def with_setting(settings: Settings, path: Path, value: Any) -> dict[str, Any]:
    """Return a copy in which ``path`` is ``value``, or is gone where that is None."""
    changed = copy.deepcopy(dict(settings))
    at: Any = changed
    for name in path[:-1]:
        at = at.setdefault(name, {})
    if value is None:
        at.pop(path[-1], None)
    else:
        at[path[-1]] = value
    return changed


def setting(settings: Settings, path: Path) -> Any:
    """Return what is at ``path``, or None."""
    at: Any = settings
    for name in path:
        if not isinstance(at, Mapping) or name not in at:
            return None
        at = at[name]
    return None if at in _UNSAID else at


def changes(before: Settings, after: Settings) -> list[Change]:
    """Return differences by path, without settings that change by themselves or say nothing."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    if _TEMPORARY in old and _TEMPORARY in new:
        old.pop(_UNUSED, None)
        new.pop(_UNUSED, None)
    paths = [*old, *(path for path in new if path not in old)]
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path)
    ]


def mfa_changes(before: Settings, after: Settings) -> list[Change]:
    """Return what differs between two second factors, as GetUserPoolMfaConfig gives them.

    Where there are none to be asked for, it means nothing which ones there would be.
    """
    if "OFF" in (before.get("MfaConfiguration"), after.get("MfaConfiguration")):
        before, after = without_factors(before), without_factors(after)
    return changes(before, after)


def without_factors(mfa: Settings) -> dict[str, Any]:
    """Return what SetUserPoolMfaConfig takes together with OFF: it refuses factors then."""
    return {
        name: mfa[name] for name in ("MfaConfiguration", "WebAuthnConfiguration") if name in mfa
    }


def compare(
    before: Settings, planned: list[Change], after: Settings
) -> tuple[list[Change], list[Change]]:
    """Return which planned changes did not come true, and what else has changed.

    A setting that was to be taken away may have got Cognito's default instead.
    """
    made = {change.path: change for change in changes(before, after)}
    undone = [
        change
        for change in planned
        if not _alike(change.before, change.after)
        and (
            change.path not in made
            or not (change.after is None or _alike(made[change.path].after, change.after))
        )
    ]
    asked = {change.path for change in planned}
    return undone, [change for path, change in made.items() if path not in asked]


def _alike(one: Any, other: Any) -> bool:
    # Cognito does not describe an empty list.
    return bool(one == other or (one in (None, []) and other in (None, [])))


def _carried_over(described: Settings, members: Collection[str]) -> dict[str, Any]:
    return {
        name: _without_unsaid(value)
        for name, value in described.items()
        if name in members and value not in _UNSAID
    }


def _without_unsaid(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_unsaid(each) for name, each in value.items() if each not in _UNSAID}
    return copy.deepcopy(value)


def _leaves(settings: Settings, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, value in settings.items():
        if (not path and name in _MOVING) or value in _UNSAID:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            # Lists of names: flows, attributes, addresses. Their order means nothing.
            yield (*path, name), sorted(value)
        else:
            yield (*path, name), value


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
