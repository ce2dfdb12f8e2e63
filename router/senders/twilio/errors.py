"""The meaning of Twilio's error codes: https://www.twilio.com/docs/api/errors.

Twilio changes the texts of its errors, and may quote the number or the message in them, so the
router has its own texts.
"""

from collections.abc import Mapping

from router.model.notification import Rejected, Result, Retry
from router.senders.outcome import from_response

TRANSIENT: Mapping[int, str] = {
    10004: "too many calls at once",
    20429: "too many requests",
    20500: "fault at Twilio",
    20503: "Twilio is unavailable",
    21611: "the sending number's queue is full",
    30001: "the queue is full",
    30017: "the carrier is congested",
    30022: "the carrier's rate limit is exceeded",
    30410: "the provider didn't answer in time",
}
"""Temporary errors, which are retried."""

RECIPIENT: Mapping[int, str] = {
    13225: "the number is on Twilio's block list",
    21211: "not a valid number",
    21214: "the number can't be called",
    21216: "the number is on Twilio's block list",
    21217: "not a valid number",
    21401: "not a valid number",
    21604: "the number is missing",
    21610: "the recipient has unsubscribed by STOP",
    21612: "can't be reached by SMS from this sender",
    21614: "not a mobile number",
    21635: "a landline, which can't receive SMS",
    30003: "the phone is off or unreachable",
    30004: "the recipient or the carrier blocks the message",
    30005: "unknown or inactive number",
    30006: "a landline, or an unreachable carrier",
    30008: "the carrier gives no reason",
}
"""Permanent errors of a number: the policy's next channel is better than a retry."""

ACCOUNT: Mapping[int, str] = {
    10001: "the account isn't active",
    13227: "calls to that country aren't permitted",
    20003: "wrong credentials",
    20005: "the account isn't active",
    20404: "not found: wrong account SID or api_url",
    21203: "the account can't call that country",
    21210: "`from` isn't verified",
    21212: "`from` isn't a valid number",
    21215: "calls to that country aren't permitted",
    21219: "a trial account can only call verified numbers",
    21408: "messages to that country aren't permitted",
    21603: "`from` is missing",
    21606: "`from` isn't a number of this account that can send SMS",
    21608: "a trial account can only send to verified numbers",
    21609: "Twilio doesn't accept `callback_url`",
    21703: "the Messaging Service has no sender",
    21704: "the Messaging Service has no number",
    21705: "unknown Messaging Service",
    30002: "the account is suspended",
    30007: "filtered as spam",
    30018: "the toll-free number isn't verified",
    30023: "the carrier's daily limit is reached",
    30024: "the toll-free number isn't verified",
    30032: "the toll-free number isn't verified",
    30034: "the number isn't registered for A2P 10DLC",
    30035: "the number isn't registered for A2P 10DLC",
    63038: "the account's daily limit is reached",
}
"""Errors that the operators must correct."""

ROUTER: Mapping[int, str] = {
    20001: "unknown parameter",
    21205: "unusable URL",
    21602: "no text",
    21605: "text too long",
    21617: "text too long",
}
"""Errors caused by a bug in the router."""

CLASSES = (
    ("Twilio", TRANSIENT),
    ("recipient", RECIPIENT),
    ("account", ACCOUNT),
    ("router", ROUTER),
)


def describe(code: int) -> str:
    """The meaning of an error code, and who must act on it."""
    for whose, words in CLASSES:
        if code in words:
            return f"{whose}: {words[code]} (Twilio error {code})"
    return f"Twilio error {code}"


def from_refusal(code: int, status: int, headers: Mapping[str, str], now: float) -> Result:
    """The result of an answer with an HTTP status other than success.

    Args:
        code: Twilio's error code; the HTTP status if the answer had no code.
        status: the HTTP status, which decides unless the code is one of those above.
        headers: of the answer.
        now: UTC seconds.
    """
    result = from_response(status, headers, b"", idempotent=False, now=now)
    if code == status:
        return result
    reason = f"HTTP {status}: {describe(code)}"
    if isinstance(result, Retry):
        return Retry(reason, result.after)
    if isinstance(result, Rejected):
        return Retry(reason) if code in TRANSIENT else Rejected(reason)
    return result
