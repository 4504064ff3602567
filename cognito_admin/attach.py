"""Wire our triggers into a user pool, and out again, and change nothing else of it.

What we changed is kept in a parameter of Systems Manager, for the way back.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cognito_admin import numbers, plans, pool
from cognito_admin.aws_account import Account
from cognito_admin.plans import Plan, Refused
from cognito_admin.pool import Settings
from cognito_admin.stack import PRE_AUTHENTICATION, Stack, triggers_of

# Triggers of others that run in our sign-ins as well.
_ALSO_RUN = (
    "PreAuthentication",
    "PostAuthentication",
    "PreTokenGeneration",
    "PreTokenGenerationConfig",
    "UserMigration",
)


def examine(
    account: Account, user_pool_id: str, stage: str, decided: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return the parameters of the stack that the pool decides, and what to know of it.

    ``decided`` are those that somebody has set. Reads the whole list of users where names are not
    phones. Raises Refused.
    """
    before = plans.read(account, user_pool_id).before
    username = decided.get("CognitoUsername") or username_of(before)
    ours = triggers_of(stage, before["Arn"])
    is_free = not list(_taken(before, {PRE_AUTHENTICATION: ours[PRE_AUTHENTICATION]}))
    knows = decided.get("KnownBrowsers") or str(is_free).lower()
    left = {} if knows == "true" else {PRE_AUTHENTICATION: ours.pop(PRE_AUTHENTICATION)}
    writable = decided.get("ClientWriteAttributes", "locale").split(",")
    reasons = [*_reasons(before, writable, username), *_taken(before, ours)]
    if reasons := [*reasons, *_still_called(before, left)]:
        raise Refused(reasons)
    notes = list(_notes(before, username, ours))
    if not is_free:
        notes.append(
            "So browsers have no lane of their own (KnownBrowsers): a stranger's wrong codes shut "
            "people out as well. docs/attach.md says more."
        )
    if username == "attribute":
        notes += numbers.count(account, user_pool_id).notes()
    return {"CognitoUsername": username, "KnownBrowsers": knows}, notes


def plan(account: Account, stack: Stack) -> Plan:
    """Plan to wire the triggers of ``stack`` into its pool. Raises Refused."""
    state = plans.read(account, stack.user_pool_id)
    username = stack.parameters.get("CognitoUsername", "phone")
    reasons = _reasons(state.before, _writable(stack), username)
    if listed := [*reasons, *_taken(state.before, stack.triggers)]:
        raise Refused(listed)
    return plans.make(
        account,
        state,
        {("LambdaConfig", slot): arn for slot, arn in stack.triggers.items()},
        list(_notes(state.before, username, stack.triggers)),
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

_ASKED_AGAIN = {"ON": "everybody", "OPTIONAL": "people who have set one up"}


def username_of(described: Settings) -> str:
    """Return ``phone`` where Cognito takes a phone for a user name or an alias."""
    names = [
        *(described.get("UsernameAttributes") or []),
        *(described.get("AliasAttributes") or []),
    ]
    return "phone" if "phone_number" in names else "attribute"


def keeps_from_sign_up(described: Settings, username: str) -> str:
    """Return why the site can sign nobody up in a pool, "" where it can."""
    names = described.get("UsernameAttributes") or []
    if username == "phone":
        return "" if "phone_number" in names else "phones are aliases, which no account begins with"
    if names:
        return f"user names are {_spelled(names)}, which a phone does not give"
    if required := [name for name in _required(described) if name != "phone_number"]:
        return f"the pool requires {', '.join(required)}, which a phone does not give"
    return ""


def _reasons(described: Settings, writable: list[str], username: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of an obstacle and its remedy."""
    identifier = described["Id"]
    if username == "phone" != username_of(described):
        yield (
            "User names of this pool are not phones, and the stack takes them for such",
            'CognitoUsername = "attribute" in deploy.toml',
        )
    if username == "attribute" and "phone_number" in (described.get("UsernameAttributes") or []):
        yield (
            "User names of this pool are phones, and the stack does not take them for such",
            'CognitoUsername = "phone" in deploy.toml',
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
    if missing := sorted(set(_required(described)) - set(writable)):
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
                    'KnownBrowsers = "false" in deploy.toml leaves it in its place'
                    if slot == PRE_AUTHENTICATION
                    else "One pool has one function for it. Detach what uses it: python manage.py "
                    f"cognito_set --user-pool-id {described['Id']} LambdaConfig.{slot}=null"
                ),
            )


def _still_called(described: Settings, left: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the slots that hold a function which the stack is to lose."""
    for slot, arn in left.items():
        there = (described.get("LambdaConfig") or {}).get(slot)
        if there and _function(there) == _function(arn):
            yield (
                f"{slot} of the pool is ours, and would call nothing once the stack is without it",
                (
                    f"python manage.py cognito_set --user-pool-id {described['Id']} "
                    f"LambdaConfig.{slot}=null"
                ),
            )


def _notes(described: Settings, username: str, ours: Mapping[str, str]) -> Iterator[str]:
    if username == "attribute":
        names = _spelled(described.get("UsernameAttributes") or ["names of another kind"])
        yield (
            f"User names are {names}: the site looks for the account that holds a phone. Only a "
            "verified number leads to an account, and only where no second one has it."
        )
        if why := keeps_from_sign_up(described, username):
            yield f"Nobody new can be signed up by phone: {why}. Set ACCOUNTS_SIGN_UP=closed."
    elif "phone_number" in (described.get("AliasAttributes") or []):
        yield (
            "Phones are aliases here: people who have not verified their number cannot sign in "
            "with it, and nobody new is signed up. Set ACCOUNTS_SIGN_UP=closed."
        )
    elif "email" in (described.get("UsernameAttributes") or []):
        yield "Accounts without a phone keep signing in with their e-mail address only."
    if who := _ASKED_AGAIN.get(described.get("MfaConfiguration", "OFF")):
        yield (
            f"Cognito may ask {who} for a second factor after our code. The site takes codes by "
            "text, by e-mail and of an authenticator app; your apps must as well."
        )
    if not (described.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
        yield (
            "Anybody can sign up any number with a password of theirs; a PreSignUp function that "
            "confirms by itself would let them keep it. cognito_doctor says more."
        )
    config = described.get("LambdaConfig") or {}
    for slot in _ALSO_RUN:
        if config.get(slot) and slot not in ours:
            yield f"{slot} runs in sign-ins by phone as well: {config[slot]}"


def _writable(stack: Stack) -> list[str]:
    return stack.parameters.get("ClientWriteAttributes", "locale").split(",")


def _function(arn: str) -> str:
    """Return the ARN of a function without version or alias."""
    return ":".join(arn.split(":")[:7])


def _required(described: Settings) -> list[str]:
    return [
        attribute["Name"]
        for attribute in described.get("SchemaAttributes") or []
        if attribute.get("Required") and attribute.get("Mutable") and attribute["Name"] != "sub"
    ]


def _spelled(names: list[str]) -> str:
    words = {"email": "e-mail addresses", "phone_number": "phones"}
    return " or ".join(words.get(name, name) for name in names)
