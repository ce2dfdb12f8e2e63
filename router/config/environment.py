"""Replace `${VARIABLE}` in values."""

import re
from collections.abc import Mapping

from router.config.located import suggest

# `$${` is a plain `${`; `${{` is unchanged, for a template about dollars: `${{ value }}`.
_REFERENCE = re.compile(r"\$\$\{|\$\{(?!\{)(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_CAPITALS = re.compile(r"[A-Z_][A-Z0-9_]*")
_LONG = 4


def substitute(text: str, env: Mapping[str, str]) -> str:
    """`text` with variables replaced: `${NAME}`, or `${NAME:-default}` if it may be unset or empty.

    Raises: ValueError, which names variables, never their values.
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


def bare_variable(text: str, env: Mapping[str, str], *, whole: bool) -> str:
    """The name of a variable that is written without braces, `$NAME`; "" if there is none.

    `whole`: look for a text that is only the name, in capitals. Otherwise, look for a name in the
    text that is a variable that is set, or a long name in capitals.
    """
    for found in _BARE.finditer(text):
        name = found[1]
        if whole:
            if found[0] == text and _CAPITALS.fullmatch(name):
                return name
        elif name in env or (_CAPITALS.fullmatch(name) and len(name) >= _LONG):
            return name
    return ""
