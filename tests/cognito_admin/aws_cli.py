"""Does what ``aws SERVICE OPERATION --option value …`` does, by botocore's own models.

The doctor names such commands, so they are run, and not only looked at.
"""

import json
from collections.abc import Callable
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
    rest = iter(words)
    for word in rest:
        option = word.removeprefix("--")
        if option in ("query", "output"):
            next(rest)
            continue
        if option == "region":
            assert next(rest) == client.meta.region_name
            continue
        kind = shape.members[members[option]].type_name
        if kind == "boolean":
            parameters[members[option]] = True
        else:
            parameters[members[option]] = _read(next(rest), kind)
    return getattr(client, xform_name(names[operation]))(**parameters)


def _read(spelled: str, kind: str) -> Any:
    if kind in ("integer", "long"):
        return int(spelled)
    if kind in ("structure", "map"):
        if spelled.startswith("{"):
            return json.loads(spelled)
        return dict(each.split("=", 1) for each in spelled.split(","))
    return spelled
