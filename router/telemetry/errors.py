"""Reports the router's own errors to Sentry, and never feeds on its own reports."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from router import __version__

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

SOURCE = "router.source"

_source: ContextVar[str] = ContextVar(SOURCE, default="")


def start(dsn: str | None, environment: str = "") -> None:
    """Report what is logged as an error from now on, if there's a `dsn`.

    None of sentry-sdk's other hooks are on: those for aiohttp, SQLAlchemy and threads more than
    double what a webhook costs, even with no DSN (measured: 446 us instead of 192), and put URLs
    into what is sent.
    """
    if not dsn:
        return
    # Only where it's used: it takes a twentieth of the time to start.
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        environment=environment or None,
        release=f"alert-router@{__version__}",
        before_send=without_feedback,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        max_breadcrumbs=0,  # a breadcrumb may hold a webhook URL, which is a secret
        include_local_variables=False,
    )


def without_feedback(event: "Event", _hint: "Hint") -> "Event | None":
    """Drop an error made by an alert from Sentry: reporting it could raise that alert again,
    without end.
    """
    source = _source.get()
    if source == "sentry":
        return None
    if source:
        event.setdefault("tags", {})[SOURCE] = source
    return event


def working_for(source: str) -> None:
    """Errors from here on, in this task, are about an alert from `source`."""
    _source.set(source)


@contextmanager
def about(source: str) -> Iterator[None]:
    """Errors within are about an alert from `source`."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def stop() -> None:
    """Send what is left, for 2 s at the most, and report nothing more."""
    if "sentry_sdk" not in sys.modules:
        return
    import sentry_sdk  # noqa: PLC0415 - it's loaded already

    sentry_sdk.get_client().close(timeout=2.0)
    sentry_sdk.get_global_scope().set_client(None)
