"""Who may import whom. A new arrow between modules is a decision: it is drawn here first."""

import ast
import sys
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent

ARROWS: dict[str, set[str]] = {
    # What the browser meets …
    "accounts.urls": {
        "accounts.views.confirm",
        "accounts.views.devices",
        "accounts.views.ended",
        "accounts.views.login",
        "accounts.views.number",
        "accounts.views.site",
        "accounts.views.takeover",
    },
    "accounts.views": set(),
    "accounts.views.confirm": {
        "accounts.login.attempt_steps",
        "accounts.login.confirmation",
        "accounts.login.errors",
        "accounts.login.pending",
        "accounts.login.phone_login",
        "accounts.phones",
        "accounts.views.login",
    },
    "accounts.views.devices": {
        "accounts.models",
        "accounts.login.phone_login",
        "accounts.sessions",
        "accounts.views.login",
    },
    "accounts.views.ended": {"accounts.sessions", "accounts.views.login"},
    "accounts.views.takeover": {
        "accounts.login.errors",
        "accounts.login.phone_login",
        "accounts.views.login",
    },
    "accounts.views.stale": {"accounts.views.login"},
    "accounts.views.site": {
        "accounts.login.attempt_steps",
        "accounts.brand",
        "accounts.conf",
        "accounts.context_processors",
        "accounts.login.locales",
        "accounts.login.errors",
        "accounts.sessions",
    },
    "accounts.views.login": {
        "accounts.login.attempt_steps",
        "accounts.conf",
        "accounts.countries",
        "accounts.devices",
        "accounts.forms",
        "accounts.login.errors",
        "accounts.login.pending",
        "accounts.login.phone_login",
        "accounts.phones",
        "accounts.remembered",
        "accounts.views.site",
    },
    "accounts.forms": {"accounts.conf", "accounts.countries", "accounts.fields"},
    "accounts.fields": {"accounts.conf", "accounts.countries", "accounts.phones"},
    "accounts.views.number": {
        "accounts.login.attempt_steps",
        "accounts.login.confirmation",
        "accounts.forms",
        "accounts.login.errors",
        "accounts.models",
        "accounts.login.numbers",
        "accounts.login.pending",
        "accounts.phones",
        "accounts.remembered",
        "accounts.sessions",
        "accounts.views.login",
        "accounts.views.site",
    },
    "accounts.login.numbers": {
        "accounts.afterwards",
        "accounts.login.attempt_steps",
        "accounts.login.attempts",
        "accounts.aws.cognito",
        "accounts.events",
        "accounts.aws.functions",
        "accounts.login.errors",
        "accounts.models",
        "accounts.operations",
        "accounts.login.pending",
        "accounts.phones",
        "accounts.sessions",
        "accounts.aws.texts",
    },
    # … the flow, which alone knows the order of the steps …
    "accounts.login.phone_login": {
        "accounts.afterwards",
        "accounts.login.attempt_steps",
        "accounts.login.attempts",
        "accounts.login.challenges",
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.events",
        "accounts.aws.functions",
        "accounts.login.locales",
        "accounts.login.errors",
        "accounts.models",
        "accounts.login.pending",
        "accounts.phones",
        "accounts.sessions",
        "accounts.sharing",
        "accounts.aws.texts",
        "accounts.aws.tokens",
        "accounts.login.turns",
    },
    "accounts.login.challenges": {
        "accounts.login.attempt_steps",
        "accounts.login.attempts",
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.login.locales",
        "accounts.models",
        "accounts.phones",
        "accounts.login.throttle",
        "accounts.sync.unproven",
    },
    "accounts.login.attempts": {
        "accounts.login.attempt_steps",
        "accounts.aws.cognito",
        "accounts.events",
        "accounts.aws.functions",
        "accounts.login.errors",
        "accounts.models",
        "accounts.login.pending",
        "accounts.phones",
        "accounts.login.throttle",
        "accounts.login.turns",
    },
    "accounts.login.locales": {"accounts.aws.cognito", "accounts.models"},
    "accounts.login.errors": {"accounts.models", "accounts.login.pending"},
    "accounts.login.attempt_steps": {
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.events",
        "accounts.aws.functions",
        "accounts.sync.holds",
        "accounts.login.errors",
        "accounts.models",
        "accounts.login.pending",
        "accounts.login.throttle",
        "accounts.login.turns",
    },
    "accounts.sharing": {
        "accounts.conf",
        "accounts.devices",
        "accounts.models",
        "accounts.sessions",
    },
    "accounts.backends": {
        "accounts.sync.groups",
        "accounts.models",
        "accounts.sync.revalidation",
        "accounts.aws.tokens",
    },
    # What keeps this site and Cognito in step.
    "accounts.sync.groups": {"accounts.conf", "accounts.models"},
    "accounts.sync.revalidation": {
        "accounts.afterwards",
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.sync.groups",
        "accounts.models",
        "accounts.models.users",
        "accounts.sessions",
    },
    "accounts.sync.drift": {
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.sync.duplicates",
        "accounts.models",
        "accounts.models.users",
        "accounts.sync.revalidation",
    },
    # … and the steps, which know nothing of one another.
    "accounts.login.pending": {"accounts.aws.cognito", "accounts.sealing"},
    "accounts.login.turns": {"accounts.models", "accounts.sealing"},
    "accounts.sealing": set(),
    "accounts.login.confirmation": {"accounts.conf", "accounts.sessions"},
    "accounts.sessions": {
        "accounts.conf",
        "accounts.devices",
        "accounts.events",
        "accounts.models",
    },
    "accounts.aws.cognito": {"accounts.conf", "accounts.aws.outbound"},
    "accounts.aws.functions": {"accounts.conf", "accounts.aws.outbound"},
    "accounts.aws.ledger": {"accounts.aws.functions"},
    "accounts.aws.texts": {"accounts.aws.cognito", "accounts.aws.functions"},
    "accounts.aws.outbound": {"accounts.breaker", "accounts.conf"},
    "accounts.breaker": set(),
    "accounts.login.throttle": {"accounts.breaker", "accounts.conf"},
    "accounts.aws.tokens": {"accounts.conf"},
    "accounts.countries": {"accounts.phones"},
    "accounts.remembered": set(),
    "accounts.brand": set(),
    "accounts.sync.pace": set(),
    "accounts.sync.duplicates": {"accounts.phones"},
    "accounts.phones": set(),
    "accounts.events": {"accounts.devices", "accounts.models", "accounts.phones"},
    "accounts.devices": {"accounts.login.throttle"},
    # What is ordered on accounts, which is done here and in Cognito …
    "accounts.operations": {
        "accounts.audit",
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.events",
        "accounts.aws.functions",
        "accounts.aws.ledger",
        "accounts.models",
        "accounts.phones",
        "accounts.sessions",
        "accounts.aws.texts",
    },
    "accounts.audit": {"accounts.devices", "accounts.models", "accounts.phones"},
    # … and the rest of the rooms.
    "accounts.afterwards": set(),
    "accounts.templatetags": set(),
    "accounts.templatetags.ago": set(),
    "accounts.templatetags.phone_numbers": {"accounts.phones"},
    "accounts.sync.holds": {
        "accounts.afterwards",
        "accounts.conf",
        "accounts.events",
        "accounts.aws.functions",
        "accounts.aws.ledger",
        "accounts.models",
        "accounts.models.users",
    },
    # What operators see and do
    "accounts.admin": {
        "accounts.admin.audit_log",
        "accounts.admin.differences",
        "accounts.admin.events",
        "accounts.admin.operations",
        "accounts.admin.users",
    },
    "accounts.admin.audit_log": {
        "accounts.admin.base",
        "accounts.admin.display",
        "accounts.login.confirmation",
    },
    "accounts.admin.base": {"accounts.models", "accounts.phones"},
    "accounts.admin.bulk": {"accounts.login.confirmation"},
    "accounts.admin.comparison": {
        "accounts.admin.difference_actions",
        "accounts.afterwards",
        "accounts.sync.drift",
        "accounts.models",
        "accounts.sync.pace",
    },
    "accounts.admin.difference_actions": {
        "accounts.admin.bulk",
        "accounts.admin.side_by_side",
        "accounts.aws.cognito",
        "accounts.sync.drift",
        "accounts.models",
    },
    "accounts.admin.differences": {
        "accounts.admin.base",
        "accounts.admin.comparison",
        "accounts.admin.difference_actions",
        "accounts.admin.side_by_side",
        "accounts.conf",
        "accounts.sync.drift",
        "accounts.models",
        "accounts.phones",
    },
    "accounts.admin.display": {"accounts.aws.ledger", "accounts.models", "accounts.models.users"},
    "accounts.admin.events": {
        "accounts.admin.base",
        "accounts.conf",
        "accounts.events",
        "accounts.models",
        "accounts.phones",
    },
    "accounts.admin.invitations": {
        "accounts.admin.orders",
        "accounts.conf",
        "accounts.login.confirmation",
        "accounts.fields",
        "accounts.models",
        "accounts.operations",
    },
    "accounts.admin.operations": {
        "accounts.admin.base",
        "accounts.admin.display",
        "accounts.admin.orders",
        "accounts.models",
        "accounts.operations",
    },
    "accounts.admin.orders": {"accounts.admin.display", "accounts.models", "accounts.operations"},
    "accounts.admin.remote_state": {
        "accounts.aws.cognito",
        "accounts.aws.functions",
        "accounts.aws.ledger",
        "accounts.models",
        "accounts.aws.outbound",
    },
    "accounts.admin.side_by_side": {
        "accounts.admin.base",
        "accounts.admin.display",
        "accounts.admin.remote_state",
        "accounts.models",
    },
    "accounts.admin.user_actions": {
        "accounts.admin.base",
        "accounts.admin.bulk",
        "accounts.admin.display",
        "accounts.admin.orders",
        "accounts.fields",
        "accounts.models",
        "accounts.operations",
    },
    "accounts.admin.user_filters": {"accounts.models", "accounts.models.users"},
    "accounts.admin.users": {
        "accounts.admin.base",
        "accounts.admin.display",
        "accounts.admin.events",
        "accounts.admin.invitations",
        "accounts.admin.orders",
        "accounts.admin.remote_state",
        "accounts.admin.side_by_side",
        "accounts.admin.user_actions",
        "accounts.admin.user_filters",
        "accounts.audit",
        "accounts.conf",
        "accounts.login.confirmation",
        "accounts.models",
        "accounts.operations",
        "accounts.phones",
        "accounts.sessions",
    },
    "accounts.admin_site": {
        "accounts.afterwards",
        "accounts.operations",
        "accounts.overview",
        "accounts.login.phone_login",
    },
    "accounts.overview": {"accounts.events", "accounts.figures", "accounts.afterwards"},
    "accounts.figures": {"accounts.aws.functions", "accounts.aws.ledger", "accounts.models"},
    "accounts.retention": {
        "accounts.conf",
        "accounts.figures",
        "accounts.models",
        "accounts.login.turns",
    },
    "accounts.sync.unproven": {
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.aws.functions",
        "accounts.aws.ledger",
        "accounts.models",
        "accounts.phones",
    },
    "accounts.models": {
        "accounts.models.drift",
        "accounts.models.events",
        "accounts.models.figures",
        "accounts.models.operations",
        "accounts.models.sessions",
        "accounts.models.turns",
        "accounts.models.unproven",
        "accounts.models.users",
    },
    "accounts.models.drift": {"accounts.models.users"},
    "accounts.models.events": {"accounts.models.users"},
    "accounts.models.figures": set(),
    "accounts.models.sessions": {"accounts.models.users"},
    "accounts.models.turns": set(),
    "accounts.aws": set(),
    "accounts.login": set(),
    "accounts.sync": set(),
    "accounts.models.unproven": set(),
    "accounts.models.operations": {"accounts.models.users"},
    "accounts.models.users": {"accounts.conf", "accounts.phones"},
    "accounts.conf": set(),
    "accounts": set(),
    # Django's hooks
    "accounts.apps": {"accounts.audit", "accounts.checks"},
    "accounts.checks": {"accounts.brand", "accounts.conf"},
    "accounts.context_processors": {"accounts.brand", "accounts.conf"},
    "accounts.middleware": {"accounts.afterwards", "accounts.models", "accounts.sessions"},
    # The operators' own: they look at the site, and the site does not know of them
    "cognito_admin": set(),
    "cognito_admin.apps": set(),
    "cognito_admin.pool": set(),
    "cognito_admin.account": {"accounts.conf"},
    "cognito_admin.stack": {"cognito_admin.account"},
    "cognito_admin.clients": {"cognito_admin.account", "cognito_admin.pool"},
    "cognito_admin.journal": {"cognito_admin.account", "cognito_admin.pool"},
    "cognito_admin.attach": {
        "cognito_admin.account",
        "cognito_admin.plans",
        "cognito_admin.pool",
        "cognito_admin.stack",
    },
    "cognito_admin.plans": {
        "cognito_admin.account",
        "cognito_admin.journal",
        "cognito_admin.pool",
    },
    "cognito_admin.terminal": {
        "cognito_admin.account",
        "cognito_admin.journal",
        "cognito_admin.plans",
        "cognito_admin.pool",
        "cognito_admin.stack",
    },
    "cognito_admin.repair": {
        "accounts.aws.cognito",
        "accounts.sync.duplicates",
        "cognito_admin.account",
    },
    "cognito_admin.revision": set(),
    "cognito_admin.accepted": {"cognito_admin.doctor.case", "cognito_admin.terminal"},
    "cognito_admin.config": {"cognito_admin.accepted", "cognito_admin.terminal"},
    "cognito_admin.remains": {
        "cognito_admin.account",
        "cognito_admin.stack",
        "cognito_admin.terminal",
    },
    "cognito_admin.deploy": {
        "cognito_admin.account",
        "cognito_admin.attach",
        "cognito_admin.plans",
        "cognito_admin.config",
        "cognito_admin.remains",
        "cognito_admin.revision",
        "cognito_admin.stack",
        "cognito_admin.terminal",
    },
    "cognito_admin.revert": {
        "cognito_admin.account",
        "cognito_admin.config",
        "cognito_admin.deploy",
        "cognito_admin.stack",
        "cognito_admin.terminal",
    },
    "cognito_admin.doctor": {
        "accounts.conf",
        "cognito_admin.doctor.alarms",
        "cognito_admin.doctor.case",
        "cognito_admin.doctor.clients",
        "cognito_admin.doctor.dry_run",
        "cognito_admin.doctor.functions",
        "cognito_admin.doctor.pool",
        "cognito_admin.doctor.roles",
        "cognito_admin.doctor.services",
        "cognito_admin.doctor.site",
        "cognito_admin.doctor.storage",
        "cognito_admin.doctor.texts",
        "cognito_admin.doctor.triggers",
        "cognito_admin.stack",
    },
    "cognito_admin.doctor.case": {
        "cognito_admin.account",
        "cognito_admin.clients",
        "cognito_admin.revision",
        "cognito_admin.stack",
    },
    "cognito_admin.doctor.clients": {"accounts.conf", "cognito_admin.doctor.case"},
    "cognito_admin.doctor.pool": {"cognito_admin.doctor.case", "cognito_admin.journal"},
    "cognito_admin.doctor.site": {
        "accounts.conf",
        "accounts.aws.tokens",
        "cognito_admin.doctor.case",
    },
    "cognito_admin.doctor.texts": {"cognito_admin.doctor.case"},
    "cognito_admin.doctor.triggers": {"cognito_admin.doctor.case"},
    "cognito_admin.doctor.functions": {"cognito_admin.doctor.case", "cognito_admin.revision"},
    "cognito_admin.doctor.dry_run": {"cognito_admin.doctor.case"},
    "cognito_admin.doctor.roles": {"cognito_admin.doctor.case", "cognito_admin.doctor.functions"},
    "cognito_admin.doctor.storage": {
        "cognito_admin.doctor.case",
        "cognito_admin.doctor.functions",
    },
    "cognito_admin.doctor.alarms": {"cognito_admin.doctor.case"},
    "cognito_admin.doctor.services": {"accounts.conf", "cognito_admin.doctor.case"},
    "config": set(),
    "config.settings": {"config.logs"},
    "config.logs": set(),
    "config.address_checks": {"accounts.conf"},
    "config.messages": set(),
    "config.apps": {"config.address_checks", "config.checks", "config.request_logs"},
    "config.request_logs": {"accounts.devices", "accounts.login.throttle"},
    "config.bodies": {"accounts.context_processors"},
    "config.worker": set(),
    "config.cache": {"accounts.breaker"},
    "config.postgresql": set(),
    "config.postgresql.base": {"accounts.breaker"},
    "config.checks": set(),
    "config.health": {"accounts.aws.tokens", "config.lame_duck"},
    "config.lame_duck": set(),
    "config.gunicorn.conf": {"config.lame_duck", "config.logs"},
    "config.urls": {"accounts.views.login", "config.health"},
    "config.wsgi": set(),
}

