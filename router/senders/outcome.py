"""The `Result` of a request: the only place that decides about retries.

No reason contains a URL, a header or the text of an exception: a Slack or Teams URL is itself a
secret, and aiohttp's exceptions quote it. OpenSSL's name for a fault of a certificate is a fixed
text.
"""

import re
import ssl
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp

from router.model.notification import Rejected, Result, Retry, Sent, Uncertain

MAX_RETRY_AFTER = 3600.0
"""Maximum seconds to wait, even if the service asks for longer: its clock may be wrong."""

TRANSIENT = frozenset({408, 425, 429})
UNANSWERED = frozenset({502, 504})
"""Statuses of gateways without an answer from the service behind them, which may have acted
(RFC 9110, 15.6)."""

# aiohttp raises these while it connects (DNS, TCP, TLS, proxy), before it writes the request.
UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
UNUSABLE = (aiohttp.NonHttpUrlClientError, ValueError)  # aiohttp.InvalidURL is a ValueError

WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "host name not found"),
    (aiohttp.ClientSSLError, "TLS handshake failed"),
    (aiohttp.ClientConnectorError, "connection refused or host unreachable"),
    (aiohttp.ConnectionTimeoutError, "connection timed out"),
    (aiohttp.ClientHttpProxyError, "refused by the proxy"),
    (TimeoutError, "no answer in time"),
    (aiohttp.ServerDisconnectedError, "disconnected before an answer"),
    (aiohttp.ClientOSError, "connection broke"),
    (aiohttp.ClientResponseError, "answer isn't HTTP"),
    (aiohttp.NonHttpUrlClientError, "address unusable"),
    (ValueError, "address or header unusable"),
)
"""The text for each failure. The first match counts, so subclasses come first."""

ERROR_WORD = re.compile(rb"[a-z]+(_[a-z]+)*")
MAX_WORD = 60


def from_response(
    status: int, headers: Mapping[str, str], body_excerpt: bytes, *, idempotent: bool, now: float
) -> Result:
    """The result of an HTTP answer, by its status.

    Args:
        status: of the answer. Redirects aren't followed.
        headers: with case-insensitive names, as aiohttp's.
        body_excerpt: quoted only if it's just the name of an error like `invalid_token`, because
            an error page may echo the request.
        idempotent: the service recognizes a repeated request.
        now: UTC seconds, to read a Retry-After that is a date.
    """
    if 200 <= status < 300:
        return Sent()
    word = error_word(body_excerpt)
    reason = f"HTTP {status}: {word}" if word else f"HTTP {status}"
    if status in UNANSWERED and not idempotent:
        return Uncertain(reason)
    if status in UNANSWERED:
        wait = retry_after(headers.get("Retry-After", ""), now)
        return Retry(reason, wait, may_have_arrived=True)
    if status in TRANSIENT or status >= 500:
        return Retry(reason, retry_after(headers.get("Retry-After", ""), now))
    return Rejected(reason)


def from_error(exc: Exception, *, idempotent: bool) -> Result:
    """The result of a request without an answer.

    It's uncertain if the request may have been sent, unless it's idempotent.
    """
    reason = _known_words(exc)
    if isinstance(exc, UNSENT):
        return Retry(reason)
    if isinstance(exc, UNUSABLE):
        return Rejected(reason)
    return Retry(reason, may_have_arrived=True) if idempotent else Uncertain(reason)


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110, 10.2.3), at most `MAX_RETRY_AFTER`.

    None if it's unreadable.
    """
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value := value.strip()):
        return min(float(value), MAX_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # A date with the zone "-0000" is parsed without a zone, but is in UTC.
    at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return min(max(at - now, 0.0), MAX_RETRY_AFTER)


def error_word(body: bytes) -> str:
    """The name of an error like `invalid_token`, if it is the whole body; "" otherwise."""
    word = body.strip()
    return word.decode("ascii") if len(word) <= MAX_WORD and ERROR_WORD.fullmatch(word) else ""


def refused_certificate(error: ssl.SSLCertVerificationError) -> str:
    """The reason why a server's certificate was refused, like `certificate has expired`.

    OpenSSL quotes the expected host after a comma: that is left out.
    """
    fault = str(getattr(error, "verify_message", "")).partition(",")[0]
    return f"TLS certificate refused: {fault}" if fault else "TLS certificate refused"


def _known_words(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        certificate = exc.certificate_error
        if isinstance(certificate, ssl.SSLCertVerificationError):
            return refused_certificate(certificate)
    for kind, words in WORDS:
        if isinstance(exc, kind):
            return words
    return f"request failed: {type(exc).__name__}"
