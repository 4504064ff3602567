import contextlib
import functools
import gc
import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.session
import hypothesis
import pytest
from botocore import hooks
from botocore.loaders import create_loader
from django.core.cache import cache
from django.utils import translation

from accounts.aws import call_limits, cognito, functions, tokens
from accounts.login import decoys, throttle
from accounts.sync import revalidation
from config import health
from localcloud import inbox
from localcloud.cloud import Cloud
from tests import channel_stack, ledger_age, provision, site_settings
from tests import postgres as postgresql
from tests import sign_in_plan as sign_in_plans
from tests.channel_stack import ChannelStack
from tests.fakes.cognito_front.front import CognitoFront
from tests.redis import Redis
from tests.wire import WireServer

# Collect garbage seldom: a third of the time to collect the tests, and a sixth of the time to run
# them, went to looking through what stays.
gc.set_threshold(100_000, 20, 20)

# Playwright's loop runs in the thread that also uses Django's database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


# No test fails since a machine is busy, and fixtures of ours hold for all examples.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("tests")

# Long modules first, so that no worker is left alone with one at the end.
_FIRST = (
    "web/test_faults.py",
    "cognito_admin/test_doctor_faults.py",
    "cognito_admin/test_deploy.py",
    "cognito_admin/test_doctor.py",
    "localcloud/test_run.py",
    "cognito_admin/test_cut_off.py",
    "end_to_end/test_permissions.py",
    "cognito_admin/test_doctor_lost.py",
    "fakes/test_cognito_front.py",
    "lambdas/test_create_auth_challenge.py",
    "end_to_end/test_alike.py",
    "end_to_end/test_login.py",
    "end_to_end/test_operations.py",
    "end_to_end/test_double_submit.py",
    # After others have made the triggers warm, whose first texts come late on a busy machine.
    "web/test_outages.py",
    "web/test_database_outages.py",
    "web/test_two_processes.py",
    "lambdas/codes/test_checking.py",
    "lambdas/test_verify_auth_challenge_response.py",
    "localcloud/test_stack.py",
    "end_to_end/test_limits.py",
    "localcloud/test_cloud.py",
    "accounts/test_views.py",
    "lambdas/senders/test_aws.py",
)
# Playwright's event loop stays in its thread, where asynchronous tests would find it: all of
# tests/browser comes after the rest, and these at the very end.
_LAST = ("browser/test_login.py", "browser/test_pictures.py")


# By a fixture that a test uses: what the test needs. ``make unit`` leaves those tests out.
_MARKS = {"cloud": "cloud", "postgres": "programs", "redis_url": "programs"}


def pytest_sessionstart() -> None:
    # A shell that runs the tests in the background has it ignored, and so would every program that
    # a test starts and ends with Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    for name in _MARKS.keys() & set(getattr(item, "fixturenames", ())):
        item.add_marker(_MARKS[name])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(_FIRST, -len(_FIRST))}
    places |= {here / name: place for place, name in enumerate(_LAST, 1)}
    items.sort(
        key=lambda item: places.get(item.path, 1 if here / "browser" in item.path.parents else 0)
    )


def pytest_collection_finish() -> None:
    """Leave what was collected out of all garbage collections that follow."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """What a process remembers must not outlive a test."""
    cache.clear()
    cognito._made_gateway.cache_clear()
    tokens._verifier.cache_clear()
    throttle._made_limiter.cache_clear()
    call_limits._made_calls.cache_clear()
    call_limits._made_places.cache_clear()
    functions._client.cache_clear()
    revalidation._asking.reset()
    decoys.current.forget()
    health.readiness.forget()
    # The test client serves in this thread, which keeps the language of the last request.
    translation.deactivate()
    yield
    cognito._made_gateway.cache_clear()
    tokens._verifier.cache_clear()
    throttle._made_limiter.cache_clear()


@pytest.fixture(autouse=True)
def _programs_are_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that starts a program says so, so that ``make unit`` stays quick."""

    def refuse(arguments: object, **options: object) -> None:
        pytest.fail(f"This test starts a program, and has no mark that says so: {arguments}")

    if not any(request.node.get_closest_marker(name) for name in ("browser", "cloud", "programs")):
        monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture(scope="session", autouse=True)
