"""The search for secrets: a new one is reported, and what is listed as none has a reason."""

import copy
import json

import pytest

from tests import secret_scan

# In two pieces, so that it is not found here. No account has it.
KEY = "AKIA" + "Q7RS2TUV" * 2


@pytest.fixture
def found(tmp_path):
    (tmp_path / "settings.py").write_text(f'KEY = "{KEY}"\n')
    return secret_scan.scan(tmp_path, ["settings.py"])


def judged(found, *, is_secret=False, why="invented"):
    baseline = copy.deepcopy(found)
    for entry in baseline["results"]["settings.py"]:
        entry |= {"is_secret": is_secret, "why": why}
    return baseline


def test_secret_is_reported_without_being_shown(found):
    (line,) = secret_scan.faults(found, {"results": {}})
    assert line.startswith("settings.py: AWS Access Key ")
    assert KEY not in line
    assert KEY not in json.dumps(found)


def test_find_that_is_judged_may_move(found, tmp_path):
    (tmp_path / "elsewhere.py").write_text(f'\n\nKEY = "{KEY}"\n')
    moved = secret_scan.scan(tmp_path, ["elsewhere.py"])
    assert secret_scan.faults(moved, judged(found)) == []


@pytest.mark.parametrize("judgement", [{"is_secret": None}, {"is_secret": True}, {"why": ""}])
def test_find_without_a_judgement_is_reported(found, judgement):
    assert len(secret_scan.faults(found, judged(found, **judgement))) == 1


def test_entry_that_is_found_no_more_is_reported(found):
    (line,) = secret_scan.faults({"results": {}}, judged(found))
    assert "found no more" in line


def test_every_entry_of_the_baseline_is_judged():
    baseline = json.loads(secret_scan.BASELINE.read_text("utf-8"))
    each = [entry for entries in secret_scan.entries(baseline).values() for entry in entries]
    assert each
    assert [entry for entry in each if not secret_scan.is_judged(entry)] == []
