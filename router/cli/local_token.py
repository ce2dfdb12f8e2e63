"""Credentials for a command that runs on the router's own machine, made from the router's store."""

import asyncio
import getpass
import os
from pathlib import Path

from router.cli.client import Router
from router.cli.config import found_config, raw_value


def with_local_token(router: Router) -> Router:
    """Return `router`; if it has no credentials, with a token made from the router's store."""
    if router.token or os.environ.get("ALERT_ROUTER_TOKEN"):
        return router
    path = found_config(router.config)
    if path is None:
        return router
    token, why = _token(path)
    remedy = "run this where the router runs, in its folder, or set $ALERT_ROUTER_TOKEN"
    return router._replace(token=token) if token else router._replace(hint=f"{why}: {remedy}")


def _token(path: Path) -> tuple[str, str]:
    """Return a token, or "" and the reason: the store can't be read, or has no key yet."""
    from router.cli.store import UNREADABLE

    try:
        token = asyncio.run(_read(raw_value(path, "storage") or "sqlite:///alert-router.db"))
    except (*UNREADABLE, TypeError) as error:
        return "", str(error)
    return token, "the store has no key yet"


async def _read(storage: str) -> str:
    from router.cli.store import existing
    from router.ports.clock import SystemClock
    from router.signing import stored_access_seal
    from router.store import read_store
    from router.web.access.operator import operator_token

    store = await read_store(existing(storage))
    try:
        seal = await stored_access_seal(store)
    finally:
        await store.close()
    return "" if seal is None else operator_token(seal, getpass.getuser(), SystemClock().now())
