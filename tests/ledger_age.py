"""The ledger of a local AWS, as it is when so much time has gone by."""

import time

from localcloud.cloud import Cloud

LEDGER = "phone-login-ledger-local"


def put_back(cloud: Cloud, seconds: float) -> None:
    """Put back what the functions remember, since theirs is the real clock."""
    table = cloud.root_session().client("dynamodb", endpoint_url=cloud.emulator.url)
    milliseconds = int(seconds * 1000)
    # Tests of the functions live in a time of their own, years ahead, and fill the table.
    ours = {
        "FilterExpression": "attribute_not_exists(#ttl) OR #ttl < :far",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": {":far": {"N": str(int(time.time()) + 3 * 365 * 86_400)}},
    }
    for page in table.get_paginator("scan").paginate(TableName=LEDGER, **ours):
        for item in page["Items"]:
            maps = [item.get(name, {"M": {}})["M"] for name in ("challenge", "earlier")]
            for holder, name in [*((each, "exp") for each in maps), (item, "last_failure")]:
                if name in holder:
                    holder[name] = {"N": str(int(holder[name]["N"]) - int(seconds))}
            if "cleared_at" in item:
                item["cleared_at"] = {"N": str(int(item["cleared_at"]["N"]) - milliseconds)}
            recent = item.get("recent", {"L": []})["L"]
            item["recent"] = {"L": [{"N": str(int(at["N"]) - milliseconds)} for at in recent]}
        puts = [{"PutRequest": {"Item": item}} for item in page["Items"]]
        # As many as one call takes: there are hundreds once other tests have run.
        for first in range(0, len(puts), 25):
            table.batch_write_item(RequestItems={LEDGER: puts[first : first + 25]})
