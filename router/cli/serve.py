"""`alert-router serve`."""

import shutil
import sys
from pathlib import Path

import typer
import uvloop

from router.app import App
from router.app import serve as serve_app
from router.cli.config import ConfigPath, fail, path_of
from router.config.located import Invalid
from router.ports.errors import StoreUnavailable

SWITCH = 0.0005
"""Seconds that a store's thread may wait for its turn.

Python's 5 ms cost a fifth of the alerts taken under load.
"""


def serve(config: ConfigPath = None) -> None:
    """Run the router, until SIGTERM. SIGHUP reloads the config."""
    path = path_of(config)
    sys.setswitchinterval(SWITCH)
    try:
        uvloop.run(serve_app(path, lambda app: _announce(app, path)))
    except Invalid as error:
        fail(str(error))
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't start: {error}")


def _announce(app: App, config: Path) -> None:
    host, port = app.address
    url = f"http://{host}:{port}"
    status = f" (the public sees {url}/status)" if app.config.status_plan else ""
    command = Path(sys.argv[0]).name if shutil.which("alert-router") else sys.argv[0]
    typer.echo(
        f"""
alert-router takes webhooks at {url}/webhooks/{{{",".join(app.config.sources)}}}
{len(app.config.settings.rules.rules)} rules, channels: {", ".join(app.config.channels)}

Try it: post a sample webhook that opens a P0, and watch this terminal:

    curl -H 'Content-Type: application/json' --data @deploy/samples/payment-failures.json {url}/webhooks/alertmanager

Then look at it, and answer it, at {url}/incidents{status} or here:

    {command} incidents 1 --config {config}
    {command} ack 1 --config {config}
"""
    )
