"""Silences under /api/v1/silences: made and ended by people, on disk and in force when the answer
goes out.
"""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct, field

from router.config.fields import parse_duration
from router.config.load import Config
from router.config.people import moment_at
from router.config.silences import parse_match
from router.config.times import parse_moment
from router.core.suppression.recurring_silence import RecurringSilence
from router.core.suppression.silence import Silence, expired
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.api.content import Text, answer, body, check_ahead
from router.web.api.views import when
from router.web.auth import Role, whoever

log = logger(__name__)

MOST = 500
"""Silences that may be there at once: more is a program that has lost its way, and all are read at
each look.
"""


class SilenceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Matchers, of which all must hold; from when (now) until when, or for how long; and why."""

    match: list[str]
    comment: Text
    to: str = ""
    from_: str = field(name="from", default="")
    for_: str = field(name="for", default="")


class SilenceApi:
    """Keeps what people silence on a shelf. `refresh` puts in force what is on it."""

    def __init__(
        self,
        shelf: Records[Silence],
        clock: Clock,
        *,
        config: Callable[[], Config],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._config = config
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/silences", self.show),
            web.post("/api/v1/silences", self.make),
            web.delete("/api/v1/silences/{id}", self.expire),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Those that aren't over, earliest first; with `?expired=true` the latest that are, too.

        And the config's.
        """
        whoever(request, self._config().document.auth, Role.VIEWER)
        now = self._clock.now()
        found = await (
            self._shelf.find()
            if request.query.get("expired") == "true"
            else self._shelf.find(since=now)
        )
        return answer(
            {
                "silences": [
                    _view(*one, now) for one in sorted(found, key=lambda one: one[1].start)
                ],
                "windows": [_window(one, now) for one in self._config().settings.silences],
            }
        )

    async def make(self, request: web.Request) -> web.Response:
        by = whoever(request, self._config().document.auth, Role.RESPONDER)
        made = self._read(await body(request, SilenceBody), by)
        if len(await self._shelf.find(since=made.at, limit=MOST)) == MOST:
            raise web.HTTPConflict(text=f"there are {MOST} silences that aren't over: expire some")
        key = secrets.token_hex(4)
        while not await self._shelf.add(key, made, made.end):
            key = secrets.token_hex(4)
        log.info("silence_made", id=key, by=by)
        await self._refresh()
        return answer({"silence": _view(key, made, made.at)}, HTTPStatus.CREATED)

    async def expire(self, request: web.Request) -> web.Response:
        """It's kept, as it was in force until now."""
        by = whoever(request, self._config().document.auth, Role.RESPONDER)
        key, now = request.match_info["id"], self._clock.now()
        ended = await self._shelf.change(key, lambda one: one and expired(one, now), now)
        if ended is None:
            raise web.HTTPNotFound(
                text=f"there's no silence {key} that isn't over; those of the config end there"
            )
        log.info("silence_expired", id=key, by=by)
        await self._refresh()
        return answer({"silence": _view(key, ended, now)})

    def _read(self, asked: SilenceBody, by: str) -> Silence:
        """Raises: Bad."""
        now = self._clock.now()
        for number, text in enumerate(asked.match):
            _parsed(parse_match, text, f"/match/{number}")
        if not asked.match:
            raise InvalidInput("a silence needs a matcher, or it would take every alert", "/match")
        if not asked.comment.strip():
            raise InvalidInput("say why, for whoever wonders later", "/comment")
        if bool(asked.to) == bool(asked.for_):
            raise InvalidInput("say either until when (`to`) or `for` how long, such as 2h", "/to")
        # What was heard until now was heard.
        start = max(now, self._moment(asked.from_, "/from") if asked.from_ else now)
        end = (
            self._moment(asked.to, "/to")
            if asked.to
            else start + _parsed(parse_duration, asked.for_, "/for")
        )
        if end <= start:
            raise InvalidInput("it's over before it begins", "/to" if asked.to else "/for")
        check_ahead(end, now, "/to" if asked.to else "/for")
        return Silence(tuple(asked.match), start, end, by, now, asked.comment)

    def _moment(self, text: str, pointer: str) -> float:
        """By the company's clock if there's no offset. Raises: Bad."""
        zone = self._config().document.company.time_zone
        at: float = _parsed(lambda text: moment_at(parse_moment(text), zone), text, pointer)
        return at


def _parsed(parse: Callable[[str], Any], text: str, pointer: str) -> Any:
    """Raises: Bad."""
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), pointer) from None


def _view(key: str, one: Silence, now: float) -> dict[str, Any]:
    return {
        "id": key,
        "match": [str(matcher) for matcher in one.matchers],
        "start": when(one.start),
        "end": when(one.end),
        "state": "expired" if one.end <= now else "active" if one.start <= now else "pending",
        "by": one.by,
        "made_at": when(one.at),
        "comment": one.comment,
    }


def _window(one: RecurringSilence, now: float) -> dict[str, Any]:
    """A silence of the config; `until` is null while it isn't in force."""
    return {
        "name": one.name,
        "match": [str(matcher) for matcher in one.matchers],
        "until": when(one.when.end_at(now)),
        "comment": one.comment,
    }
