"""`alert-router serve`."""

import typer
import uvloop

from router.app import App
from router.app import serve as serve_app
from router.cli.config import ConfigPath, config_at, fail, path_of
from router.ports import StoreUnavailable


def serve(config: ConfigPath = None) -> None:
    """Run the router, until SIGTERM. SIGHUP reloads the config."""
    path = path_of(config)
    config_at(path)
    try:
        uvloop.run(serve_app(path, _announce))
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't start: {error}")


def _announce(app: App) -> None:
    host, port = app.address
    url = f"http://{host}:{port}"
    typer.echo(
        f"""
alert-router takes webhooks at {url}/webhooks/{{{",".join(app.config.sources)}}}
{len(app.config.settings.rules.rules)} rules, channels: {", ".join(app.config.channels)}

Try it: post a sample webhook that opens a P0, and watch this terminal:

    curl -H 'Content-Type: application/json' --data @deploy/samples/payment-failures.json {url}/webhooks/alertmanager

Then look at it, and answer it:

    curl {url}/api/v1/incidents
    alert-router incidents        alert-router ack 1        alert-router resolve 1
"""
    )
