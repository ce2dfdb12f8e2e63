"""`alert-router user` on the machine of the router."""

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import main
from router.core.messages.signed_links import Seal
from router.web.access.operator import LIFE, operator_of, operator_token
from tests.daemon import Daemon, write_config
from tests.web.access.browser import Browser, path_of

NOW = 1_770_000_000.0


async def run(daemon: Daemon, *words: str, token: str = "") -> tuple[int, str]:
    options = ["--url", daemon.url, "--config", str(daemon.path)]
    result = await asyncio.to_thread(
        CliRunner(env={"ALERT_ROUTER_TOKEN": token}).invoke, main, ["user", *words, *options]
    )
    return result.exit_code, result.output


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_config(tmp_path, auth={"users": {}})


async def test_the_first_admin_needs_no_other_credentials(path: Path) -> None:
    """Who reads the store adds them; the link that is printed signs them in."""
    async with Daemon(path) as daemon:
        status, shown = await run(daemon, "add", "ana", "--role", "admin")
        assert (status, "ana is admin" in shown) == (0, True)
        browser = Browser(daemon)
        assert (await browser.post(path_of(shown.split()[-1]))).status == 303
        assert (await browser.get("/account")).status == 200
        assert "ana" in (await run(daemon, "list"))[1]


async def test_users_are_changed(path: Path) -> None:
    """The last admin stays, since nobody else could manage users."""
    async with Daemon(path) as daemon:
        await run(daemon, "add", "ana", "--role", "admin")
        for words in (("role", "ana", "viewer"), ("disable", "ana")):
            status, shown = await run(daemon, *words)
            assert (status, "ana is the only admin" in shown) == (1, True)
        await run(daemon, "add", "ben", "--role", "admin")
        assert (await run(daemon, "disable", "ana"))[1].endswith("ana is disabled\n")
        assert (await run(daemon, "enable", "ana"))[1].endswith("ana is admin\n")
        assert (await run(daemon, "role", "ana", "viewer"))[1].endswith("ana is viewer\n")
        assert "/sign-in/link/" in (await run(daemon, "link", "ana"))[1]
        for words in (
            ("add", "ana"),
            ("add", "Ana Cruz"),
            ("link", "nobody"),
            ("role", "ana", "x"),
        ):
            assert (await run(daemon, *words))[0] == 1


async def test_a_given_token_is_used_as_it_is(path: Path) -> None:
    """A wrong one is refused, although the store could be read."""
    async with Daemon(path) as daemon:
        assert (await run(daemon, "list", token="wrong"))[0] == 1


async def test_a_token_for_a_service_is_printed_once(path: Path) -> None:
    """It works until it is revoked."""
    async with Daemon(path) as daemon:

        async def token(*words: str) -> tuple[int, str]:
            options = ["--url", daemon.url, "--config", str(daemon.path)]
            result = await asyncio.to_thread(CliRunner().invoke, main, ["token", *words, *options])
            return result.exit_code, result.output

        status, shown = await token("add", "ci", "--for", "deployments", "--expires", "7d")
        (made,) = re.findall(r"art_[\w-]+", shown)
        headers = {"Authorization": f"Bearer {made}"}
        assert (status, (await daemon.get("/api/v1/deployments", headers=headers)).status) == (
            0,
            200,
        )
        assert "ci" in (await token("list"))[1]
        assert (await token("revoke", made.split("_")[1]))[0] == 0
        assert (await daemon.get("/api/v1/deployments", headers=headers)).status == 401


def test_a_token_of_the_machine_is_signed_and_short_lived() -> None:
    seal = Seal(b"k" * 32)
    token = operator_token(seal, "root user", NOW)
    assert operator_of(seal, token, NOW) == "root-user"
    assert operator_of(seal, token, NOW + LIFE + 1) is None
    assert operator_of(seal, token, NOW - 3 * LIFE) is None
    assert operator_of(Seal(b"x" * 32), token, NOW) is None
    assert operator_of(seal, token.replace("root", "boss"), NOW) is None
    assert operator_of(seal, seal.sealed("session", f"root.{NOW}"), NOW) is None


async def test_a_store_that_is_not_found_is_named_with_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path of SQLite starts at the working directory, as in `serve`."""
    async with Daemon(write_config(tmp_path, auth={"users": {}})) as daemon:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        config = elsewhere / "config.yaml"
        config.write_text("storage: sqlite:///router.db\n", "utf-8")
        options = ["--url", daemon.url, "--config", str(config)]
        ran = await asyncio.to_thread(CliRunner().invoke, main, ["user", "link", "ana", *options])
        assert ran.exit_code == 1
        assert (
            f"there is no store at {elsewhere}/router.db: run this where the router" in ran.output
        )
