"""Documents: what they tell people to type is there, and so is where they lead."""

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import pytest
import yaml
from botocore import xform_name
from django.core.management import load_command_class
from django.utils import timezone

from accounts.models import Session, User

PROJECT = Path(__file__).resolve().parent.parent
COMMANDS = sorted(PROJECT.glob("*/management/commands/[!_]*.py"))
CONTRIBUTING, CHANGELOG = PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md"
DOCUMENTS = [
    PROJECT / "README.md",
    CONTRIBUTING,
    PROJECT / "SECURITY.md",
    *sorted((PROJECT / "docs").glob("*.md")),
]
DECISIONS = sorted((PROJECT / "docs" / "adr").glob("*.md"))


def commands(program: str) -> set[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    # A command may be broken over two lines of a paragraph.
    spans = re.findall(r"`([^`]+)`", text.replace("```", ""))
    found = [" ".join(span.split()) for span in spans]
    found += [line.split("#")[0].strip() for line in text.splitlines()]
    return {each for each in found if each.startswith(program)}


@pytest.mark.parametrize("command", sorted(commands("aws ")))
def test_aws_command_is_one(command):
    service, operation, *words = command.split()[1:]
    model = boto3.client(service, region_name="eu-west-1").meta.service_model
    names = {xform_name(name, "-"): name for name in model.operation_names}
    members = model.operation_model(names[operation]).input_shape.members
    options = {word[2:] for word in words if word.startswith("--")}
    assert options <= {xform_name(name, "-") for name in members}


@pytest.mark.parametrize("command", sorted(commands("make ")))
def test_make_target_is_one(command):
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    target = next(word for word in command.split()[1:] if "=" not in word)
    assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)


@pytest.mark.parametrize("command", sorted(commands("python -m tests.")))
def test_module_of_the_tests_is_one_that_can_be_run(command):
    path = PROJECT.joinpath(*command.split()[2].split(".")).with_suffix(".py")
    assert "__main__" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(commands("python manage.py ") | commands("manage.py ")))
def test_management_command_is_one(command):
    name = command.split("manage.py ")[1].split()[0].rstrip(",")
    ours = {path.stem for path in COMMANDS}
    assert name in ours | {"check", "migrate", "collectstatic", "shell"}


@pytest.mark.django_db
def test_command_that_signs_everybody_out_does_so():
    [code] = re.findall(r'manage\.py shell -c "(.+)"', (PROJECT / "docs/operations.md").read_text())
    user = User.objects.for_identity("one", "+12015550123")
    later = timezone.now() + timedelta(days=1)
    ours = Session.objects.create(session_key="a", expire_date=later, user=user)
    nobodys = Session.objects.create(session_key="b", expire_date=later)

    exec(code, {})  # noqa: S102 - our own document

    ours.refresh_from_db()
    nobodys.refresh_from_db()
    assert ours.ended_why == Session.Ended.ENDED_BY_OPERATOR
    assert nobodys.ended_at is None


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_management_command_takes_none_of_djangos_options(path):
    """Django reads its own, such as --settings, by their names before the command does."""
    command = load_command_class(path.parents[2].name, path.stem)
    names = [action.dest for action in command.create_parser("manage.py", path.stem)._actions]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", [*DOCUMENTS, CHANGELOG, *DECISIONS], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            assert anchor in slugs, link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_tests_that_are_named_are_there(path):
    for name, test in re.findall(r"`([\w/]+\.py)::(\w+)`", path.read_text(encoding="utf-8")):
        source = (PROJECT / name).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", source, re.MULTILINE), f"{name}::{test}"


def test_readme_is_short_enough_to_be_read():
    lines = (PROJECT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 90


def test_rooms_that_newcomers_are_shown_are_there():
    """Those after the first of a row may be named without their folder."""
    rows = re.findall(r"^\| (`[^|]+`) \|", section("Where things go"), re.MULTILINE)
    assert len(rows) > 15
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        for name in (first, *others):
            folder = PROJECT if name == first or "/" in name.strip("/") else PROJECT / "accounts"
            assert (folder / name).exists() or (PROJECT / name).exists(), name


@pytest.mark.parametrize("path", [*DOCUMENTS, *DECISIONS], ids=lambda path: path.stem)
def test_files_that_are_named_are_there(path):
    for name in re.findall(r"`([\w-]+/[\w./-]+)`", path.read_text(encoding="utf-8")):
        assert (PROJECT / name).exists() or not (PROJECT / name.split("/")[0]).exists(), name


def test_glossary_is_short():
    words = re.findall(r"^\| ([\w, ]+) \|", section("Words"), re.MULTILINE)[1:]
    assert 10 <= len(words) <= 15


def test_every_way_to_add_something_has_five_steps():
    ways = section("How to add …").split("**")[1:]
    assert len(ways) == 2 * 5
    for steps in ways[1::2]:
        assert re.findall(r"^(\d)\. ", steps, re.MULTILINE) == list("12345")


def section(title: str) -> str:
    """Return a section of CONTRIBUTING.md."""
    return CONTRIBUTING.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_workflow_does_nothing_that_the_makefile_does_not():
    workflow = (PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    steps = re.findall(r"- run: (.+)$", workflow, re.MULTILINE)
    assert len(steps) >= 4
    for step in steps:
        assert re.search(rf"^{step.split()[1]}:", makefile, re.MULTILINE)
        assert step.startswith("make ")


def test_updates_are_asked_for_once_a_week_and_in_groups():
    config = yaml.safe_load((PROJECT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    updates = {each["package-ecosystem"]: each for each in config["updates"]}
    assert updates.keys() == {"pip", "npm", "github-actions", "docker"}
    for each in updates.values():
        assert (PROJECT / each["directory"].strip("/")).is_dir()
        assert each["schedule"] == {"interval": "weekly"}
        assert each["groups"]
    wanted = (PROJECT / "requirements.in").read_text(encoding="utf-8").splitlines()
    patterns = updates["pip"]["groups"]["site"]["patterns"]
    for line in wanted:
        name = re.match(r"[\w-]+", line)[0]
        assert any(fnmatchcase(name.lower(), each) for each in patterns), name


def test_commits_are_checked_by_what_make_lint_runs():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lint: .*\n((?:\t.+\n)+)", makefile, re.MULTILINE)[1]
    recipe = recipe.replace("$(RUN)", "$(VENV)/bin/python").replace("$(VENV)", ".local/venv")
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    [local] = hooks["repos"]

    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    entries = [hook["entry"].removeprefix("env ") for hook in local["hooks"]]
    # The database of known faults is elsewhere.
    needs_network = [".local/venv/bin/python -m tests.audit requirements*.txt"]
    assert entries + needs_network == recipe.replace("\t", "").splitlines()
