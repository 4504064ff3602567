"""Plan a change of a user pool, do it, and prove it.

    described → merged → shown → written down → updated → described again, and compared

What is under way is written down (``journal``), so that the next run finds what this one left.
"""

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cognito_admin import journal, pool
from cognito_admin.aws_account import Account
from cognito_admin.pool import Change, NotAsPlanned

_TRIES = 3


class PlanError(Exception):
    """The message is for the person at the terminal.

    PlanError
    ├── Refused           the pool cannot be changed so; nothing was
    └── CutOff            the pool is without its second factors until the next run
    """


class Refused(PlanError):
    """The pool cannot be changed so. ``reasons`` are pairs of an obstacle and its remedy."""

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{reason}\n    → {remedy}" for reason, remedy in reasons))
        self.reasons = reasons


class CutOff(PlanError):
    """Second factors are off until the next run, which puts them back."""


@dataclass(frozen=True)
class State:
    """A pool as it is ``now``, and as it was ``before`` any run of ours that was cut off.

    Each comes with its second factors, which have operations of their own.
    """

    now: dict[str, Any]
    mfa_now: dict[str, Any]
    before: dict[str, Any]
    mfa_before: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def lost(self) -> list[Change]:
        """Second factors that a cut-off run took away."""
        return pool.mfa_changes(self.mfa_now, self.mfa_before)


@dataclass(frozen=True)
class Plan:
    """A change to show, agree to and apply. ``changes`` is all that will differ.

    ``notes`` are for the person who decides. ``restored`` are those of the changes that put back
    what an earlier run took away. ``after`` and ``mfa`` are the pool and its second factors as
    AWS should describe them in the end.
    """

    state: State
    after: dict[str, Any]
    mfa: dict[str, Any]
    request: dict[str, Any]
    changes: list[Change]
    restored: list[Change]
    notes: list[str] = field(default_factory=list)

    @property
    def user_pool_id(self) -> str:
        """The id of the pool."""
        return str(self.state.now["Id"])

    @property
    def pool_name(self) -> str:
        """The name of the pool, for people."""
        return str(self.state.now["Name"])

    @property
    def needs_update(self) -> bool:
        """Whether anything differs but second factors, which have an operation of their own."""
        return any(change.path[0] not in self.mfa for change in self.changes)

    @property
    def has_gap(self) -> bool:
        """Whether UpdateUserPool switches off second factors that are put back afterwards."""
        switches = (self.state.mfa_before, self.mfa)
        return (
            self.needs_update
            and "MfaConfiguration" not in self.request
            and all(each.get("MfaConfiguration", "OFF") != "OFF" for each in switches)
        )


def for_settings(account: Account, user_pool_id: str, values: dict[pool.Path, Any]) -> Plan:
    """Plan to change single settings of a pool; None takes one away."""
    return make(account, read(account, user_pool_id), values, [])


def apply(account: Account, planned: Plan, again: Callable[[], Plan]) -> None:
    """Do what was planned, and prove that it came true and that nothing else changed.

    ``again`` plans once more when somebody else changes the pool at the same moment. Raises
    CutOff, NotAsPlanned.
    """
    cognito = account.client("cognito-idp")
    for tries_left in reversed(range(_TRIES)):
        state = planned.state
        journal.begin(account, state.before, state.mfa_before, planned.after, planned.mfa)
        if planned.has_gap:
            # An operator without the permission is stopped here, before the gap. The call changes
            # nothing, or puts back at once what an earlier run took away.
            _set_mfa(account, planned.user_pool_id, state.mfa_before)
        if not planned.needs_update:
            break
        try:
            cognito.update_user_pool(**planned.request)
            break
        except cognito.exceptions.ConcurrentModificationException:
            if not tries_left:
                raise
            time.sleep(1)
            planned = again()
        except (ClientError, BotoCoreError) as error:
            if planned.has_gap and not _is_refusal(error):
                # The answer was lost, perhaps after the change was made.
                raise _cut_off(error) from error
            raise
    try:
        _, mfa = describe(account, planned.user_pool_id)
        if pool.mfa_changes(planned.mfa, mfa):
            _set_mfa(account, planned.user_pool_id, planned.mfa)
    except (ClientError, BotoCoreError, PlanError) as error:
        if not planned.has_gap:
            raise
        raise _cut_off(error) from error
    _prove(account, planned)
    journal.end(account, planned.user_pool_id)


def _is_refusal(error: Exception) -> bool:
    """Tell whether AWS certainly did nothing."""
    status = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return isinstance(error, ClientError) and status < 500


