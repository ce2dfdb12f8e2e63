"""The path to go to after a sign-in."""

from urllib.parse import urlsplit

HOME = "/incidents"
LONGEST = 2000


def local_path(text: str) -> str:
    r"""Return `text` if it is a path of this site, else the path of the incidents.

    A browser reads `//host` and `/\host` as another site, and ignores control characters.
    """
    if not text.startswith("/") or len(text) > LONGEST or text[1:2] in {"/", "\\"}:
        return HOME
    if not (text.isascii() and text.isprintable()) or "\\" in text:
        return HOME
    try:
        parts = urlsplit(text)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else text
