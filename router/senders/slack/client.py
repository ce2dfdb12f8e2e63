"""Slack's client, and the results of calls that Slack rejects."""

import logging
from typing import TYPE_CHECKING, Any

import aiohttp

from router.config.secret import Secret
from router.model.notification import Rejected, Result, Retry, Uncertain
from router.senders.outcome import error_word, from_response, retry_after

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

# Error names: https://docs.slack.dev/reference/methods/chat.postMessage and chat.update
TRANSIENT = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "update_failed",
    }
)
HALF_DONE = "fatal_error"
"""Errors after which Slack may have processed part of the request."""


def client(token: Secret, api_url: str, session: aiohttp.ClientSession) -> "AsyncWebClient":
    # Imported here, because it costs memory and start-up time.
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

    # At DEBUG the SDK logs whole answers, which may echo the token.
    logger = logging.getLogger("slack_sdk.quiet")
    logger.setLevel(logging.INFO)
    return AsyncWebClient(
        token.reveal(), base_url=api_url, session=session, retry_handlers=[], logger=logger
    )


def refused(response: Any, *, idempotent: bool, now: float) -> tuple[Result, str]:
    """The result of an answer without `ok`, and the name of its error.

    `response` is the SDK's, or aiohttp's if the answer isn't JSON.
    """
    status = response.status_code if hasattr(response, "status_code") else response.status
    data = getattr(response, "data", None)
    error = error_word(str(data.get("error", "")).encode()) if isinstance(data, dict) else ""
    if not 200 <= status < 300:
        return from_response(
            status, response.headers, error.encode(), idempotent=idempotent, now=now
        ), error
    if not error:
        return unreadable(idempotent=idempotent), ""
    if error == HALF_DONE and not idempotent:
        return Uncertain(error), error
    if error in TRANSIENT:
        return Retry(error, retry_after(response.headers.get("Retry-After", ""), now)), error
    return Rejected(error), error


def unreadable(*, idempotent: bool) -> Result:
    reason = "answer isn't one of Slack's"
    return Retry(reason) if idempotent else Uncertain(reason)
