"""The chart of an incident in the thread of its message, best effort.

Uploading a file to Slack takes three steps
(https://docs.slack.dev/reference/methods/files.getUploadURLExternal): ask for a URL, upload the
content to it, and say where to show the file. A failure here doesn't change the message's result.
"""

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import structlog

from router.model.notification import Message

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

NAME = "chart.png"

log = structlog.get_logger(__name__)


async def show_picture(
    client: "AsyncWebClient",
    session: aiohttp.ClientSession,
    message: Message,
    ref: str,
    seconds: float,
) -> None:
    """Show the picture under the message at `ref`, within `seconds`. Never raises."""
    from slack_sdk.errors import SlackApiError  # noqa: PLC0415 - loaded already by the client

    channel, _, ts = ref.partition(":")
    try:
        async with asyncio.timeout(seconds):
            place = await client.api_call(
                "files.getUploadURLExternal",
                params={"filename": NAME, "length": len(message.picture)},
            )
            async with session.post(
                place["upload_url"], data=message.picture, allow_redirects=False
            ) as answer:
                answer.raise_for_status()
            file = {"id": place["file_id"], "title": message.incident.name}
            shown = {"files": [file], "channel_id": channel, "thread_ts": ts}
            await client.api_call("files.completeUploadExternal", json=shown)
    except (
        aiohttp.ClientError,
        OSError,
        SlackApiError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        # Don't log the URL, which is a secret until it's used, or Slack's error text.
        log.info(
            "picture_not_shown",
            channel=message.channel,
            incident=message.incident.name,
            why=type(error).__name__,
        )
