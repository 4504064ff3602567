"""The functions behind the pool: that Cognito calls what was deployed, and nothing else."""

from collections.abc import Iterator
from typing import Any

from cognito_admin import revision as revisions
from cognito_admin.doctor.context import LAMBDAS, Context, Finding, danger, not_checked, ok, warning

# The functions that the site calls, without an alias.
OF_THE_SITE = ("SiteTexts", "ManageLedger")
_LONGEST = 5


def functions(context: Context) -> Iterator[Finding]:
    """The functions exist, and Cognito calls the versions that were deployed."""
    bad = False
    for name in (*context.stack.triggers, *OF_THE_SITE):
        for finding in _of_one(context, name):
            bad = True
            yield finding
    if not bad:
        yield ok("functions", "they are there, and Cognito calls what was deployed")


def environment(context: Context) -> Iterator[Finding]:
    """The environment of each function has the parameters of the stack."""
    lambdas, stack = context.account.client("lambda"), context.stack
    told = {
        "STAGE": stack.stage,
        "LEDGER_TABLE": stack.ledger,
        "CODE_KEY_SECRET_ID": stack.code_key,
        "CLIENT_IDS_PARAMETER": stack.client_list,
        "SITE_KEY_SECRET_ID": stack.site_key,
        **{
            variable: value
            for name, value in stack.parameters.items()
            for variable in [_variable(name)]
            # The local CloudFormation does not list parameters that were left at their default.
            if name != "Revision"
        },
    }
    bad = False
    for name in (*stack.triggers, *OF_THE_SITE):
        arn = stack.triggers.get(name) or stack.resources[name]
        there = lambdas.get_function_configuration(FunctionName=arn)["Environment"]["Variables"]
        wrong = sorted(each for each in told.keys() & there.keys() if told[each] != there[each])
        if wrong:
            bad = True
            listed = ", ".join(f"{each} is {there[each]!r}" for each in wrong)
            yield danger("environment", f"{name}: {listed}, not as deployed", _back(context, name))
    if not bad:
        yield ok("environment", "the functions are told what was deployed")


def revision(context: Context) -> Iterator[Finding]:
    """The stack runs the sources that are checked out here."""
    deployed = context.parameter("Revision")
    if not deployed:
        yield danger(
            "revision",
            "the stack was not deployed by make deploy: changed parameters do not reach triggers",
            context.deploy,
        )
    elif not LAMBDAS.is_dir():
        yield not_checked("revision", "the sources of the triggers are not here")
    elif revisions.has_sources(deployed, LAMBDAS):
        yield ok("revision", "the triggers are those of this checkout")
    else:
        yield warning(
            "revision", "the triggers are of other sources than this checkout", context.deploy
        )


def _of_one(context: Context, name: str) -> Iterator[Finding]:
    lambdas, function = context.account.client("lambda"), context.stack.resources[name]
    try:
        latest = lambdas.get_function_configuration(FunctionName=function)
        if name in context.stack.triggers:
            yield from _alias(context, name, latest)
    except lambdas.exceptions.ResourceNotFoundException:
        yield danger("functions", f"{name} is gone: {function}", context.recreate)
        return
    reserved = lambdas.get_function_concurrency(FunctionName=function)
    if reserved.get("ReservedConcurrentExecutions") == 0:
        yield danger(
            "functions",
            f"{name} is switched off: no instances are reserved for it",
            context.aws("lambda delete-function-concurrency", f"--function-name {function}"),
        )


def _alias(context: Context, name: str, latest: dict[str, Any]) -> Iterator[Finding]:
    lambdas, function = context.account.client("lambda"), context.stack.resources[name]
    alias = lambdas.get_alias(FunctionName=function, Name="live")
    called = alias["FunctionVersion"]
    if (deployed := context.stack.version(name)) and called != deployed:
        yield danger(
            "functions",
            f"{name}: Cognito calls version {called}, and version {deployed} was deployed",
            _back(context, name),
        )
    elif others := (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        listed = ", ".join(f"version {each}" for each in sorted(others))
        yield danger(
            "functions",
            f"{name}: a part of the calls goes to {listed}, which was not deployed",
            _back(context, name),
        )
    live = lambdas.get_function_configuration(FunctionName=context.stack.triggers[name])
    if called == deployed and _essence(live) != _essence(latest):
        yield warning(
            "functions",
            f"{name} was changed past make deploy; Cognito still calls the version from before",
            context.restore,
        )
    if live.get("Timeout", 0) > _LONGEST:
        yield warning(
            "functions",
            f"{name} may take {live['Timeout']} s; Cognito waits for {_LONGEST} and asks again",
            _back(context, name),
        )


def _back(context: Context, name: str) -> str:
    """Return the command that points the alias to the deployed version again."""
    version = context.stack.version(name)
    if name not in context.stack.triggers or not version:
        return context.restore
    return context.aws(
        "lambda update-alias",
        f"--function-name {context.stack.resources[name]} --name live --function-version {version} "
        "--routing-config '{\"AdditionalVersionWeights\":{}}'",
    )


def _variable(parameter: str) -> str:
    """Return the variable of a parameter: FailuresPerPool5Minutes, FAILURES_PER_POOL_5_MINUTES."""
    words = ""
    for before, letter in zip(" " + parameter, parameter, strict=False):
        if words and (letter.isupper() or letter.isdigit() != before.isdigit()):
            words += "_"
        words += letter.upper()
    return words


def _essence(configuration: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(configuration.get(each) for each in ("CodeSha256", "Environment", "Role"))


CHECKS = (functions, environment, revision)
