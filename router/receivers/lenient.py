"""Reads values of any type as text, for sources that promise no types.

Anything unreadable is "" or None.
"""


def text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) in (int, float) else ""


def member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def joined(values: object) -> str:
    return ",".join(filter(None, map(text, values))) if isinstance(values, list) else ""


def tag(tags: object, name: str) -> str:
    pairs = tags if isinstance(tags, list) else []
    return next(
        (
            text(pair[1])
            for pair in pairs
            if isinstance(pair, list) and pair[:1] == [name] and pair[1:]
        ),
        "",
    )


def kept(**values: object) -> dict[str, str]:
    """`values` as text, without the empty ones."""
    return {name: found for name, value in values.items() if (found := text(value))}