# Of these a module may import any.
LOOSER: dict[str, set[str]] = {
    "accounts.migrations*": {"accounts.models.sessions"},
    "accounts.management": set(),
    "accounts.management.arguments": {"accounts.conf", "accounts.phones"},
    "accounts.management.commands*": {
        "accounts.aws.cognito",
        "accounts.conf",
        "accounts.sync.drift",
        "accounts.aws.functions",
        "accounts.aws.ledger",
        "accounts.management.arguments",
        "accounts.models",
        "accounts.operations",
        "accounts.sync.pace",
        "accounts.phones",
        "accounts.retention",
        "accounts.sync.unproven",
    },
}

LOOSER["cognito_admin.management*"] = {
    "accounts.aws.cognito",
    "accounts.conf",
    "accounts.sync.pace",
    "accounts.phones",
    *(name for name in ARROWS if name.startswith("cognito_admin.")),
}

# Packages from elsewhere. Django and the standard library go without saying.
PACKAGES: dict[str, set[str]] = {
    "accounts.admin.audit_log": {"auditlog"},
    "accounts.audit": {"auditlog"},
    "accounts.checks": {"limits", "phonenumbers"},
    "accounts.countries": {"babel"},
    "accounts.aws.cognito": {"boto3", "botocore", "mypy_boto3_cognito_idp"},
    "accounts.aws.outbound": {"botocore"},
    "accounts.devices": {"ua_parser"},
    "accounts.middleware": {"asgiref"},
    "accounts.sealing": {"cryptography"},
    "accounts.sessions": {"asgiref"},
    "accounts.templatetags.ago": {"babel"},
    "accounts.aws.functions": {"boto3", "botocore", "mypy_boto3_lambda"},
    "accounts.phones": {"phonenumbers"},
    "accounts.login.throttle": {"limits"},
    "accounts.aws.tokens": {"jwt", "requests", "urllib3"},
    "cognito_admin.account": {"boto3", "botocore"},
    "cognito_admin.plans": {"botocore"},
    "cognito_admin.deploy": {"botocore"},
    "cognito_admin.doctor": {"botocore"},
    "cognito_admin.doctor.dry_run": {"botocore"},
    "cognito_admin.doctor.services": {"limits"},
    "cognito_admin.doctor.storage": {"botocore"},
    "cognito_admin.revert": {"botocore"},
    "cognito_admin.doctor.site": {"requests"},
    "cognito_admin.doctor.texts": {"botocore", "phonenumbers"},
    "cognito_admin.remains": {"botocore"},
    "cognito_admin.repair": {"botocore"},
    "cognito_admin.stack": {"botocore"},
    "cognito_admin.terminal": {"botocore"},
    "config.address_checks": {"limits"},
    "config.cache": {"redis"},
    "config.worker": {"gunicorn"},
    "config.postgresql.base": {"psycopg"},
    "config.logs": {"structlog"},
    "config.request_logs": {"django_structlog", "structlog"},
    "config.settings": {"csp", "environ"},
}

