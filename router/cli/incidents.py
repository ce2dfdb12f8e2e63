"""`alert-router incidents`, and what one does to them: `open`, `ack`, `escalate`, `resolve`,
`note`, `severity`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, Json, console, fail, say_json
from router.model.incident import Severity

Id = Annotated[str, typer.Argument(help="The incident: 142 or INC-142.")]
Note = Annotated[str, typer.Option("--note", help="Goes on the timeline.")]

STYLES = {"P0": "bold red", "P1": "red", "P2": "yellow", "P3": "dim"}


def incidents(
    incident: Annotated[str, typer.Argument(help="One incident, with its timeline.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    for_programs: Json = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """List the open incidents, or show one with its timeline and messages."""
    if incident:
        one = ask("GET", f"/incidents/{incident}", url, config)
        say_json(one) if for_programs else _show(console(), one)
        return
    query = {} if every else {"open": "true"}
    found = ask("GET", "/incidents", url, config, params=query)["incidents"]
    if for_programs:
        say_json(found)
    else:
        console().print(
            _table(found) if found else "no incidents" if every else "no open incidents"
        )


def open_incident(
    title: Annotated[str, typer.Argument(help="What is wrong.")],
    severity: Annotated[
        Severity | None,
        typer.Option(
            "--severity",
            case_sensitive=False,
            help="P0 (the worst) to P3; else the rule's.",
            show_default=False,
        ),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="More about it.")] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Open an incident by hand. The rules decide on it as on any alert."""
    body = {"title": title, "description": description} | (
        {"severity": severity.value} if severity else {}
    )
    answer = ask("POST", "/incidents", url, config, json=body)
    if answer["incident"] is None:
        fail(f"no incident was opened: {answer['outcome'].replace('_', ' ')}")
    _say(answer)


def ack(incident: Id, note: Note = "", config: ConfigPath = None, url: Url = None) -> None:
    """Acknowledge an incident: you're on it."""
    command("ack", incident, {"text": note}, config, url)


def escalate(incident: Id, note: Note = "", config: ConfigPath = None, url: Url = None) -> None:
    """Take the policy's next step now: somebody else has to see to it."""
    command("escalate", incident, {"text": note}, config, url)


def resolve(
    incident: Id,
    note: Note = "",
    false_positive: Annotated[
        bool, typer.Option("--false-positive", help="It wasn't real.")
    ] = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Resolve an incident, whatever its alerts say."""
    command(
        "false-positive" if false_positive else "resolve", incident, {"text": note}, config, url
    )


def note(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What to write.")],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Write a note on an incident's timeline."""
    command("note", incident, {"text": text}, config, url)


def severity(
    incident: Id,
    severity: Annotated[
        Severity, typer.Argument(help="P0 (the worst) to P3.", case_sensitive=False)
    ],
    note: Note = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Set an incident's severity, up or down. The policy of that severity starts over."""
    command("severity", incident, {"severity": severity, "text": note}, config, url)


def command(
    command: str, incident: str, body: Mapping[str, str], config: Path | None, url: str | None
) -> None:
    _say(ask("POST", f"/incidents/{incident}/{command}", url, config, json=body))


def _say(answer: Mapping[str, Any]) -> None:
    outcome = answer["outcome"].replace("_", " ")
    one = answer["incident"]
    typer.echo(f"{one['name']} [{one['severity']}] {one['title']}: {outcome}; it's {one['status']}")


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(
        "incident", "severity", "status", "title", "opened (UTC)", "alerts", "lead", box=None
    )
    for one in found:
        table.add_row(
            one["name"],
            Text(one["severity"], STYLES[one["severity"]]),
            one["status"],
            Text(one["title"]),
            one["opened_at"][:19].replace("T", " "),
            f"{one['firing']} of {one['alerts']}",
            Text(one["lead"] or ""),
        )
    return table


def _show(out: Console, one: dict[str, Any]) -> None:
    out.print(_table([one]))
    timeline = Table("time (UTC)", "what", "by", box=None, title="timeline", title_justify="left")
    for entry in one["timeline"]:
        timeline.add_row(
            entry["at"][:19].replace("T", " "), Text(entry["text"]), Text(entry["by"] or "")
        )
    messages = Table(
        "channel",
        "state",
        "sent",
        "attempts",
        "error",
        box=None,
        title="messages",
        title_justify="left",
    )
    for message in one["notifications"]:
        error = Text(message["error"] or "")
        messages.add_row(
            message["channel"],
            message["state"],
            str(message["sent"]),
            str(message["attempts"]),
            error,
        )
    out.print(timeline, messages, sep="\n\n")
