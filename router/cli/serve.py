"""`alert-router serve`."""

import gc
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from router.cli.config import ConfigPath, config_at, path_of
from router.cli.output import echo, fail
from router.config.located import Invalid
from router.ports.errors import StoreUnavailable

if TYPE_CHECKING:
    from router.app import App

SWITCH = 0.0005
"""Seconds that a thread of the store may wait for the GIL.

With Python's default of 5 ms, the router accepts a fifth fewer alerts under load.
"""

SWITCH_EARLY = 0.0001
"""The same while a thread loads pages and the API, which are half of all modules.

A message has some thirty turns of threads, and each waits for that one.
"""

COLLECT_AFTER = 10_000
"""Allocations between two garbage collections. A transaction of many alerts makes thousands.

With Python's default of 700, and with modules and config scanned each time, an alert takes 10%
more CPU time.
"""

COLLECT_AFTER_AT_START = 200_000
"""Like `COLLECT_AFTER`, while modules are loaded. That creates no garbage; saves 10% of a start."""


def serve(config: ConfigPath = None) -> None:
    """Run the router until SIGTERM. SIGHUP reloads the config."""
    path = path_of(config)
    gc.set_threshold(COLLECT_AFTER_AT_START)
    sys.setswitchinterval(SWITCH_EARLY)
    from router.app import serve as serve_app

    try:
        uvloop.run(serve_app(path, lambda app: _ready(app, path)))
    except Invalid as error:
        fail(str(error))
    except StoreUnavailable as error:
        from router.cli.store import location

        storage = config_at(path).file.storage.reveal()
        fail(f"can't open the store {location(storage)}: {error}")
    except (OSError, ValueError) as error:
        fail(f"can't start: {error}")


async def _ready(app: "App", config: Path) -> None:
    # Modules and config live as long as the process: exempt them from every later collection.
    gc.freeze()
    app.complete.add_done_callback(lambda _: _settle())
    await _greet(app, config)


def _settle() -> None:
    """Use the settings of a process that has loaded everything."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    sys.setswitchinterval(SWITCH)


async def _greet(app: "App", config: Path) -> None:
    host, port = app.address
    url = f"http://{host}:{port}"
    sources = ", ".join(f"{url}/webhooks/{name}" for name in app.config.sources)
    echo(f"alert-router receives webhooks at {sources}")
    if not app.config.file.auth.is_required:
        echo(f"no sign-in is configured: anybody who can reach {host} may do everything")
    rules, channels = len(app.config.settings.rules.rules), ", ".join(app.config.channels)
    echo(f"rules: {rules}; channels: {channels}")
    # Print a hint for a first try: there are only console channels, and the store is empty.
    if {*app.config.kinds.values()} == {"console"} and await app.is_unused():
        echo(_hint(app, url, config))


def _hint(app: "App", url: str, config: Path) -> str:
    status = f" (customers see {url}/status)" if app.config.status_plan else ""
    command = Path(sys.argv[0]).name if shutil.which("alert-router") else sys.argv[0]
    return f"""
Try it: open an incident and watch this terminal:

    {command} declare "Checkout is down" --severity P0 -c {config}

Then look at it at {url}/incidents{status} or here:

    {command} incidents 1 -c {config}
    {command} ack 1 -c {config}
"""
