"""The packaged templates of what is said.

They're a part of the code that happens to be in files of its own.
"""

from pathlib import Path

SUFFIX = ".j2"


def source(name: str) -> str:
    """The text of the template, the same for every call in a process."""
    return (Path(__file__).parent / f"{name}{SUFFIX}").read_text("utf-8")
