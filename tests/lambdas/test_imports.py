"""What the functions may import: they are deployed as they lie there, without packages."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TRIGGERS = Path(__file__).resolve().parents[2] / "lambdas" / "triggers"
MODULES = sorted(
    path.relative_to(TRIGGERS).with_suffix("").as_posix() for path in TRIGGERS.rglob("*.py")
)
HANDLERS = [
    "create_auth_challenge",
    "define_auth_challenge",
    "manage_ledger",
    "pre_authentication",
    "pre_sign_up",
    "pre_token_generation",
    "site_texts",
    "verify_auth_challenge_response",
]
WITHOUT_BOTO3 = [
    "challenge",
    "countries",
    "define_auth_challenge",
    "environment",
    "limits",
    "messages",
    "phones",
    "pre_sign_up",
    "telemetry",
]
GIVEN_BY_THE_RUNTIME = {"boto3", "botocore"}


def imported(module: str) -> set[str]:
    """The top-level packages that a module names; its own is ``triggers``."""
    names = set()
    # A dot is the folder of the module, a second one that above.
    packages = ["triggers", *module.split("/")[:-1]]
    for node in ast.walk(ast.parse((TRIGGERS / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            names.add("triggers" if node.level <= len(packages) else "outside")
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
    return names


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", *options, "-c", script], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_what_the_runtime_has(module):
    allowed = sys.stdlib_module_names | GIVEN_BY_THE_RUNTIME | {"triggers"}
    assert imported(module) <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_module_loads_nothing_while_it_runs(module):
    tree = ast.parse((TRIGGERS / f"{module}.py").read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inner = [node for function in functions for node in ast.walk(function)]
    assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in inner)


@pytest.mark.parametrize("module", WITHOUT_BOTO3)
@pytest.mark.programs
def test_module_without_aws_calls_runs_on_a_bare_interpreter(module):
    done = run(
        f"import sys; sys.path.insert(0, {str(TRIGGERS.parent)!r})\n"
        f"import triggers.{module}\n"
        "assert not {'boto3', 'botocore'} & set(sys.modules)\n",
        "-S",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.programs
def test_bare_interpreter_has_no_boto3():
    assert "ModuleNotFoundError" in run("import boto3", "-S").stderr


@pytest.mark.programs
def test_functions_load_as_they_are_deployed():
    done = run(
        f"import sys; sys.path.insert(0, {str(TRIGGERS.parent)!r})\n"
        "from importlib import import_module\n"
        f"for name in {HANDLERS!r}:\n"
        "    assert callable(import_module('triggers.' + name).handler)\n"
        "outside = {'django', 'accounts', 'config', 'lambdas', 'localcloud', 'tests'}\n"
        "assert not outside & set(sys.modules)\n",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.programs
def test_functions_ask_aws_for_nothing_while_they_load():
    done = run(
        f"import sys; sys.path.insert(0, {str(TRIGGERS.parent)!r})\n"
        "import socket\n"
        "socket.socket.connect = lambda *_: sys.exit('connected')\n"
        "from importlib import import_module\n"
        f"for name in {HANDLERS!r}:\n"
        "    import_module('triggers.' + name)\n"
        "import boto3\n"
        "assert boto3.DEFAULT_SESSION is None\n",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.programs
@pytest.mark.parametrize(
    ("plan", "kinds"), [("code", ["code"]), ("proof code", ["code", "proof"]), ("kode", [])]
)
def test_functions_load_the_kinds_of_their_plan_and_no_other(plan, kinds):
    done = run(
        f"import os, sys; sys.path.insert(0, {str(TRIGGERS.parent)!r})\n"
        f"os.environ['SIGN_IN_PLAN'] = {plan!r}\n"
        "import triggers.create_auth_challenge, triggers.verify_auth_challenge_response\n"
        "from triggers.plans import KINDS\n"
        f"assert [name for name in sorted(KINDS) if 'triggers.kinds.' + name in sys.modules]"
        f" == {kinds!r}\n",
    )
    assert done.returncode == 0, done.stderr
