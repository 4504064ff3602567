"""The settings of the site, with the bare page of the peers served by it."""

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, TEMPLATES

ROOT_URLCONF = "tests.bench.urls"
TEMPLATES[0]["DIRS"].append(BASE_DIR / "tests/bench/peer/templates")  # type: ignore[attr-defined]
