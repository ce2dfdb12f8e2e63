"""The commands: what `alert-router --help` lists, and the module of each."""

from keyword import iskeyword
from typing import NamedTuple


class Command(NamedTuple):
    """A command. `help` repeats the first sentence of its help, so that a list imports nothing."""

    name: str
    help: str
    alias: str = ""
    """The former name, which still works."""

    @property
    def attribute(self) -> str:
        """The name of its module in router/cli, and of the function or `typer.Typer` in it."""
        name = self.name.replace("-", "_")
        return f"{name}_" if iskeyword(name) else name


PANELS: dict[str, tuple[Command, ...]] = {
    "Incidents": (
        Command("incidents", "List the open incidents, or show one."),
        Command("ack", "Acknowledge incidents: you work on them, and escalation stops."),
        Command("resolve", "Resolve incidents, even if their alerts still fire."),
        Command(
            "escalate", "Take the next step of the policy now, so that somebody else is paged."
        ),
        Command("snooze", "Pause the pages of incidents until a time."),
        Command("unack", "Withdraw an acknowledgement."),
        Command("reopen", "Reopen incidents that were closed too early."),
        Command("declare", "Open an incident yourself.", "open"),
        Command("note", "Add a note to the timeline of an incident."),
        Command("severity", "Set the severity of an incident."),
        Command("assign", "Give somebody a role in an incident, such as lead, and notify them."),
        Command("update", "Add an update to an incident."),
        Command("merge", "Close an incident and move its alerts to another one."),
        Command("link", "Link an incident with another one."),
        Command("action", "Actions against an incident: list, request, approve, decline."),
    ),
    "Public and follow-up": (
        Command("publish", "Publish an incident on the status page, after showing the text."),
        Command(
            "mail-customers",
            "Mail customers that an incident is resolved, after showing the mail.",
            "announce",
        ),
        Command(
            "statuspage", "The public status page: announce maintenance, export as files.", "status"
        ),
        Command("postmortem", "The post-mortem of an incident: show, edit, export, share, waive."),
        Command("action-item", "The action items of a post-mortem: add, list, done.", "item"),
        Command("stats", "Show times to acknowledge and to resolve, and who was paged."),
    ),
    "On call and muting": (
        Command("oncall", "Who is on call: now, week, gaps; overrides and swaps."),
        Command("silence", "Mute alerts for a time: add, list, expire."),
        Command(
            "channels",
            "Channels and contact methods: which are proven to work, and a test of them.",
        ),
        Command("drill", "Drills: simulated incidents that go through the real channels."),
    ),
    "Rules and config": (
        Command("init", "Write a config and a rule file for your company to start from."),
        Command(
            "import", "Convert the config of another tool, and report what could not be converted."
        ),
        Command("check", "Check the config and its rules."),
        Command("test", "Test the rules and policies in virtual time."),
        Command("explain", "Show why somebody was or was not paged."),
        Command("reasons", "Show what the reasons on timelines and in `explain` mean."),
        Command("simulate", "Show the whole escalation of an alert that nobody answers."),
        Command(
            "replay",
            "Re-run recorded alerts under changed rules and show incidents and pages that "
            "would differ.",
        ),
        Command("template", "Message templates: list, preview."),
        Command(
            "schema", "Print the JSON Schema of config, rules, rule tests or drills, for editors."
        ),
    ),
    "Server": (
        Command("serve", "Run the router until SIGTERM."),
        Command("user", "People who may sign in: add, list, role, disable, enable, link."),
        Command("token", "API tokens for programs: add, list, revoke."),
        Command("migrate", "Upgrade the schema of the store."),
    ),
}

COMMANDS = {command.name: command for commands in PANELS.values() for command in commands}
ALIASES = {command.alias: command.name for command in COMMANDS.values() if command.alias}
