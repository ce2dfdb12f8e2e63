"""structlog, loaded without rich.

Its renderer for consoles loads rich to format tracebacks, which are text already when they get
there: a twentieth of the CPU time of a start, and 6 MB.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["structlog"]


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let an import of `module` fail meanwhile, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


with _hidden("rich"):
    import structlog
