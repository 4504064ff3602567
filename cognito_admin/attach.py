"""Wire our triggers into a user pool, and out again, and change nothing else of it.

    described → merged → shown → updated → described again, and compared

What we changed is kept beside the stack, in a parameter of Systems Manager, for the way back.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin import pool
from cognito_admin.account import Account
from cognito_admin.pool import Change, Settings
from cognito_admin.stack import Stack

_TRIES = 3
# Triggers of others that run in our sign-ins as well.
_ALSO_RUN = (
    "PreAuthentication",
    "PostAuthentication",
    "PreTokenGeneration",
    "PreTokenGenerationConfig",
    "UserMigration",
)


class AttachError(Exception):
    """The message is for the person at the terminal.

    AttachError
    ├── Refused           the pool cannot be attached as it is; nothing was changed
    └── ChangedMore       something else is not as it was before, too
    """


class Refused(AttachError):
    """``reasons`` are pairs of what is in the way and what removes it."""

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{reason}\n    → {remedy}" for reason, remedy in reasons))
        self.reasons = reasons


class ChangedMore(AttachError):
    pass


@dataclass(frozen=True)
class Plan:
    """``changes`` is all that will differ; ``notes`` is what whoever says yes should know.

    ``mfa`` is what SetUserPoolMfaConfig is to hold in the end.
    """

    user_pool_id: str
    before: dict[str, Any]
    mfa: dict[str, Any]
    request: dict[str, Any]
    changes: list[Change]
    notes: list[str] = field(default_factory=list)


def examine(account: Account, user_pool_id: str, writable: list[str]) -> list[str]:
    """Return what to know of a pool before our sign-in is added to it. Raises Refused.

    ``writable`` are the attributes that our clients' tokens may change.
    """
    described, _ = _describe(account, user_pool_id)
    if reasons := list(_reasons(described, writable)):
        raise Refused(reasons)
    return list(_notes(described))


def plan(account: Account, stack: Stack) -> Plan:
    """Plan to wire the triggers of ``stack`` into its pool. Raises Refused."""
    described, mfa = _describe(account, stack.user_pool_id)
    reasons = list(_reasons(described, _writable(stack)))
    config = described.get("LambdaConfig", {})
    for slot, arn in stack.triggers.items():
        there = config.get(slot)
        if there and _function(there) != _function(arn):
            reasons.append(
                (
                    f"{slot} is taken: {there}",
                    (
                        "One pool has one function for it. Detach what uses it: python manage.py "
                        f"cognito_set --user-pool-id {stack.user_pool_id} LambdaConfig.{slot}=null"
                    ),
                )
            )
    if reasons:
        raise Refused(reasons)
    return _plan(
        account,
        described,
        mfa,
        {("LambdaConfig", slot): arn for slot, arn in stack.triggers.items()},
        list(_notes(described)),
    )


def plan_settings(account: Account, user_pool_id: str, values: dict[pool.Path, Any]) -> Plan:
    """Plan to change single settings of a pool; None takes one away."""
    return _plan(account, *_describe(account, user_pool_id), values, [])


def apply(account: Account, planned: Plan, again: Callable[[], Plan]) -> None:
    """Do what was planned, and prove that nothing else changed. Raises ChangedMore.

    ``again`` plans anew when somebody else changes the pool at the same moment.
    """
    cognito = account.client("cognito-idp")
    for tries_left in reversed(range(_TRIES)):
        try:
            cognito.update_user_pool(**planned.request)
            break
        except cognito.exceptions.ConcurrentModificationException:
            if not tries_left:
                raise
            time.sleep(1)
            planned = again()
    _, mfa = _describe(account, planned.user_pool_id)
    if mfa != planned.mfa:
        cognito.set_user_pool_mfa_config(UserPoolId=planned.user_pool_id, **planned.mfa)
    described, mfa = _describe(account, planned.user_pool_id)
    more = [
        change
        for change in pool.changes(planned.before, described) + pool.changes(planned.mfa, mfa)
        if change not in planned.changes
    ]
    if more:
        raise ChangedMore(
            "The pool differs in more than was asked for:\n" + "\n".join(map(str, more))
        )


# The way back


def save(account: Account, stack: Stack, planned: Plan) -> None:
    """Keep what is about to be changed. What an earlier attachment found stays the way back."""
    saved = {tuple(each["path"]): each for each in _load(account, stack) or []}
    for change in planned.changes:
        earlier = saved.get(change.path)
        saved[change.path] = {
            "path": list(change.path),
            "before": earlier["before"] if earlier else change.before,
            "after": change.after,
        }
    account.client("ssm").put_parameter(
        Name=_saved_at(stack),
        Type="String",
        Value=json.dumps(list(saved.values())),
        Description="What cognito_attach changed, for cognito_detach",
        Overwrite=True,
    )


def plan_detach(account: Account, stack: Stack) -> Plan:
    """Plan the way back: only what still is as we left it. What others changed since is theirs."""
    described, mfa = _describe(account, stack.user_pool_id)
    saved = _load(account, stack)
    if saved is None:
        saved = [
            {"path": ["LambdaConfig", slot], "before": None, "after": arn}
            for slot, arn in stack.triggers.items()
        ]
    values, notes = {}, []
    for each in saved:
        path = tuple(each["path"])
        now = pool.setting(described, path)
        if now == each["after"]:
            values[path] = each["before"]
        elif now != each["before"]:
            notes.append(f"{'.'.join(path)} was changed by somebody since, and stays: {now}")
    return _plan(account, described, mfa, values, notes)


def forget(account: Account, stack: Stack) -> None:
    ssm = account.client("ssm")
    with contextlib.suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=_saved_at(stack))


def _saved_at(stack: Stack) -> str:
    return f"/phone-login/{stack.stage}/attached/{stack.user_pool_id}"


def _load(account: Account, stack: Stack) -> list[dict[str, Any]] | None:
    ssm = account.client("ssm")
    try:
        value = ssm.get_parameter(Name=_saved_at(stack))["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    loaded: list[dict[str, Any]] = json.loads(value)
    return loaded


# What a pool must be like


def _reasons(described: Settings, writable: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what is in the way, and what removes it."""
    identifier = described["Id"]
    names = described.get("UsernameAttributes") or []
    aliases = described.get("AliasAttributes") or []
    if "phone_number" not in names and "phone_number" not in aliases:
        spelled = " or ".join(names or aliases) or "a name of its own"
        yield (
            f"People of this pool sign in with {spelled}, and Cognito does not let that be changed",
            "Deploy a pool of our own (make deploy without USER_POOL_ID) and move the users there",
        )
    if described.get("MfaConfiguration") == "ON":
        yield (
            (
                "Everybody has to give a second factor: after our code Cognito asks for it, and no "
                "page of the site does"
            ),
            f"python manage.py cognito_set --user-pool-id {identifier} MfaConfiguration=OPTIONAL",
        )
    device = described.get("DeviceConfiguration") or {}
    if device.get("ChallengeRequiredOnNewDevice"):
        yield (
            (
                "New devices have to prove themselves (DeviceConfiguration), which no page of the "
                "site does"
            ),
            (
                f"python manage.py cognito_set --user-pool-id {identifier} "
                "DeviceConfiguration.ChallengeRequiredOnNewDevice=false"
            ),
        )
    required = [
        attribute["Name"]
        for attribute in described.get("SchemaAttributes") or []
        if attribute.get("Required") and attribute.get("Mutable") and attribute["Name"] != "sub"
    ]
    if missing := sorted(set(required) - set(writable)):
        yield (
            f"The pool requires {', '.join(missing)}, so every client must be able to write it",
            f'ClientWriteAttributes = "{",".join([*writable, *missing])}" in deploy.toml',
        )


