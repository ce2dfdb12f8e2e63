"""Convert the export of a pager to a setup and its files."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import NamedTuple

from msgspec import Struct

from router.importers.files import Written
from router.importers.pagers import goalert, oncall, opsgenie, pagerduty, terraform
from router.importers.pagers.build import Builder
from router.importers.pagers.model import Setup
from router.importers.pagers.objects import objects
from router.importers.pagers.terraform_objects import objects as terraform_objects
from router.importers.pagers.write import written
from router.importers.source import Report, Section, read


class Importer(NamedTuple):
    """Reads the objects of an export. `quiet` are keys that don't affect on-call or paging."""

    convert: Callable[[Sequence[tuple[str, Section]], Builder], None]
    quiet: Sequence[str]


PAGERS = {
    "opsgenie": Importer(opsgenie.convert, opsgenie.QUIET),
    "pagerduty": Importer(pagerduty.convert, pagerduty.QUIET),
    "oncall": Importer(oncall.convert, oncall.QUIET),
    "goalert": Importer(goalert.convert, goalert.QUIET),
}


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
    importer = PAGERS[pager]
    importer.convert(exported, build)
    for _, section in exported:
        section.finish(importer.quiet)
    build.finish_people()
    name = ", ".join(PurePath(file).name for file in texts)
    return Converted(written(build.setup, name), build.setup, report)
