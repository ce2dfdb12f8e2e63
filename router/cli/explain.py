"""`alert-router explain`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.arguments import Resource, Source
from router.cli.client import Url
from router.cli.config import ConfigPath, Json, config_at, path_of
from router.cli.explain_output import answered, show_explained
from router.cli.live_state import read_live_state
from router.cli.output import console, echo, fail, print_json
from router.cli.payload import decoded
from router.config.load import Config
from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.explain.alert import Explanation, RuleOutcome
from router.core.explain.alert import explain as explain_alert
from router.core.incident.policy import Step
from router.core.oncall.business_hours import written
from router.core.oncall.recipients import Recipients
from router.core.text.plain import utc
from router.core.text.units import duration
from router.model.alert import AlertStatus
from router.ports.clock import SystemClock
from router.ports.webhooks import Received
from router.web.api import views


def explain(
    payload: Annotated[
        str,
        typer.Argument(
            help="An incident (142 or INC-142), or the body of a webhook: a file, or - for stdin.",
            show_default=False,
        ),
    ] = "",
    alert: Annotated[str, typer.Option(help="Or a stored alert, by its fingerprint.")] = "",
    incident: Annotated[str, typer.Option(help="Or an incident: 142 or INC-142.")] = "",
    contact: Annotated[
        str, typer.Option(help="Or a person: why they were paged, or were not, --at a time.")
    ] = "",
    source: Source = "alertmanager",
    resource: Resource = "event_alert",
    at: Annotated[
        str,
        typer.Option(
            help="The time, such as '2026-11-28 23:00' in the company's time zone; default: now."
        ),
    ] = "",
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Read the config's store instead of asking the router."),
    ] = False,
    as_json: Json = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Show why somebody was or was not paged. With a webhook's body: what it would do."""
    if [bool(option) for option in (payload, alert, incident, contact)].count(True) != 1:
        fail(
            "give one of: an incident, the file of a webhook's body, --alert, --incident, --contact"
        )
    if _is_incident(payload):
        payload, incident = "", payload
    if payload:
        _explain_payload(payload, source, resource, at, as_json=as_json, path=config, url=url)
        return
    checked = config_at(path_of(config)) if offline or _needs_clock(at) else None
    time = _time(checked, at) if at else None
    asked = {"fingerprint": alert, "incident": incident, "contact": contact}
    given = {name: value for name, value in asked.items() if value}
    found = answered(given, time, checked, offline, url, config)
    if as_json:
        print_json(found)
    else:
        show_explained(console(), found["account"])


def _explain_payload(
    payload: str,
    source: str,
    resource: str,
    at: str,
    *,
    as_json: bool,
    path: Path | None,
    url: str | None,
) -> None:
    """Show what the alerts of a webhook's body would result in."""
    checked = config_at(path_of(path))
    received = _decode(checked, payload, source, resource)
    time = _time(checked, at) if at else SystemClock().now()
    live = read_live_state(checked, lambda _: received.alerts, time, url, path)
    incidents = [incident for incident in live.incidents if incident.is_open and not incident.drill]
    explanations = [
        explain_alert(live.settings, alert, time, incidents=incidents) for alert in received.alerts
    ]
    for left_out in live.left_out:
        echo(f"not considered: {left_out}", err=True)
    if as_json:
        print_json([views.explanation(explanation) for explanation in explanations])
        return
    out = console()
    for explanation in explanations:
        _show(out, explanation)
    for error in received.errors:
        out.print(Text(f"not understood: {error.pointer} {error.detail}", "red"))
    if received.ignored:
        out.print(Text(f"ignored: {received.ignored}"))


def _decode(checked: Config, payload: str, source: str, resource: str) -> Received:
    try:
        body = sys.stdin.buffer.read() if payload == "-" else Path(payload).read_bytes()
        return decoded(checked, source, resource, body)
    except OSError as error:
        fail(f"{payload}: {error.strerror}")
    except LookupError as error:
        fail(str(error))
    except ValueError as error:
        fail(f"{payload}: {error}")


def _is_incident(given: str) -> bool:
    """Check if the argument names an incident. A file of that name takes precedence."""
    return bool(re.fullmatch(r"(INC-)?\d+", given, re.IGNORECASE)) and not Path(given).exists()


def _needs_clock(at: str) -> bool:
    """Check if the time has no offset, so that the config's time zone decides."""
    try:
        return bool(at) and parse_moment(at).tzinfo is None
    except ValueError as error:
        fail(f"--at: {error}")


