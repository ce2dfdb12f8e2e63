"""Finds an example alert that a rule matches and silences mute."""

import re
from collections.abc import Iterable, Iterator

from router.core.incident.settings import Settings
from router.core.rules.lint import literal_beginning
from router.core.rules.matcher import Matcher, match_all
from router.core.rules.rule import Rule
from router.core.suppression.recurring_silence import RecurringSilence
from router.core.virtual.example_alert import example_alert
from router.model.alert import Alert
from router.model.incident import Severity


def witness(
    settings: Settings, rule: Rule, opens: Severity, silences: Iterable[RecurringSilence]
) -> Alert | None:
    """An alert to which `rule` gives the severity `opens` and that every silence mutes, or None."""
    silences = tuple(silences)
    labels: dict[str, str] = {}
    matchers = (*rule.matchers, *(matcher for silence in silences for matcher in silence.matchers))
    for name in dict.fromkeys(matcher.name for matcher in matchers):
        of_label = [matcher for matcher in matchers if matcher.name == name]
        value = next(
            (value for value in _values(of_label) if match_all(of_label, {name: value})), None
        )
        if value is None:
            return None
        labels[name] = value
    try:
        alert = example_alert(settings.rules, rule, opens, labels, 0.0).alert
    except ValueError:
        return None
    return alert if all(match_all(silence.matchers, alert.labels) for silence in silences) else None


def _values(of_label: Iterable[Matcher]) -> Iterator[str]:
    """Values to try: those of matchers, examples of their patterns, any other value, and ""."""
    for matcher in of_label:
        yield from sorted(matcher.values or ())
    yield f"other-{next(iter(of_label)).name}"
    for matcher in of_label:
        yield from _samples(matcher.value)
    yield ""


def _samples(pattern: str) -> Iterator[str]:
    beginning = literal_beginning(pattern)
    yield beginning
    yield f"{beginning}1"
    yield f"{beginning}x"
    # A wildcard repetition becomes one letter, and each group its first alternative.
    plain = re.sub(r"\(\?[a-zA-Z]+\)|[\^$]", "", pattern)
    plain = re.sub(r"\((?:\?:)?([^()|]*)(?:\|[^()]*)?\)[*+?]?", r"\1", plain)
    plain = re.sub(r"\[([^\]\\^])[^\]]*\][*+?]?", r"\1", plain)
    plain = re.sub(r"\\d[*+?]?", "0", re.sub(r"\\w[*+?]?", "a", plain))
    for letter in ("x", ""):
        yield re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\.[*+?]?", letter, plain.split("|")[0]))
