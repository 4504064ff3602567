import json
import time

import pytest

from lambdas.triggers import telemetry
from tests.lambdas import emf


def recorded(capsys, *args, **kwargs) -> dict:
    telemetry.record(*args, **kwargs)
    (line,) = emf.lines(capsys.readouterr().out)
    return line


def test_record_is_one_line_that_cloudwatch_reads_as_metrics(capsys):
    line = recorded(capsys, "text_sent", metrics={"Sent": 1, "Parts": 2})
    assert emf.metrics(line) == {"Sent": 1, "Parts": 2}
    assert line["event"] == "text_sent"


def test_record_without_metrics_is_a_plain_line(capsys):
    """CloudWatch refuses a directive that is empty."""
    line = recorded(capsys, "asked_again", metrics={}, challenge_id="6A")
    assert line == {"Stage": "local", "event": "asked_again", "challenge_id": "6A"}


def test_record_names_its_namespace_and_counts(capsys):
    line = recorded(capsys, "text_sent", metrics={"Sent": 1})
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "PhoneLogin"
    assert directive["Metrics"] == [{"Name": "Sent", "Unit": "Count"}]


@pytest.mark.parametrize(("stage", "seen"), [("prod", "prod"), (None, "local")])
def test_record_is_counted_per_stage(capsys, monkeypatch, stage, seen):
    monkeypatch.delenv("STAGE", raising=False)
    if stage:
        monkeypatch.setenv("STAGE", stage)
    line = recorded(capsys, "text_sent", metrics={"Sent": 1})
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stage"]]
    assert line["Stage"] == seen
    assert "Reason" not in line


def test_record_with_a_reason_is_counted_per_reason_too(capsys):
    line = recorded(capsys, "text_not_sent", metrics={"Blocked": 1}, reason="cooldown")
    dimensions = line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert dimensions == [["Stage"], ["Stage", "Reason"]]
    assert line["Reason"] == "cooldown"


def test_record_dimensions_are_few_whatever_the_facts(capsys):
    """What has a value per person would be a metric per person, and is paid for as one."""
    line = recorded(
        capsys, "text_sent", metrics={"Sent": 1}, phone="+•••23", country="US", challenge_id="6A"
    )
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stage"]]
    assert (line["phone"], line["country"], line["challenge_id"]) == ("+•••23", "US", "6A")


def test_record_is_stamped_with_the_time_in_milliseconds(capsys):
    before = int(time.time() * 1000)
    line = recorded(capsys, "text_sent", metrics={"Sent": 1})
    assert before <= line["_aws"]["Timestamp"] <= time.time() * 1000


def test_record_stays_one_line_whatever_the_facts_hold(capsys):
    nasty = 'a\nb\r\n"}\u2028{"event": "forged"\u0000'
    telemetry.record("text_sent", metrics={"Sent": 1}, detail=nasty)
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert output.endswith("\n")
    assert json.loads(output)["detail"] == nasty


def test_record_writes_at_once_since_the_process_may_freeze(monkeypatch):
    class Output:
        written, flushed = "", ""

        def write(self, text: str) -> None:
            self.written += text

        def flush(self) -> None:
            self.flushed = self.written

    output = Output()
    monkeypatch.setattr("sys.stdout", output)
    telemetry.record("text_sent", metrics={"Sent": 1})
    assert json.loads(output.flushed)["event"] == "text_sent"
