"""gunicorn of the site: ``gunicorn -c config/gunicorn.conf.py``.

A sign-in waits for Cognito most of its time, for some hundred milliseconds, and works for some ten:
a process for each processor, and in each as many threads as keep it at work meanwhile. Nothing is
kept in a process that another one could miss. docs/deploy.md says how to size both.
"""

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

from config import lame_duck, processors
from config.logs import JSON_FORMATTER


def number(name: str, default: int, at_least: int, at_most: int) -> int:
    """Return a variable of the environment, or end the process where it is out of its range."""
    spelled = os.environ.get(name, str(default))
    if not spelled.isdecimal() or not at_least <= int(spelled) <= at_most:
        sys.exit(f"{name} must be a number from {at_least} to {at_most}, and is {spelled!r}.")
    return int(spelled)


wsgi_app = "config.wsgi:application"
bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104
worker_class = "config.worker.Worker"
workers = number("WEB_CONCURRENCY", processors.count(), 1, 256)
threads = number("WEB_THREADS", 32, 1, 512)
# Each of these has a connection to the database as well.
threads_after_response = 4
# Longer than any call of the site may take; a worker that hangs is replaced.
timeout = 30
# On SIGTERM everything is served for drain_seconds, and /readyz is 503 so that load balancers turn
# away. Then no new requests are taken, and those under way have graceful_timeout.
drain_seconds = number("WEB_DRAIN_SECONDS", 5, 0, 600)
graceful_timeout = 20
# Longer than load balancers keep connections (AWS: 60 s), so that none uses a closed one.
keepalive = 65
max_requests = 5000
max_requests_jitter = 500
# The file system may be read-only: heartbeats live in memory, and there is no control socket.
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
    """Refuse to serve settings that are not safe. The check runs in a process of its own."""
    check = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "ERROR"]
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings", **os.environ}
    done = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        server.log.critical("The settings are not safe: %s", done.stderr)
        sys.exit(1)


def post_worker_init(worker: Any) -> None:
    """Make the client of the user pool, so that the first person does not wait for boto3.

    What is done after a response keeps no connection from its next request.
    """
    # Not above: Django is set up by now.
    from accounts import after_response
    from accounts.aws import cognito

    after_response.threads.use(threads_after_response)
    # Settings that do not do are said where somebody signs in, and by the check above.
    with contextlib.suppress(cognito.Misconfigured):
        cognito.gateway()


def when_ready(server: Any) -> None:
    """On SIGTERM, serve on for ``drain_seconds`` first. A second SIGTERM ends it at once."""
    end = server.handle_term

    def handle_term() -> None:
        if lame_duck.is_on() or not drain_seconds:
            end()
        lame_duck.begin()
        server.log.info("/readyz says 503 from now on; stopping in %d s", drain_seconds)
        signal.signal(signal.SIGALRM, lambda *_: server.signal(signal.SIGTERM, None))
        signal.alarm(drain_seconds)

    server.handle_term = handle_term
