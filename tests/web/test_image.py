"""The image: the tree that the Dockerfile makes, without an engine to make it.

What ``.dockerignore`` lets through and the last stage copies is all that the site has there.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from localcloud.cloud import PROJECT
from tests.site import PRODUCTION, Site, manage

pytestmark = pytest.mark.programs

DOCKERFILE = re.sub(r"\\\n", " ", (PROJECT / "Dockerfile").read_text())
LAST_STAGE = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[-1]


def is_sent(path: Path) -> bool:
    """Tell whether the build gets a file: the last line of .dockerignore that fits it says so."""
    parts = path.relative_to(PROJECT).parts
    names = {"/".join(parts[: n + 1]) for n in range(len(parts))}
    sent = True
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = re.escape(line.removeprefix("!"))
        pattern = pattern.replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, name) for name in names):
            sent = line.startswith("!")
    return sent


def copies() -> Iterator[tuple[Path, str]]:
    """Yield what the last stage copies out of the project, and where to."""
    for source, target in re.findall(r"^COPY ([^-\s]\S*) (\S+)$", LAST_STAGE, re.MULTILINE):
        yield PROJECT / source, target


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """The folder /site of the image, with what RUN makes in it."""
    tree = tmp_path_factory.mktemp("image") / "site"
    tree.mkdir()
    for source, target in copies():
        for file in [source] if source.is_file() else sorted(source.rglob("*")):
            if file.is_file() and is_sent(file):
                to = tree / target / (file.name if source.is_file() else file.relative_to(source))
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, to)
    (run,) = re.findall(r"^RUN (.*manage\.py.*)$", LAST_STAGE, re.MULTILINE)
    done = subprocess.run(
        ["/bin/sh", "-c", run],
        cwd=tree,
        env={"PATH": f"{Path(sys.executable).parent}:{PRODUCTION['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tree


@pytest.fixture(scope="module")
def site(image, tmp_path_factory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("run")
    environment = PRODUCTION | {"DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}"}
    manage(environment, "migrate", "--verbosity", "0", cwd=image)
    running = Site(environment, directory / "site.log", cwd=image)
    try:
        running.wait("/healthz")
        yield running
    finally:
        running.kill()


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_page_of_the_image_is_in_every_language(site, language):
    page = site.get("/accounts/login/", Accept_Language=language)

    assert page.status_code == 200
    assert f'lang="{language}"' in page.text
    said = "Sign in with your phone number. No password."
    with translation.override(language):
        translated = gettext(said)
    assert (translated == said) == (language == "en")
    assert translated in page.text


def test_image_serves_its_files(site):
    page = site.get("/accounts/login/")

    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        assert site.get(address).status_code == 200, address


def commands() -> list[str]:
    return sorted(path.stem for path in PROJECT.glob("*/management/commands/[!_]*.py"))


# Each in a process of its own, as manage.py runs it, forked from one that has set Django up: that
# takes longer than the answer.
HELP = """
import os, sys
import django, manage
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
for command in sys.argv[1:]:
    sys.stdout.flush()
    if not os.fork():
        sys.argv = ["manage.py", command, "--help"]
        manage.main()
    os.wait()
"""


@pytest.fixture(scope="module")
def usages(image) -> str:
    """What the commands of the image say of themselves."""
    done = subprocess.run(
        [sys.executable, "-c", HELP, *commands()],
        cwd=image,
        env=PRODUCTION,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("command", commands())
def test_command_of_the_docs_runs_in_the_image(usages, command):
    """Each imports all that it needs before it can say how it is used."""
    assert f"usage: manage.py {command} " in usages


def test_doctor_finds_the_triggers_in_the_image(image):
    """It compares what is deployed with what the image holds."""
    script = (
        "from cognito_admin import revision; from cognito_admin.doctor.context import LAMBDAS;"
        "print(len(revision.sources(LAMBDAS)), (LAMBDAS / 'template.yaml').exists())"
    )

    printed = manage(PRODUCTION, "shell", "--no-imports", "-c", script, cwd=image)

    files, has_template = printed.split()
    assert int(files) > 10
    assert has_template == "True"


def test_image_holds_no_tests_and_no_local_aws(image):
    here = {path.name for path in image.iterdir()}

    assert not here & {"tests", "localcloud", ".local", ".git", ".env", "deploy.toml"}