OURS = ("accounts", "cognito_admin", "config", "lambdas", "localcloud", "tests")
SITE = ("accounts", "cognito_admin", "config")


def modules(*packages: str) -> dict[str, Path]:
    found = {}
    for package in packages:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


ALL = modules(*SITE, "lambdas", "localcloud")


def imports(name: str) -> set[str]:
    """Every module that ``name`` imports, be it inside a function or for types only."""
    path = ALL[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                inside = f"{base}.{alias.name}"
                found.add(inside if inside in ALL else base)
    return found


def of_the_project(name: str) -> set[str]:
    return {module for module in imports(name) if module.partition(".")[0] in OURS}


def from_elsewhere(name: str) -> set[str]:
    top = {module.partition(".")[0] for module in imports(name)}
    return top - set(OURS) - sys.stdlib_module_names - {"django"}


def rows(name: str) -> list[set[str]]:
    return [row for pattern, row in LOOSER.items() if fnmatchcase(name, pattern)]


@pytest.mark.parametrize("name", modules(*SITE))
def test_module_imports_of_the_project_what_the_table_says(name):
    if name in ARROWS:
        assert of_the_project(name) == ARROWS[name]
    else:
        assert rows(name), f"{name} has no row in the table"
        assert of_the_project(name) <= set.union(*rows(name))


@pytest.mark.parametrize("name", modules(*SITE))
def test_module_imports_from_elsewhere_what_the_table_says(name):
    assert from_elsewhere(name) == PACKAGES.get(name, set())


def test_table_names_no_module_that_is_gone():
    named = {*ARROWS, *PACKAGES, *set.union(*ARROWS.values(), *LOOSER.values())}

    assert named <= set(ALL)


def test_arrows_are_one_way():
    graph = {name: of_the_project(name) - {name} for name in modules(*SITE)}

    assert list(TopologicalSorter(graph).static_order())


def test_the_site_knows_nothing_of_the_operators_commands():
    for name in modules("accounts"):
        assert not [each for each in of_the_project(name) if each.startswith("cognito_admin")]


def test_nothing_is_imported_by_its_name_in_a_string():
    for name in modules(*SITE):
        assert not imports(name) & {"importlib", "runpy", "pkgutil", "django.utils.module_loading"}
        assert "__import__" not in ALL[name].read_text("utf-8")


@pytest.mark.parametrize("name", modules("lambdas"))
def test_lambda_imports_itself_and_aws_only(name):
    assert {module.partition(".")[0] for module in of_the_project(name)} <= {"lambdas"}
    assert from_elsewhere(name) <= {"boto3", "botocore"}
    assert not any(module.partition(".")[0] == "django" for module in imports(name))


@pytest.mark.parametrize("name", modules("localcloud"))
def test_local_cloud_imports_nothing_of_the_site(name):
    if name == "localcloud.settings":
        # Those of the site, and the inbox.
        assert of_the_project(name) == {"config.settings"}
        return
    others = {each for each in of_the_project(name) if each.partition(".")[0] != "localcloud"}
    # Which files of lambdas/ are deployed, here as there.
    assert others <= {"cognito_admin.revision"}
