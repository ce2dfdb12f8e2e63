"""Asks the running router: commands go through its API, so that there's one writer and one door."""

import asyncio
import getpass
import os
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from router.cli.config import config_at, fail, path_of

Url = Annotated[
    str | None,
    typer.Option(
        "--url", help="The router's address; else `listen` of the config.", show_default=False
    ),
]


class Unanswered(Exception):
    """There's no answer, or one that says what is wrong: its text is for whoever asked."""


def ask(method: str, path: str, url: str | None, config: Path | None, **options: Any) -> Any:
    """The answer of the router's API, decoded. Exits with what the router says is wrong."""
    try:
        return try_ask(method, path, url, config, **options)
    except Unanswered as error:
        fail(str(error))


def try_ask(method: str, path: str, url: str | None, config: Path | None, **options: Any) -> Any:
    """The answer of the router's API, decoded. Raises: Unanswered.

    The API token, if one is needed, is in $ALERT_ROUTER_TOKEN.
    """
    base = url or f"http://{config_at(path_of(config)).document.listen}"
    try:
        return asyncio.run(_ask(method, f"{base.rstrip('/')}/api/v1{path}", options))
    except aiohttp.ClientConnectorError:
        raise Unanswered(f"no router answers at {base}: is it running?") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unanswered(
            f"can't ask the router at {base}: {error or type(error).__name__}"
        ) from None
    except ValueError:
        raise Unanswered(f"what answers at {base} isn't the router") from None


async def _ask(method: str, url: str, options: dict[str, Any]) -> Any:
    headers = {"X-Router-User": _user()}
    if token := os.environ.get("ALERT_ROUTER_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    timeout = aiohttp.ClientTimeout(total=15)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
        session.request(method, url, **options) as response,
    ):
        answer = await response.json(content_type=None)
    if not isinstance(answer, dict):
        raise ValueError("every answer of the router's is an object")  # noqa: TRY004 - as if it weren't JSON at all
    # An answer that is too late still has the outcome, and says what was so already.
    if not response.ok and "outcome" not in answer:
        hint = (
            " (it's taken from $ALERT_ROUTER_TOKEN)"
            if response.status == HTTPStatus.UNAUTHORIZED
            else ""
        )
        raise Unanswered(
            f"{answer.get('title', response.status)}: {answer.get('detail', '')}{hint}"
        )
    return answer


def _user() -> str:
    """Who asks; "" where the user has no name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
