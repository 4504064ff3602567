"""Logging to the console: one JSON object a line, with its request and no phone in clear."""

import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# As text or in a URL. Our own lines mask phones where they are written; other libraries do not.
_PHONE = re.compile(r"(?:\+|%(?:25)*2[Bb])[1-9][0-9]{6,14}")
_HEALTH = re.compile(r"[A-Z]+ /(healthz|readyz)\b")


def mask_phones(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask what looks like a phone in E.164, in any value of the line."""
    return {name: _masked(value) for name, value in event.items()}


def add_request(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Add the request to a line of Django's own, which carries it (config/request_logs)."""
    request = getattr(event.get("_record"), "request", None)
    return {**getattr(request, "log_context", {}), **event}


def drop_query(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Keep method and path of a request, without the query: people search for phones there."""
    if "request" in event:
        event["request"] = str(event["request"]).partition("?")[0]
    return event


def drop_health_checks(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Drop the lines about requests that come every few seconds, unless they went wrong."""
    if _HEALTH.match(str(event.get("request", ""))) and event.get("level") == "info":
        raise structlog.DropEvent
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _PHONE.sub(lambda found: f"+…{found[0][-2:]}", value)
    return value


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_structlog() -> None:
    """Let structlog's loggers, which django-structlog uses, write through those of Python."""
    structlog.configure(
        processors=[
            *_SHARED,
            drop_query,
            drop_health_checks,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        # Python's own, which looks for no caller past structlog: no line names one.
        logger_factory=logging.getLogger,
        # Below it nothing is written, so nothing is put together.
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


JSON_FORMATTER: dict[str, Any] = {
    "()": structlog.stdlib.ProcessorFormatter,
    "foreign_pre_chain": [*_SHARED, add_request],
    "processors": [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        mask_phones,
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
            "django_structlog": {"handlers": served, "level": "INFO", "propagate": False},
            # Its DEBUG lines hold codes, sessions and tokens, whatever the root's level is.
            "botocore": {"level": "INFO"},
        },
    }
