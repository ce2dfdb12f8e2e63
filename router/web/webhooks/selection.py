"""Selects the source of a request among several that listen at the same path."""

from collections.abc import Callable, Sequence

from router.ports.errors import Unauthorized
from router.ports.webhooks import Incoming, Receiver


def admitted(receivers: Sequence[Receiver], incoming: Incoming) -> tuple[list[Receiver], bool]:
    """Receivers that let the request in before its body is read; and whether the sender is known.

    Raises: Unauthorized.
    """
    if len(receivers) == 1:
        return [*receivers], receivers[0].admit(incoming)
    known: dict[str, bool] = {}

    def admit(receiver: Receiver) -> None:
        known[receiver.name] = receiver.admit(incoming)

    passing = _passing(receivers, admit)
    return passing, all(known[receiver.name] for receiver in passing)


def verified(receivers: Sequence[Receiver], incoming: Incoming, now: float) -> Receiver:
    """The receiver that the whole request is for. Raises: Unauthorized, InvalidInput."""
    if len(receivers) == 1:
        receivers[0].verify(incoming, now)
        return receivers[0]
    return _passing(receivers, lambda receiver: receiver.verify(incoming, now))[0]


def _passing(receivers: Sequence[Receiver], check: Callable[[Receiver], None]) -> list[Receiver]:
    """Check all, so that the time of the answer does not depend on which one passes."""
    passing: list[Receiver] = []
    failure = Unauthorized("no source accepts it")
    for receiver in receivers:
        try:
            check(receiver)
        except Unauthorized as error:
            failure = error
        else:
            passing.append(receiver)
    if not passing:
        raise failure
    return passing
