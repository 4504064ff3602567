"""Known faults of locked packages fail ``make lint``; a database that is away does not."""

import pytest

from tests import audit
from tests.audit import Report

# As pip-audit 2.10 writes them.
KNOWN = {"name": "whitenoise", "version": "6.12.0", "vulns": []}
UNKNOWN = {
    "name": "ours",
    "skip_reason": "Dependency not found on PyPI and could not be audited: ours (1.0)",
}
FAULTY = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [
        {
            "id": "PYSEC-2014-8",
            "fix_versions": ["2.7.2"],
            "aliases": ["CVE-2014-1402"],
            "description": "The default configuration for bccache",
        }
    ],
}


def test_known_fault_fails_and_names_the_version_that_corrects_it():
    lines, code = audit.summary([audit.read([KNOWN, FAULTY]), audit.read([KNOWN])])
    assert (lines, code) == (["jinja2 2.4.1: PYSEC-2014-8, corrected in 2.7.2"], 1)


def test_fault_that_nothing_corrects_yet_fails_as_well():
    fault = FAULTY | {"vulns": [FAULTY["vulns"][0] | {"fix_versions": []}]}
    lines, code = audit.summary([audit.read([fault])])
    assert (lines, code) == (["jinja2 2.4.1: PYSEC-2014-8, corrected in no version yet"], 1)


def test_packages_without_a_known_fault_are_well():
    lines, code = audit.summary([audit.read([KNOWN]), audit.read([KNOWN, UNKNOWN])])
    assert lines[0] == "No known faults in 2 locked packages."
    assert "ours" in lines[1]
    assert code == 0


@pytest.mark.parametrize("report", [None, audit.read([UNKNOWN, UNKNOWN])])
def test_database_that_is_away_is_said_in_one_line_and_fails_nothing(report):
    (line,), code = audit.summary([report])
    assert "not audited" in line
    assert code == 0


def test_fault_of_one_lock_fails_though_the_database_went_away_for_another():
    assert audit.summary([None, audit.read([FAULTY])])[1] == 1


@pytest.fixture
def _away(monkeypatch):
    """Send all requests to a port where nobody listens."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(f"whitenoise==6.12.0 --hash=sha256:{'0' * 64}\n")
    return path


@pytest.mark.programs
@pytest.mark.usefixtures("_away")
def test_lock_is_not_audited_without_a_connection(lock):
    assert audit.audit(str(lock)) is None


@pytest.mark.programs
@pytest.mark.usefixtures("_away")
def test_lock_that_cannot_be_read_is_an_error_and_no_outage(lock):
    lock.write_text("whitenoise\n")
    with pytest.raises(audit.NotAudited, match=r"requirements\.txt"):
        audit.audit(str(lock))


def test_report_sorts_what_pip_audit_says():
    assert audit.read([KNOWN, UNKNOWN]) == Report(1, ("ours",), ())
