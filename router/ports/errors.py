"""Errors that cross the layers."""


class StaleRecord(Exception):
    """A document was changed after it was read. Read it again before writing."""


class StoreUnavailable(Exception):
    """The store does not accept the operation now. Nothing was written, or the result is unknown.

    remedy: what an operator can do, for the log; "" if only the cause's text says it.
    lasting: only a person can fix it, so a router that starts doesn't wait for the store.
    """

    def __init__(self, detail: str = "", remedy: str = "", *, lasting: bool = False) -> None:
        super().__init__(detail)
        self.remedy = remedy
        self.lasting = lasting


class Overloaded(Exception):
    """The queue is full. Nothing was accepted."""


class InvalidInput(Exception):
    """The input cannot be decoded.

    `pointer` is the JSON Pointer of the field, for example `/alerts/3/labels`.
    """

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class Unauthorized(Exception):
    """The sender of a request could not be verified.

    The text names the check that failed, never the secret. `scheme` is the HTTP authentication
    scheme.
    """

    def __init__(self, detail: str, *, scheme: str = "Bearer") -> None:
        super().__init__(detail)
        self.scheme = scheme


class NoChart(Exception):
    """The chart can't be drawn. The text has the reason."""
