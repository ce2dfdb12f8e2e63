"""The command `alert-router`: one file per command, registered here."""

import typer

from router.cli.action import action
from router.cli.check import check
from router.cli.communication import announce, assign, publish, update
from router.cli.drill import drill
from router.cli.explain import explain
from router.cli.incidents import ack, escalate, incidents, note, open_incident, resolve, severity
from router.cli.item import item
from router.cli.migrate import migrate
from router.cli.oncall import oncall
from router.cli.postmortem import postmortem
from router.cli.replay import replay
from router.cli.schema import schema
from router.cli.serve import serve
from router.cli.silence import silence
from router.cli.simulate import simulate
from router.cli.stats import stats
from router.cli.status import status
from router.cli.template import template
from router.cli.test import test

main = typer.Typer(
    name="alert-router",
    help="Decides how bad an alert is, opens one incident for it, and tells people until somebody answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    serve,
    check,
    explain,
    test,
    simulate,
    replay,
    incidents,
    open_incident,
    ack,
    escalate,
    resolve,
    note,
    severity,
    stats,
    update,
    assign,
    publish,
    announce,
    migrate,
    schema,
):
    main.command(command.__name__.removesuffix("_incident"))(command)
main.add_typer(oncall, name="oncall")
main.add_typer(action, name="action")
main.add_typer(drill, name="drill")
main.add_typer(status, name="status")
main.add_typer(template, name="template")
main.add_typer(silence, name="silence")
main.add_typer(postmortem, name="postmortem")
main.add_typer(item, name="item")
