"""The export of a pager to a setup and its files."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath

from msgspec import Struct

from router.importers.files import Written
from router.importers.pagers import goalert, oncall, opsgenie, pagerduty, terraform
from router.importers.pagers.build import Builder
from router.importers.pagers.model import Setup
from router.importers.pagers.objects import objects
from router.importers.pagers.terraform_objects import objects as terraform_objects
from router.importers.pagers.write import written
from router.importers.source import Report, Section, read

PAGERS: dict[str, Callable[[Sequence[tuple[str, Section]], Builder], None]] = {
    "opsgenie": opsgenie.convert,
    "pagerduty": pagerduty.convert,
    "oncall": oncall.convert,
    "goalert": goalert.convert,
}
"""The importer of each pager."""


class Converted(Struct, frozen=True):
    written: Written
    setup: Setup
    report: Report


def convert(pager: str, texts: Mapping[str, str], now: datetime) -> Converted:
    """Convert the files of an export, by their names.

    Raises: Invalid, with the place; ImportError, if a library for .tf files is missing.
    """
    report = Report()
    resources = []
    exported: list[tuple[str, Section]] = []
    for file, text in texts.items():
        if not file.endswith(".tf"):
            node = read(text, file)
            state = terraform.of_state(node)
            resources += state
            exported += [] if state else objects(node, report)
    if sources := {file: text for file, text in texts.items() if file.endswith(".tf")}:
        resources += terraform.of_files(sources, report)
    exported += terraform_objects(pager, resources, report)
    build = Builder(report, now)
    PAGERS[pager](exported, build)
    build.finish_people()
    name = ", ".join(PurePath(file).name for file in texts)
    return Converted(written(build.setup, name), build.setup, report)
