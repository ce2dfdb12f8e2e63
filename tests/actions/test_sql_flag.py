"""A feature flag is turned off in a real PostgreSQL, and put back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from router.actions.job import ActionOutcome, Job
from router.actions.sql_flag import SqlFlag
from router.config.actions import ActionConfig, SqlFlagConfig
from router.config.secret import Secret
from router.core.incident.action_binding import Parameter
from router.model.action import ActionRequest, ActionState
from router.model.incident import Incident, Severity, Status
from tests.actions.room import ask, over, request
from tests.daemon import Daemon
from tests.peers import Postgres, free_port

pytestmark = pytest.mark.peer

INCIDENT = Incident(1, "k", "r", "s", "t", Severity.P0, Status.INVESTIGATING, 0.0, 0.0)
NASTY = """x'; UPDATE "feature_flags" SET enabled = false; --"""


@pytest.fixture(scope="module")
def server() -> Any:
    with Postgres() as postgres:
        yield postgres


@asynccontextmanager
async def flags(
    server: Postgres, **values: bool | None
) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A database with these feature flags, and a connection to look at them."""
    async with server.database() as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("CREATE TABLE feature_flags (name text, enabled boolean)")
            rows = list(values.items())
            await connection.executemany("INSERT INTO feature_flags VALUES ($1, $2)", rows)
            yield url, connection
        finally:
            await connection.close()


def flag(url: str, **changes: Any) -> SqlFlag:
    given: dict[str, Any] = {"database": Secret(url), "table": "feature_flags", "flag": "{name}"}
    parameters = {"name": Parameter(pattern=".*")}
    return SqlFlag(ActionConfig(sql_flag=SqlFlagConfig(**given | changes), parameters=parameters))


def job(name: str, undone: ActionOutcome | None = None) -> Job:
    given = ActionRequest(1, "k", "act", ActionState.RUNNING, "ana", 0.0, 1.0, "d", {"name": name})
    memo = (
        ActionRequest(1, "k", "act", ActionState.DONE, "ana", 0.0, 1.0, "d", {}, memo=undone.memo)
        if undone
        else None
    )
    return Job(INCIDENT, given, memo)


async def state(connection: asyncpg.Connection) -> dict[str, bool | None]:
    return dict(await connection.fetch("SELECT name, enabled FROM feature_flags ORDER BY name"))


@pytest.mark.parametrize("before", [True, False, None])
async def test_it_is_turned_off_and_put_back_as_it_was(
    server: Postgres, before: bool | None
) -> None:
    """Also where it was off already, or unset; the others stay as they are."""
    async with flags(server, checkout=before, search=True) as (url, connection):
        action = flag(url)
        checked = await action.check(job("checkout"))
        assert checked.state is ActionState.DONE
        assert await state(connection) == {"checkout": before, "search": True}, (
            "a dry run changes nothing"
        )
        ran = await action.run(job("checkout"))
        assert ran.state is ActionState.DONE
        assert await state(connection) == {"checkout": False, "search": True}
        undone = await action.undo(job("checkout", ran))
        assert undone.state is ActionState.DONE
        assert await state(connection) == {"checkout": before, "search": True}


async def test_a_name_is_a_value_and_never_sql(server: Postgres) -> None:
    """A name is bound as a value, so SQL in it has no effect."""
    async with flags(server, **{NASTY: True, "search": True}) as (url, connection):
        assert (await flag(url).run(job(NASTY))).state is ActionState.DONE
        assert await state(connection) == {NASTY: False, "search": True}
        assert (await flag(url).run(job(NASTY + "'"))).state is ActionState.FAILED


async def test_no_row_or_two_change_nothing(server: Postgres) -> None:
    """The dry run already reports a misspelt flag."""
    async with flags(server, search=True) as (url, connection):
        for name, rows in (("serch", 0), ("search", 2)):
            if rows:
                await connection.execute("INSERT INTO feature_flags VALUES ('search', true)")
            for outcome in (await flag(url).check(job(name)), await flag(url).run(job(name))):
                assert outcome.state is ActionState.FAILED
                assert f"there are {rows} rows named {name}".encode() in outcome.output
        assert await connection.fetchval("SELECT bool_and(enabled) FROM feature_flags")


async def test_what_the_database_refuses_is_told(server: Postgres) -> None:
    """In its own words: no such table, no right to it, a column that isn't a boolean."""
    async with flags(server, search=True) as (url, connection):
        assert (
            b'relation "flags" does not exist'
            in (await flag(url, table="flags").check(job("search"))).output
        )
        for level in ("NULL", "5"):
            await connection.execute(
                f"ALTER TABLE feature_flags ADD COLUMN level integer DEFAULT {level}"
            )
            assert (
                await flag(url, value_column="level").run(job("search"))
            ).state is ActionState.FAILED
            assert str(
                await connection.fetchval("SELECT level FROM feature_flags")
            ) == level.replace("NULL", "None")
            await connection.execute("ALTER TABLE feature_flags DROP COLUMN level")


async def test_a_database_that_is_not_there_is_a_failure_without_its_address() -> None:
    """An unreachable database is a failure that changes nothing and doesn't quote the URL."""
    ran = await flag(f"postgresql://me:hunter22@127.0.0.1:{free_port()}/d").run(job("search"))
    assert ran.state is ActionState.FAILED
    assert b"hunter22" not in ran.output
    assert b"127.0.0.1" not in ran.output


async def test_undoing_what_is_not_known_changes_nothing(server: Postgres) -> None:
    """As after a run whose outcome is unknown."""
    async with flags(server, search=False) as (url, connection):
        assert (
            await flag(url).undo(job("search", ActionOutcome(ActionState.DONE)))
        ).state is ActionState.FAILED
        assert await state(connection) == {"search": False}


async def test_through_the_running_router(server: Postgres, router: Callable[..., Daemon]) -> None:
    """Asked for, approved, run, undone; the database's URL shows up nowhere."""
    async with flags(server, checkout=True) as (url, connection):
        given = {"database": url, "table": "public.feature_flags", "flag": "{flag}"}
        actions = {
            "act": {"sql_flag": given, "parameters": {"flag": {"choices": ["checkout", "search"]}}}
        }
        async with router(actions=actions) as daemon:
            shown = await request(daemon, flag="checkout")
            assert shown["outputs"][-1]["output"] == "checkout is true"
            assert shown["shown"] == [
                'UPDATE "public"."feature_flags" SET "enabled" = false WHERE "name" = \'checkout\''
            ]
            await ask(daemon, "/1/approve", by="ben")
            assert (await over(daemon))["outputs"][-1][
                "output"
            ] == "checkout was true, and is false"
            assert await state(connection) == {"checkout": False}
            await ask(daemon, body={"undo": 1})
            await ask(daemon, "/2/approve", by="ben")
            assert (await over(daemon, 2))["state"] == "done"
            assert await state(connection) == {"checkout": True}
            assert url not in str((await daemon.get("/api/v1/incidents/1")).json)
