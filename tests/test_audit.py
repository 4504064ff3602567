"""Known faults of locked packages fail ``make lint``; a database that is away does not."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

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


def send_through(monkeypatch, port: int) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_lock_that_could_not_be_looked_up_is_said():
    lines, code = audit.summary([audit.read([KNOWN]), None, audit.read([UNKNOWN])])
    assert lines[-1] == "It could not be asked about 2 of 3 locks."
    assert code == 0


@pytest.fixture
def _away(monkeypatch):
    """Send all requests to a port where nobody listens."""
    send_through(monkeypatch, 9)


@pytest.fixture
def answers(monkeypatch, tmp_path) -> Iterator[dict[str, list[dict[str, object]]]]:
    """The database of PyPI behind a proxy: known faults by the path of a package's version."""
    faults: dict[str, list[dict[str, object]]] = {}
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pypi.org").configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def do_GET(self) -> None:
            body = json.dumps({"vulnerabilities": faults[self.path]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, *args: object) -> None:
            pass

    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        send_through(monkeypatch, server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield faults
        server.shutdown()


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(f"whitenoise==6.12.0 --hash=sha256:{'0' * 64}\n")
    return path


@pytest.mark.programs
def test_lock_with_a_known_fault_is_found_faulty(lock, answers):
    answers["/pypi/whitenoise/6.12.0/json"] = [
        {
            "id": "PYSEC-0000-1",
            "aliases": [],
            "fixed_in": ["6.12.1"],
            "details": "Invented",
            "withdrawn": None,
        }
    ]
    report = audit.audit(str(lock))
    assert report == Report(1, (), ("whitenoise 6.12.0: PYSEC-0000-1, corrected in 6.12.1",))
    assert audit.summary([report])[1] == 1


@pytest.mark.programs
def test_lock_without_a_known_fault_is_well(lock, answers):
    answers["/pypi/whitenoise/6.12.0/json"] = []
    assert audit.audit(str(lock)) == Report(1, (), ())


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
