"""Type `pagerduty`: one alert for each opening or reopening, by the Events API v2.

The alert is triggered, acknowledged and resolved with the incident. The dedup_key makes it safe to
repeat an event, so no result is `Uncertain`.
Limits: https://developer.pagerduty.com/docs/events-api-v2-overview and its page on trigger events.
"""

import asyncio
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
import httpx2
import msgspec
import pagerduty

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.core.messages.render import content
from router.core.text.plain import plain
from router.model.deployment import Deployment
from router.model.incident import Incident, Severity
from router.model.notification import Message, Rejected, Result, Retry, Sent
from router.ports.reconcile import Mismatch, Shown
from router.ports.write_guard import check_write
from router.senders.outcome import from_response
from router.senders.pagerduty.change import announce
from router.senders.pagerduty.compare import Rest, compare_incidents

MAX_SUMMARY = 1024
MAX_EVENT = 512_000
MAX_REASON = 300
ARRIVES_WITHIN = 3600.0
"""Seconds in which PagerDuty, which queues events, may still process an unanswered request."""

THROTTLED_WAIT = 30.0
"""Seconds to wait after a 429 without Retry-After, according to PagerDuty's page on rate limits."""

SEVERITIES = {
    Severity.P0: "critical",
    Severity.P1: "error",
    Severity.P2: "warning",
    Severity.P3: "info",
}


class PagerDutyConfig(ChannelOptions, frozen=True, kw_only=True):
    """Options of a PagerDuty service.

    change_events: also send deployments.
    api_url: for the EU region (https://events.eu.pagerduty.com), a proxy or a test server.
    api_key: a read-only key of the REST API, to compare the incidents there with the router's.
    rest_url: like `api_url`, but for the REST API (EU: https://api.eu.pagerduty.com).
    """

    routing_key: Secret
    change_events: bool = False
    api_url: HttpUrl = HttpUrl("https://events.pagerduty.com")
    api_key: Secret | None = None
    rest_url: HttpUrl = HttpUrl("https://api.pagerduty.com")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            deployments=self.change_events,
            bundles=False,
            compares=self.api_key is not None,
            arrives_within=ARRIVES_WITHIN,
        )


class Event(msgspec.Struct, frozen=True):
    """One call of the Events API, as the package's `send_event` takes it."""

    action: str
    dedup_key: str
    properties: dict[str, Any] = {}


class EventsClient(pagerduty.EventsApiV2Client):
    """The package's client without its retries, which block for minutes, or forever on a 429."""

    # Replaces the package's property, which rejects plain http. HttpUrl allows it for loopback.
    url = ""

    def __init__(self, config: PagerDutyConfig) -> None:
        super().__init__(config.routing_key.reveal(), base_url=config.api_url)
        self.timeout = math.ceil(config.timeout)  # whole seconds; `_post` has the exact limit
        self.max_network_attempts = 0
        # For the package, 0 means the default, -1 forever, and a lower value no retries.
        self.retry.update(dict.fromkeys((429, 500, 502, 503, 504), -2))
        self.event_hooks = {"request": [_guard_write]}


def _guard_write(request: httpx2.Request) -> None:
    """Call `check_write` before the headers and the body are written."""
    request.extensions["trace"] = _check


def _check(step: str, _: object) -> None:
    if step.startswith("http11.send_request_") and step.endswith(".started"):
        check_write()


