import pytest

from localcloud.cloud import Cloud


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
