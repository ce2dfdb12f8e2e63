"""Structured logs: one event per line, as JSON or for a console.

Nothing logs a request body, a header or a URL.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor

from router.core.text.plain import plain, visible

_LINES = ("exception", "stack")
"""Keys whose values have several lines."""


def configure(form: Literal["console", "json"] = "console", level: str = "info") -> None:
    """Send the router's logs, and its libraries' from WARNING up, to stderr.

    At INFO some libraries log URLs, which are secrets for Slack and Teams webhooks.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    final: tuple[Processor, ...] = (structlog.processors.JSONRenderer(),)
    if form == "console":
        final = (_harmless, structlog.dev.ConsoleRenderer(colors=False))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, *final])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("router").setLevel(level.upper())


def _harmless(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Remove what a terminal would obey, and line breaks that would look like another event."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = visible(value) if key in _LINES else plain(value)
    return event


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; `name` is its `__name__`."""
    return structlog.stdlib.get_logger(name)
