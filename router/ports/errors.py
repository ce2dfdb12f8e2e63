"""Errors that cross the layers."""


class StaleRecord(Exception):
    """Somebody else wrote a document since it was read: whoever wants to write it must look at it
    again.
    """


class StoreUnavailable(Exception):
    """The store can't take it now; nothing was written, or it isn't known to be."""


class Overloaded(Exception):
    """More is waiting than can be taken; nothing was accepted."""


class InvalidInput(Exception):
    """What came in can't be understood.

    `pointer` is the JSON Pointer of the field, like `/alerts/3/labels`.
    """

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class Unauthorized(Exception):
    """Not from whom it says it's from.

    The text names the check that failed, never the secret; `scheme` is HTTP's.
    """

    def __init__(self, detail: str, *, scheme: str = "Bearer") -> None:
        super().__init__(detail)
        self.scheme = scheme


class NoChart(Exception):
    """There's nothing to draw, or it couldn't be asked for; the text says why."""
