"""The DynamoDB table in plain values, and a second attempt where a connection had died."""

import re
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError

Item = dict[str, Any]

_NAMES = {"#ttl": "ttl"}
_READS = 3


class TooBusy(Exception):
    """DynamoDB held back a part of the items."""


class Table:
    """Read and update items, which are plain dicts of strings, integers, lists and dicts.

    ``client`` is a boto3 ``dynamodb`` client that makes one attempt per call. Every method raises
    botocore's errors.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def update(
        self,
        key: str,
        expression: str,
        *,
        values: dict[str, Any],
        condition: str | None = None,
        names: dict[str, str] | None = None,
    ) -> tuple[bool, Item]:
        """Return (True, the item after it) or, if the condition fails, (False, before it).

        ``values`` and ``names`` may hold more than the expressions mention.
        """
        mentioned = set(re.findall(r"[#:]\w+", f"{expression} {condition}"))
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "Key": _key(key),
            "UpdateExpression": expression,
            "ReturnValues": "ALL_NEW",
            "ExpressionAttributeValues": {
                name: _typed(value) for name, value in values.items() if name in mentioned
            },
        }
        all_names = {**_NAMES, **(names or {})}
        used_names = {short: name for short, name in all_names.items() if short in mentioned}
        if used_names:
            arguments["ExpressionAttributeNames"] = used_names
        if not arguments["ExpressionAttributeValues"]:
            del arguments["ExpressionAttributeValues"]
        if condition:
            arguments["ConditionExpression"] = condition
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            try:
                reply = self._client.update_item(**arguments)
            except ConnectionClosedError:
                # It died while this process was frozen. Where the update was done all the same,
                # the second one finds its own mark, or counts once more than it had to.
                reply = self._client.update_item(**arguments)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                raise
            response: dict[str, Any] = dict(error.response)
            return False, _plain(response.get("Item", {}))
        return True, _plain(reply["Attributes"])

    def read(self, key: str) -> Item:
        """Return the item as it is now, an empty dict where there is none."""
        reply = self._client.get_item(TableName=self._name, Key=_key(key), ConsistentRead=True)
        return _plain(reply.get("Item", {}))

    def read_all(self, keys: list[str]) -> dict[str, Item]:
        """Return the items that exist, by key. Raises TooBusy where AWS holds some back."""
        found: dict[str, Item] = {}
        wanted: list[dict[str, Any]] = [_key(key) for key in keys]
        for _ in range(_READS):
            reply = self._client.batch_get_item(RequestItems={self._name: {"Keys": wanted}})
            for item in reply["Responses"].get(self._name, []):
                found[item["pk"]["S"]] = _plain(item)
            wanted = reply.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            if not wanted:
                return found
        raise TooBusy("The table did not give all that was asked for")

    def delete(self, key: str) -> None:
        """Delete the item, if it exists."""
        self._client.delete_item(TableName=self._name, Key=_key(key))


def _key(key: str) -> dict[str, Any]:
    return {"pk": {"S": key}}


def _typed(value: Any) -> dict[str, Any]:
    """Return a value as DynamoDB's wire format has it."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, list):
        return {"L": [_typed(each) for each in value]}
    if isinstance(value, dict):
        return {"M": {name: _typed(each) for name, each in value.items()}}
    return {"N": str(value)}


def _plain(item: dict[str, Any]) -> Item:
    return {name: _plain_value(value) for name, value in item.items()}


def _plain_value(value: dict[str, Any]) -> Any:
    if "N" in value:
        return int(value["N"])
    if "L" in value:
        return [_plain_value(each) for each in value["L"]]
    if "M" in value:
        return _plain(value["M"])
    return value.get("S")