class PagerDutySender:
    def __init__(
        self, name: str, config: PagerDutyConfig, session: aiohttp.ClientSession | None = None
    ) -> None:
        self._config = config
        self._session = session
        self._client = EventsClient(config)
        # The client blocks and may not be thread-safe. Its own thread keeps the events in order,
        # even after a time-out, and leaves the shared threads free for name lookups.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"pagerduty-{name}")
        self._turn = asyncio.Lock()

    async def send(self, message: Message) -> Result:
        """Send the due events. `ref` is the dedup_key of the triggered alert."""
        result: Result = Sent()
        async with self._turn:
            for event in events(message):
                result = await self._post(event, message.at)
                if not isinstance(result, Sent):
                    break
        return result

    async def announce(self, deployment: Deployment, now: float) -> Result:
        """Send a deployment, as a `router.ports.channels.Announcer`."""
        key, config = self._config.routing_key.reveal(), self._config
        return await announce(deployment, config.api_url, key, seconds=config.timeout, now=now)

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Compare the incidents, as a `router.ports.reconcile.Comparer`."""
        del now
        config = self._config
        if config.api_key is None or self._session is None:
            return ()
        rest = Rest(self._session, config.rest_url, config.api_key, config.timeout)
        return await compare_incidents(rest, shown)

    async def verify(self) -> str | Result:
        """Resolve an alert that was never triggered: PagerDuty accepts that and does nothing."""
        result = await self._post(Event("resolve", "alert-router:verify"), 0.0)
        return "routing key accepted" if isinstance(result, Sent) else result

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _post(self, event: Event, now: float) -> Result:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._config.timeout):
                call = partial(copy_context().run, self._call, event)
                await loop.run_in_executor(self._thread, call)
        except TimeoutError:
            return Retry("no answer in time", may_have_arrived=True)
        except pagerduty.Error as error:
            return self._refused(error, now)
        except httpx2.HTTPError as error:
            return Retry(f"network error: {type(error).__name__}", may_have_arrived=True)
        return Sent(event.dedup_key)

    def _call(self, event: Event) -> None:
        self._client.send_event(event.action, event.dedup_key, **event.properties)

    def _refused(self, error: pagerduty.Error, now: float) -> Result:
        response = error.response
        if response is None:
            cause = error.__cause__
            unsent = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
            reason = f"network error: {type(cause).__name__}"
            return Retry(reason, may_have_arrived=not unsent)
        result = from_response(
            response.status_code, response.headers, b"", idempotent=True, now=now
        )
        if isinstance(result, Sent):
            # A success status, but not from PagerDuty, for example from a proxy: nobody was paged.
            return Retry(f"HTTP {response.status_code}, but not PagerDuty's answer")
        if isinstance(result, Rejected):
            return Rejected(f"{result.reason}{self._complaint(response)}")
        if isinstance(result, Retry) and response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            return Retry(result.reason, THROTTLED_WAIT if result.after is None else result.after)
        return result

    def _complaint(self, response: httpx2.Response) -> str:
        """PagerDuty's error message, with the key removed; "" for none."""
        try:
            errors = msgspec.json.decode(response.content)["errors"]
        except (msgspec.DecodeError, TypeError, LookupError):
            return ""
        return (
            ": " + plain(str(errors).replace(self._config.routing_key.reveal(), "***"))[:MAX_REASON]
        )


def build(name: str, config: PagerDutyConfig, session: aiohttp.ClientSession) -> PagerDutySender:
    return PagerDutySender(name, config, session)


def events(message: Message) -> Iterator[Event]:
    """The events that PagerDuty still needs, in order."""
    incident = message.incident
    # PagerDuty opens a new alert for a reopened incident in any case. With a new key, late events
    # can't affect the wrong alert.
    key = dedup_key(incident, incident.reopened)
    for earlier in range(_oldest_unsettled(message), incident.reopened):
        # Resolve the older alert: the incident was reopened before that was delivered, or a late
        # trigger may have reopened the alert. Otherwise it would stay open forever.
        yield Event("resolve", dedup_key(incident, earlier))
    if not incident.is_open:
        # Resolve even if no trigger was confirmed: a trigger that timed out may have arrived, and
        # PagerDuty ignores a resolve without an alert.
        yield Event("resolve", key)
        return
    acknowledged = incident.acknowledged_at is not None
    if not acknowledged or message.ref != key:
        yield Event("trigger", key, alert(message))
    if acknowledged:
        yield Event("acknowledge", key)


def dedup_key(incident: Incident, reopened: int) -> str:
    """The key of the incident's alert after so many reopenings (`Incident.reopened`)."""
    return f"alert-router:{incident.name}:{reopened}"


def _oldest_unsettled(message: Message) -> int:
    """The lowest count of reopenings whose alert may still be open.

    `ref` is the key of the last delivered event. All earlier alerts are resolved, unless an earlier
    attempt may still arrive. Without a `ref` any of the alerts may have been triggered.
    """
    incident, life = message.incident, message.ref.rpartition(":")[2]
    known = life.isdecimal() and message.ref == dedup_key(incident, int(life))
    return int(life) if known and not message.uncertain else 0


def alert(message: Message) -> dict[str, Any]:
    """The properties of a trigger event, within PagerDuty's limits."""
    incident, said = message.incident, content(message)
    payload = {
        "summary": f"[{incident.severity}] {said.title}"[:MAX_SUMMARY],
        "source": plain(incident.source) or "alert-router",
        "severity": SEVERITIES[incident.severity],
        "timestamp": datetime.fromtimestamp(incident.opened_at, UTC).isoformat(
            timespec="milliseconds"
        ),
        "component": plain(incident.component),
        "class": plain(incident.rule),
    }
    more = {
        "payload": payload
        | {
            "custom_details": {
                **dict(said.details),
                **dict(said.facts),
                "Status": said.status,
                "Incident lead": said.lead,
                "Updates": [f"{when} - {what}" for when, what in said.updates],
            }
        },
        "links": [{"href": url, "text": name} for name, url in said.links],
        "client": "alert-router",
        **({"client_url": message.url} if message.url else {}),
    }
    # PagerDuty rejects an event that is too large. Keep the facts that identify the problem.
    return (
        more if len(msgspec.json.encode(more)) < MAX_EVENT - MAX_SUMMARY else {"payload": payload}
    )
