"""Compare the routing of a config with that of `amtool config routes test`."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from router.core.explain.alert import explain
from router.core.incident.settings import Settings
from router.core.rules.matcher import Matcher, MatchOp, parse_matchers
from router.model.alert import Alert, AlertStatus

WORKERS = 4
SECONDS = 30.0

Labels = dict[str, str]


def parse_labels(text: str) -> Labels:
    """Parse `severity=critical,team=a`. Raises: ValueError."""
    matchers = parse_matchers(text)
    if not all(matcher.op is MatchOp.EQUAL for matcher in matchers):
        raise ValueError(f"expected labels such as severity=critical,team=a, found '{text}'")
    return {matcher.name: matcher.value for matcher in matchers}


def decided(amtool: str, config: str, sets: Iterable[Labels]) -> list[tuple[str, ...]]:
    """The receivers that amtool names for each label set. Raises: ValueError, with its output."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        file = Path(folder) / "alertmanager.yml"
        file.write_text(config, "utf-8")
        return list(pool.map(partial(_receivers, amtool, file), sets))


def _receivers(amtool: str, file: Path, labels: Labels) -> tuple[str, ...]:
    asked = [str(Matcher(name, MatchOp.EQUAL, value)) for name, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={file}", "--", *asked]
    done = subprocess.run(  # noqa: S603 - no shell, and the labels are arguments
        command, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise ValueError((done.stderr or done.stdout).strip())
    return tuple(done.stdout.strip().splitlines()[-1].split(","))


def differences(
    settings: Settings,
    channels: Mapping[str, Sequence[str]],
    sets: Sequence[Labels],
    wanted: Sequence[tuple[str, ...]],
) -> list[str]:
    """A sentence for each label set that the rules and amtool route to different channels."""
    sentences = []
    for labels, receivers in zip(sets, wanted, strict=True):
        expected = {channel for name in receivers for channel in channels.get(name, ())}
        notified = _notified(settings, labels)
        if notified != expected:
            shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
            sentences.append(
                f"{{{shown}}}: amtool names {', '.join(receivers)} ({_listed(expected)}), "
                f"but the rules notify {_listed(notified)}"
            )
    return sentences


def _notified(settings: Settings, labels: Labels) -> set[str]:
    alert = Alert("alertmanager", "example", AlertStatus.FIRING, labels, {}, 0.0)
    policies = [
        outcome.policy for outcome in explain(settings, alert, 0.0).outcomes if outcome.policy
    ]
    return {target for policy in policies for step in policy.steps for target in step.notify}


def _listed(channels: set[str]) -> str:
    return ", ".join(sorted(channels)) or "nobody"
