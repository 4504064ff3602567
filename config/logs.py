"""Log lines as JSON, one object each, with the request they belong to and no phone in clear."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Written out, or in a URL. Our own lines mask phones where they are written; others' may not.
_PHONE = re.compile(r"(?:\+|%(?:25)*2[Bb])[1-9][0-9]{6,14}")
_HEALTH = re.compile(r"[A-Z]+ /(healthz|readyz)\b")


def mask_phones(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {name: _masked(value) for name, value in event.items()}


def add_request(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Say which request a line of Django's is about, which it gives along (config/request_logs)."""
    request = getattr(event.get("_record"), "request", None)
    return {**getattr(request, "log_context", {}), **event}


def drop_query(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Keep of a request its method and path: people search for phones, in whatever spelling."""
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


def configure() -> None:
    """Let structlog's loggers, which django-structlog uses, write through those of Python."""
    structlog.configure(
        processors=[
            *_SHARED,
            drop_query,
            drop_health_checks,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
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
