"""Does what ``aws SERVICE OPERATION --option value …`` does, by botocore's own models.

The doctor names such commands, so they are run, and not only looked at.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore import xform_name


def run(clients: Callable[[str], Any], command: list[str]) -> Any:
    """Run a command without its first word. Raises KeyError for what botocore does not know."""
    service, operation, *words = command
    client = clients(service)
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    shape = client.meta.service_model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members}
    parameters: dict[str, Any] = {}
    for option, values in _options(words):
        if option in ("query", "output"):
            continue
        if option == "region":
            assert values == [client.meta.region_name]
            continue
        # The CLI has renamed it: it would be taken for --endpoint-url.
        member = members["endpoint" if option == "notification-endpoint" else option]
        kind = shape.members[member].type_name
        if kind == "boolean":
            parameters[member] = True
        elif kind == "list":
            inner = shape.members[member].member.type_name
            parameters[member] = [_read(value, inner) for value in values]
        else:
            (value,) = values
            parameters[member] = _read(value, kind)
    return getattr(client, xform_name(names[operation]))(**parameters)


def _options(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    starts = [at for at, word in enumerate(words) if word.startswith("--")]
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        yield words[start].removeprefix("--"), words[start + 1 : end]


def _read(spelled: str, kind: str) -> Any:
    if kind in ("integer", "long"):
        return int(spelled)
    if kind in ("structure", "map"):
        if spelled.startswith("{"):
            return json.loads(spelled)
        return dict(each.split("=", 1) for each in spelled.split(","))
    return spelled
