"""boto3 clients with the credentials of the operator who runs a command, not of the site."""

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

from accounts.conf import conf

# Reads and idempotent changes: they may be repeated, and slow down when AWS asks for it.
_CONFIG = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "adaptive", "total_max_attempts": 5}
)


@dataclass
class Account:
    """The AWS account and region of a pool. ``endpoint_url`` is None on AWS."""

    region: str
    endpoint_url: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session()

    def client(self, service: str) -> Any:
        """Return a client, always the same one. Raises botocore's errors."""
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service,  # type: ignore[call-overload]
                # Without one botocore looks where the AWS CLI does, or says what is missing.
                region_name=self.region or None,
                endpoint_url=self.endpoint_url,
                config=_CONFIG,
            )
        return self._clients[service]


def configured(user_pool_id: str = "") -> Account:
    """Return the account of the settings; the region is the pool's where one is named."""
    region = user_pool_id.partition("_")[0] if "_" in user_pool_id else conf.region
    return _account(region, conf.endpoint_url)


@cache
def _account(region: str, endpoint_url: str | None) -> Account:
    return Account(region, endpoint_url)
