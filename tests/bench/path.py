"""Count the functions and modules of the router that run between a request and its effect.

    python -m tests.bench.path [--list]

Two paths through a running router are counted with a profile hook, in all of its threads: an
Alertmanager webhook until its request arrives at Slack, and an acknowledgement from Slack until
the edit of the message arrives there. A function counts once; comprehensions count as the function
they're in. Both are warm: a first incident has gone the same way, so that nothing is loaded or
cached on the way. Counted is what runs for each of the next incidents: jobs of the router that
happen to run meanwhile are left out.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from router.config.secret import Secret
from tests.acceptance.slack_double import CHANNEL, TOKEN, Slack
from tests.daemon import Daemon, alert, write_config
from tests.receivers import signed
from tests.senders.kit import Reply, Request

ROOT = str(Path(__file__).parents[2] / "router") + "/"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
PATIENCE = 10.0
INCIDENTS = 5


class Trace:
    """The functions that ran while the path was recorded, as (module, qualified name)."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str]] = set()

    @property
    def modules(self) -> set[str]:
        return {module for module, _ in self.functions}


class Recorder:
    """Records the functions of the router that run, in all threads started since `watch`."""

    def __init__(self) -> None:
        self._trace: Trace | None = None

    def watch(self) -> None:
        """Install the hook in this thread and in all that are started from now on."""
        threading.setprofile(self._hook)
        sys.setprofile(self._hook)

    @contextmanager
    def recording(self) -> Iterator[Trace]:
        self._trace = trace = Trace()
        try:
            yield trace
        finally:
            self.stop()

    def stop(self) -> None:
        """The path has ended."""
        self._trace = None

    def _hook(self, frame: FrameType, event: str, _argument: object) -> None:
        trace, code = self._trace, frame.f_code
        if trace is None or event != "call" or not code.co_filename.startswith(ROOT):
            return
        name = code.co_qualname
        if not name.endswith(("comp>", "<genexpr>", "<module>")):
            trace.functions.add((code.co_filename.removeprefix(ROOT), name))


class Watched(Slack):
    """A Slack that ends the recording when a request arrives."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def _answer(self, request: Request) -> Reply:
        self._recorder.stop()
        return super()._answer(request)


async def _until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():  # noqa: ASYNC110 - the double has no event to wait for
            await asyncio.sleep(0.001)


async def measure() -> dict[str, Trace]:
    """Both paths through a router with one Slack channel."""
    recorder = Recorder()
    recorder.watch()
    with tempfile.TemporaryDirectory() as folder:
        async with Watched(recorder) as slack:
            path = write_config(
                Path(folder),
                sources={
                    "alertmanager": {"bearer_token": "am-token-4711"},
                    "slack": {"signing_secret": SECRET},
                },
                channels={
                    "log": {
                        "type": "slack",
                        "token": TOKEN,
                        "channel": CHANNEL,
                        "api_url": slack.api,
                    }
                },
            )
            async with Daemon(path) as daemon:
                return await _paths(recorder, slack, daemon)


async def _paths(recorder: Recorder, slack: Slack, daemon: Daemon) -> dict[str, Trace]:
    webhooks, acknowledgements = list[Trace](), list[Trace]()
    for number in range(1, INCIDENTS + 1):
        with recorder.recording() as webhook:
            await daemon.alert(alert(service=f"s{number}", fingerprint=f"{number:016x}"))
            await _until(lambda n=number: len(slack.messages) == n)
        webhooks.append(webhook)
        await asyncio.sleep(0.3)
        message = [*slack.messages.values()][-1]
        body = signed.press("ack", str(number), action_ts=f"1548426417.{number}")
        headers = signed.slack(body, Secret(SECRET), daemon.clock.now())
        with recorder.recording() as acknowledgement:
            await daemon.ask("POST", "/webhooks/slack", data=body, headers=headers)
            await _until(lambda m=message: m.edits)
        acknowledgements.append(acknowledgement)
        await asyncio.sleep(0.3)
    return {
        "webhook to the Slack request": _common(webhooks[1:]),
        "acknowledgement in Slack to the edited message": _common(acknowledgements[1:]),
    }


def _common(traces: Sequence[Trace]) -> Trace:
    """Return what ran each time."""
    common = Trace()
    common.functions = set.intersection(*(trace.functions for trace in traces))
    return common


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.path")
    parser.add_argument("--list", action="store_true", help="name the functions")
    chosen = parser.parse_args()
    for name, path in asyncio.run(measure()).items():
        sys.stdout.write(
            f"{name}: {len(path.functions)} functions in {len(path.modules)} modules\n"
        )
        for module, function in sorted(path.functions) if chosen.list else ():
            sys.stdout.write(f"  {module} {function}\n")


if __name__ == "__main__":
    main()