def _notes(described: Settings) -> Iterator[str]:
    if "phone_number" in (described.get("AliasAttributes") or []):
        yield (
            "Phones are aliases here: who has not verified the number cannot sign in with it, and "
            "nobody new is signed up. Set ACCOUNTS_SIGN_UP=closed."
        )
    elif "email" in (described.get("UsernameAttributes") or []):
        yield "Accounts without a phone keep signing in with their e-mail address only."
    if described.get("MfaConfiguration") == "OPTIONAL":
        yield "Who has set a second factor cannot sign in by phone: the site does not ask for it."
    if not (described.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
        yield (
            "Anybody can sign up any number with a password of theirs; a PreSignUp function that "
            "confirms by itself would let them keep it. cognito_doctor says more."
        )
    config = described.get("LambdaConfig") or {}
    for slot in _ALSO_RUN:
        if config.get(slot):
            yield f"{slot} runs in sign-ins by phone as well: {config[slot]}"


def _plan(
    account: Account,
    described: dict[str, Any],
    mfa: dict[str, Any],
    values: dict[pool.Path, Any],
    notes: list[str],
) -> Plan:
    members = _members(account, "UpdateUserPool")
    after = described
    for path, value in values.items():
        after = pool.with_setting(after, path, value)
    return Plan(
        user_pool_id=described["Id"],
        before=described,
        mfa={**mfa, "MfaConfiguration": after.get("MfaConfiguration", "OFF")},
        request=pool.update_request(after, members),
        changes=pool.changes(described, after),
        notes=notes,
    )


def _describe(account: Account, user_pool_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pool, and its second factors, which have operations of their own."""
    cognito = account.client("cognito-idp")
    try:
        described = cognito.describe_user_pool(UserPoolId=user_pool_id)["UserPool"]
    except cognito.exceptions.ResourceNotFoundException as error:
        raise Refused(
            [
                (
                    f"There is no pool {user_pool_id}",
                    "aws cognito-idp list-user-pools --max-results 60",
                )
            ]
        ) from error
    except ClientError as error:
        raise AttachError(f"The pool could not be read: {error}") from error
    mfa = cognito.get_user_pool_mfa_config(UserPoolId=user_pool_id)
    mfa.pop("ResponseMetadata", None)
    return described, mfa


def _members(account: Account, operation: str) -> list[str]:
    model = account.client("cognito-idp").meta.service_model.operation_model(operation)
    return list(model.input_shape.members)


def _writable(stack: Stack) -> list[str]:
    return stack.parameters.get("ClientWriteAttributes", "locale").split(",")


def _function(arn: str) -> str:
    """Return the function of an ARN, whatever version or alias of it."""
    return ":".join(arn.split(":")[:7])
