"""How the house is built, as far as import-linter (pyproject.toml) cannot say it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROJECT = TESTS.parent


def imports_of_test_modules(source: str) -> list[str]:
    """The dotted names that are imported from ``tests`` and belong to a test module."""
    return [
        name
        for name in imported_names(source)
        if name.startswith(("tests.", "."))
        and any(part.startswith("test_") for part in name.split("."))
    ]


def imported_names(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{each.name}" for each in node.names)


def test_no_test_module_is_imported():
    found = {
        str(path.relative_to(TESTS)): names
        for path in TESTS.rglob("*.py")
        if (names := imports_of_test_modules(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "from tests.accounts.test_views import page",
        "from tests.accounts import test_views",
        "import tests.accounts.test_views",
        "def late():\n    from tests.accounts.test_views import page",
        "from .test_views import page",
        "from . import test_views",
    ],
)
def test_import_of_a_test_module_is_found_in_any_form(source):
    assert imports_of_test_modules(source)


def test_import_of_a_shared_module_is_allowed():
    assert not imports_of_test_modules("from tests.fakes.user_pool import UserPool")


@pytest.mark.parametrize("package", ["accounts", "cognito_admin", "config"])
def test_modules_are_imported_by_statements_alone(package):
    """An import by a name in a string would pass the contracts unseen."""
    for path in (PROJECT / package).rglob("*.py"):
        source = path.read_text("utf-8")
        assert not {"importlib", "runpy", "pkgutil"} & set(imported_names(source)), path
        assert not any(each in source for each in ("import_string", "__import__")), path


def test_triggers_need_no_package_but_those_of_the_lambda_runtime():
    found = {
        name.partition(".")[0]
        for path in (PROJECT / "lambdas").rglob("*.py")
        for name in imported_names(path.read_text("utf-8"))
    }
    assert found - sys.stdlib_module_names - {""} <= {"boto3", "botocore", "lambdas"}
