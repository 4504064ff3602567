"""Logging to the console: one JSON object a line, with its request and nothing secret in clear."""

import re
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# As text or in a URL. Our own lines mask phones where they are written; other libraries do not.
_PHONE = re.compile(r"(?:\+|%(?:25)*2[Bb])[1-9][0-9]{6,14}")
# Words of texts and mails are in the addresses of their pages.
_WORD = re.compile(r"/(no|login/link/[A-Za-z0-9]{5})/[A-Za-z0-9_-]+")

# Facts about the request that this thread works on, for all of its lines.
request_now: ContextVar[dict[str, str] | None] = ContextVar("request_now", default=None)
# The same as an attribute of the request, and of a record the fields of its line.
ABOUT, FIELDS = "log_about", "log_fields"


def mask(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask what looks like a phone in E.164, and words of texts, in any value of the line."""
    return {name: _masked(value) for name, value in event.items()}


def add_request(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Add the request, and what the line says besides (config/request_logs)."""
    record = event["_record"]
    about = request_now.get() or getattr(getattr(record, "request", None), ABOUT, {})
    return {**getattr(record, FIELDS, {}), **about, **event}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _PHONE.sub(lambda found: f"+…{found[0][-2:]}", _WORD.sub(r"/\1/…", value))
    return value


JSON_FORMATTER: dict[str, Any] = {
    "()": structlog.stdlib.ProcessorFormatter,
    "foreign_pre_chain": [
        add_request,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ],
    "processors": [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        mask,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ],
}


def django_logging(*, debug: bool) -> dict[str, Any]:
    """Return Django's LOGGING setting. With ``debug`` lines are plain text, for a terminal."""
    served = [] if debug else ["console"]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "json": JSON_FORMATTER,
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line" if debug else "json",
            }
        },
        "loggers": {
            "accounts": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "config": {"handlers": ["console"], "level": "INFO", "propagate": False},
            # gunicorn's root logger would write each line a second time.
            "django": {"handlers": served, "level": "INFO", "propagate": debug},
            # One line for each request; runserver has its own.
            "config.request_logs": {"handlers": served, "level": "INFO", "propagate": False},
            # Its DEBUG lines hold codes, sessions and tokens, whatever the root's level is.
            "botocore": {"level": "INFO"},
        },
    }
