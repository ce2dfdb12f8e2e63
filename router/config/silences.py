"""What keeps alerts quiet, in the config: silences that come again, and inhibitions."""

from collections.abc import Iterable

from msgspec import Struct

from router.config.convert import Context
from router.config.fields import Matchers, TimeZone
from router.config.people import RestrictionDocument, restriction
from router.config.people_check import check_name
from router.core.rules.matcher import Matcher, parse_matchers
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, Weekly


def parse_match(text: str) -> tuple[Matcher, ...]:
    """Raises: ValueError, also where there's none: what is to take every alert has no matcher at
    all.
    """
    if matchers := parse_matchers(text):
        return matchers
    raise ValueError("there's no matcher in it, so it would take every alert")


class SilenceDocument(RestrictionDocument, frozen=True, kw_only=True):
    """A window that comes again, in which alerts that all of `match` take open nothing.

    Without a `time_zone` it's by the company's clock.
    """

    name: str
    match: list[Matchers]
    time_zone: TimeZone | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        RestrictionDocument.__post_init__(self)
        if not self.match:
            raise ValueError(f"silence '{self.name}' would take every alert: give it a matcher")


class InhibitDocument(Struct, frozen=True, kw_only=True):
    """While an incident of the source is open, alerts of the target with the same labels `equal`
    open nothing.

    The source are incidents of a `rule`, or those that were opened by an alert that all of `source`
    take, or both.
    """

    target: list[Matchers]
    source: list[Matchers] = []
    rule: str = ""
    equal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.target:
            raise ValueError("`target` would take every alert: give it a matcher")
        if not self.source and not self.rule:
            raise ValueError(
                "an inhibition needs a `source` (matchers), or the `rule` of the incidents that inhibit"
            )


def check_silences(context: Context, rules: Iterable[str]) -> None:
    """Report silences of the same name, and inhibitions by a rule that isn't among `rules`."""
    names: set[str] = set()
    for trail, silence in list(context.all_of(SilenceDocument)):
        if silence.name in names:
            context.report(
                context.place_of((*trail, "name")), f"silence '{silence.name}' is there already"
            )
        names.add(silence.name)
    known = [*rules, "default"]
    for trail, inhibition in list(context.all_of(InhibitDocument)):
        if inhibition.rule:
            check_name("rule", inhibition.rule, known, (*trail, "rule"), context)


def silences(
    documents: Iterable[SilenceDocument], time_zone: TimeZone
) -> tuple[RecurringSilence, ...]:
    """`time_zone` is for those that have none."""
    return tuple(
        RecurringSilence(
            one.name,
            _flat(one.match),
            Weekly(restriction(one), one.time_zone or time_zone),
            comment=one.comment,
        )
        for one in documents
    )


def inhibitions(documents: Iterable[InhibitDocument]) -> tuple[Inhibition, ...]:
    return tuple(
        Inhibition(_flat(one.target), _flat(one.source), one.rule, one.equal) for one in documents
    )


def _flat(match: Iterable[Matchers]) -> tuple[Matcher, ...]:
    return tuple(matcher for matchers in match for matcher in matchers)
