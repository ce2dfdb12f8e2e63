"""Structured logs: one event per line, as JSON or for a console.

Nothing logs a request body, a header or a URL.
"""

import logging
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, TextIO

from router.core.text.plain import plain, visible
from router.telemetry.plain_structlog import structlog

EventDict = structlog.typing.EventDict
Processor = structlog.typing.Processor
WrappedLogger = structlog.typing.WrappedLogger

_LINES = ("stack", "exception")
"""Keys whose values may have several lines."""

_UNCLEAR = re.compile("[ =\"']")
"""Characters of a value that make it need quotes."""


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
        final = (_console_line,)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            _straight(final, sys.stderr),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
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


def _console_line(_logger: object, _name: str, event: EventDict) -> str:
    """Render a line as structlog's `ConsoleRenderer` does, in a quarter of its time.

    Terminal control characters and line breaks, which would look like another event, are removed.
    """
    time, level, what = (event.pop(key, "") for key in ("timestamp", "level", "event"))
    texts = [visible(text) for key in _LINES if (text := event.pop(key, None))]
    pairs = [f"{key}={_value(event[key])}" for key in sorted(event)]
    parts = [time, f"[{level:<9}]", f"{plain(str(what)):<30}", *pairs]
    return "\n".join([" ".join(filter(None, parts)).rstrip(" "), *texts])


def _value(value: object) -> str:
    if not isinstance(value, str):
        return repr(value)
    text = plain(value)
    return repr(text) if _UNCLEAR.search(text) else text


def _straight(final: Sequence[Processor], out: TextIO) -> Processor:
    """Write lines below WARNING directly, without `logging`.

    `logging` takes four times as long for a line, and an opened incident has two lines. Only
    warnings and errors have other readers, such as Sentry.
    """

    def write(log: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if method not in {"debug", "info"}:
            return event
        line: Any = event
        for step in final:
            line = step(log, method, line)
        with suppress(OSError, ValueError):  # nobody reads the log any more
            out.write(f"{line!s}\n")
        raise structlog.DropEvent

    return write


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; `name` is its `__name__`."""
    return structlog.stdlib.get_logger(name)
