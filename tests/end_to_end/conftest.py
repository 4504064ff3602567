from collections.abc import Iterator

import pytest

from localcloud.cloud import Cloud
from tests import channel_stack
from tests.channel_stack import ChannelStack


@pytest.fixture
def front(request: pytest.FixtureRequest) -> str:
    """What stands at the address that the site takes for AWS: our strict front, or the emulator.

    A test that says ``both_fronts`` is run with either.
    """
    return getattr(request, "param", "strict")


both_fronts = pytest.mark.parametrize("front", ["strict", "ministack"], indirect=True)


@pytest.fixture
def on_cloud(on_cloud: Cloud, front: str, request: pytest.FixtureRequest, settings) -> Cloud:
    if front == "strict":
        url = request.getfixturevalue("strict").url
        settings.COGNITO_JWKS_URL = settings.COGNITO_JWKS_URL.replace(
            settings.AWS_ENDPOINT_URL, url
        )
        settings.AWS_ENDPOINT_URL = url
    return on_cloud


@pytest.fixture(scope="module")
def _channels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChannelStack]:
    with channel_stack.running(tmp_path_factory.mktemp("channels")) as running:
        yield running


@pytest.fixture
def stack(_channels: ChannelStack, settings, monkeypatch: pytest.MonkeyPatch) -> ChannelStack:
    """A stack that calls, and sends by WhatsApp and mail, with this site before it."""
    _channels.serve(settings, monkeypatch)
    return _channels
