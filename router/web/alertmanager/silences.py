"""`/api/v2/silences` and `/api/v2/silence/{id}`: the silences that people make."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web
from msgspec import UNSET
from msgspec.structs import replace

from router.core.rules.matcher import Matcher, MatchOp
from router.core.suppression.recurring_silence import check_matchers
from router.core.suppression.silence import Silence, SilenceState, expired, may_replace
from router.ports.clock import Clock
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.alertmanager.failure import Refused, answered, failure
from router.web.alertmanager.filters import flags, parsed_filter
from router.web.alertmanager.wire import (
    GettableSilence,
    PostableSilence,
    SilenceId,
    SilenceStatus,
    WireMatcher,
)
from router.web.api.content import answer, body
from router.web.api.silences import MOST
from router.web.api.views import exactly
from router.web.auth import Credential, Identity, Role, caller, identify

log = logger(__name__)

KEPT = 5 * 86_400.0
"""Seconds after its end during which a silence is listed; Alertmanager's `--data.retention`."""

LAST_YEAR = 2999
"""The last year in which a silence may end."""

OPS = {
    (False, True): MatchOp.EQUAL,
    (False, False): MatchOp.NOT_EQUAL,
    (True, True): MatchOp.MATCHES,
    (True, False): MatchOp.NOT_MATCHES,
}
"""The operator for each pair of `isRegex` and `isEqual`."""

ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


