"""Compares a scenario's expectations with the results, side by side.

Each extra result has its own line.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from msgspec import Struct

from router.core.virtual.router import VirtualDelivery
from router.core.virtual.scenario import Message, Scenario, ScenarioResult
from router.model.incident import Incident
from router.model.notification import person_of

TOLERANCE = 0.001
"""Maximum rounding error of times, in seconds."""


class Line(Struct, frozen=True):
    """An expectation and a result, `after` seconds from the start; None for a missing side.

    `about` is messages, incidents or reasons.
    """

    after: float
    about: str
    expected: str | None
    got: str | None
    agrees: bool


def compare(scenario: Scenario, played: ScenarioResult) -> tuple[Line, ...]:
    """Every line, in order of time. The scenario passes if all of them agree."""
    lines = [
        *_messages(scenario, played.delivered),
        *_incidents(scenario, played),
        *_reasons(scenario, played),
    ]
    return tuple(sorted(lines, key=lambda line: line.after))


# --- messages


def _messages(scenario: Scenario, deliveries: Iterable[VirtualDelivery]) -> Iterator[Line]:
    left = list(deliveries)
    missing = []
    # Match the most specific expectations first, so that a vague one doesn't take the only message
    # that fits another.
    for message in sorted(scenario.messages, key=_vagueness):
        if found := _found(message, left, scenario.start):
            left = [delivery for delivery in left if delivery not in found]
            for delivery in found:
                yield Line(
                    delivery.at - scenario.start,
                    "messages",
                    describe(message),
                    _shown(delivery),
                    agrees=True,
                )
        else:
            missing.append(message)
    yield from _differences(missing, left, scenario.start)


def _vagueness(message: Message) -> tuple[int, float]:
    return sum(
        stated is None for stated in (message.reason, message.severity, message.title)
    ), message.within


def _found(
    message: Message, deliveries: Iterable[VirtualDelivery], start: float
) -> list[VirtualDelivery]:
    """The first message that meets the expectation; for a person, all sent at that time."""
    fitting = [delivery for delivery in deliveries if _fits(message, delivery, start)]
    person = message.to.startswith("contact:")
    return [delivery for delivery in fitting if person and delivery.at == fitting[0].at] or fitting[
        :1
    ]


def _fits(message: Message, delivery: VirtualDelivery, start: float) -> bool:
    late = delivery.at - start - message.after
    return (
        -TOLERANCE <= late <= message.within + TOLERANCE
        and _is_to(message, delivery)
        and message.reason in {None, delivery.reason}
        and any(
            message.severity in {None, incident.severity}
            and message.title in {None, incident.title}
            for incident in (delivery.incident, *delivery.also)
        )
    )


def _is_to(message: Message, delivery: VirtualDelivery) -> bool:
    return message.to in {delivery.address, f"contact:{person_of(delivery.address)}"}


def _differences(
    missing: Iterable[Message], extra: Iterable[VirtualDelivery], start: float
) -> Iterator[Line]:
    """Pair each missing message with a different one to the same address at that time, if any."""
    left = list(extra)
    for message in missing:
        beside = [
            delivery
            for delivery in left
            if _is_to(message, delivery) and abs(delivery.at - start - message.after) <= TOLERANCE
        ]
        for delivery in beside[:1]:
            left.remove(delivery)
        yield Line(
            message.after,
            "messages",
            describe(message),
            _shown(beside[0]) if beside else None,
            agrees=False,
        )
    for delivery in left:
        yield Line(delivery.at - start, "messages", None, _shown(delivery), agrees=False)


def describe(message: Message) -> str:
    """An expected message in a few words."""
    stated = [message.to, *filter(None, (message.reason, message.severity))]
    return " ".join([*stated, *([f'"{message.title}"'] if message.title else [])])


def _shown(delivery: VirtualDelivery) -> str:
    also = f" and {', '.join(incident.name for incident in delivery.also)}" if delivery.also else ""
    title = f'{delivery.incident.severity} "{delivery.incident.title}"'
    return f"{delivery.address} {delivery.reason} {title}{also}"


# --- incidents


def _incidents(scenario: Scenario, played: ScenarioResult) -> Iterator[Line]:
    for snapshot in scenario.snapshots:
        actual = list(played.incidents[snapshot.after])
        pairs = []
        for fields in snapshot.incidents:
            fitting = next((line for line in actual if _has(line, fields)), None)
            if fitting:
                actual.remove(fitting)
                yield Line(
                    snapshot.after, "incidents", _said(fields), _state(fitting, fields), agrees=True
                )
            else:
                pairs.append(fields)
        for expected, got in zip_longest(pairs, actual):
            yield Line(
                snapshot.after,
                "incidents",
                _said(expected) if expected is not None else None,
                _state(got, expected or {}) if got else None,
                agrees=False,
            )


def _has(incident: Incident, fields: Mapping[str, object]) -> bool:
    return all(getattr(incident, name) == value for name, value in fields.items())


def _said(fields: Mapping[str, object]) -> str:
    return (
        ", ".join(f"{name} {value if value != '' else 'nobody'}" for name, value in fields.items())
        or "an incident"
    )


def _state(incident: Incident, fields: Mapping[str, object]) -> str:
    """The requested fields or, without any, those that distinguish incidents."""
    names = fields or ("key", "severity", "status")
    return f"{incident.name}: {_said({name: getattr(incident, name) for name in names})}"


# --- reasons


def _reasons(scenario: Scenario, played: ScenarioResult) -> Iterator[Line]:
    for after, reason in scenario.reasons:
        actual = dict.fromkeys(what for at, what in played.reasons if abs(at - after) <= TOLERANCE)
        yield Line(after, "reasons", reason, ", ".join(actual) or None, agrees=reason in actual)
