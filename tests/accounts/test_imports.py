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
    "accounts.urls": {"accounts.views"},
    "accounts.views": {
        "accounts.brand",
        "accounts.conf",
        "accounts.countries",
        "accounts.forms",
        "accounts.phone_login",
        "accounts.phones",
        "accounts.remembered",
    },
    "accounts.forms": {"accounts.conf", "accounts.countries", "accounts.fields"},
    "accounts.fields": {"accounts.conf", "accounts.countries", "accounts.phones"},
    # … the flow, which alone knows the order of the steps …
    "accounts.phone_login": {
        "accounts.cognito",
        "accounts.conf",
        "accounts.models",
        "accounts.pending",
        "accounts.phones",
        "accounts.throttle",
        "accounts.tokens",
        "accounts.turns",
    },
    "accounts.backends": {"accounts.models", "accounts.tokens"},
    # … and the steps, which know nothing of one another.
    "accounts.pending": {"accounts.cognito"},
    "accounts.turns": {"accounts.models"},
    "accounts.cognito": {"accounts.conf"},
    "accounts.ledger": {"accounts.conf"},
    "accounts.throttle": {"accounts.conf"},
    "accounts.tokens": {"accounts.conf"},
    "accounts.countries": {"accounts.phones"},
    "accounts.remembered": set(),
    "accounts.brand": set(),
    "accounts.phones": set(),
    "accounts.models": set(),
    "accounts.conf": set(),
    "accounts": set(),
    # Django's hooks
    "accounts.admin": {"accounts.models"},
    "accounts.admin_site": set(),
    "accounts.apps": {"accounts.checks"},
    "accounts.checks": {"accounts.brand", "accounts.conf"},
    "accounts.context_processors": {"accounts.brand", "accounts.conf"},
    "config": set(),
    "config.settings": set(),
    "config.urls": {"accounts.views"},
    "config.wsgi": set(),
}

# Of these a module may import any.
LOOSER: dict[str, set[str]] = {
    "accounts.migrations*": set(),
    "accounts.management": set(),
    "accounts.management.commands*": {
        "accounts.cognito",
        "accounts.conf",
        "accounts.ledger",
        "accounts.models",
        "accounts.phones",
    },
}

# Packages from elsewhere. Django and the standard library go without saying.
PACKAGES: dict[str, set[str]] = {
    "accounts.checks": {"limits", "phonenumbers"},
    "accounts.countries": {"babel"},
    "accounts.cognito": {"boto3", "botocore", "mypy_boto3_cognito_idp"},
    "accounts.ledger": {"boto3", "botocore", "mypy_boto3_lambda"},
    "accounts.phones": {"phonenumbers"},
    "accounts.throttle": {"limits"},
    "accounts.tokens": {"jwt", "requests", "urllib3"},
    "config.settings": {"csp", "environ"},
}

OURS = ("accounts", "config", "lambdas", "localcloud", "tests")


def modules(*packages: str) -> dict[str, Path]:
    found = {}
    for package in packages:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


ALL = modules("accounts", "config", "lambdas", "localcloud")


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


@pytest.mark.parametrize("name", modules("accounts", "config"))
def test_module_imports_of_the_project_what_the_table_says(name):
    if name in ARROWS:
        assert of_the_project(name) == ARROWS[name]
    else:
        assert rows(name), f"{name} has no row in the table"
        assert of_the_project(name) <= set.union(*rows(name))


@pytest.mark.parametrize("name", modules("accounts", "config"))
def test_module_imports_from_elsewhere_what_the_table_says(name):
    assert from_elsewhere(name) == PACKAGES.get(name, set())


def test_table_names_no_module_that_is_gone():
    named = {*ARROWS, *PACKAGES, *set.union(*ARROWS.values(), *LOOSER.values())}

    assert named <= set(ALL)


def test_arrows_are_one_way():
    graph = {name: of_the_project(name) - {name} for name in modules("accounts", "config")}

    assert list(TopologicalSorter(graph).static_order())


def test_nothing_is_imported_by_its_name_in_a_string():
    for name in modules("accounts", "config"):
        assert not imports(name) & {"importlib", "runpy", "pkgutil", "django.utils.module_loading"}
        assert "__import__" not in ALL[name].read_text("utf-8")


@pytest.mark.parametrize("name", modules("lambdas"))
def test_lambda_imports_itself_and_aws_only(name):
    assert {module.partition(".")[0] for module in of_the_project(name)} <= {"lambdas"}
    assert from_elsewhere(name) <= {"boto3", "botocore"}
    assert not any(module.partition(".")[0] == "django" for module in imports(name))


@pytest.mark.parametrize("name", modules("localcloud"))
def test_local_cloud_imports_nothing_of_the_site(name):
    assert {module.partition(".")[0] for module in of_the_project(name)} <= {"localcloud"}