class SharedSilences:
    """Stores silences. `refresh` activates them."""

    def __init__(
        self,
        silences: Records[Silence],
        clock: Clock,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._silences = silences
        self._clock = clock
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v2/silences", answered(self.list_silences)),
            web.post("/api/v2/silences", answered(self.put)),
            web.get("/api/v2/silence/{id}", answered(self.show)),
            web.delete("/api/v2/silence/{id}", answered(self.expire)),
        ]

    async def list_silences(self, request: web.Request) -> web.Response:
        """List silences that have each matcher of the filter, with its operator and value.

        Raises: Unauthorized, Refused, StoreUnavailable.
        """
        caller(request, Role.VIEWER, in_browser=True)
        matchers, wanted = set(parsed_filter(request, "filter")), flags(request, SilenceState)
        now = self._clock.now()
        silences = [
            (key, silence)
            for key, silence in await self._silences.find(since=now - KEPT)
            if wanted.get(silence.state(now), True) and matchers.issubset(silence.matchers)
        ]
        silences.sort(key=lambda silence: _place(silence[1], now))
        return answer([_view(*silence, now) for silence in silences])

    async def show(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized, StoreUnavailable."""
        caller(request, Role.VIEWER, in_browser=True)
        key = request.match_info["id"]
        silence = await self._silences.get(key)
        if silence is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return answer(_view(key, silence, self._clock.now()))

    async def expire(self, request: web.Request) -> web.Response:
        """End a silence now; an expired one stays as it is.

        Raises: Unauthorized, StoreUnavailable.
        """
        by = caller(request, Role.RESPONDER, in_browser=True)
        key, now = request.match_info["id"], self._clock.now()
        if await self._silences.get(key) is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        await self._end(key, by, now)
        await self._refresh()
        return web.Response()

    async def put(self, request: web.Request) -> web.Response:
        """Create a silence, or change the one with the `id`.

        Raises: Unauthorized, Refused, InvalidInput, StoreUnavailable.
        """
        sender = identify(request, Role.RESPONDER, in_browser=True)
        given = await body(request, PostableSilence)
        if not given.matchers:
            text = "matchers in body should have at least 1 items"
            return failure(HTTPStatus.UNPROCESSABLE_ENTITY, text, code=612)
        now = self._clock.now()
        made = _read(given, _author(given.created_by, sender), now)
        key = await self._store(given.id, made, sender.name, now)
        await self._refresh()
        return answer(SilenceId(key))

    async def _store(self, key: str, made: Silence, by: str, now: float) -> str:
        """The id of the stored silence. Raises: Refused, StoreUnavailable."""
        before = await self._silences.get(key) if key else None
        if key and before is None:
            raise Refused(HTTPStatus.NOT_FOUND, "silence not found")
        if before is not None and may_replace(before, made, now):
            await self._silences.change(key, lambda _: made, made.end)
            log.info("silence_changed", id=key, by=by)
            return key
        if len(await self._silences.find(since=now, limit=MOST)) == MOST:
            text = f"exceeded maximum number of silences: {MOST}"
            raise Refused(HTTPStatus.BAD_REQUEST, text)
        if before is not None:
            await self._end(key, by, now)
        key = str(uuid.uuid4())
        await self._silences.add(key, replace(made, start=max(made.start, now)), made.end)
        log.info("silence_made", id=key, by=by)
        return key

    async def _end(self, key: str, by: str, now: float) -> None:
        if await self._silences.change(key, lambda silence: silence and expired(silence, now), now):
            log.info("silence_expired", id=key, by=by)


def _author(given: str, sender: Identity) -> str:
    """The author that a client names, and the identity of the client."""
    if sender.credential is Credential.NONE:
        return given
    if given in {"", sender.name}:
        return sender.name
    via = f" via {sender.name}"
    return given.removesuffix(via) + via


def _read(given: PostableSilence, author: str, now: float) -> Silence:
    """Raises: Refused, in Alertmanager's words where it has some."""
    start, end = _seconds(given.starts_at), _seconds(given.ends_at)
    if start >= end:
        text = "Failed to create silence: start time must be before end time"
        raise Refused(HTTPStatus.BAD_REQUEST, text)
    if end < now:
        text = "Failed to create silence: end time can't be in the past"
        raise Refused(HTTPStatus.BAD_REQUEST, text)
    if given.ends_at.year > LAST_YEAR:
        text = f"Failed to create silence: end time can't be after {LAST_YEAR}"
        raise Refused(HTTPStatus.BAD_REQUEST, text)
    matchers = tuple(_matcher(number, matcher) for number, matcher in enumerate(given.matchers))
    try:
        check_matchers(matchers)
    except ValueError:
        text = "invalid silence: at least one matcher must not match the empty string"
        raise Refused(HTTPStatus.BAD_REQUEST, text) from None
    texts = tuple(map(str, matchers))
    return Silence(texts, start, end, author, now, given.comment, given.annotations)


def _seconds(moment: datetime) -> float:
    """UTC seconds since 1970; a time without an offset is in UTC, as in Alertmanager."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _matcher(number: int, given: WireMatcher) -> Matcher:
    """Raises: Refused."""
    if not given.name:
        text = f'invalid silence: invalid label matcher {number}: invalid label name ""'
        raise Refused(HTTPStatus.BAD_REQUEST, text)
    try:
        return Matcher(given.name, OPS[given.is_regex, given.is_equal], given.value)
    except ValueError as error:
        text = f"invalid silence: invalid label matcher {number}: {error}"
        raise Refused(HTTPStatus.BAD_REQUEST, text) from None


def _place(silence: Silence, now: float) -> tuple[int, float]:
    """Sort key: active silences by end, then pending by start, then expired, newest first."""
    state = silence.state(now)
    time = {
        SilenceState.ACTIVE: silence.end,
        SilenceState.PENDING: silence.start,
        SilenceState.EXPIRED: -silence.end,
    }
    return ORDER[state], time[state]


def _view(key: str, silence: Silence, now: float) -> GettableSilence:
    return GettableSilence(
        id=key,
        status=SilenceStatus(silence.state(now)),
        updated_at=exactly(silence.at),
        comment=silence.comment,
        created_by=silence.by,
        ends_at=exactly(silence.end),
        matchers=[
            WireMatcher(
                matcher.name,
                matcher.value,
                matcher.op in {MatchOp.MATCHES, MatchOp.NOT_MATCHES},
                matcher.op in {MatchOp.EQUAL, MatchOp.MATCHES},
            )
            for matcher in silence.matchers
        ],
        starts_at=exactly(silence.start),
        annotations=silence.annotations or UNSET,
    )
