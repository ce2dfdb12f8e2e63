"""A chart in the thread of a Slack message, by a loopback Slack that takes files as the real one
does.
"""

from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.notification import Message, Result, Sent
from router.senders.slack.sender import SlackConfig, build
from tests.senders.kit import Answer, Hang, Peer, Reply, Request, make_message

TOKEN = "xoxb-123-s3cret"
PNG = b"\x89PNG\r\n\x1a\nchart"
REF = "C0123ABCD:1503435956.000001"


class Files:
    """The three steps in their order, each checked; `broken` is a step that goes wrong, and how."""

    def __init__(self, broken: str = "", how: Answer | None = None) -> None:
        self.steps: list[str] = []
        self.shown: dict[str, Any] = {}
        self._broken = broken
        self._how = how or Reply(json={"ok": False, "error": "not_allowed_token_type"})
        self.url = ""

    def __call__(self, request: Request) -> Answer:
        step = request.path.rpartition("/")[2].partition("?")[0]
        if step == "chat.postMessage":
            return Reply(json={"ok": True, "channel": "C0123ABCD", "ts": "1503435956.000001"})
        self.steps.append(step)
        if step == self._broken:
            return self._how
        match step:
            case "files.getUploadURLExternal":
                assert request.headers["authorization"] == f"Bearer {TOKEN}"
                given = parse_qs(request.path.partition("?")[2] or request.body.decode())
                assert given == {"filename": ["chart.png"], "length": [str(len(PNG))]}
                return Reply(
                    json={"ok": True, "upload_url": f"{self.url}/upload/v1/abc", "file_id": "F123"}
                )
            case "abc":
                assert request.body == PNG
                assert "authorization" not in request.headers
                return Reply(body=b"OK - 16")
        assert step == "files.completeUploadExternal"
        self.shown = request.json
        return Reply(json={"ok": True, "files": [{"id": "F123"}]})


async def send(files: Files, message: Message, **options: Any) -> Result:
    async with Peer(answer=files) as peer, aiohttp.ClientSession() as session:
        files.url = peer.url
        config = SlackConfig(
            token=Secret(TOKEN),
            channel="#incidents",
            charts=True,
            api_url=HttpUrl(f"{peer.url}/api/"),
            **options,
        )
        sender = build("slack", config, session)
        try:
            return await sender.send(message)
        finally:
            await sender.close()


async def test_a_chart_is_shown_under_the_message() -> None:
    """In its thread, once, and the message is what counts as sent."""
    files = Files()
    message = replace(make_message(), picture=PNG)
    assert await send(files, message) == Sent(REF)
    assert files.steps == ["files.getUploadURLExternal", "abc", "files.completeUploadExternal"]
    file = {"id": "F123", "title": message.incident.name}
    assert files.shown == {
        "files": [file],
        "channel_id": "C0123ABCD",
        "thread_ts": "1503435956.000001",
    }


async def test_no_chart_is_no_trouble() -> None:
    """It wasn't drawn in time."""
    files = Files()
    assert await send(files, make_message()) == Sent(REF)
    assert files.steps == []


@pytest.mark.parametrize(
    "step", ["files.getUploadURLExternal", "abc", "files.completeUploadExternal"]
)
@pytest.mark.parametrize(
    "how",
    [Reply(500), Reply(403), Reply(body=b"hm"), Reply(json={"ok": False, "error": "x"}), Hang()],
    ids=repr,
)
async def test_whatever_goes_wrong_with_the_chart_the_message_is_sent(
    step: str, how: Answer, capfd: pytest.CaptureFixture[str]
) -> None:
    """And no URL or token is in the log."""
    files = Files(step, how)
    assert await send(files, replace(make_message(), picture=PNG), timeout=Duration(0.4)) == Sent(
        REF
    )
    said = "".join(capfd.readouterr())
    assert "upload/v1" not in said
    assert TOKEN not in said


def test_a_webhook_takes_no_charts() -> None:
    with pytest.raises(ValueError, match="`charts` needs `token`"):
        SlackConfig(webhook_url=SecretUrl("https://hooks.slack.com/services/T/B/s"), charts=True)
