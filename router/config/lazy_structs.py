"""Config structs that are loaded when a config first names their type."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct


class LazyStructs(Mapping[str, type[Struct]]):
    """The config struct of each type of source or channel.

    load: imports the struct of a type.
    """

    def __init__(self, load: Mapping[str, Callable[[], type[Struct]]]) -> None:
        self._load = load

    def __getitem__(self, type_: str) -> type[Struct]:
        return self._load[type_]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._load)

    def __len__(self) -> int:
        return len(self._load)

    def __contains__(self, type_: object) -> bool:
        return type_ in self._load
