"""The settings of a deployed site, in a process of its own that sees documented variables only."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.conf import settings as test_settings
from django.urls import reverse

pytestmark = pytest.mark.programs

PRODUCTION = {
    "ENV_FILE": os.devnull,
    "DJANGO_SECRET_KEY": "aB3-dE5_gH7-jK9_mN1-pQ3_sT5-vW7_yZ9-bC1_eF3-hJ5_kL7-nP9_rS1",
    "DJANGO_ALLOWED_HOSTS": "www.example.com",
    "DATABASE_URL": "postgres://user:password@127.0.0.1:9/site",
    "CACHE_URL": "redis://127.0.0.1:9/0",
    "AWS_REGION": "eu-west-1",
    "COGNITO_USER_POOL_ID": "eu-west-1_Example01",
    "COGNITO_CLIENT_ID": "exampleclientid",
    "COGNITO_CLIENT_SECRET": "exampleclientsecret",
    "COGNITO_KNOWN_CLIENT_ID": "exampleknownclientid",
    "COGNITO_KNOWN_CLIENT_SECRET": "exampleknownsecret",
    "COGNITO_SITE_CLIENT_ID": "examplesiteclientid",
    "COGNITO_SITE_CLIENT_SECRET": "examplesitesecret",
    "SITE_KEY": "an example of a key of the site, of 48 characters",
    "TEXTS_FUNCTION": "site-texts",
    "SITE_NAME": "Example",
    "SITE_CONTACT": "help@example.com",
    "ACCOUNTS_COUNTRIES": "US,GB",
    "ACCOUNTS_DEFAULT_REGION": "US",
}

# Required by the checks of a deployment, in addition to the settings without a default.
CAREFUL = {"DJANGO_TRUSTED_PROXIES": "1", "DJANGO_SECURE_HSTS_SECONDS": "31536000"}

IN_MEMORY = {"DATABASE_URL": "sqlite://:memory:"}

PROBE = """
import json, sys
import django
django.setup()
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from accounts.models import Session, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

def remember(request):
    request.session["anything"] = 1
    return HttpResponse()

def seen(path, *, secure=True, **headers):
    response = Client().get(path, secure=secure, headers={"host": "www.example.com", **headers})
    return {
        "status": response.status_code,
        "headers": {name.lower(): value for name, value in response.items()},
        "cookies": [morsel.OutputString() for morsel in response.cookies.values()],
        "text": response.content.decode(),
    }

with connection.schema_editor() as editor:
    editor.create_model(User)
    editor.create_model(Session)
