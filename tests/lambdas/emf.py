"""Reads log lines as CloudWatch reads its embedded metric format, and is as strict."""

import json
from typing import Any

UNITS = {"Count", "Milliseconds", "Seconds", "None"}


def read(line: str) -> dict[str, Any]:
    """Return a line. Raises AssertionError where CloudWatch would not read the metrics of one.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    root = json.loads(line)
    assert isinstance(root, dict)
    if "_aws" not in root:
        return root
    metadata = root["_aws"]
    assert isinstance(metadata["Timestamp"], int)
    assert metadata["Timestamp"] > 10**12, "milliseconds"
    assert metadata["CloudWatchMetrics"]
    for directive in metadata["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert directive["Dimensions"]
        for names in directive["Dimensions"]:
            assert len(names) <= 30
            for name in names:
                assert isinstance(root[name], str)
                assert 1 <= len(root[name]) <= 1024
                assert root[name].isascii()
        assert 1 <= len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert metric["Unit"] in UNITS
            assert type(root[metric["Name"]]) in (int, float)
    return root


def metrics(root: dict[str, Any]) -> dict[str, float]:
    """The metrics of a line, by name."""
    if "_aws" not in root:
        return {}
    (directive,) = root["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: root[metric["Name"]] for metric in directive["Metrics"]}


def lines(output: str) -> list[dict[str, Any]]:
    return [read(line) for line in output.splitlines()]
