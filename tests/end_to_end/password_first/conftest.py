"""A local AWS of its own, whose plan begins with a password."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from localcloud.__main__ import GENEROUS
from localcloud.cloud import Cloud
from localcloud.warm_up import warm_up
from tests.fakes.cognito_front.front import CognitoFront

PASSWORD = "Right-Horse-7"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    parameters = GENEROUS | {"PublicClient": "true", "SignInPlan": "password code"}
    with Cloud(tmp_path_factory.mktemp("password-first"), parameters=parameters) as running:
        # The first texts of cold functions come late on a busy machine.
        warm_up(running)
        yield running


@pytest.fixture(scope="session")
def strict_front(cloud: Cloud) -> Iterator[CognitoFront]:
    with CognitoFront(cloud) as front:
        yield front


@pytest.fixture
def on_cloud(on_cloud: Cloud, settings) -> Cloud:
    settings.ACCOUNTS_SIGN_IN_PLAN = on_cloud.environment["ACCOUNTS_SIGN_IN_PLAN"]
    settings.TEXTS_FUNCTION = on_cloud.environment["TEXTS_FUNCTION"]
    return on_cloud


@pytest.fixture
def people(cloud: Cloud) -> Any:
    """Cognito as somebody with every right to it calls it."""
    return cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)


@pytest.fixture
def add_person(cloud: Cloud, people: Any) -> Callable[..., str]:
    """``add_person(phone)``: give somebody an account with PASSWORD, and return the sub.

    With ``permanent=False`` it must be replaced at the first sign-in.
    """
    pool = cloud.outputs["CognitoUserPoolId"]

    def add(phone: str, *, permanent: bool = True) -> str:
        people.admin_create_user(
            UserPoolId=pool,
            Username=phone,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "phone_number", "Value": phone}],
        )
        people.admin_set_user_password(
            UserPoolId=pool, Username=phone, Password=PASSWORD, Permanent=permanent
        )
        return str(people.admin_get_user(UserPoolId=pool, Username=phone)["Username"])

    return add


@pytest.fixture
def person(phone: str, add_person: Callable[..., str]) -> str:
    """The number of somebody with a password."""
    add_person(phone)
    return phone


@pytest.fixture
def anybody(strict: CognitoFront) -> Any:
    """Cognito as everybody may call it who knows the public client."""
    return boto3.client("cognito-idp", region_name="us-east-1", endpoint_url=strict.url)
