"""``python -m tests.lighthouse``: Google's Lighthouse on the two pages, as a phone on a slow line.

It starts a local AWS and the site of its own, takes the median of three runs of each page, and
writes docs/lighthouse.md. It ends with 1 when a category is below 100.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from localcloud.cloud import PROJECT, Cloud
from localcloud.emulator import free_port
from tests import provision

PROGRAM = PROJECT / ".local" / "node" / "node_modules" / ".bin" / "lighthouse"
REPORT = PROJECT / "docs" / "lighthouse.md"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TIMES = {
    "first-contentful-paint": "first paint",
    "largest-contentful-paint": "largest paint",
    "total-blocking-time": "blocked",
    "cumulative-layout-shift": "shift",
}
RUNS = 3
LOGIN = "/accounts/login/"


@contextmanager
def site(state: Path) -> Iterator[str]:
    """Serve the site as on AWS, with nothing of local mode on its pages."""
    with Cloud(state) as cloud:
        port = free_port()
        environment = {
            **os.environ,
            **cloud.environment,
            "ENV_FILE": os.devnull,
            "NO_PROXY": "*",
        }
        manage = [sys.executable, str(PROJECT / "manage.py")]
        subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True)
        server = subprocess.Popen(
            [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The site did not start")


def pending_sign_in(url: str) -> str:
    """Ask for a code, and return the cookies of the browser that waits for it."""
    browser = requests.Session()
    browser.trust_env = False
    page = browser.get(f"{url}{LOGIN}", timeout=30).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    if token is None:
        raise SystemExit("The page of the phone holds no form")
    form = {"phone": "+12015550123", "csrfmiddlewaretoken": token[1]}
    browser.post(f"{url}{LOGIN}", data=form, timeout=30).raise_for_status()
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def measured(url: str, cookies: str, folder: Path) -> dict[str, Any]:
    output = folder / "report.json"
    subprocess.run(
        [
            PROGRAM,
            url,
            "--quiet",
            "--output=json",
            f"--output-path={output}",
            f"--extra-headers={json.dumps({'Cookie': cookies})}",
            "--chrome-flags=--headless=new --no-sandbox --disable-background-networking",
        ],
        env={**os.environ, "CHROME_PATH": provision.chromium(whole=True) or ""},
        check=True,
    )
    report: dict[str, Any] = json.loads(output.read_text())
    if not report["finalDisplayedUrl"].startswith(url):
        raise SystemExit(f"{url} led to {report['finalDisplayedUrl']}")
    return report


def figures(reports: list[dict[str, Any]]) -> dict[str, float]:
    """Return the median of what the runs found: scores of 100, seconds, kilobytes."""

    def median(read: Any) -> float:
        return statistics.median(read(report) for report in reports)

    found = {
        name: median(lambda report, name=name: 100 * report["categories"][name]["score"])
        for name in CATEGORIES
    }
    for name, said in TIMES.items():
        found[said] = median(lambda report, name=name: report["audits"][name]["numericValue"])
    found["bytes"] = median(lambda report: report["audits"]["total-byte-weight"]["numericValue"])
    return found


def written(pages: dict[str, dict[str, float]], version: str) -> str:
    rows = [
        "| | " + " | ".join(pages) + " |",
        "|---|" + "---|" * len(pages),
    ]
    first = next(iter(pages.values()))
    for name in first:
        cells = []
        for page in pages.values():
            value = page[name]
            if name in CATEGORIES:
                cells.append(f"**{value:.0f}**")
            elif name == "bytes":
                cells.append(f"{value / 1000:.1f} kB")
            elif name == "shift":
                cells.append(f"{value:.3f}")
            else:
                cells.append(f"{value / 1000:.2f} s")
        said = "transferred, uncompressed" if name == "bytes" else name
        rows.append(f"| {said} | " + " | ".join(cells) + " |")
    return (
        "# Lighthouse\n\n"
        "Written by `make lighthouse`; do not edit.\n\n"
        f"Lighthouse {version}, mobile profile (a middling phone, 1.6 Mbit/s, 150 ms), median of "
        f"{RUNS} runs, against the development server, which compresses nothing.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def main() -> int:
    if provision.chromium(whole=True) is None:
        print("Chromium is not installed", file=sys.stderr)
        return 1
    pages: dict[str, dict[str, float]] = {}
    version = ""
    with tempfile.TemporaryDirectory() as temporary, site(Path(temporary)) as url:
        folder = Path(temporary)
        for name, path in {"page of the phone": LOGIN, "page of the code": f"{LOGIN}code/"}.items():
            cookies = pending_sign_in(url) if path != LOGIN else ""
            reports = [measured(f"{url}{path}", cookies, folder) for _ in range(RUNS)]
            version = reports[0]["lighthouseVersion"]
            pages[name] = figures(reports)
            for report in reports[:1]:
                for audit in report["audits"].values():
                    if audit["score"] is not None and audit["score"] < 0.9:
                        print(f"{name}: {audit['title']} ({audit.get('displayValue', '')})")
    REPORT.write_text(written(pages, version))
    print(REPORT.read_text())
    is_perfect = all(page[name] == 100 for page in pages.values() for name in CATEGORIES)
    return 0 if is_perfect else 1


if __name__ == "__main__":
    sys.exit(main())
