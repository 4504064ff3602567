"""Wire our triggers into a user pool, and out again, and change nothing else of it.

What we changed is kept in a parameter of Systems Manager, for the way back.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cognito_admin import plans, pool
from cognito_admin.aws_account import Account
from cognito_admin.plans import Plan, Refused
from cognito_admin.pool import Settings
from cognito_admin.stack import Stack, triggers_of

# Triggers of others that run in our sign-ins as well.
_ALSO_RUN = (
    "PreAuthentication",
    "PostAuthentication",
    "PreTokenGeneration",
    "PreTokenGenerationConfig",
    "UserMigration",
)


def examine(account: Account, user_pool_id: str, writable: list[str], stage: str) -> list[str]:
    """Return what to know of a pool before our sign-in is added to it. Raises Refused.

    ``writable`` are the attributes that our clients' tokens may change.
    """
    before = plans.read(account, user_pool_id).before
    ours = triggers_of(stage, before["Arn"])
    if reasons := [*_reasons(before, writable), *_taken(before, ours)]:
        raise Refused(reasons)
    return list(_notes(before))


def plan(account: Account, stack: Stack) -> Plan:
    """Plan to wire the triggers of ``stack`` into its pool. Raises Refused."""
    state = plans.read(account, stack.user_pool_id)
    reasons = _reasons(state.before, _writable(stack))
    if listed := [*reasons, *_taken(state.before, stack.triggers)]:
        raise Refused(listed)
    return plans.make(
        account,
        state,
        {("LambdaConfig", slot): arn for slot, arn in stack.triggers.items()},
        list(_notes(state.before)),
    )


# The way back


def save(account: Account, stack: Stack, planned: Plan) -> None:
    """Keep the settings that are about to change, for ``plan_detach``. The first values stay."""
    saved = {tuple(each["path"]): each for each in _load(account, stack) or []}
    for change in planned.changes:
        if change in planned.restored:
            continue
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
    """Plan to restore every setting that is still as we left it; later changes of others stay."""
    state = plans.read(account, stack.user_pool_id)
    saved = _load(account, stack)
    if saved is None:
        saved = [
            {"path": ["LambdaConfig", slot], "before": None, "after": arn}
            for slot, arn in stack.triggers.items()
        ]
    values, notes = {}, []
    for each in saved:
        path = tuple(each["path"])
        now = pool.setting(state.now, path)
        if now == each["after"]:
            values[path] = each["before"]
        elif now != each["before"]:
            notes.append(f"{'.'.join(path)} was changed by somebody since, and stays: {now}")
    return plans.make(account, state, values, notes)


def forget(account: Account, stack: Stack) -> None:
    """Delete what ``save`` kept. Harmless where nothing is kept. Raises botocore's errors."""
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


# Demands on a pool


def _reasons(described: Settings, writable: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of an obstacle and its remedy."""
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


def _taken(described: Settings, ours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the slots that hold another function than ``ours``, ARNs by slot."""
    config = described.get("LambdaConfig") or {}
    for slot, arn in ours.items():
        there = config.get(slot)
        if there and _function(there) != _function(arn):
            yield (
                f"{slot} is taken: {there}",
                (
                    "One pool has one function for it. Detach what uses it: python manage.py "
                    f"cognito_set --user-pool-id {described['Id']} LambdaConfig.{slot}=null"
                ),
            )


def _notes(described: Settings) -> Iterator[str]:
    if "phone_number" in (described.get("AliasAttributes") or []):
        yield (
            "Phones are aliases here: people who have not verified their number cannot sign in "
            "with it, and nobody new is signed up. Set ACCOUNTS_SIGN_UP=closed."
        )
    elif "email" in (described.get("UsernameAttributes") or []):
        yield "Accounts without a phone keep signing in with their e-mail address only."
    if described.get("MfaConfiguration") == "OPTIONAL":
        yield "People with a second factor cannot sign in by phone: the site does not ask for it."
    if not (described.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
        yield (
            "Anybody can sign up any number with a password of theirs; a PreSignUp function that "
            "confirms by itself would let them keep it. cognito_doctor says more."
        )
    config = described.get("LambdaConfig") or {}
    for slot in _ALSO_RUN:
        if config.get(slot):
            yield f"{slot} runs in sign-ins by phone as well: {config[slot]}"


def _writable(stack: Stack) -> list[str]:
    return stack.parameters.get("ClientWriteAttributes", "locale").split(",")


def _function(arn: str) -> str:
    """Return the ARN of a function without version or alias."""
    return ":".join(arn.split(":")[:7])
