"""Run a command on incidents, and report its result as a sentence and an exit code."""

from collections.abc import Callable, Iterable, Mapping
from time import gmtime, strftime
from typing import Any

import typer

from router.cli.client import Router, Unanswered
from router.cli.output import Exit, echo, fail

Incident = Mapping[str, Any]
"""An incident as the API shows it."""

_DONE: Mapping[str, Callable[[Incident], str]] = {
    "acknowledged": lambda incident: f"acknowledged{_by(incident['acknowledged_by'])}",
    "escalated": lambda _: "escalated: the next step of its policy is taken now",
    "resolved_by_person": lambda incident: f"resolved{_by(incident['closed_by'])}",
    "false_positive": lambda incident: f"marked as a false positive{_by(incident['closed_by'])}",
    "noted": lambda _: "note added",
    "severity_set": lambda incident: f"severity set to {incident['severity']}",
    "status_set": lambda _: "status set",
    "assigned": lambda incident: f"assigned to {incident['lead']}",
    "role_set": lambda incident: f"assigned: {_roles(incident)}",
    "published": lambda incident: f"published as '{incident['public_title']}'",
    "announced": lambda _: "mail to customers sent",
    "opened": lambda incident: f"opened: {incident['title']} [{incident['severity']}]",
    "reopened": lambda incident: f"reopened: {incident['title']} [{incident['severity']}]",
    "reopened_by_person": lambda _: "reopened",
    "unacknowledged": lambda _: "acknowledgement withdrawn: the policy starts again",
    "snoozed": lambda incident: (
        f"snoozed until{_at(incident['snoozed_until']).removeprefix(' at')}"
    ),
    "merged": lambda incident: f"merged into INC-{incident['merged_into']}",
    "linked": lambda _: "linked",
}

_UNCHANGED: Mapping[str, Callable[[Incident], str]] = {
    "ack": lambda incident: "was already acknowledged" + _past(incident, "acknowledged"),
    "escalate": lambda _: "has no further step: nobody is left to notify",
    "assign": lambda incident: f"was already assigned: {_roles(incident)}",
    "severity": lambda incident: f"already had the severity {incident['severity']}",
    "status": lambda incident: f"already had the status {incident['status']}",
    "unack": lambda _: "was not acknowledged",
    "snooze": lambda _: "was already snoozed until then",
    "reopen": lambda _: "was already open",
    "link": lambda _: "was already linked",
    "announce": lambda incident: f"was already mailed to customers{_at(incident['announced_at'])}",
}
"""Sentences for the outcome `already_done`, by command."""

_REFUSED: Mapping[str, str] = {
    "not_resolved": "is not resolved yet, so customers were not mailed",
    "no_customers": "has nobody to mail: the config has no `communication.customers`",
    "not_public": "is a drill, and a drill is never published",
    "not_merged": "was not merged: the other incident is closed, or the same, or a drill",
    "not_linked": "was not linked: the other incident is the same",
}

_ALREADY_OPEN = {"joined", "repeated", "changed", "severity_raised"}


def run_command(router: Router, name: str, incident: str, body: Mapping[str, object]) -> Exit:
    """Apply a command to an incident and print the result. Exits with the error of the router."""
    return report(name, router.ask("POST", f"/incidents/{incident}/{name}", json=body))


def run_on_each(
    router: Router, name: str, incidents: Iterable[str], body: Mapping[str, object]
) -> None:
    """Apply a command to several incidents. Exits if one failed, or if none was changed."""
    codes = []
    for incident in incidents:
        try:
            answer = router.try_ask("POST", f"/incidents/{incident}/{name}", json=body)
            codes.append(report(name, answer))
        except Unanswered as error:
            echo(error, err=True)
            codes.append(Exit.FAILED)
    finish(*codes)


def finish(*codes: Exit) -> None:
    """Exit with the combined code of several results, unless it is 0."""
    code = Exit.FAILED if Exit.FAILED in codes else min(codes, default=Exit.DONE)
    if code:
        raise typer.Exit(code)


def report(name: str, answer: Mapping[str, Any]) -> Exit:
    """Print what a command did."""
    outcome, incident = answer["outcome"], answer["incident"]
    if incident is None:
        fail(f"no incident was opened: {outcome.replace('_', ' ')}")
    sentence, code = _sentence(name, outcome, incident)
    text = f"{incident['name']} {sentence} (status: {incident['status']})"
    echo(text, err=code is Exit.FAILED)
    warn(answer)
    return code


def warn(answer: Mapping[str, Any]) -> None:
    """Print the warnings of an answer on stderr."""
    for warning in answer.get("warnings", ()):
        echo(f"warning: {warning}", err=True)


def _sentence(name: str, outcome: str, incident: Incident) -> tuple[str, Exit]:
    if outcome in _DONE:
        return _DONE[outcome](incident), Exit.DONE
    if outcome == "already_done" and name in _UNCHANGED:
        return _UNCHANGED[name](incident), Exit.UNCHANGED
    if outcome == "already_closed":
        return _closed(incident), Exit.UNCHANGED
    if outcome in _ALREADY_OPEN:
        return f"was already open: {incident['title']} [{incident['severity']}]", Exit.UNCHANGED
    if outcome in _REFUSED:
        return _REFUSED[outcome], Exit.FAILED
    code = Exit.UNCHANGED if outcome.startswith("already") else Exit.DONE
    return outcome.replace("_", " "), code


def _roles(incident: Incident) -> str:
    lead = [f"lead {incident['lead']}"] if incident["lead"] else []
    return ", ".join(lead + [f"{role} {person}" for role, person in incident["roles"].items()])


def _closed(incident: Incident) -> str:
    marked = "marked as a false positive" if incident["status"] == "false_positive" else "resolved"
    return f"was already {marked}{_past(incident, 'closed')}"


def _past(incident: Incident, what: str) -> str:
    return _by(incident[f"{what}_by"]) + _at(incident[f"{what}_at"])


def _by(name: str | None) -> str:
    return f" by {name}" if name else ""


def _at(time: str | None) -> str:
    """The time of day in UTC, with the date unless it is today."""
    if not time:
        return ""
    day = "" if time[:10] == strftime("%Y-%m-%d", gmtime()) else f"{time[:10]} "
    return f" at {day}{time[11:16]} UTC"
