"""The settings of the site, with Django's default admin served as well (``plain_admin``)."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES

# One backend from first to last: its CPU is what the database's is taken for.
DATABASES["default"]["CONN_MAX_AGE"] = None

ROOT_URLCONF = "tests.bench.plain_admin"
