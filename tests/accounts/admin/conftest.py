import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.operators import make_operator
from tests.fakes.sign_in_pool import SignInPool
from tests.pages import signed_in


@pytest.fixture
def everybody(pool: SignInPool) -> None:
    """Let the pool have whatever user somebody acts on."""
    pool.everybody = True


@pytest.fixture
def person(phone) -> User:
    return User.objects.for_identity("sub-of-a-person", phone)


@pytest.fixture
def boss() -> User:
    return make_operator(1, is_superuser=True)


@pytest.fixture
def admin(boss, pool) -> Client:
    return signed_in(boss)
