"""Plays a recorded case against a running router: a JSON file with rules and the requests in order.

{"rules": "TEXT OF A RULE FILE, or the name of a shipped one", "requests": [
    {"post": "/webhooks/alertmanager", "headers": {…}, "body": {…} or "TEXT"}]}
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.daemon import Answer, Daemon, write_config

ROOT = Path(__file__).parents[1]

SOURCES = {
    "alertmanager": {"insecure": True},
    "grafana": {"insecure": True},
    "sentry": {"insecure": True},
}


def router_for(case: Mapping[str, Any], folder: Path, **changes: Any) -> Daemon:
    """A router with the case's rules, whose sources accept requests from anybody."""
    given = str(case.get("rules") or "")
    text = (ROOT / given).read_text() if given.endswith(".yaml") else given
    rules = (yaml.safe_load(text) or {}).get("rules", []) if text else []
    return Daemon(write_config(folder, rules, **{"sources": SOURCES, **changes}))


async def play(
    case: Mapping[str, Any],
    daemon: Daemon,
    after: Callable[[int], None] = lambda _number: None,
) -> list[Answer]:
    """Send the case's requests; `after` is called with the number of each."""
    answers = []
    for number, request in enumerate(case["requests"]):
        body = request["body"]
        data = body if isinstance(body, str) else json.dumps(body)
        answers.append(
            await daemon.ask(
                "POST", request["post"], data=data.encode(), headers=request["headers"]
            )
        )
        after(number)
    return answers


if __name__ == "__main__":  # python -m tests.case FILE...: shows what each case results in
    import asyncio
    import sys
    import tempfile

    async def show(name: str, case: Mapping[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            async with router_for(case, folder) as daemon:
                answers = await play(case, daemon)
                print(name, [(answer.status, answer.json) for answer in answers])  # noqa: T201
                for incident in await daemon.store.incidents():
                    shown = (
                        incident.name,
                        incident.rule,
                        incident.severity,
                        incident.status,
                        incident.title,
                    )
                    print("  ", *shown)  # noqa: T201

    for file in map(Path, sys.argv[1:]):
        asyncio.run(show(file.stem, json.loads(file.read_text())))
