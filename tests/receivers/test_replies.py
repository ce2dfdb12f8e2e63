"""Replies to people's commands: one sentence per decision, and never more than was decided."""

from typing import Any

import pytest

from router.model.event import Command
from router.model.incident import Status
from router.model.reason import Reason
from router.ports.webhooks import CommandRequest, CommandResult
from router.receivers.replies import sentence
from tests.senders.kit import NOW, make_incident

ACKED: dict[str, Any] = {"acknowledged_at": NOW, "acknowledged_by": "ana"}
CLOSED: dict[str, Any] = {"closed_at": NOW, "closed_by": "ben", "status": Status.RESOLVED}
FALSE: dict[str, Any] = CLOSED | {"status": Status.FALSE_POSITIVE}
ACK, ESCALATE = Command.ACKNOWLEDGE, Command.ESCALATE


@pytest.mark.parametrize(
    ("command", "reason", "incident", "said"),
    [
        (ACK, Reason.ACKNOWLEDGED, ACKED, "Acknowledged INC-142."),
        (ACK, Reason.ALREADY_DONE, ACKED, "INC-142 is already acknowledged by ana."),
        (ACK, Reason.ALREADY_CLOSED, CLOSED, "INC-142 is already resolved by ben."),
        (ACK, Reason.ALREADY_CLOSED, CLOSED | {"closed_by": ""}, "INC-142 is already resolved."),
        (
            ACK,
            Reason.ALREADY_CLOSED,
            FALSE,
            "INC-142 is already marked as a false positive by ben.",
        ),
        (Command.RESOLVE, Reason.RESOLVED_BY_PERSON, CLOSED, "Resolved INC-142."),
        (
            Command.FALSE_POSITIVE,
            Reason.FALSE_POSITIVE,
            FALSE,
            "Marked INC-142 as a false positive.",
        ),
        (Command.ASSIGN, Reason.ASSIGNED, {"lead": "cleo"}, "cleo leads INC-142 now."),
        (
            Command.ASSIGN,
            Reason.ALREADY_DONE,
            {"lead": "ben"},
            "Already assigned in INC-142: lead ben.",
        ),
        (Command.SEVERITY, Reason.SEVERITY_SET, {}, "INC-142 is P0 now."),
        (Command.SEVERITY, Reason.ALREADY_DONE, {}, "INC-142 is already P0."),
        (Command.NOTE, Reason.NOTED, {}, "Noted on INC-142."),
        (ESCALATE, Reason.ESCALATED, {}, "Escalated INC-142: the next step is being notified."),
        (
            ESCALATE,
            Reason.ALREADY_DONE,
            ACKED,
            "INC-142 has reached the last step of its policy: there is nobody else to notify.",
        ),
        (Command.RESOLVE, Reason.COMMAND_OUTDATED, {}, "INC-142 was reopened since: nothing done."),
        (
            Command.RESOLVE,
            Reason.COMMAND_OVERTAKEN,
            {},
            "INC-142 has a newer change: nothing done.",
        ),
        (ACK, Reason.REPLAYED, ACKED, "INC-142 is acknowledged by ana."),
        (ACK, Reason.REPLAYED, CLOSED, "INC-142 was resolved by ben."),
        (None, None, {}, "INC-142 is open, and nobody has acknowledged it."),
        (None, None, FALSE, "INC-142 was marked as a false positive by ben."),
    ],
)
def test_each_decision_has_its_sentence(
    command: Command | None, reason: Reason | None, incident: dict[str, Any], said: str
) -> None:
    """The reason decides; any other reply shows the incident's state."""
    unanswered = {"acknowledged_at": None, "acknowledged_by": ""}
    assert (
        sentence(
            CommandResult(
                CommandRequest(142, command, "cleo"), reason, make_incident(**unanswered | incident)
            )
        )
        == said
    )


def test_an_incident_there_is_not() -> None:
    assert (
        sentence(CommandResult(CommandRequest(7, ACK, "cleo"), Reason.UNKNOWN_INCIDENT, None))
        == "INC-7 doesn't exist."
    )


def test_who_names_no_incident_hears_which_are_open() -> None:
    """With enough detail to choose."""
    shown = "INC-142 (P0, Payment failures at 2.5% on api)"
    incidents = [make_incident()]
    assert (
        sentence(CommandResult(CommandRequest(None, ACK, "cleo"), None, None, incidents))
        == f"Which incident? Open: {shown}."
    )
    assert (
        sentence(CommandResult(CommandRequest(None, None, "cleo"), None, None, incidents))
        == f"Open: {shown}."
    )
    assert (
        sentence(CommandResult(CommandRequest(None, ACK, "cleo"), None, None))
        == "No incident is open."
    )
