"""Silences over the API: on disk and active when the answer is sent."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct, field

from router.config.fields import parse_duration
from router.config.load import Config
from router.config.people import moment_at
from router.config.silences import parse_match, silence_matchers
from router.config.times import parse_moment
from router.core.incident.mute import can_be_muted
from router.core.rules.matcher import match_all
from router.core.suppression.recurring_silence import RecurringSilence, contradictions
from router.core.suppression.silence import Silence, SilenceState, expired
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import AlertRow, Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.access.audit_note import note
from router.web.api.content import Text, Time, check_ahead, firing_alerts
from router.web.api.operation import Call, operation, routes
from router.web.api.views import AlertView, exactly, when
from router.web.api.views import alert as alert_view
from router.web.auth import Role

log = logger(__name__)

MOST = 500
"""Maximum silences that haven't ended: every alert is compared with them."""


PREVIEWED = 10_000
"""Maximum firing alerts that a preview reads."""

SHOWN = 50
"""Maximum alerts that a preview lists."""


class SilenceQuery(Struct, frozen=True):
    """The filter."""

    expired: Annotated[bool, Meta(description="`true`: expired silences, too.")] = False


class SilenceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Matchers, of which all must match; start, end or duration; and the reason."""

    match: Annotated[list[str], Meta(description="Matchers, of which all must match.")]
    comment: Annotated[Text, Meta(description="The reason.")]
    to: Annotated[
        str, Meta(description="The end, in the company's time zone or with an offset.")
    ] = ""
    from_: Annotated[str, Meta(description="The start. Default: now.")] = field(
        name="from", default=""
    )
    for_: Annotated[str, Meta(description="The duration, such as `2h`, instead of `to`.")] = field(
        name="for", default=""
    )


class SilenceView(Struct, frozen=True):
    """A silence that a person made."""

    id: str
    match: list[str]
    start: Time
    end: Time
    state: SilenceState
    by: str
    made_at: Time
    comment: str
    warnings: list[str]


class SilenceWindow(Struct, frozen=True):
    """A silence of the config.

    `until` is null while it is not active; `next_start` and `next_end` are null while it is.
    """

    name: str
    match: list[str]
    until: Time | None
    next_start: Time | None
    next_end: Time | None
    comment: str


class SilenceList(Struct, frozen=True):
    """Silences that people made, earliest first; `windows` are those of the config."""

    silences: list[SilenceView]
    windows: list[SilenceWindow]


class SilenceResult(Struct, frozen=True):
    """The silence that was made or ended."""

    silence: SilenceView


class PreviewQuery(Struct, frozen=True):
    """Matchers of a silence that is not made yet."""

    match: Annotated[
        list[str], Meta(description="Matchers, of which all must match; repeat the parameter.")
    ] = []


class SilencePreview(Struct, frozen=True):
    """The firing alerts that a silence with the matchers would mute.

    `matched` counts them, and `alerts` has the first of them. Drills and reports by people are not
    muted. `complete` is false if more alerts fire than were read: there may be more.
    """

    matched: int
    alerts: list[AlertView]
    complete: bool


class SilenceApi:
    """Stores silences. `refresh` activates them."""

    def __init__(
        self,
        silences: Records[Silence],
        store: Store,
        clock: Clock,
        *,
        config: Callable[[], Config],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._silences = silences
        self._store = store
        self._clock = clock
        self._config = config
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation(
        "GET", "/silences", "List the silences of people that are not over, and the config's."
    )
    async def list_silences(self, query: SilenceQuery) -> SilenceList:
        now = self._clock.now()
        found = await (self._silences.find() if query.expired else self._silences.find(since=now))
        return SilenceList(
            [_view(*pair, now) for pair in sorted(found, key=lambda pair: pair[1].start)],
            [_window(silence, now) for silence in self._config().settings.silences],
        )

    @operation("GET", "/silence-preview", "Show the firing alerts that matchers would silence.")
    async def preview_silence(self, query: PreviewQuery) -> SilencePreview:
        for number, text in enumerate(query.match):
            _parsed(parse_match, text, f"/match/{number}")
        matchers = _parsed(silence_matchers, query.match, "/match")
        found: dict[str, AlertRow] = {}
        read, complete = 0, True
        async for row in firing_alerts(self._store):
            if read == PREVIEWED:
                complete = False
                break
            read += 1
            if can_be_muted(row.alert) and match_all(matchers, row.alert.labels):
                found[row.alert.fingerprint] = row
        shown = [alert_view(row) for row in islice(found.values(), SHOWN)]
        return SilencePreview(len(found), shown, complete)

    @operation(
        "POST",
        "/silences",
        "Silence alerts for a time.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def make_silence(self, call: Call, body: SilenceBody) -> SilenceResult:
        made = self._read(body, call.by)
        if len(await self._silences.find(since=made.at, limit=MOST)) == MOST:
            raise web.HTTPConflict(text=f"there are {MOST} silences that are not over: end some")
        key = secrets.token_hex(4)
        while not await self._silences.add(key, made, made.end):
            key = secrets.token_hex(4)
        log.info("silence_made", id=key, by=call.by)
        note(call.request, f"made silence {key}: {', '.join(map(str, made.matchers))}")
        await self._refresh()
        return SilenceResult(_view(key, made, made.at))

    @operation("DELETE", "/silences/{id}", "End a silence now.", Role.RESPONDER)
    async def end_silence(self, call: Call) -> SilenceResult:
        """End the silence. It stays in the store, because it was active until now."""
        key, now = call.request.match_info["id"], self._clock.now()
        ended = await self._silences.change(
            key, lambda silence: silence and expired(silence, now), now
        )
        if ended is None:
            detail = f"no current silence {key}; to end a silence of the config, edit the config"
            raise web.HTTPNotFound(text=detail)
        log.info("silence_expired", id=key, by=call.by)
        note(call.request, f"ended silence {key}")
        await self._refresh()
        return SilenceResult(_view(key, ended, now))

    def _read(self, given: SilenceBody, by: str) -> Silence:
        """Raises: InvalidInput."""
        now = self._clock.now()
        for number, text in enumerate(given.match):
            _parsed(parse_match, text, f"/match/{number}")
        _parsed(silence_matchers, given.match, "/match")
        if not given.comment.strip():
            raise InvalidInput("give the reason", "/comment")
        if bool(given.to) == bool(given.for_):
            raise InvalidInput(
                "give either the end (`to`) or the duration (`for`), such as 2h", "/to"
            )
        start, end = self._times(given, now)
        return Silence(tuple(given.match), start, end, by, now, given.comment)

    def _times(self, given: SilenceBody, now: float) -> tuple[float, float]:
        """Return start and end. A start in the past becomes now. Raises: InvalidInput."""
        pointer = "/to" if given.to else "/for"
        start = max(now, self._moment(given.from_, "/from") if given.from_ else now)
        lasts = 0.0 if given.to else _parsed(parse_duration, given.for_, pointer)
        end = self._moment(given.to, pointer) if given.to else start + lasts
        if end <= start:
            raise InvalidInput("the silence ends before it starts", pointer)
        check_ahead(end, now, pointer)
        return start, end

    def _moment(self, text: str, pointer: str) -> float:
        """Return UTC epoch seconds; in the company's time zone if there is no offset.

        Raises: InvalidInput.
        """
        zone = self._config().file.company.time_zone
        at: float = _parsed(lambda text: moment_at(parse_moment(text), zone), text, pointer)
        return at


def _parsed(parse: Callable[[Any], Any], text: Any, pointer: str) -> Any:
    """Raises: InvalidInput."""
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), pointer) from None


def _view(key: str, silence: Silence, now: float) -> SilenceView:
    return SilenceView(
        id=key,
        match=[str(matcher) for matcher in silence.matchers],
        start=exactly(silence.start),
        end=exactly(silence.end),
        state=silence.state(now),
        by=silence.by,
        made_at=exactly(silence.at),
        comment=silence.comment,
        warnings=contradictions(silence.matchers),
    )


def _window(silence: RecurringSilence, now: float) -> SilenceWindow:
    until = silence.when.end_at(now)
    following = silence.when.next_after(now) if until is None else None
    return SilenceWindow(
        name=silence.name,
        match=[str(matcher) for matcher in silence.matchers],
        until=when(until),
        next_start=when(following.start if following else None),
        next_end=when(following.end if following else None),
        comment=silence.comment,
    )
