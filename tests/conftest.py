import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from django.utils import translation

from accounts import cognito, throttle, tokens
from localcloud import inbox
from localcloud.cloud import Cloud
from tests.strict_cognito import StrictCognito
from tests.wire import WireServer

# Playwright's loop runs in the thread that also uses Django's database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """What a process remembers must not outlive a test."""
    cognito._made_gateway.cache_clear()
    tokens._verifier.cache_clear()
    throttle._made_limiter.cache_clear()
    # The test client serves in this thread, which keeps the language of the last request.
    translation.deactivate()
    yield
    cognito._made_gateway.cache_clear()
    tokens._verifier.cache_clear()
    throttle._made_limiter.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _aws_models_are_read_once() -> Iterator[None]:
    """Many tests make a boto3 client, and each would read megabytes of JSON again."""
    read = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda self, path: read(path))
        yield


@pytest.fixture
def wire() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The local AWS with lambdas/template.yaml deployed into it, roles and secrets enforced."""
    with Cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def on_cloud(cloud: Cloud, settings, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Point the site of this process at the local AWS, as ``make run`` does for another one."""
    environment = cloud.environment
    settings.AWS_REGION = environment["AWS_REGION"]
    settings.AWS_ENDPOINT_URL = environment["AWS_ENDPOINT_URL"]
    settings.ACCOUNTS_USER_POOL_ID = environment["COGNITO_USER_POOL_ID"]
    settings.ACCOUNTS_CLIENT_ID = environment["COGNITO_CLIENT_ID"]
    settings.ACCOUNTS_CLIENT_SECRET = environment["COGNITO_CLIENT_SECRET"]
    settings.ACCOUNTS_JWKS_URL = environment["COGNITO_JWKS_URL"]
    # Only the site's own key, which holds no more than the template's policy.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", environment["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", environment["AWS_SECRET_ACCESS_KEY"])
    return cloud


@pytest.fixture(scope="session")
def strict_front(cloud: Cloud) -> Iterator[StrictCognito]:
    with StrictCognito(cloud) as front:
        yield front


@pytest.fixture
def strict(strict_front: StrictCognito) -> StrictCognito:
    """The local AWS behind a front that is as strict as Cognito, with nothing recorded yet."""
    strict_front.records.clear()
    return strict_front


# Every block once: blocks have budgets. 555 is left to tests that name a number.
_blocks = itertools.product(("201", "202", "203"), (n for n in range(200, 1000) if n != 555))


@pytest.fixture
def phone() -> str:
    """A number that no other test of this run uses, nor its block; nothing is ever sent to it."""
    area, exchange = next(_blocks)
    return f"+1{area}{exchange}0123"


@pytest.fixture
def texts(cloud: Cloud):
    """``texts(phone)``: the bodies of the texts sent to a phone so far, oldest first."""

    def read(phone: str) -> list[str]:
        return [text.body for text in inbox.texts(cloud.emulator.url, phone)]

    return read


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).resolve().parent.parent
