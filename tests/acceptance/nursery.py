"""Imports the router once, then forks a `serve` for every line it reads, and says its process id
and its exit code.

python -m tests.acceptance.nursery CONFIG OUT LOG
"""

import os
import sys
from importlib import import_module

from router.cli import main
from router.senders import KINDS


def become_router(config: str, out: str, log: str) -> None:
    """Be what `alert-router serve --config CONFIG >>OUT 2>>LOG` starts. Never returns."""
    sys.stdin.close()
    for path, number in ((out, 1), (log, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    main(["serve", "--config", config])


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for kind in KINDS.values():
        kind.config()
    for module in ("router.cli.serve", "router.app", "router.wiring.http"):
        import_module(module)
    import_module("slack_sdk.web.async_client")
    for _ in sys.stdin:
        if (pid := os.fork()) == 0:
            become_router(*sys.argv[1:])
        say(pid)
        _, status = os.waitpid(pid, 0)
        say(os.waitstatus_to_exitcode(status))
