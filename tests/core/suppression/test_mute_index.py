"""Silences and inhibitions that may mute an alert, and the incidents they depend on."""

from router.core.rules.matcher import parse_matchers
from router.core.suppression.inhibition import Inhibition, Inhibitors
from router.core.suppression.mute_index import MuteIndex
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from tests.core.script import after, fires
from tests.world import NOW, rule, settings

API = parse_matchers("service=api")


def silence(name: str, match: str, start: float = 0, end: float = 60) -> RecurringSilence:
    return RecurringSilence(name, parse_matchers(match), TimeSpan(NOW + start, NOW + end))


def test_the_first_active_silence_mutes() -> None:
    silences = [silence("later", "service=api", 30), silence("web", "service=web")]
    silences += [silence("all", 'service=~".+i"'), silence("too", "service=api")]
    index = MuteIndex(silences, ())
    assert index.silence({"service": "api"}, NOW) == (silences[2], NOW + 60)
    assert index.silence({"service": "db"}, NOW) is None


def test_an_inhibition_needs_the_incidents_of_rules_that_could_be_its_source() -> None:
    """Not those of a rule that wants another value of the same label."""
    inhibition = Inhibition(API, parse_matchers("alertname=Down"))
    rules = settings(
        rule("down", "alertname=Down"),
        rule("payments", "alertname=Payments"),
        rule("odd", 'severity=~"c.*"'),
    ).rules
    assert MuteIndex((), [inhibition]).rules_besides(inhibition, rules) == {"payments"}


def test_incidents_are_found_by_the_labels_that_must_be_equal() -> None:
    """The lowest number first, and never an alert's own."""
    inhibition = Inhibition(API, rule="payments", equal=("service",))
    incident = after(fires(0))
    inhibitors = Inhibitors()
    inhibitors.add(incident, MuteIndex((), [inhibition]).sourced_by(incident))
    known = {incident.id: incident}
    assert inhibitors.find([inhibition], {"service": "api"}, known, ()) is incident
    assert inhibitors.find([inhibition], {"service": "api"}, known, (1,)) is None
    assert inhibitors.find([inhibition], {"service": "web"}, known, ()) is None
