"""Secret text that must not be shown."""

import hmac
from typing import NoReturn

from router.config.fields import check_url


class Secret:
    """Text that `str`, `repr` and formatting don't show, and that can't be pickled or copied.

    Raises: ValueError, if it's empty: an empty key or token protects nothing.
    """

    __slots__ = ("_content",)

    def __init__(self, content: str) -> None:
        if not content:
            raise ValueError("the secret is empty")
        self._content = content

    def reveal(self) -> str:
        """The text itself."""
        return self._content

    def is_same(self, given: str) -> bool:
        """Compare in constant time. `given` may be any text, even with lone surrogates."""
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._content.encode())

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._content.encode(), other._content.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._content))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret can't be pickled or copied")


class SecretUrl(Secret):
    """A URL that is a secret as a whole, such as a Slack webhook's. It may contain a password.

    Raises: ValueError.
    """

    __slots__ = ()

    def __init__(self, content: str) -> None:
        super().__init__(content)
        check_url(content)
