"""gunicorn of the site: ``gunicorn -c config/gunicorn.conf.py``.

A sign-in waits for Cognito most of its time, for some hundred milliseconds: threads are what it
needs, not processes. Nothing is kept in a process that another one could miss.
"""

import os
import subprocess
import sys
from typing import Any

from config.logs import JSON_FORMATTER

wsgi_app = "config.wsgi:application"
bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
# Longer than any call of the site may take; a worker that hangs is replaced.
timeout = 30
# On SIGTERM: no new requests, and this long for those under way.
graceful_timeout = 25
# A little longer than load balancers keep theirs (AWS: 60 s), so that none meets a closed one.
keepalive = 65
max_requests = 5000
max_requests_jitter = 500
# The file system may be read-only: heartbeats live in memory, and nobody controls us by a file.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
control_socket_disable = True
# Requests are logged by the site, with their ids.
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": JSON_FORMATTER},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}


def on_starting(server: Any) -> None:
    """Refuse to serve settings that are not safe; asked in a process that ends with the answer."""
    check = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "ERROR"]
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings", **os.environ}
    done = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        server.log.critical("The settings are not safe: %s", done.stderr)
        sys.exit(1)
