import pytest

from localcloud.cloud import Cloud
from tests import site_settings
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
        site_settings.reach(on_cloud, settings, request.getfixturevalue("strict").url)
    return on_cloud


@pytest.fixture
def stack(channels: ChannelStack, settings, monkeypatch: pytest.MonkeyPatch) -> ChannelStack:
    """The stack of every channel, with this site before it."""
    channels.serve(settings, monkeypatch)
    return channels