def _clients_are_made_quickly() -> Iterator[None]:
    """Thousands of boto3 clients are made, and each would work out the same names and models."""
    # botocore offers nothing public to remember them by.
    alias = hooks.EventAliaser._alias_event_name
    known: dict[str, str] = {}

    def remembered(aliaser: hooks.EventAliaser, name: str) -> str:
        if name not in known:
            known[name] = alias(aliaser, name)
        return known[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(create_loader))
        patch.setattr(hooks, "accepts_kwargs", functools.cache(hooks.accepts_kwargs))
        patch.setattr(hooks.EventAliaser, "_alias_event_name", remembered)
        yield


@pytest.fixture
def wire() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.close()


# All tests of a run share one country, one pool and one hour.
_PARAMETERS = {
    "PublicClient": "true",
    "CaptchaProvider": "turnstile",
    "CaptchaSiteKey": "site-key",
    "CaptchaSecretId": "phone-login/local/captcha",
    "SendsPerCountryHour": "1000000",
    "SendsPerPoolHour": "1000000",
    "SendsPerPoolDay": "10000000",
    "DollarsPerPoolHour": "1000000",
    "DollarsPerPoolDay": "10000000",
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The local AWS with lambdas/template.yaml deployed into it, roles and secrets enforced."""
    with Cloud(tmp_path_factory.mktemp("cloud"), parameters=_PARAMETERS) as running:
        yield running


@pytest.fixture
def on_cloud(cloud: Cloud, settings, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Point the site of this process at the local AWS, as ``make run`` does for another one."""
    site_settings.connect(cloud, settings, monkeypatch)
    site_settings.use(cloud, settings, site_settings.KNOWN_CLIENT + site_settings.SITE_CLIENT)
    return cloud


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChannelStack]:
    """A stack that calls, and sends by WhatsApp and mail."""
    with channel_stack.running(tmp_path_factory.mktemp("channels")) as stack:
        yield stack


@pytest.fixture(scope="session")
def strict_front(cloud: Cloud) -> Iterator[CognitoFront]:
    with CognitoFront(cloud) as front:
        yield front


@pytest.fixture
def strict(strict_front: CognitoFront) -> CognitoFront:
    """The local AWS behind a front that is as strict as Cognito, with nothing recorded yet."""
    strict_front.records.clear()
    strict_front.heal()
    return strict_front


# Every block once: blocks have budgets. 555 is left to tests that name a number.
_blocks = itertools.product(
    (201, 202, 203, 205, 206, 207, 208, 209, 210, 212),
    (n for n in range(200, 1000) if n != 555),
)


@pytest.fixture
def make_phone() -> Callable[[], str]:
    """``make_phone()``: a number that no other test of this run uses, nor its block."""
    return lambda: "+1{}{}0123".format(*next(_blocks))


@pytest.fixture
def phone(make_phone: Callable[[], str]) -> str:
    """The number of the person whom a test is about; nothing is ever sent to it."""
    return make_phone()


@pytest.fixture
def new_phone(phone: str) -> str:
    """The number to which a person changes theirs."""
    return f"{phone[:-4]}0187"


@pytest.fixture
def address(phone: str) -> str:
    """The e-mail address of a test, another one for each, since mails are kept."""
    return f"{phone[1:]}@example.org"


@pytest.fixture
def texts(cloud: Cloud):
    """``texts(phone)``: the bodies of the texts sent to a phone so far, oldest first."""

    def read(phone: str) -> list[str]:
        return [text.body for text in inbox.texts(cloud.emulator.url, phone)]

    return read


@pytest.fixture
def age_ledger(cloud: Cloud) -> Callable[[float], None]:
    """``age_ledger(seconds)``: let the ledger believe that so much time has gone by.

    The functions of the local AWS keep the real clock, so what they remember is put back.
    """
    return functools.partial(ledger_age.put_back, cloud)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DATABASE_URL of an empty PostgreSQL."""
    if postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql.Postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory) -> Iterator[str]:
    """A Redis of the tests' own, on loopback, which keeps nothing."""
    if provision.redis_server() is None:
        pytest.skip("redis-server is not installed")
    with Redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis.url


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def sign_in_plan(on_cloud: Cloud, settings) -> Iterator[Callable[..., None]]:
    """``sign_in_plan("proof code")``: triggers and site have these steps until the test ends."""
    with contextlib.ExitStack() as stack:

        def change(plan: str, **variables: str) -> None:
            stack.enter_context(sign_in_plans.deployed(on_cloud, plan, **variables))
            settings.ACCOUNTS_SIGN_IN_PLAN = plan
            settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]

        yield change
