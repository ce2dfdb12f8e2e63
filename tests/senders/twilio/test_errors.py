"""Twilio's error codes: which are worth another try, and whose fault they are."""

import pytest

from router.model.notification import Rejected, Result, Retry, Uncertain
from router.senders.twilio.errors import (
    ACCOUNT,
    RECIPIENT,
    ROUTER,
    TRANSIENT,
    describe,
    from_refusal,
)
from tests.senders.kit import NOW


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (
            21610,
            400,
            Rejected(
                "HTTP 400: recipient: the recipient has unsubscribed by STOP (Twilio error 21610)"
            ),
        ),
        (20003, 401, Rejected("HTTP 401: account: wrong credentials (Twilio error 20003)")),
        (21617, 400, Rejected("HTTP 400: router: text too long (Twilio error 21617)")),
        (
            21611,
            400,
            Retry("HTTP 400: Twilio: the sending number's queue is full (Twilio error 21611)"),
        ),
        (20429, 429, Retry("HTTP 429: Twilio: too many requests (Twilio error 20429)", 7.0)),
        (99999, 400, Rejected("HTTP 400: Twilio error 99999")),
        (99999, 503, Retry("HTTP 503: Twilio error 99999", 7.0)),
        (
            21610,
            500,
            Retry(
                "HTTP 500: recipient: the recipient has unsubscribed by STOP (Twilio error 21610)",
                7.0,
            ),
        ),
        (20500, 502, Uncertain("HTTP 502")),
        (404, 404, Rejected("HTTP 404")),
    ],
)
def test_a_refusal_is_for_good_or_worth_another_try(
    code: int, status: int, expected: Result
) -> None:
    """HTTP's status decides, unless the code knows better."""
    headers = {"Retry-After": "7"} if status in {429, 500, 503} else {}
    assert from_refusal(code, status, headers, NOW) == expected


def test_each_code_is_in_one_class() -> None:
    """None is both worth another try and for good."""
    classes = (TRANSIENT, RECIPIENT, ACCOUNT, ROUTER)
    assert len(set().union(*classes)) == sum(map(len, classes))


def test_a_code_of_a_status_callback_is_described() -> None:
    """Codes that come later than the answer have words, too."""
    assert (
        describe(30006) == "recipient: a landline, or an unreachable carrier (Twilio error 30006)"
    )
