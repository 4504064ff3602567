"""Run each function once for a number of nobody: faults behind a name show only then.

The events are those of Cognito, for a number that is nobody's. The functions know them by their
trigger source (lambdas/triggers/dry_run.py): they text nobody, spend no budget, and write
``dry_run`` into their log.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin.doctor.context import Context, Finding, danger, not_checked, ok

_NAME = "phone-login-doctor"
# The only message that lambdas/triggers/errors.py lets callers read.
_PASSES = "Try again later"
_OURS = "CUSTOM_CHALLENGE"
# No country has this calling code.
_NUMBER_OF_NOBODY = "+9990000000"
_PASSWORD = [
    {"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None},
    {"challengeName": "PASSWORD_VERIFIER", "challengeResult": True, "challengeMetadata": None},
]


class _Fails(Exception):
    """The function raised; the message is what it said."""


def dry_run(context: Context) -> Iterator[Finding]:
    """Every function answers a number of nobody as it should."""
    runs = list(_runs(context))
    context.account.client("lambda")  # made once: a session may not make two at once
    # Each may start cold, which takes seconds.
    with ThreadPoolExecutor(len(runs)) as pool:
        found = list(filter(None, pool.map(lambda run: _run(context, *run), runs)))
    yield from found
    if not found:
        yield ok("dry run", "each function did its work for nobody; nobody was texted")


def _run(
    context: Context, name: str, arn: str, check: Callable[[Context, str], str]
) -> Finding | None:
    errors = context.account.client("lambda").exceptions
    try:
        try:
            wrong = check(context, arn)
        except _Fails as error:
            if _PASSES not in str(error):
                raise
            # AWS itself failed, as it does now and then.
            time.sleep(1)
            wrong = check(context, arn)
    except _Fails as error:
        return danger("dry run", f"{name} fails: {error}", _log(context))
    except errors.ResourceNotFoundException:
        return danger("dry run", f"{name} is gone: {arn}", context.recreate)
    except errors.TooManyRequestsException:
        repair = context.aws("lambda get-account-settings")
        return danger("dry run", f"{name} is refused instances", repair)
    except ClientError as error:
        return not_checked("dry run", f"{name}: {error.response.get('Error', {}).get('Code')}")
    return danger("dry run", f"{name} {wrong}", context.restore) if wrong else None


def _runs(context: Context) -> Iterator[tuple[str, str, Callable[[Context, str], str]]]:
    """Yield the name and ARN of each function, and the check that returns its fault or ""."""
    checks = {
        "DefineAuthChallenge": _define,
        "CreateAuthChallenge": _create,
        "VerifyAuthChallengeResponse": _verify,
        "PreSignUp": _pre_sign_up,
        "PreAuthentication": _pre_authentication,
    }
    for slot, arn in context.stack.triggers.items():
        yield slot, arn, checks[slot]
    for name, check in (("SiteTexts", _texts), ("ManageLedger", _manage)):
        if arn := context.stack.resources.get(name, ""):
            yield name, arn, check


def _define(context: Context, arn: str) -> str:
    def step(history: list[dict[str, Any]]) -> dict[str, Any]:
        event = _event(context, "DefineAuthChallenge", {"session": history})
        return dict(_invoke(context, arn, event)["response"])

    words = (context.parameter("SignInPlan") or "code").split()
    has_password = words[0] == "password"
    first = step(_PASSWORD if has_password else [])
    if first.get("challengeName") != _OURS or first.get("issueTokens"):
        return "does not begin with our challenge"
    # Define does not know the client, and another one's plan may begin otherwise. A round tells by
    # its mark whose plan it follows: this one is of the plan of the site.
    wrong = {
        "challengeName": _OURS,
        "challengeResult": False,
        "challengeMetadata": f"{words[has_password]} -",
    }
    if step([*([] if has_password else _PASSWORD), wrong]).get("challengeName"):
        return "lets callers choose whether they need a password"
    if step(_PASSWORD).get("issueTokens"):
        return "grants tokens for a password, without any code"
    right = [
        {"challengeName": _OURS, "challengeResult": True, "challengeMetadata": f"{word} -"}
        for word in words[has_password:]
    ]
    if step([*(_PASSWORD if has_password else []), *right]).get("issueTokens"):
        return "grants tokens to an account that does not exist"
    return ""


def _create(context: Context, arn: str) -> str:
    request = {"session": [], "challengeName": _OURS}
    response = _invoke(context, arn, _event(context, "CreateAuthChallenge", request))["response"]
    shown = response["publicChallengeParameters"]
    return "" if shown.get("reference") else f"answers {json.dumps(shown)[:80]}"


def _verify(context: Context, arn: str) -> str:
    request = {
        "privateChallengeParameters": {
            "kind": "code",
            "challengeId": f"6{secrets.token_urlsafe(16)}",
            "expiresAt": str(int(time.time()) + 300),
        },
        "challengeAnswer": "000000",
    }
    event = _event(context, "VerifyAuthChallengeResponse", request)
    is_correct = _invoke(context, arn, event)["response"].get("answerCorrect")
    return "" if is_correct is False else "takes a code that nobody was given"


def _pre_sign_up(context: Context, arn: str) -> str:
    event = _event(context, "PreSignUp", {"userAttributes": {"phone_number": _NUMBER_OF_NOBODY}})
    by_us = _invoke(context, arn, {**event, "triggerSource": "PreSignUp_AdminCreateUser"})
    if any(by_us["response"].values()):
        return "takes numbers as proven that nobody has proven"
    try:
        _invoke(context, arn, {**event, "triggerSource": "PreSignUp_SignUp"})
    except _Fails as error:
        return "" if "Sign-up is closed" in str(error) else f"fails: {error}"
    return "lets anybody sign up"


def _pre_authentication(context: Context, arn: str) -> str:
    event = _event(context, "PreAuthentication", {"userAttributes": {"sub": _NAME}})
    # Clients without a proof of their own pass.
    _invoke(context, arn, event)
    known = {**event["callerContext"], "clientId": context.stack.known_client_id}
    for request in (event["request"], {**event["request"], "userNotFound": False}):
        try:
            _invoke(context, arn, {**event, "callerContext": known, "request": request})
        except _Fails as error:
            if "wants a proof" not in str(error):
                raise
        else:
            return "lets callers without a proof use the client for known browsers"
    return ""


def _texts(context: Context, arn: str) -> str:
    answer = _invoke(context, arn, {"action": "dry_run"})
    return "" if answer.get("delivery") else f"answers {json.dumps(answer)[:80]}"


def _manage(context: Context, arn: str) -> str:
    answer = _invoke(context, arn, {"action": "show", "phone": _NUMBER_OF_NOBODY})
    return "" if "failures" in answer else f"answers {json.dumps(answer)[:80]}"


def _event(context: Context, trigger: str, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "1",
        "triggerSource": f"{trigger}_DryRun",
        "region": context.account.region,
        "userPoolId": context.pool_id,
        "userName": _NAME,
        "callerContext": {"awsSdkVersion": _NAME, "clientId": context.stack.client_id},
        "request": {"userAttributes": {}, "userNotFound": True, **request},
        "response": {},
    }


def _invoke(context: Context, arn: str, event: dict[str, Any]) -> dict[str, Any]:
    reply = context.account.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event))
    answer = json.loads(reply["Payload"].read() or b"null")
    if reply.get("FunctionError"):
        said = answer if isinstance(answer, dict) else {}
        raise _Fails(f"{said.get('errorType')}: {said.get('errorMessage')}"[:200])
    if not isinstance(answer, dict):
        raise _Fails("it answers nothing")
    return answer


def _log(context: Context) -> str:
    pattern = "'{ $.level = \"ERROR\" }'"
    return context.aws(
        "logs filter-log-events",
        f"--log-group-name {context.stack.log_group} --filter-pattern {pattern}",
    )


CHECKS = (dry_run,)
