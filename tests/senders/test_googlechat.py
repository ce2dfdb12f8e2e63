"""Google Chat, by a loopback space that refuses what Chat would."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from router.config.fields import Duration
from router.config.secret import SecretUrl
from router.model.notification import Rejected
from router.senders.googlechat import GoogleChatConfig
from tests.senders.kit import Answer, Reply, Request, deliver, link_to, make_message
from tests.senders.test_telegram import Reader

PATH = "/v1/spaces/AAAA-bBcC/messages?key=AIzaSy_x&token=s3cret%3D"


class Space:
    """A space. `messages` are by their `requestId`."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}

    def __call__(self, request: Request) -> Answer:
        assert request.method == "POST"
        assert request.path.startswith(PATH), "the token is valid as it's written"
        query = parse_qs(urlsplit(request.path).query)
        assert query["messageReplyOption"] == ["REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"]
        assert len(request.body) <= 32_000
        check_message(request.json)
        made = self.messages.setdefault(query["requestId"][0], request.json)
        return Reply(json={"name": "spaces/AAAA-bBcC/messages/x", "thread": made["thread"]})


def check_message(said: dict[str, Any]) -> None:
    assert set(said) == {"cardsV2", "fallbackText", "thread"}
    assert said["thread"]["threadKey"]
    (card,) = said["cardsV2"]
    assert card["card"]["header"]["title"]
    for widget in card["card"]["sections"][0]["widgets"]:
        (kind,) = widget
        assert kind in {"textParagraph", "buttonList"}
        for button in widget.get("buttonList", {}).get("buttons", []):
            assert button["text"]
            assert button["onClick"]["openLink"]["url"].startswith(("https://", "http://"))


def shown(request: Request) -> str:
    card = request.json["cardsV2"][0]["card"]
    lines = [request.json["fallbackText"], *card["header"].values()]
    for widget in card["sections"][0]["widgets"]:
        if "textParagraph" in widget:
            reader = Reader()
            reader.feed(widget["textParagraph"]["text"].replace("<br>", "\n"))
            reader.close()
            lines.append(reader.text)
        lines += [
            one["onClick"]["openLink"]["url"]
            for one in widget.get("buttonList", {}).get("buttons", [])
        ]
    return "\n".join(lines)


def options(url: str, seconds: float = 10.0) -> GoogleChatConfig:
    return GoogleChatConfig(webhook_url=SecretUrl(url + PATH), timeout=Duration(seconds))


async def test_the_messages_of_an_incident_are_a_thread() -> None:
    _, requests = await deliver(
        "googlechat", options, Space(), make_message(), make_message(seq=2), make_message(id=143)
    )
    first, second, other = (request.json["thread"]["threadKey"] for request in requests)
    assert first == second
    assert other == first, "the thread is that of the key and the opening"
    _, (later,) = await deliver("googlechat", options, Space(), make_message(opened_at=1.0))
    assert later.json["thread"]["threadKey"] != first


async def test_buttons_lead_to_answers() -> None:
    _, (request,) = await deliver("googlechat", options, Space(), make_message(link=link_to))
    buttons = request.json["cardsV2"][0]["card"]["sections"][0]["widgets"][1]["buttonList"][
        "buttons"
    ]
    assert [button["text"] for button in buttons][:4] == [
        "Acknowledge",
        "Escalate",
        "Resolve",
        "Open incident",
    ]


async def test_a_refusal_has_googles_reason() -> None:
    refused = Reply(
        400,
        json={
            "error": {
                "code": 400,
                "message": "Invalid JSON payload s3cret=",
                "status": "INVALID_ARGUMENT",
            }
        },
    )
    (result,), _ = await deliver("googlechat", options, Space(), make_message(), script=[refused])
    assert result == Rejected(
        "HTTP 400: code: 400; Invalid JSON payload ***; status: INVALID_ARGUMENT"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://chat.googleapis.com/v1/spaces/s3cret/messages",
        "https://x.example.com/?key=s3cret&token=x",
    ],
)
def test_a_url_that_is_no_webhook_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="webhook_url") as refused:
        GoogleChatConfig(webhook_url=SecretUrl(url))
    assert "s3cret" not in str(refused.value)
