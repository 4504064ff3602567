"""The ledger on a real table of the local AWS, with the clock as an argument."""

import pytest
from botocore.config import Config

from lambdas.triggers import limits
from lambdas.triggers.ledger import Ledger
from tests.lambdas.ledger.book import TABLE, new_day, new_name


@pytest.fixture
def numbers() -> limits.Limits:
    limits.configured.cache_clear()
    found = limits.configured()
    limits.configured.cache_clear()
    return found


@pytest.fixture(scope="module")
def client(cloud):
    return cloud.root_session().client(
        "dynamodb", endpoint_url=cloud.emulator.url, config=Config(max_pool_connections=64)
    )


@pytest.fixture
def book(client, numbers) -> Ledger:
    return Ledger(client, TABLE, numbers)


@pytest.fixture
def name() -> str:
    return new_name()


@pytest.fixture
def day() -> float:
    """The start of a day that no other test uses: the pool and blocks start at nothing."""
    return new_day()
