"""Write units of DynamoDB: what a client's updates are billed, and what an item can take.

An update is billed for the larger of the item before and after it, in whole kilobytes, also where
its condition refuses it. Sizes of items are those of AWS's guide: "Item sizes and formats".
"""

import threading
from collections import Counter
from typing import Any

# AWS refuses writes beyond this to the items of one partition key.
PER_SECOND_AND_KEY = 1_000


class WriteUnits:
    """Count the write units of all updates that ``client`` (boto3) does from now on.

    ``by_item`` has them by what is counted: phone, block, pool …; ``updates`` how many there were.
    """

    def __init__(self, client: Any) -> None:
        self.by_item: Counter[str] = Counter()
        self.updates: Counter[str] = Counter()
        self._lock = threading.Lock()
        client.meta.events.register("after-call.dynamodb.UpdateItem", self._count)

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        # One of the two is always asked for. Where an update made the item smaller, this is the
        # smaller size.
        item = parsed.get("Attributes") or parsed.get("Item") or {}
        name = item["pk"]["S"].partition("#")[0] if item else "none"
        with self._lock:
            self.by_item[name] += units(item)
            self.updates[name] += 1


def units(item: dict[str, Any]) -> int:
    """Return the write units of an update that leaves ``item`` (in the wire format)."""
    return max(1, -(-size(item) // 1024))


def size(item: dict[str, Any]) -> int:
    """Return the size of an item, in bytes."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items())


def _size_of(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        digits = content.lstrip("-")
        return 1 + -(-len(digits) // 2) + content.startswith("-")
    if kind == "L":
        return 3 + sum(1 + _size_of(each) for each in content)
    if kind == "M":
        return 3 + len(content) + size(content)
    raise ValueError(f"No size is known of {kind}")
