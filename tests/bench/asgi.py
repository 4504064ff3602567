"""The site for a server of ASGI, which it is measured with and not meant for."""

import os

from django.core.asgi import get_asgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_asgi_application()
# Each request has a thread of its own, so none would find the connection of another.
connections.settings["default"]["CONN_MAX_AGE"] = 0
