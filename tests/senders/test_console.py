"""The console channel prints the plan's internal alert."""

import io
import os
import sys

import aiohttp
import pytest
from msgspec.structs import replace

from router.core.messages.render import content
from router.model.notification import Retry, Sent
from router.senders.console import ConsoleConfig, ConsoleSender, build
from tests.senders.kit import make_message


async def test_prints_the_text_of_the_incident(capsys: pytest.CaptureFixture[str]) -> None:
    message = make_message()
    async with aiohttp.ClientSession() as session:
        assert await build("log", ConsoleConfig(), session).send(message) == Sent()
    assert capsys.readouterr().out == f"\n{content(message).text}\n"


async def test_whoever_is_told_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """So does a channel that wants no more."""
    message = make_message()
    one = replace(message, to="Ana Lima")
    assert await ConsoleSender("call", brief=False).send(one) == Sent()
    assert await ConsoleSender("pager", brief=True).send(message) == Sent()
    first, second = capsys.readouterr().out.splitlines()
    what = f"{message.incident.name} {message.incident.severity} {message.incident.title}"
    assert (first, second) == (
        f"[call -> Ana Lima] {what} (step due)",
        f"[pager] {what} (step due)",
    )


async def test_a_terminal_without_emoji_still_gets_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert await ConsoleSender("log", brief=False).send(make_message()) == Sent()
    assert b"? [P0] VintStreet Incident" in raw.getvalue()


async def test_a_reader_that_has_gone_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken pipe is a result, not an exception."""
    reading, writing = os.pipe()
    os.close(reading)
    pipe = os.fdopen(writing, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", pipe)
    assert await ConsoleSender("log", brief=False).send(make_message()) == Retry(
        "standard output: BrokenPipeError"
    )
    with pytest.raises(BrokenPipeError):
        pipe.close()