session = SessionMiddleware(remember)(RequestFactory().get("/"))
print(json.dumps({
    "login": seen("/accounts/login/"),
    "session": [morsel.OutputString() for morsel in session.cookies.values()],
    "plain": seen("/accounts/login/", secure=False),
    "forwarded": seen("/accounts/login/", secure=False, **{"X-Forwarded-Proto": "https"}),
    "health": seen("/healthz", secure=False),
    "inbox": seen("/local/inbox/"),
    "stranger": seen("/accounts/login/", host="evil.example.net"),
    "debug": settings.DEBUG,
    "region": settings.AWS_REGION,
    "name": settings.SITE_NAME,
    "modules": sorted(name for name in sys.modules if name.startswith("localcloud")),
}))
"""


def run(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=project,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def probe(project: Path, **environment: str) -> dict[str, Any]:
    done = run(project, "-c", PROBE, DJANGO_SETTINGS_MODULE="config.settings", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", autouse=True)
def _collected(project, tmp_path_factory) -> Iterator[None]:
    """A deployed site has its files collected."""
    root = str(tmp_path_factory.mktemp("static") / "root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRODUCTION, "DJANGO_STATIC_ROOT", root)
        done = run(project, "manage.py", "collectstatic", "--noinput", **PRODUCTION)
        assert done.returncode == 0, done.stderr
        yield


@pytest.fixture(scope="module")
def production(project) -> dict[str, Any]:
    return probe(project, **PRODUCTION | IN_MEMORY)


@pytest.fixture(scope="module")
def behind_a_proxy(project, tmp_path_factory) -> dict[str, Any]:
    """The same site with a proxy before it, and some of its settings in a file."""
    file = tmp_path_factory.mktemp("settings") / "env"
    file.write_text(
        "DJANGO_TRUSTED_PROXIES=1\nDJANGO_SECURE_HSTS_SECONDS=31536000\n"
        "DJANGO_SECURE_HSTS_INCLUDE_SUBDOMAINS=true\nDJANGO_SECURE_HSTS_PRELOAD=true\n"
        "SITE_NAME=Of the file\nAWS_REGION=xx\n"
    )
    environment = {name: value for name, value in PRODUCTION.items() if name != "SITE_NAME"}
    return probe(project, **environment | IN_MEMORY | {"ENV_FILE": str(file)})


def test_deployed_site_passes_every_check_of_django(project):
    done = run(
        project, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | CAREFUL
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "System check identified no issues (3 silenced).\n"


def test_models_have_all_their_migrations(project):
    done = run(
        project, "manage.py", "makemigrations", "--check", "--dry-run", **PRODUCTION | IN_MEMORY
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "No changes detected\n"


def test_site_without_a_secret_key_does_not_start(project):
    environment = {k: v for k, v in PRODUCTION.items() if k != "DJANGO_SECRET_KEY"}

    done = run(project, "-c", "import config.settings", **environment)

    assert done.returncode != 0
    assert "DJANGO_SECRET_KEY" in done.stderr.splitlines()[-1]


def test_secret_may_begin_with_a_dollar(project):
    """Otherwise it would be taken for the name of a variable, and shown as the missing one."""
    names = ("DJANGO_SECRET_KEY", "COGNITO_CLIENT_SECRET", "SITE_KEY")
    dollars = {name: f"$of-{name}" for name in names}
    listed = {"DJANGO_SECRET_KEY_FALLBACKS": "$first,second"}
    code = "from config.settings import *; print(SECRET_KEY, COGNITO_CLIENT_SECRET, SITE_KEY)"

    done = run(
        project, "-c", f"{code}; print(SECRET_KEY_FALLBACKS)", **PRODUCTION | dollars | listed
    )

    assert done.stdout.splitlines() == [" ".join(dollars.values()), "['$first', 'second']"]


def test_site_that_is_told_nothing_is_found_wanting(project):
    done = run(
        project,
        "manage.py",
        "check",
        ENV_FILE=os.devnull,
        DJANGO_SECRET_KEY=PRODUCTION["DJANGO_SECRET_KEY"],
    )

    assert done.returncode != 0
    for variable in (
        "ACCOUNTS_COUNTRIES",
        "AWS_REGION",
        "COGNITO_USER_POOL_ID",
        "COGNITO_CLIENT_ID",
        "COGNITO_CLIENT_SECRET",
    ):
        assert f"{variable} is" in done.stderr


def test_every_variable_is_explained_once_with_its_default(project):
    page = (project / "docs" / "configuration.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]+)`)?", page, re.MULTILINE)
    read = defaults(project)

    assert sorted(name for name, _ in rows) == sorted(read)
    told = {name: default for name, default in rows if default and read[name]}
    assert told == {name: read[name] for name in told}
    assert len(told) > 15


def test_example_of_an_environment_names_variables_that_are_read(project):
    example = (project / ".env.example").read_text("utf-8")
    named = re.findall(r"^(\w+)=", example, re.MULTILINE)

    assert {*named, *PRODUCTION} - {"ENV_FILE"} <= set(defaults(project))
    assert len(named) == len(set(named))


def test_variables_that_deploying_gives_are_read(project):
    """What make deploy prints, from the outputs of the stack, and what make run writes."""
    template = (project / "lambdas" / "template.yaml").read_text("utf-8")
    printed = re.findall(r"^    Description: ([A-Z_]+) of the site", template, re.MULTILINE)
    written = re.findall(
        r'^ {12}"([A-Z_]+)": ',
        (project / "localcloud" / "cloud.py").read_text("utf-8"),
        re.MULTILINE,
    )
    # Those of boto3, and one that the settings of make run alone have.
    others = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LOCAL_MESSAGING_URL"}

    assert len(printed) >= 4
    assert len(written) > 20
    assert {*printed, *written} - others <= set(defaults(project))


# The one setting that Django names, and that is made of an address with a usual name.
MADE_OF_AN_ADDRESS = {"DATABASE_URL": "DATABASES"}
# Ours, with names that other programs give to variables.
TOO_COMMON = {"HTTPS", "TRUSTED_PROXIES"}


def test_every_variable_has_the_name_of_its_setting(project):
    read = settings_by_variable(project)

    assert read == {name: setting_of(name) for name in read}
    assert set(read) == set(defaults(project))


def setting_of(variable: str) -> str:
    """Return the name that the setting of a variable must have."""
    bare = variable.removeprefix("DJANGO_")
    is_prefixed = hasattr(global_settings, bare) or bare in TOO_COMMON
    assert is_prefixed == (variable != bare), variable
    return MADE_OF_AN_ADDRESS.get(variable, bare)


def settings_by_variable(project: Path) -> dict[str, str]:
    """Return by each variable that the settings read the setting that it is read for."""
    return {
        str(call.args[0].value): ast.unparse(assigned.targets[0])
        for assigned in ast.parse((project / "config" / "settings.py").read_text("utf-8")).body
        if isinstance(assigned, ast.Assign)
        for call in ast.walk(assigned.value)
        if isinstance(call, ast.Call) and is_reading(call)
    }


def is_reading(call: ast.Call) -> bool:
    """Whether a call has the name of a variable as its first argument."""
    function = ast.unparse(call.func)
    is_reader = function.startswith("env.") or function in {"secret", "secrets"}
    return is_reader and bool(call.args) and isinstance(call.args[0], ast.Constant)


def defaults(project: Path) -> dict[str, str]:
    """Return each variable that the settings read with its default, "" for one that is made."""
    found: dict[str, str] = {}
    for call in ast.walk(ast.parse((project / "config" / "settings.py").read_text("utf-8"))):
        if isinstance(call, ast.Call) and is_reading(call):
            default = next((ast.unparse(each.value) for each in call.keywords), "''")
            if default in ("True", "False"):
                plain = default.lower()
            elif re.fullmatch(r"[\d *]+|'.*'", default):
                plain = str(eval(default))  # noqa: S307 - a literal of ours
            else:
                plain = ""
            found[str(call.args[0].value)] = plain
    return found


def assert_host_bound(cookie: str, name: str) -> None:
    value, *attributes = cookie.split("; ")
    assert value.startswith(f"{name}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert "domain" not in cookie.lower()


def test_session_cookie_belongs_to_this_host_alone(production):
    (cookie,) = production["session"]

    assert_host_bound(cookie, "__Host-sessionid")
    assert "Max-Age=3600" in cookie.split("; ")


def test_csrf_cookie_belongs_to_this_host_alone(production):
    device, csrf = sorted(production["login"]["cookies"], key=lambda cookie: "csrf" in cookie)

    assert_host_bound(csrf, "__Host-csrftoken")
    assert_host_bound(device, "__Host-device")


def test_plain_http_is_sent_to_https(production):
    assert production["plain"]["status"] == 301
    assert production["plain"]["headers"]["location"] == "https://www.example.com/accounts/login/"


def test_health_is_told_over_plain_http(production):
    assert (production["health"]["status"], production["health"]["text"]) == (200, "ok")


def test_page_carries_the_headers_of_a_careful_site(production):
    headers = production["login"]["headers"]

    assert headers["strict-transport-security"] == "max-age=3600"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_https_for_good_is_what_the_settings_say(behind_a_proxy):
    told = behind_a_proxy["forwarded"]["headers"]["strict-transport-security"]

    assert told == "max-age=31536000; includeSubDomains; preload"


def test_stranger_host_is_refused_without_details(production):
    assert production["stranger"]["status"] == 400
    assert production["debug"] is False
    assert "evil.example.net" not in production["stranger"]["text"]


def test_forwarded_https_is_believed_only_of_a_trusted_proxy(production, behind_a_proxy):
    assert production["forwarded"]["status"] == 301
    assert behind_a_proxy["forwarded"]["status"] == 200
    assert behind_a_proxy["plain"]["status"] == 301


def test_file_of_settings_is_read_and_the_environment_wins(behind_a_proxy):
    assert behind_a_proxy["name"] == "Of the file"
    assert behind_a_proxy["region"] == "eu-west-1"


def test_texts_of_the_local_cloud_are_not_served_by_a_deployed_site(production):
    assert production["inbox"]["status"] == 404
    assert production["modules"] == []


def test_local_site_has_the_texts_and_needs_no_https():
    assert reverse("localcloud:inbox") == "/local/inbox/"
    assert test_settings.SESSION_COOKIE_NAME == "sessionid"
    assert test_settings.CSRF_COOKIE_NAME == "csrftoken"
