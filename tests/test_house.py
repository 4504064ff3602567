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


PACKAGES = ("accounts", "cognito_admin", "config", "lambdas", "localcloud")
LONGEST = 300


def too_long(root: Path) -> dict[str, int]:
    """The modules of ``root`` that pass the limit, with their lines. Migrations are generated."""
    lengths = {
        path.relative_to(root.parent).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in root.rglob("*.py")
        if path.parent.name != "migrations"
    }
    return {name: lines for name, lines in lengths.items() if lines > LONGEST}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_passes_300_lines(package):
    assert too_long(PROJECT / package) == {}


def test_module_of_one_line_too_many_is_found(tmp_path):
    room = tmp_path / "accounts"
    (room / "migrations").mkdir(parents=True)
    (room / "fits.py").write_text("x = 1\n" * LONGEST)
    (room / "long.py").write_text("x = 1\n" * (LONGEST + 1))
    (room / "migrations/0001_initial.py").write_text("x = 1\n" * 900)
    assert too_long(room) == {"accounts/long.py": LONGEST + 1}


def test_test_modules_that_run_first_or_last_exist():
    """A name that matches nothing would let a long module run whenever it comes."""
    named = {
        name: ast.literal_eval(node.value)
        for node in ast.parse((TESTS / "conftest.py").read_text("utf-8")).body
        if isinstance(node, ast.Assign)
        for name in (target.id for target in node.targets if isinstance(target, ast.Name))
        if name in ("_FIRST", "_LAST")
    }
    assert named.keys() == {"_FIRST", "_LAST"}
    assert [
        path for paths in named.values() for path in paths if not (TESTS / path).is_file()
    ] == []


def test_triggers_need_no_package_but_those_of_the_lambda_runtime():
    found = {
        name.partition(".")[0]
        for path in (PROJECT / "lambdas").rglob("*.py")
        for name in imported_names(path.read_text("utf-8"))
    }
    assert found - sys.stdlib_module_names - {""} <= {"boto3", "botocore", "lambdas"}
