"""The console of the commands."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from router.cli.output import sanitise


class SafeConsole(Console):
    """A console that prints no control character, except those of its own styles.

    All text passes through `render`, including the cells of tables.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=sanitise(segment.text))
