"""Opsgenie's alert API: tools that page through Opsgenie can page through the router.

https://docs.opsgenie.com/docs/alert-api. Opsgenie answers before it processes a request, and
clients ask for the outcome later. The router commits first, so the request's id contains its
outcome.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.model.event import Command
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import (
    AlertListing,
    AlertRef,
    CommandRequest,
    CommandResult,
    Incoming,
    Received,
    WebhookAnswer,
)
from router.receivers.context import ReceiverContext
from router.receivers.credentials import authorization, owner_of, require_keys
from router.receivers.opsgenie import answers
from router.receivers.opsgenie.ids import Outcome, outcome_of
from router.receivers.opsgenie.payload import errors_of, read_alert
from router.receivers.opsgenie.request import ApiRequest, Operation, alert_id, new_id, read
from router.receivers.opsgenie.search import counted, listing
from router.receivers.opsgenie.views import alert_view, full_view
from router.receivers.paths import ALERTS
from router.receivers.source import Source, clean, decode, text
from router.receivers.times import first_epoch

SCHEME = "GenieKey"

COMMANDS = {
    Operation.ACKNOWLEDGE: Command.ACKNOWLEDGE,
    Operation.UNACKNOWLEDGE: Command.UNACKNOWLEDGE,
    Operation.SNOOZE: Command.SNOOZE,
    Operation.NOTE: Command.NOTE,
}

_AFTERWARDS = {Operation.NOTE, Operation.DELETE}
"""Operations that are also possible on a closed alert."""

REPEATED = 600.0
"""Seconds in which identical notes are one note that was sent again."""

_BODY = msgspec.json.Decoder()


class OpsgenieConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """integrations: API keys by integration; several keys during a rotation."""

    integrations: dict[str, tuple[Secret, ...]]

    def __post_init__(self) -> None:
        require_keys("integrations", self.integrations)


class OpsgenieReceiver(Source):
    """An alert for each alias, and commands for its incident."""

    kind = "opsgenie"
    methods = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

    def __init__(self, name: str, config: OpsgenieConfig, context: ReceiverContext) -> None:
        super().__init__(name)
        self._integrations = config.integrations
        self._url = next(iter(context.urls), "") + ALERTS

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        if not self._integration(incoming):
            raise Unauthorized("the API key is missing or unknown", scheme=SCHEME)
        return True

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        self.admit(incoming)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """An alert, a command for an alert, or a question. Raises: InvalidInput."""
        asked = read(incoming)
        match asked.operation:
            case Operation.CREATE:
                return self._create(incoming, now)
            case Operation.GET:
                return Received(commands=[self._question(asked.alert(self.name))])
            case Operation.LIST | Operation.COUNT:
                return self._list(asked)
            case Operation.STATUS:
                outcome = outcome_of(asked.identifier)
                ref = AlertRef(f"{self.name}:{outcome.alert if outcome else ''}")
                return Received(commands=[self._question(ref)])
            case Operation.PING:
                return Received(beats=[asked.identifier])
            case Operation.UNSUPPORTED:
                return Received(refused="The router does not support this request")
        return self._command(asked, incoming, now)

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """Answer as Opsgenie does."""
        asked = read(incoming)
        if received.errors:
            return answers.invalid(received.errors)
        if received.refused:
            return answers.failed(403, received.refused, code=answers.NOT_SUPPORTED)
        match asked.operation:
            case Operation.PING:
                return answers.pong()
            case Operation.CREATE:
                identifier = received.alerts[0].fingerprint.rpartition(":")[2]
                return answers.accepted(Outcome(identifier, now, asked.operation, success=True))
            case Operation.GET:
                return _one(results, now)
            case Operation.LIST:
                return self._page(asked, results, now)
            case Operation.COUNT:
                return answers.found({"count": len(results)})
            case Operation.STATUS:
                outcome = outcome_of(asked.identifier)
                if outcome is None:
                    return answers.failed(404, "Request not found. It might not be processed, yet.")
                return answers.status_of(outcome, results)
        return answers.accepted(_outcome(asked.operation, results, now))

    def refuse(self, status: int, error: InvalidInput) -> WebhookAnswer:
        """Answer in Opsgenie's format."""
        place = error.pointer.strip("/").replace("/", ".")
        return answers.failed(status, f"{place}: {error.detail}" if place else error.detail)

    def _integration(self, incoming: Incoming) -> str:
        return owner_of(authorization(incoming.headers, SCHEME.lower()), self._integrations)

    def _create(self, incoming: Incoming, now: float) -> Received:
        body = _object(incoming.body)
        if errors := [*errors_of(body)]:
            return Received(errors=errors)
        alias = text(body.get("alias"))
        identifier = alert_id(alias) if alias else new_id(f"{now!r}{_digest(incoming.body)}")
        warnings: list[InvalidInput] = []
        integration = self._integration(incoming)
        wire = read_alert(body, alias or identifier, integration, warnings)
        alert = Alert(
            source=self.name,
            fingerprint=f"{self.name}:{identifier}",
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            group_as=alias or identifier,  # the message may differ from request to request
        )
        return Received([alert], warnings=warnings)

    def _question(self, ref: AlertRef) -> CommandRequest:
        return CommandRequest(None, None, self.name, alert=ref)

    def _list(self, asked: ApiRequest) -> Received:
        """Raises: InvalidInput, if the router doesn't support the search query."""
        listed = listing(self.name, asked)
        if isinstance(listed, AlertListing):
            return Received(listing=listed)
        return Received(commands=[self._question(listed)])

    def _command(self, asked: ApiRequest, incoming: Incoming, now: float) -> Received:
        body = _object(incoming.body) if incoming.body else {}
        person = text(body.get("user")) or text(body.get("source")) or asked.query.get("user", "")
        request = CommandRequest(
            None,
            COMMANDS.get(asked.operation),
            person or f"{self._integration(incoming)} ({self.name})",
            text(body.get("note")),
            receipt=_receipt(asked, incoming, now),
            alert=asked.alert(self.name),
            ends=asked.operation in {Operation.CLOSE, Operation.DELETE},
        )
        if asked.operation is Operation.SNOOZE:
            until = first_epoch(body.get("endTime"))
            if until is None or until <= now:
                return Received(errors=[InvalidInput("Expected a time in the future.", "/endTime")])
            request = replace(request, seconds=until - now)
        if asked.operation is Operation.NOTE and not request.text:
            return Received(errors=[InvalidInput("Note can not be empty.", "/note")])
        if request.ends and request.text:
            note = replace(request, command=Command.NOTE, ends=False)
            return Received(commands=[note, request])
        return Received(commands=[request])

    def _page(
        self, asked: ApiRequest, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        offset, limit = counted(asked)
        data = [
            alert_view(result.alert, result.incident, now)
            for result in results
            if result.alert is not None
        ]
        links = answers.paging(self._url, asked.query, (offset, limit), is_full=len(data) == limit)
        return answers.found(data, paging=links)


def _one(results: Sequence[CommandResult], now: float) -> WebhookAnswer:
    result = next(iter(results), None)
    if result is None or result.alert is None:
        return answers.failed(404, "Alert does not exist")
    return answers.found(full_view(result.alert, result.incident, now))


def _outcome(operation: Operation, results: Sequence[CommandResult], now: float) -> Outcome:
    """The outcome of a command. Only a note is accepted for a closed alert."""
    result = next(iter(results), None)
    row = result.alert if result else None
    if result is None or row is None:
        return Outcome(answers.NOBODY, now, operation, success=False)
    success = operation in _AFTERWARDS or row.rule_match.status is AlertStatus.FIRING
    return Outcome(row.rule_match.fingerprint.rpartition(":")[2], now, operation, success=success)


def _receipt(asked: ApiRequest, incoming: Incoming, now: float) -> str:
    """The same for a request that a client repeats soon, since it got no answer.

    Later, or to acknowledge, the same bytes are another request.
    """
    if asked.operation in {Operation.ACKNOWLEDGE, Operation.UNACKNOWLEDGE}:
        return ""
    parts = asked.operation.encode(), incoming.raw_path.encode(), incoming.body
    return f"opsgenie:{now // REPEATED:.0f}:{_digest(*parts)}"


def _object(body: bytes) -> Mapping[str, Any]:
    """Raises: InvalidInput."""
    document = decode(_BODY, clean(body))
    if not isinstance(document, dict):
        raise InvalidInput("Expected an object")
    return document


def _digest(*parts: bytes) -> str:
    return blake2b(b"\0".join(parts), digest_size=16).hexdigest()
