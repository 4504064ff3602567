import pytest
from django.test import Client

from tests.fakes.sign_in_pool import SignInPool
from tests.pages import signed_in


@pytest.fixture
def everybody(pool: SignInPool) -> None:
    """Let the pool have whatever user somebody acts on."""
    pool.everybody = True


@pytest.fixture
def admin(boss, pool) -> Client:
    return signed_in(boss)
