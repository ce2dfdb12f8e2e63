"""Silences that recur, and inhibitions, in the config."""

from collections.abc import Iterable

from msgspec import field

from router.config.convert import Context
from router.config.people_check import check_name
from router.core.oncall.schedule import Restriction
from router.core.rules.matcher import Matcher, MatcherList, Matchers, parse_matchers
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import (
    RecurringSilence,
    Weekly,
    check_matchers,
    contradictions,
    matches_without_labels,
)
from router.model.scalars import TimeZone


def parse_match(text: str) -> Matchers:
    """Raises: ValueError, also without a matcher: `match: []` would match every alert."""
    if matchers := parse_matchers(text):
        return Matchers(matchers)
    raise ValueError("without a matcher it would match every alert")


def silence_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """The matchers of a silence. Raises: ValueError, also if they would mute every alert."""
    matchers = tuple(matcher for text in texts for matcher in parse_match(text))
    check_matchers(matchers)
    return matchers


class SilenceConfig(Restriction, frozen=True, kw_only=True):
    """A recurring window in which alerts that match all of `match` open no incident.

    Without `time_zone`, the company's is used.
    """

    name: str
    matchers: MatcherList = field(name="match")
    time_zone: TimeZone | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        Restriction.__post_init__(self)
        check_matchers(self.matchers, exclusion=True)


def check_silences(context: Context, rules: Iterable[str]) -> None:
    """Report duplicate silences, and inhibitions without a target, a source or a known rule."""
    names: set[str] = set()
    for trail, silence in context.all_of(SilenceConfig):
        if silence.name in names:
            place = context.place_of((*trail, "name"))
            context.report(place, f"silence '{silence.name}' already exists")
        names.add(silence.name)
        if matches_without_labels(silence.matchers):
            context.warn(
                context.place_of((*trail, "match")),
                f"silence '{silence.name}' also mutes every alert without these labels",
            )
        for why in contradictions(silence.matchers):
            place = context.place_of((*trail, "match"))
            context.warn(place, f"silence '{silence.name}' mutes nothing: {why}")
    known = [*rules, "default"]
    for trail, inhibition in context.all_of(Inhibition):
        place = context.place_of(trail)
        if not inhibition.target:
            context.report(place, "`target` would match every alert: give it a matcher")
        if not inhibition.source and not inhibition.rule:
            context.report(
                place,
                "an inhibition needs a `source` (matchers), or the `rule` of the incidents that "
                "inhibit",
            )
        if inhibition.rule:
            check_name("rule", inhibition.rule, known, (*trail, "rule"), context)


def silences(configs: Iterable[SilenceConfig], time_zone: TimeZone) -> tuple[RecurringSilence, ...]:
    """Convert to the core's settings. `time_zone`: for silences without one."""
    return tuple(
        RecurringSilence(
            silence.name,
            silence.matchers,
            Weekly(
                Restriction(silence.start, silence.end, silence.days),
                silence.time_zone or time_zone,
            ),
            comment=silence.comment,
        )
        for silence in configs
    )
