"""The client for known browsers at the strict front, by callers who have its secret."""

import base64
import hashlib
import hmac
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from accounts.aws import statements
from localcloud.cloud import Cloud
from localcloud.emulator import REGION
from tests.fakes.cognito_front.front import CognitoFront

pytestmark = pytest.mark.cloud

BROWSER = "ab" * 32


@pytest.fixture
def begin(cloud: Cloud, strict: CognitoFront):
    """InitiateAuth on a client of the stack, past the site."""
    api = boto3.client(
        "cognito-idp",
        region_name=REGION,
        endpoint_url=strict.url,
        config=Config(signature_version=UNSIGNED),
    )

    def begin(phone: str, proof: str | None, *, client: str = "KNOWN_CLIENT") -> dict[str, Any]:
        identifier = cloud.environment[f"COGNITO_{client}_ID"]
        secret = cloud.environment[f"COGNITO_{client}_SECRET"]
        digest = hmac.digest(secret.encode(), (phone + identifier).encode(), hashlib.sha256)
        metadata = {} if proof is None else {"ClientMetadata": {"knownBrowser": proof}}
        return api.initiate_auth(
            ClientId=identifier,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={
                "USERNAME": phone,
                "SECRET_HASH": base64.b64encode(digest).decode(),
            },
            **metadata,
        )

    return begin


@pytest.fixture
def sub(cloud: Cloud, phone: str) -> str:
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    made = api.admin_create_user(
        UserPoolId=cloud.environment["COGNITO_USER_POOL_ID"],
        Username=phone,
        MessageAction="SUPPRESS",
    )
    return next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub")


def refusal(begin, *arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        begin(*arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == "UserLambdaValidationException"
    return str(error["Message"])


@pytest.fixture(autouse=True)
def site_key(cloud: Cloud, settings) -> None:
    settings.COGNITO_USER_POOL_ID = cloud.environment["COGNITO_USER_POOL_ID"]
    settings.SITE_KEY = cloud.environment["SITE_KEY"]


def test_flow_of_a_known_browser_begins_with_a_proof_and_texts_a_code(begin, phone, sub, texts):
    reply = begin(phone, statements.known_browser(sub=sub, browser=BROWSER))
    assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert len(texts(phone)) == 1


@pytest.mark.parametrize("with_account", [True, False])
def test_client_secret_alone_begins_no_flow_and_tells_nobody_apart(
    begin, strict, phone, request, with_account
):
    if with_account:
        request.getfixturevalue("sub")
    told = refusal(begin, phone, None)
    assert told == "PreAuthentication failed with error This app client wants a proof."
    assert refusal(begin, phone, "v1." + "a" * 64 + ".1." + "b" * 64) == told
    assert strict.count("DefineAuthChallenge") == strict.count("CreateAuthChallenge") == 0


def test_proof_of_somebody_else_begins_no_flow(begin, strict, phone, sub):
    other = "2b2c3d4e-0000-4000-8000-000000000002"
    refusal(begin, phone, statements.known_browser(sub=other, browser=BROWSER))
    assert strict.count("CreateAuthChallenge") == 0


def test_usual_client_needs_no_proof(begin, strict, phone, sub):
    assert begin(phone, None, client="CLIENT")["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert strict.count("PreAuthentication") == 1
