"""The triggers that the pool calls, and the policy of the site."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from cognito_admin.doctor.context import Context, Finding, danger, ok, warning

# Operations that the site calls with its role; WebTierPolicy of the template allows the same.
ASKED_BY_SITE = frozenset(
    f"cognito-idp:{operation}"
    for operation in (
        "AdminAddUserToGroup",
        "AdminConfirmSignUp",
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminGetUser",
        "AdminInitiateAuth",
        "AdminListGroupsForUser",
        "AdminRemoveUserFromGroup",
        "AdminRespondToAuthChallenge",
        "AdminSetUserPassword",
        "AdminUpdateUserAttributes",
        "AdminUserGlobalSignOut",
        "ListUsers",
    )
)
# By output, the functions that the site calls: what fails without the permission.
INVOKED_BY_SITE = {
    "LedgerFunction": "nobody sees or lifts what is held on a number",
    "TextsFunction": "nobody can change their number, and no notice is sent",
}


def triggers(context: Context) -> Iterator[Finding]:
    """The pool calls our triggers."""
    config = context.pool.get("LambdaConfig") or {}
    wrong = {
        slot: config.get(slot) or "nothing"
        for slot, arn in context.stack.triggers.items()
        if config.get(slot) != arn
    }
    if wrong:
        listed = "; ".join(f"{slot} is {there}" for slot, there in wrong.items())
        yield danger("triggers", f"the pool does not call ours: {listed}", context.attach)
    else:
        yield ok("triggers", "the pool calls ours")


def permissions(context: Context) -> Iterator[Finding]:
    """Each trigger lets the pool call it, and nobody else."""
    bad = False
    for slot, arn in context.stack.triggers.items():
        statements = _statements(context, arn)
        if not any(_lets_pool_call(each, context.pool_arn) for each in statements):
            bad = True
            yield danger(
                "permissions",
                f"{slot} does not let the pool call it (AccessDeniedException at every sign-in)",
                _permit(context, arn, slot),
            )
        for each in statements:
            if _lets_strangers_call(each):
                bad = True
                function, _, alias = arn.rpartition(":")
                yield danger(
                    "permissions",
                    f"{slot} lets anybody call it, with any number and past Cognito",
                    context.aws(
                        "lambda remove-permission",
                        f"--function-name {function} --qualifier {alias} "
                        f"--statement-id {shlex.quote(each['Sid'])}",
                    ),
                )
    if not bad:
        yield ok("permissions", "the functions let the pool call them, and nobody else")


def other_triggers(context: Context) -> Iterator[Finding]:
    """Triggers of others work: where one fails, the whole sign-in fails."""
    functions, bad = context.account.client("lambda"), False
    for slot, setting in (context.pool.get("LambdaConfig") or {}).items():
        # Some settings are a version and an ARN, and some ARNs are keys.
        arn = setting.get("LambdaArn", "") if isinstance(setting, dict) else setting
        if slot in context.stack.triggers or ":function:" not in arn:
            continue
        try:
            functions.get_function_configuration(FunctionName=arn)
        except functions.exceptions.ResourceNotFoundException:
            bad = True
            yield danger(
                "other triggers",
                f"{slot} is gone ({arn}): what runs through it fails",
                context.set_pool(f"LambdaConfig.{slot}=null"),
            )
            continue
        if not any(_lets_pool_call(each, context.pool_arn) for each in _statements(context, arn)):
            bad = True
            yield danger(
                "other triggers",
                f"{slot} does not let the pool call it: {arn}",
                _permit(context, arn, slot),
            )
    if not bad:
        yield ok("other triggers", "those of others are there, or there are none")


def policy(context: Context) -> Iterator[Finding]:
    """The site's policy allows all that the site asks of Cognito and the functions."""
    iam, arn = context.account.client("iam"), context.stack.outputs["WebTierPolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    allowed = [each for each in document["Statement"] if each["Effect"] == "Allow"]
    bad = False
    if missing := sorted(ASKED_BY_SITE.difference(*(_listed(each["Action"]) for each in allowed))):
        bad = True
        names = ", ".join(each.partition(":")[2] for each in missing)
        yield danger("policy", f"the site may not ask Cognito for {names}", context.restore)
    invoked = {
        resource.rpartition(":")[2]
        for each in allowed
        if "lambda:InvokeFunction" in _listed(each["Action"])
        for resource in _listed(each["Resource"])
    }
    for output, what in INVOKED_BY_SITE.items():
        # For an older stack without the function, the check of settings reports it.
        function = context.stack.outputs.get(output)
        if function and function not in invoked:
            bad = True
            yield danger("policy", f"the site may not invoke {function}: {what}", context.restore)
    if not bad:
        yield ok("policy", "the site's policy allows what the site asks for")


def policy_of_the_site(context: Context) -> Iterator[Finding]:
    """Somebody has that policy."""
    iam, outputs = context.account.client("iam"), context.stack.outputs
    names = [
        each[f"{kind}Name"]
        for output in ("WebTierPolicyArn", "SignInPolicyArn")
        if (arn := outputs.get(output))
        for found in [iam.list_entities_for_policy(PolicyArn=arn)]
        for kind in ("Role", "User", "Group")
        for each in found.get(f"Policy{kind}s", ())
    ]
    if names:
        yield ok("policy of the site", f"{', '.join(names)} has it")
    else:
        yield warning(
            "policy of the site",
            "it is attached to nobody, so the site may ask nothing of Cognito and the functions",
            context.aws(
                "iam attach-role-policy",
                f"--role-name ROLE --policy-arn {outputs['WebTierPolicyArn']}",
            ),
        )


def _statements(context: Context, arn: str) -> list[dict[str, Any]]:
    functions = context.account.client("lambda")
    try:
        return list(json.loads(functions.get_policy(FunctionName=arn)["Policy"])["Statement"])
    except functions.exceptions.ResourceNotFoundException:
        return []


def _permit(context: Context, arn: str, slot: str) -> str:
    return context.aws(
        "lambda add-permission",
        f"--function-name {arn} --statement-id cognito-{slot} --action lambda:InvokeFunction "
        f"--principal cognito-idp.amazonaws.com --source-arn {context.pool_arn}",
    )


def _lets_strangers_call(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    everybody = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") == "*")
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")


def _lets_pool_call(statement: dict[str, Any], pool_arn: str) -> bool:
    conditions = statement.get("Condition") or {}
    sources = [
        value
        for condition in conditions.values()
        for key, value in condition.items()
        if key.lower() == "aws:sourcearn"
    ]
    return bool(
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": "cognito-idp.amazonaws.com"}
        and (not sources or pool_arn in sources)
    )


def _listed(value: str | list[str]) -> list[str]:
    """Return a list: IAM writes a list of one without brackets as well."""
    return [value] if isinstance(value, str) else value


CHECKS = (triggers, permissions, other_triggers, policy, policy_of_the_site)
