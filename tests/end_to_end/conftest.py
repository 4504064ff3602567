import time
from collections.abc import Callable

import pytest

from localcloud.cloud import Cloud

LEDGER = "phone-login-ledger-local"


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
        settings.ACCOUNTS_JWKS_URL = settings.ACCOUNTS_JWKS_URL.replace(
            settings.AWS_ENDPOINT_URL, url
        )
        settings.AWS_ENDPOINT_URL = url
    return on_cloud


@pytest.fixture
def age_ledger(cloud: Cloud) -> Callable[[float], None]:
    """``age_ledger(seconds)``: let the ledger believe that so much time has gone by.

    The functions of the local AWS keep the real clock, so what they remember is put back.
    """
    table = cloud.root_session().client("dynamodb", endpoint_url=cloud.emulator.url)

    def put_back(seconds: float) -> None:
        milliseconds = int(seconds * 1000)
        # Tests of the functions live in a time of their own, years ahead, and fill the table.
        ours = {
            "FilterExpression": "attribute_not_exists(#ttl) OR #ttl < :far",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":far": {"N": str(int(time.time()) + 3 * 365 * 86_400)}},
        }
        for page in table.get_paginator("scan").paginate(TableName=LEDGER, **ours):
            for item in page["Items"]:
                for name, by in {"exp": seconds, "last_failure": seconds}.items():
                    if name in item:
                        item[name] = {"N": str(int(item[name]["N"]) - int(by))}
                if "cleared_at" in item:
                    item["cleared_at"] = {"N": str(int(item["cleared_at"]["N"]) - milliseconds)}
                recent = item.get("recent", {"L": []})["L"]
                item["recent"] = {"L": [{"N": str(int(at["N"]) - milliseconds)} for at in recent]}
                table.put_item(TableName=LEDGER, Item=item)

    return put_back
