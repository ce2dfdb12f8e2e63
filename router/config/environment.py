"""What `${VARIABLE}` in a value stands for."""

import re
from collections.abc import Mapping

from router.config.located import suggest

# `$${` is a plain `${`; `${{` is left alone, for a template about dollars: `${{ value }}`.
_REFERENCE = re.compile(r"\$\$\{|\$\{(?!\{)(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")


def substitute(text: str, env: Mapping[str, str]) -> str:
    """`text` with variables in place: `${NAME}`, or `${NAME:-default}` if it may be unset or empty.

    Raises: ValueError, which names variables, never what they hold.
    """
    missing: dict[str, str] = {}

    def value_of(match: re.Match[str]) -> str:
        name, default = match.groups()
        if match[0] == "$${":
            return "${"
        if name is None:
            raise ValueError(
                "'${' needs a variable's name and '}' after it (write '$${' for a plain '${')"
            )
        if name not in env and default is None:
            missing[name] = f"environment variable {name!r} isn't set{suggest(name, env)}"
        value = env.get(name, "")
        return value if default is None else value or default

    replaced = _REFERENCE.sub(value_of, text)
    if missing:
        raise ValueError("; ".join(missing.values()))
    return replaced
