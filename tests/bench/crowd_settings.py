"""The settings of the site, with Django's default admin served as well (``plain_admin``)."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.plain_admin"
