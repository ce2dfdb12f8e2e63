"""Reports the router's own errors to Sentry, and never feeds on its own reports."""

from typing import TYPE_CHECKING

import sentry_sdk

from router import __version__

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

SOURCE = "router.source"


def start(dsn: str | None, environment: str = "") -> None:
    """Report errors from now on. With `dsn` None nothing is ever sent."""
    sentry_sdk.init(
        dsn=dsn or "",  # with None, sentry-sdk would take the environment's SENTRY_DSN
        environment=environment or None,
        release=f"alert-router@{__version__}",
        before_send=without_feedback,
        max_breadcrumbs=0,  # a breadcrumb may hold a webhook URL, which is a secret
        include_local_variables=False,
        max_request_body_size="never",
    )


def without_feedback(event: "Event", _hint: "Hint") -> "Event | None":
    """Drop an error made by an alert from Sentry: reporting it could raise that alert again, without end.

    The request goes as well: its URL may end in a source's secret, and a header of any name may be one.
    """
    event.pop("request", None)
    tags = event.get("tags") or {}
    return None if tags.get(SOURCE) == "sentry" else event


def working_for(source: str) -> None:
    """Errors from here on, in this request, are about an alert from `source`."""
    sentry_sdk.get_isolation_scope().set_tag(SOURCE, source)


def stop() -> None:
    sentry_sdk.flush(timeout=2)
