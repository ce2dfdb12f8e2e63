"""Reports the router's own errors to Sentry, without a feedback loop."""

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
    """Report logged errors from now on, if there is a `dsn`.

    All other hooks of sentry-sdk are off: the aiohttp, SQLAlchemy and thread hooks more than double
    the cost of a webhook, even without a DSN (measured: 446 us instead of 192), and send URLs.
    """
    if not dsn:
        return
    # Imported only here, because it takes 5% of the start-up time.
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
    """Drop errors about alerts from Sentry: a report could raise the same alert again, forever."""
    source = _source.get()
    if source == "sentry":
        return None
    if source:
        event.setdefault("tags", {})[SOURCE] = source
    return event


def working_for(source: str) -> None:
    """Attribute errors from here on, in this task, to an alert from `source`."""
    _source.set(source)


@contextmanager
def about(source: str) -> Iterator[None]:
    """Attribute errors within to an alert from `source`."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def stop() -> None:
    """Send remaining reports, for at most 2 s, and stop."""
    if "sentry_sdk" not in sys.modules:
        return
    import sentry_sdk  # noqa: PLC0415 - it's loaded already

    sentry_sdk.get_client().close(timeout=2.0)
    sentry_sdk.get_global_scope().set_client(None)
