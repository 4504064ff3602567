"""``make bench WHAT=python``: one login on newer versions of Python, by turns with the site's own.

``--pythons python3.13 /opt/python3.14/bin/python3`` names programs. Each gets an environment in
``.local/pythons`` with the site's locked packages. Those that are not here are named, not measured.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench import report, turns
from tests.bench.report import Section
from tests.bench.turns import PROJECT, SiteProcess

ROUNDS, LOGINS, PAGES = 15, 8, 40
PYTHONS = ["python3.13", "python3.14"]
_ENVIRONMENTS = PROJECT / ".local/pythons"
# Compilers can be told from a trial run which way a program goes: that makes Python much faster.
_DESCRIBE = (
    "import platform, sysconfig;"
    "told = sysconfig.get_config_var('CONFIG_ARGS') or '';"
    "how = 'with' if 'enable-optimizations' in told else 'without';"
    "print(f'{platform.python_version()}, built {how} optimisations')"
)


def described(python: str) -> str:
    """Return version and build of a Python, or "" where there is none by that name."""
    try:
        asked = subprocess.run(
            [python, "-c", _DESCRIBE], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()


def environment_of(python: str, name: str) -> str:
    """Install the site's packages for ``python`` if they are not, and return its new path."""
    place = _ENVIRONMENTS / name.partition(",")[0]
    done = place / ".installed"
    lock = PROJECT / "requirements.txt"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        print(f"Installing the site's packages for Python {name} …", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True)
        options = ["--quiet", "--disable-pip-version-check", "--require-hashes"]
        pip = [str(place / "bin/python"), "-m", "pip", "install", *options, "-r", str(lock)]
        subprocess.run(pip, check=True)
        done.touch()
    return str(place / "bin/python")


def measure(pythons: list[str], rounds: int) -> Section:
    found = {described(sys.executable): sys.executable}
    missing = []
    for python in pythons:
        if name := described(python):
            found[name] = environment_of(python, name)
        else:
            missing.append(Path(python).name)
    with ExitStack() as stack:
        sites = {}
        for name, python in found.items():
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            running = stack.enter_context(turns.sites(scratch, "ours", python=python))
            sites[name] = running["ours"]

        def login(site: SiteProcess) -> float:
            taken = site.do("login", times=LOGINS)
            return statistics.median(sum(each.values()) for each in taken)

        def page(site: SiteProcess) -> float:
            taken: float = site.do("page", times=PAGES)
            return taken

        logins, pages = (
            turns.by_turns(
                {name: lambda site=site, ask=ask: ask(site) for name, site in sites.items()},
                rounds,
            )
            for ask in (login, page)
        )
    own = next(iter(found))
    rows = [["Python", "CPU of a login, ms", "to the first", "CPU of a page, ms", "to the first"]]
    for name in found:
        cells = []
        for taken in (logins, pages):
            cells += [taken[name].shown(1000), (taken[name] / taken[own]).shown(digits=2)]
        rows.append([name, *cells])
    not_here = f" Not here: {', '.join(missing)}." if missing else ""
    return Section(
        "python",
        "Newer Pythons",
        (
            "The login and the first page of above, the same packages on each."
            f" {rounds} rounds of {LOGINS} logins, then of {PAGES} pages.{not_here}"
        ),
        [rows],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pythons", nargs="+", default=PYTHONS, metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    wanted = parser.parse_args()
    report.keep(measure(wanted.pythons, wanted.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