def _time(checked: Config | None, at: str) -> float:
    try:
        return moment_at(parse_moment(at), checked.file.company.time_zone if checked else "UTC")
    except (ValueError, OverflowError) as error:
        fail(f"--at: {error}")


def _show(out: Console, explanation: Explanation) -> None:
    labels = ", ".join(
        f'{name}="{value}"' for name, value in sorted(explanation.alert.labels.items())
    )
    out.print(
        Text(f"\nalert {explanation.alert.fingerprint} ({explanation.alert.status})", "bold"),
        Text(f"  {labels}"),
        sep="\n",
    )
    table = Table("rule", "result", "failed matcher", "at", box=None, padding=(0, 2))
    for verdict in explanation.verdicts:
        failed = str(verdict.failed) if verdict.failed else ""
        result = Text(verdict.reason.replace("_", " "), "green" if verdict.matched else "dim")
        table.add_row(verdict.rule.name, result, Text(failed), Text(verdict.rule.origin))
    out.print(table)
    if explanation.alert.status is AlertStatus.RESOLVED:
        for outcome in explanation.outcomes:
            out.print(Text(f"\n{outcome.rule.name}: the alert is resolved, and {_ends(outcome)}"))
        return
    for line in _quiet(explanation):
        out.print(Text(f"\n{line}", "yellow"))
    for outcome in explanation.outcomes:
        out.print(Text(f"\n{_sentence(outcome)}"))
        _show_steps(out, outcome)


def _ends(outcome: RuleOutcome) -> str:
    return f"opens no incident; if it fires in incident {outcome.key}, it ends there"


def _show_steps(out: Console, outcome: RuleOutcome) -> None:
    policy = outcome.policy
    steps = zip(
        policy.steps if policy else (),
        outcome.reached,
        outcome.holds,
        strict=True,
    )
    for step, reached, holds in steps:
        at = f"after {written(step.after)}, unless {step.unless}" if step.after else "at once"
        at += f", if {step.when.source}" if step.when else ""
        targets = ", ".join(step.notify)
        if not holds:
            out.print(Text(f"    {at}: skipped: condition is false ({targets})", "dim"))
            continue
        out.print(Text(f"    {at}: {targets}"))
        for line in _who(step, reached):
            out.print(Text(f"        {line}"))
    for line in _afterwards(outcome):
        out.print(Text(f"    {line}"))


def _quiet(explanation: Explanation) -> Iterator[str]:
    if explanation.quiet:
        until = utc(explanation.quiet.until)
        quiet = f"{explanation.quiet.reason} by {explanation.quiet.by}"
        yield f"{quiet} until {until}: nobody is notified until then"
    for inhibition in explanation.inhibitions:
        who = f"rule {inhibition.rule}" if inhibition.rule else "any rule"
        source = (
            f", opened by {', '.join(map(str, inhibition.source))}" if inhibition.source else ""
        )
        equal = f", with the same {', '.join(inhibition.equal)}" if inhibition.equal else ""
        yield f"inhibited while an incident of {who} is open{source}{equal}"


def _who(step: Step, reached: Recipients) -> Iterator[str]:
    """The recipients of the step's targets that are not channels."""
    if people := [address for address in reached.now if address not in step.notify]:
        yield f"recipients: {', '.join(people)}"
    for after, address in reached.later:
        yield f"then {address} after {duration(after)}, unless acknowledged"
    for target, why in reached.problems:
        yield f"{target}: {why}"
    if reached.nobody:
        yield "so the next step is due at once"


def _afterwards(outcome: RuleOutcome) -> Iterator[str]:
    """Describe the repeats and the promotion that follow the last step."""
    policy = outcome.policy
    if policy and policy.repeat:
        times, every = policy.repeat.times, duration(policy.repeat.every)
        yield f"then all of them again every {every}, {times} times, unless {policy.repeat.unless}"
    if (
        policy
        and policy.promote
        and outcome.judgement.severity
        and policy.promote.to.worse_than(outcome.judgement.severity)
    ):
        promote = policy.promote
        after = duration(promote.after)
        yield f"after {after} it is promoted to {promote.to}, unless {promote.unless}"


def _sentence(outcome: RuleOutcome) -> str:
    judgement = outcome.judgement
    because = judgement.reason.replace("_", " ")
    if judgement.threshold:
        because += f": {judgement.read or 'no value'} against {judgement.threshold.text}"
    if judgement.severity is None or outcome.policy is None:
        return f"{outcome.rule.name}: opens no incident ({because})"
    verdict = f"{outcome.rule.name}: {judgement.severity} ({because})"
    return f"{verdict}, incident {outcome.key}, policy {outcome.policy.name} notifies"
