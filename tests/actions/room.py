"""A router with an open incident, against which actions may be run."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from router.model.action import WAITING
from tests.daemon import Answer, Daemon, alert

BASE = "/api/v1/incidents/1/actions"

RULES = [
    {
        "name": "payment-failures",
        "match": ['alertname="PaymentFailures"'],
        "severity": "P0",
        "group_by": ["service"],
        "actions": ["act"],
    }
]


def program(code: str, *arguments: str) -> list[str]:
    """An argv that runs this Python."""
    return [sys.executable, "-c", code, *arguments]


async def ask(
    daemon: Daemon, path: str = "", body: object = None, by: str = "ana", **headers: str
) -> Answer:
    return await daemon.ask(
        "POST", BASE + path, json=body or {}, headers={"X-Router-User": by, **headers}
    )


async def request(daemon: Daemon, **parameters: Any) -> Any:
    """Open the incident, ask for the action, and wait for its dry run."""
    await daemon.alert(alert())
    answer = await ask(daemon, body={"action": "act", "parameters": parameters})
    assert answer.status == 202, answer.body
    return await over(daemon, answer.json["request"]["number"])


def written(mark: Path) -> str:
    """Content of the file, or "" if it doesn't exist."""
    return mark.read_text() if mark.exists() else ""


async def until(condition: Callable[[], object]) -> None:
    """Let real programs go on until it holds."""
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("never came to hold")


async def over(daemon: Daemon, number: int = 1, states: object = ("ready", "confirming")) -> Any:
    """The request once nothing runs for it."""
    for _ in range(600):
        shown = (await daemon.get(f"{BASE}/{number}")).json
        if shown["state"] not in WAITING or shown["state"] in states:  # type: ignore[operator]
            return shown
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {shown['state']}")


async def timeline(daemon: Daemon) -> list[dict[str, Any]]:
    entries = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
    return [
        entry
        for entry in entries
        if "action" in entry["what"] or entry["what"].startswith(("second", "wrong"))
    ]
