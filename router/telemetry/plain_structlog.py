"""structlog, loaded without rich.

Its console renderer loads rich to format tracebacks, although they are already formatted. That
takes 5% of the CPU time of a start, and 6 MB.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["structlog"]


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of `module` fail in this context, unless it's already loaded."""
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
