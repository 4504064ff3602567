"""The settings with which the site of this process uses a local AWS."""

from collections.abc import Iterable
from typing import Any

import pytest

from localcloud.cloud import Cloud

KNOWN_CLIENT = ("COGNITO_KNOWN_CLIENT_ID", "COGNITO_KNOWN_CLIENT_SECRET")
# And the key with which the site states whom it has proven.
SITE_CLIENT = ("COGNITO_SITE_CLIENT_ID", "COGNITO_SITE_CLIENT_SECRET", "SITE_KEY")
_USUAL = ("AWS_REGION", "COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID", "COGNITO_CLIENT_SECRET")
# Only the site's own key, which holds no more than the template's policy.
_KEY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def use(cloud: Cloud, settings: Any, names: Iterable[str]) -> None:
    """Take these settings over, as ``make run`` does for another process."""
    for name in names:
        setattr(settings, name, cloud.environment[name])


def connect(
    cloud: Cloud, settings: Any, monkeypatch: pytest.MonkeyPatch, *, front: str = ""
) -> None:
    """Use its user pool with the usual client, by way of ``front`` if there is one."""
    use(cloud, settings, _USUAL)
    reach(cloud, settings, front or cloud.environment["AWS_ENDPOINT_URL"])
    for name in _KEY:
        monkeypatch.setenv(name, cloud.environment[name])


def reach(cloud: Cloud, settings: Any, url: str) -> None:
    """Take what answers at ``url`` for AWS."""
    settings.AWS_ENDPOINT_URL = url
    settings.COGNITO_JWKS_URL = cloud.environment["COGNITO_JWKS_URL"].replace(
        cloud.environment["AWS_ENDPOINT_URL"], url
    )
