"""Avoids loading pydantic for parameters that are texts or paths.

Typer converts every parameter with pydantic. Loading it takes a fifth of a client command's time,
and 9 MB of a running router. Only numbers and choices need it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any


class AsGiven:
    """Converts the values of a parameter. `usual` creates typer's own converter."""

    def __init__(self, usual: Callable[[], Any]) -> None:
        self._usual = usual

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        many, wanted = param.multiple or param.nargs == -1, param.type_descriptor.annotation
        if value is None:
            return () if many else None
        if many and wanted == list[str]:
            return [*value]
        if wanted is Path:
            return Path(value)
        if isinstance(wanted, type) and isinstance(value, wanted):  # a text, or a default
            return value
        return self._usual().coerce(value, param, ctx)


def as_given(parameters: list[Any]) -> list[Any]:
    """Return the parameters, changed to load pydantic only for values that need it."""
    for parameter in parameters:
        usual = parameter.get_runtime_param
        if not isinstance(usual, partial):
            parameter.get_runtime_param = partial(AsGiven, usual)
    return parameters
