"""Telegram, by a loopback Bot API that refuses what Telegram would."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.incident import Status
from router.model.notification import Message, Rejected, Result, Retry, Uncertain
from router.senders.telegram import TelegramConfig, build
from tests.daemon import Daemon, alert
from tests.senders.kit import (
    NOW,
    Answer,
    Hang,
    Peer,
    Reply,
    Request,
    deliver,
    link_to,
    make_message,
)
from tests.test_app import until

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDs3cret"
CHAT = -1001234567890
REF = f"{CHAT}:1"
ANA = 4711
"""The user's id, and that of their chat with the bot."""


class Telegram:
    """A chat. `messages` are their requests, by `ref`."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}

    def __call__(self, request: Request) -> Answer:
        if request.path == f"/bot{TOKEN}/getMe":
            return Reply(
                json={"ok": True, "result": {"id": 1, "is_bot": True, "username": "router_bot"}}
            )
        said = request.json
        check_message(said)
        chat = said["chat_id"]
        if chat not in {CHAT, ANA}:
            return refusal("chat not found")
        if request.path == f"/bot{TOKEN}/sendMessage":
            number = len(self.messages) + 1
            self.messages[f"{chat}:{number}"] = said
            return Reply(
                json={"ok": True, "result": {"message_id": number, "chat": {"id": chat}, "date": 1}}
            )
        assert request.path == f"/bot{TOKEN}/editMessageText"
        ref = f"{chat}:{said['message_id']}"
        if ref not in self.messages:
            return refusal("message to edit not found")
        if self.messages[ref] == said:
            return refusal(
                "message is not modified: specified new message content … are exactly the same"
            )
        self.messages[ref] = said
        return Reply(
            json={"ok": True, "result": {"message_id": 1, "chat": {"id": chat}, "date": 1}}
        )


def refusal(why: str) -> Reply:
    return Reply(400, json={"ok": False, "error_code": 400, "description": f"Bad Request: {why}"})


class Reader(HTMLParser):
    """Reads the text, and fails for a tag that Telegram would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.links, self.open = "", list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"a", "b"}, tag
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        self.links += [value for _, value in attrs if value]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(said: dict[str, Any]) -> Reader:
    reader = Reader()
    reader.feed(said["text"])
    reader.close()
    assert not reader.open
    return reader


def check_message(said: dict[str, Any]) -> None:
    assert said["parse_mode"] == "HTML"
    assert 0 < len(read(said).text.encode("utf-16-le")) // 2 <= 4096
    for row in said.get("reply_markup", {}).get("inline_keyboard", []):
        for key in row:
            assert set(key) == {"text", "callback_data"}
            assert 1 <= len(key["callback_data"].encode()) <= 64


def shown(request: Request) -> str:
    said = read(request.json)
    keyboard = request.json.get("reply_markup", {}).get("inline_keyboard", [])
    return "\n".join(
        [
            said.text,
            *said.links,
            *(f"action:{key['callback_data']}" for row in keyboard for key in row),
        ]
    )


def options(url: str, seconds: float = 10.0, **more: Any) -> TelegramConfig:
    given = {"chat": str(CHAT), "buttons": True} | more
    return TelegramConfig(
        token=Secret(TOKEN), api_url=HttpUrl(url), timeout=Duration(seconds), **given
    )


async def answers_to(
    *messages: Message, script: tuple[Answer, ...] = (), seconds: float = 10.0
) -> list[Result]:
    return (
        await deliver("telegram", options, Telegram(), *messages, script=script, seconds=seconds)
    )[0]


async def test_a_lost_answer_is_uncertain() -> None:
    (result,) = await answers_to(make_message(), script=(Hang(),), seconds=0.3)
    assert isinstance(result, Uncertain)


async def test_an_edit_without_a_change_is_done() -> None:
    service = Telegram()
    await deliver("telegram", options, service, make_message())
    edit = make_message(ref=REF, sent=1, seen_entry=2)
    for _ in range(2):
        (result,), _ = await deliver("telegram", options, service, edit)
        assert type(result).__name__ == "Sent"


async def test_telegram_says_in_its_answer_how_long_to_wait() -> None:
    """Not in a header."""
    full = {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 9",
        "parameters": {"retry_after": 9},
    }
    (result,) = await answers_to(make_message(), script=(Reply(429, json=full),))
    assert result == Retry("HTTP 429", 9.0)


