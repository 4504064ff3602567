import io
import json
import zipfile
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from localcloud.cloud import Cloud
from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.cognito_front.triggers import CREATE, DEFINE, VERIFY
from tests.fakes.scripted_pool import SOURCE, Pool


@pytest.fixture(scope="session")
def root(cloud: Cloud) -> SimpleNamespace:
    """What deploys: clients with every right, past the front."""
    session, url = cloud.root_session(), cloud.emulator.url
    return SimpleNamespace(
        cognito=session.client("cognito-idp", endpoint_url=url),
        functions=session.client("lambda", endpoint_url=url),
        iam=session.client("iam", endpoint_url=url),
    )


@pytest.fixture(scope="session")
def function(root) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("scripted.py", SOURCE)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = root.iam.create_role(
        RoleName="scripted-triggers",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    return root.functions.create_function(
        FunctionName="scripted-triggers",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="scripted.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=5,
    )["FunctionArn"]


@pytest.fixture
def open_pool(root, function, strict) -> Iterator:
    """``open_pool(front, …)``: another pool, whose triggers are the scripted ones."""
    pools: list[Pool] = []

    def make(front: CognitoFront = strict, triggers=None, **settings) -> Pool:
        if triggers is None:
            triggers = dict.fromkeys((DEFINE, CREATE, VERIFY), function)
        pools.append(Pool(root, front, triggers, **settings))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture(scope="module")
def usual_pool(root, function, strict_front) -> Iterator[Pool]:
    pool = Pool(root, strict_front, dict.fromkeys((DEFINE, CREATE, VERIFY), function))
    yield pool
    pool.close()


@pytest.fixture
def pool(usual_pool, strict) -> Pool:
    return usual_pool