def _cut_off(error: Exception) -> CutOff:
    return CutOff(
        f"Second factors were not put back: {error}\nUntil they are, nobody is asked for one. Run "
        "the same command again; whatever command is next puts them back as they were"
    )


def _set_mfa(account: Account, user_pool_id: str, mfa: dict[str, Any]) -> None:
    cognito = account.client("cognito-idp")
    if mfa["MfaConfiguration"] == "OFF":
        mfa = pool.without_factors(mfa)
    for tries_left in reversed(range(_TRIES)):
        try:
            cognito.set_user_pool_mfa_config(UserPoolId=user_pool_id, **mfa)
            break
        except cognito.exceptions.ConcurrentModificationException:
            if not tries_left:
                raise
            time.sleep(1)


def _prove(account: Account, planned: Plan) -> None:
    described, mfa = describe(account, planned.user_pool_id)
    undone, more = pool.compare(planned.state.now, planned.changes, described)
    # Second factors have operations of their own, and are compared as those describe them.
    factors = {each.path: each for each in pool.mfa_changes(planned.mfa, mfa)}
    undone = [c for c in undone if c.path[0] not in planned.mfa]
    undone += [c for c in planned.changes if c.path in factors]
    more = [c for c in more if c.path[0] not in planned.mfa]
    more += [c for path, c in factors.items() if path not in {c.path for c in planned.changes}]
    if undone or more:
        raise NotAsPlanned(undone, more)


def make(account: Account, state: State, values: dict[pool.Path, Any], notes: list[str]) -> Plan:
    """Plan to change ``values`` of a pool, and to restore what an earlier run took away.

    Raises botocore's errors.
    """
    members = _members(account, "UpdateUserPool")
    after = state.before
    for path, value in values.items():
        after = pool.with_setting(after, path, value)
    mfa = {**state.mfa_before, "MfaConfiguration": after.get("MfaConfiguration", "OFF")}
    changes = pool.changes(state.now, after)
    # The main switch is described in both places.
    changes += [each for each in pool.mfa_changes(state.mfa_now, mfa) if each not in changes]
    planned = Plan(
        state=state,
        after=after,
        mfa=mfa,
        request=pool.update_request(after, members),
        changes=changes,
        restored=[change for change in state.lost if change in changes],
        notes=[*state.notes, *notes],
    )
    if planned.has_gap:
        planned.notes.append(
            "This takes two calls: the first switches second factors off, the second switches them "
            "on again. In between, about a second, no sign-in asks for one."
        )
    return planned


def read(account: Account, user_pool_id: str) -> State:
    """Describe the pool, and find what a run that was cut off has left. Raises PlanError."""
    now, mfa_now = describe(account, user_pool_id)
    entry = journal.read(account, user_pool_id)
    if entry is None:
        return State(now, mfa_now, now, mfa_now)
    begun = f"the run that was begun at {entry.began} and never finished"
    notes = [
        f"{'.'.join(each.path)} is not as it was before {begun}: {each}. To put it back: "
        f"python manage.py cognito_set --user-pool-id {user_pool_id} "
        + shlex.quote(f"{'.'.join(each.path)}={json.dumps(each.before)}")
        for each in entry.other_differences(now, _members(account, "UpdateUserPool"))
    ]
    if not entry.has_lost_mfa(mfa_now):
        return State(now, mfa_now, now, mfa_now, notes)
    notes.insert(0, f"Second factors were lost by {begun}, and are put back.")
    before = {**now, "MfaConfiguration": entry.mfa_after["MfaConfiguration"]}
    return State(now, mfa_now, before, entry.mfa_after, notes)


def describe(account: Account, user_pool_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pool, and its second factors, which have operations of their own."""
    cognito = account.client("cognito-idp")
    try:
        described = cognito.describe_user_pool(UserPoolId=user_pool_id)["UserPool"]
    except cognito.exceptions.ResourceNotFoundException as error:
        raise Refused(
            [
                (
                    f"There is no pool {user_pool_id}",
                    f"aws cognito-idp list-user-pools --region {account.region} --max-results 60",
                )
            ]
        ) from error
    except ClientError as error:
        raise PlanError(f"The pool could not be read: {error}") from error
    mfa = cognito.get_user_pool_mfa_config(UserPoolId=user_pool_id)
    mfa.pop("ResponseMetadata", None)
    return described, mfa


def _members(account: Account, operation: str) -> list[str]:
    model = account.client("cognito-idp").meta.service_model.operation_model(operation)
    return list(model.input_shape.members)