async def test_a_refusal_has_telegrams_reason() -> None:
    blocked = {
        "ok": False,
        "error_code": 403,
        "description": "Forbidden: bot was kicked from the group chat",
    }
    (result,) = await answers_to(make_message(), script=(Reply(403, json=blocked),))
    assert result == Rejected("HTTP 403: Forbidden: bot was kicked from the group chat")


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({}, ["Acknowledge", "Escalate", "Resolve"]),
        ({"acknowledged_at": NOW}, ["Escalate", "Resolve"]),
        ({"status": Status.RESOLVED, "closed_at": NOW}, []),
    ],
)
async def test_the_buttons_are_those_of_the_state(
    changes: dict[str, Any], labels: list[str]
) -> None:
    service = Telegram()
    await deliver("telegram", options, service, make_message(**changes))
    rows = service.messages[REF]["reply_markup"]["inline_keyboard"]
    assert [key["text"] for row in rows for key in row] == labels


async def test_without_buttons_the_text_has_links_to_answer() -> None:
    service = Telegram()

    def plain(url: str, seconds: float) -> TelegramConfig:
        return options(url, seconds, buttons=False)

    await deliver("telegram", plain, service, make_message(link=link_to))
    assert "https://router.example.com/act/ack" in read(service.messages[REF]).links
    assert service.messages[REF]["reply_markup"] == {"inline_keyboard": []}


async def test_the_token_is_verified_without_a_message() -> None:
    async with Peer(answer=Telegram()) as peer, aiohttp.ClientSession() as session:
        found = await build("incidents", options(peer.url), session).verify()
    assert found == "token of @router_bot accepted; the chat is not checked"


@pytest.mark.parametrize("changes", [{"chat": "alerts"}, {"token": Secret("s3cret")}])
def test_a_config_that_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {"token": Secret(TOKEN), "chat": "@alerts"} | changes
    with pytest.raises(ValueError, match="must be") as refused:
        TelegramConfig(**given)
    assert "s3cret" not in str(refused.value)


async def test_a_contact_is_reached_in_their_own_chat(router: Callable[..., Daemon]) -> None:
    service = Telegram()
    async with Peer(answer=service) as peer:
        channel = {"type": "telegram", "token": TOKEN, "chat": str(CHAT), "api_url": peer.url}
        config = {
            "channels": {"chat": channel},
            "contacts": {"ana": {"telegram": str(ANA), "reach": [{"via": "chat"}]}},
            "policies": {"all": {"steps": [{"notify": ["contact:ana"]}]}},
        }
        async with router(**config) as daemon:
            await daemon.alert(alert())
            await until(lambda: service.messages)
    assert list(service.messages) == [f"{ANA}:1"]


async def test_a_contact_without_a_user_id_is_refused_before_telegram_is_asked() -> None:
    results, requests = await deliver("telegram", options, Telegram(), make_message(to="ana"))
    assert results == [Rejected("the contact's `telegram` is not the id of a user")]
    assert not requests


async def test_a_press_acknowledges_in_the_name_of_the_contact(
    router: Callable[..., Daemon],
) -> None:
    """The message is edited, and the person who pressed reads the outcome."""
    service = Telegram()
    async with Peer(answer=service) as peer:
        channel = {
            "type": "telegram",
            "token": TOKEN,
            "chat": str(CHAT),
            "buttons": True,
            "api_url": peer.url,
        }
        config = {
            "sources": {"telegram": {"secret_token": "s3cret"}, "alertmanager": {"insecure": True}},
            "channels": {"chat": channel},
            "contacts": {"ana": {"name": "Ana Lima", "telegram": "4711"}},
            "policies": {"all": {"steps": [{"notify": ["channel:chat"]}]}},
        }
        async with router(**config) as daemon:
            await daemon.alert(alert())
            await until(lambda: service.messages)
            keyboard = service.messages[REF]["reply_markup"]
            query = {
                "id": "99",
                "from": {"id": 4711, "is_bot": False, "first_name": "A"},
                "message": {"message_id": 1, "chat": {"id": CHAT}, "reply_markup": keyboard},
                "data": keyboard["inline_keyboard"][0][0]["callback_data"],
            }
            headers = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
            answer = await daemon.ask(
                "POST",
                "/webhooks/telegram",
                json={"update_id": 1, "callback_query": query},
                headers=headers,
            )
            assert answer.json == {
                "method": "answerCallbackQuery",
                "callback_query_id": "99",
                "text": "Acknowledged INC-1.",
            }
            await until(lambda: "Acknowledged by Ana Lima" in service.messages[REF]["text"])
