"""Type `sms`: the words in two segments, and Twilio's package against a loopback double that checks
each field.
"""

from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.incident import Status
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.senders.twilio.sms import SmsConfig, build, text
from tests.core.text.test_gsm7 import segments
from tests.senders import kit
from tests.senders.kit import (
    NOW,
    BreakOff,
    Peer,
    Reply,
    check_broken_connections,
    check_leaks_no_secret,
    check_retry_after,
    check_statuses,
    make_message,
    mentions,
    refusing_url,
)
from tests.senders.twilio_double import (
    ACCOUNT,
    NUMBER,
    OTHER,
    SENDER,
    TOKEN,
    Twilio,
    problem,
    refusal,
)

CALLBACK = HttpUrl("https://router.example.com/")
SIDS = [f"SM{n:032x}" for n in range(3)]
KEY_SID, SERVICE_SID = "SK" + "1" * 32, "MG" + "2" * 32


def make_config(url: str = "https://127.0.0.1", **options: Any) -> SmsConfig:
    given = {
        "account_sid": ACCOUNT,
        "auth_token": Secret(TOKEN),
        "from_": SENDER,
        "to": (NUMBER,),
        **options,
    }
    return SmsConfig(api_url=HttpUrl(url), **given)


async def deliver(message: Message, twilio: Twilio, **options: Any) -> Result:
    def configured(url: str, _seconds: float) -> SmsConfig:
        return make_config(url, **options)

    (result,), _ = await kit.deliver("sms", configured, twilio, message)
    return result


# --- what is sent


async def test_a_page_is_one_message_of_ten_minutes_validity() -> None:
    """The form in full, as Twilio gets it."""
    twilio = Twilio()
    message = make_message(channel="on call", seq=3)
    assert await deliver(message, twilio, callback_url=CALLBACK) == Sent(SIDS[1])
    assert twilio.forms == [
        {
            "To": NUMBER,
            "From": SENDER,
            "Body": "P0 INC-142: Payment failures at 2.5% on "
            "api\nhttp://127.0.0.1:9095/incidents/142\n"
            "Reply ACK 142, RES 142 or ESC 142.",
            "ValidityPeriod": "600",
            "StatusCallback": (
                "https://router.example.com/webhooks/twilio/status?incident=142&channel=on+call&s"
                "eq=3"
            ),
        }
    ]


async def test_a_messaging_service_and_an_api_key_take_the_place_of_number_and_token() -> None:
    """The account stays in the path, and the key signs in."""
    twilio = Twilio(user=KEY_SID, password="key-secret")
    options = {"auth_token": None, "api_key_sid": KEY_SID, "api_key_secret": Secret("key-secret")}
    service = {"from_": "", "messaging_service_sid": SERVICE_SID}
    assert isinstance(await deliver(make_message(), twilio, **options, **service), Sent)
    assert twilio.forms[0]["MessagingServiceSid"] == SERVICE_SID


async def test_a_persons_own_number_goes_before_the_channels() -> None:
    """`Message.to` is where it goes, if it's there."""
    twilio = Twilio()
    await deliver(make_message(to=OTHER), twilio)
    assert [form["To"] for form in twilio.forms] == [OTHER]


@pytest.mark.parametrize(
    "options", [{"to": ()}, {"letter_to": "0207 946 0123"}, {"letter_to": "+44 20"}]
)
async def test_nobody_to_write_to_is_refused_before_twilio_is_asked(
    options: dict[str, Any],
) -> None:
    """No number, or one without its country."""
    twilio = Twilio()
    message = make_message(to=options.pop("letter_to", ""))
    assert isinstance(await deliver(message, twilio, **options), Rejected)
    assert not twilio.forms


async def test_several_numbers_get_a_message_each_and_none_twice(
    session: aiohttp.ClientSession,
) -> None:
    """One that Twilio can't take now doesn't hold up, nor double, the other."""
    twilio = Twilio(refusals={OTHER: refusal(21611)})
    async with Peer(answer=twilio) as peer:
        sender = build("phone", make_config(peer.url, to=(NUMBER, OTHER)), session)
        first = await sender.send(make_message())
        assert isinstance(first, Retry)
        twilio.refusals.clear()
        again = make_message(progress=first.progress)
        assert await sender.send(again) == Sent(f"{SIDS[1]} {SIDS[2]}")
    assert [form["To"] for form in twilio.forms] == [NUMBER, OTHER]


# --- results


async def test_outcomes_are_read_as_by_all_senders(session: aiohttp.ClientSession) -> None:
    """Twilio knows no repeated request, so what may have arrived is uncertain.

    Its package's own retries are off.
    """
    async with Peer() as peer:
        sender = build("phone", make_config(peer.url), session)

        async def send() -> Result:
            return await sender.send(make_message())

        await check_statuses(peer, send, idempotent=False, lowest=300)
        await check_retry_after(peer, send)
        sender = build("phone", make_config(peer.url, timeout=Duration(0.3)), session)
        await check_broken_connections(peer, send, idempotent=False)


@pytest.mark.parametrize("tell", [refusal, problem])
async def test_both_of_twilios_ways_to_tell_an_error_are_read(tell: Any) -> None:
    """The code selects our own text: Twilio's may quote the message."""
    why = "recipient: a landline, which can't receive SMS (Twilio error 21635)"
    landline = Rejected(f"HTTP 400: {why}")
    assert await deliver(make_message(), Twilio(refusals={NUMBER: tell(21635)})) == landline
    full = Retry("HTTP 429: Twilio: too many requests (Twilio error 20429)", None)
    assert await deliver(make_message(), Twilio(refusals={NUMBER: tell(20429, 429)})) == full


async def test_wrong_credentials_are_named() -> None:
    """For the operators, who are the ones to put it right."""
    result = await deliver(make_message(), Twilio(password="changed"))
    assert result == Rejected("HTTP 401: account: wrong credentials (Twilio error 20003)")


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>"),
        Reply(201, b""),
        Reply(201, json=[1]),
        Reply(201, json={}),
        Reply(201, b"\xff"),
        BreakOff(),
    ],
)
async def test_a_success_that_is_not_twilios_is_uncertain(
    session: aiohttp.ClientSession, answer: Any
) -> None:
    """A proxy's page wakes nobody."""
    async with Peer(answer) as peer:
        result = await build("phone", make_config(peer.url), session).send(make_message())
    assert result == Uncertain("answer isn't one of Twilio's")


async def test_a_twilio_out_of_reach_is_tried_again(session: aiohttp.ClientSession) -> None:
    """Nothing was written, so nothing is doubled."""
    sender = build("phone", make_config(refusing_url()), session)
    assert await sender.send(make_message()) == Retry("connection refused or host unreachable")


async def test_credentials_that_no_header_holds_are_refused_before_the_request() -> None:
    """Half of a surrogate pair can't be encoded: nothing was sent, and nothing will be."""
    result = await deliver(make_message(), Twilio(), auth_token=Secret("\udcff"))
    assert result == Rejected("address or header unusable")


async def test_the_environment_does_not_move_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package would take a region from there; `api_url` is where requests go."""
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    assert isinstance(await deliver(make_message(), Twilio()), Sent)


async def test_no_secret_is_told(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by a result nor in a log, not even in debug mode."""
    async with Peer() as peer:
        config = make_config(peer.url, timeout=Duration(0.3))
        assert TOKEN not in repr(config)
        sender = build("phone", config, session)
        await check_leaks_no_secret(TOKEN, peer, lambda: sender.send(make_message()), caplog)


# --- the words


CLOSED = {"closed_at": NOW, "status": Status.RESOLVED}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"closed_by": "ana", **CLOSED},
            "INC-142 resolved by ana: Payment failures at 2.5% on api",
        ),
        (CLOSED, "INC-142 resolved: Payment failures at 2.5% on api"),
        (
            {"closed_at": NOW, "status": Status.FALSE_POSITIVE},
            "INC-142 was a false positive: Payment failures at 2.5% on api",
        ),
        (
            {"acknowledged_at": NOW, "acknowledged_by": "ana"},
            (
                "P0 INC-142 acknowledged by ana: Payment failures at 2.5% on "
                "api\nhttp://127.0.0.1:9095/incidents/142"
            ),
        ),
        (
            {"url": "https://example.com/~ü😀", "title": "🚨"},
            "P0 INC-142: no title\nReply ACK 142, RES 142 or ESC 142.",
        ),
    ],
)
def test_the_text_is_of_the_incident_as_it_is(changes: dict[str, Any], expected: str) -> None:
    """Only a page asks for an answer; a closing is short; a link that would break is left out."""
    letter_url = {"url": changes.pop("url")} if "url" in changes else {}
    assert (
        text(msgspec.structs.replace(make_message(**changes), **letter_url), answerable=True)
        == expected
    )


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"callback_url": CALLBACK}, True),
        ({"callback_url": CALLBACK, "from_": "", "messaging_service_sid": SERVICE_SID}, True),
        ({"callback_url": CALLBACK, "from_": "VintStreet"}, False),
        ({}, False),
    ],
)
def test_an_answer_is_asked_for_only_where_it_would_arrive(
    options: dict[str, Any], asked: bool
) -> None:
    """A person whose answer gets lost would believe to have acknowledged."""
    assert make_config(**options).answerable is asked
    assert ("Reply" in text(make_message(), answerable=asked)) is asked


WORDS = (
    st.text(max_size=400)
    | st.text("€[]{}a ", min_size=100, max_size=400)
    | st.text("é🚨… Ж", max_size=400)
)


@given(
    title=WORDS,
    name=WORDS,
    url=st.sampled_from(
        ["", "https://example.com/" + "x" * 99, "https://example.com/" + "x" * 500]
    ),
    state=st.sampled_from([{}, {"acknowledged_at": NOW}, CLOSED]),
    number=st.sampled_from([1, 142, 10**9]),
)
def test_any_title_stays_in_two_segments(
    *, title: str, name: str, url: str, state: dict[str, Any], number: int
) -> None:
    """And in GSM-7, since one other character would make it five."""
    message = make_message(id=number, title=title, acknowledged_by=name, closed_by=name, **state)
    body = text(msgspec.structs.replace(message, url=url), answerable=True)
    assert segments(body) <= (1 if "closed_at" in state else 2)
    assert f"INC-{number}" in body
    assert body.isprintable() or "\n" in body


# --- the config


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"account_sid": "AC123"}, "account_sid"),
        ({"auth_token": None}, "auth_token"),
        ({"api_key_sid": KEY_SID, "api_key_secret": Secret("x")}, "either `auth_token`"),
        ({"auth_token": None, "api_key_sid": KEY_SID}, "go together"),
        ({"auth_token": None, "api_key_sid": "key", "api_key_secret": Secret("x")}, "api_key_sid"),
        ({"to": ("07700900123",)}, "with its country"),
        ({"from_": ""}, "`from`"),
        ({"messaging_service_sid": SERVICE_SID}, "`from`"),
        ({"from_": "", "messaging_service_sid": "MG1"}, "messaging_service_sid"),
    ],
)
def test_a_config_that_twilio_would_refuse_is_refused_first(
    options: dict[str, Any], complaint: str
) -> None:
    """The error names the field."""
    with pytest.raises(ValueError, match=complaint):
        make_config(**options)


def test_several_incidents_are_one_text() -> None:
    """The most important incident first, then others while they fit, and how many more there
    are.
    """
    message = make_message(
        severity="P1",
        title="Disk full on db1",
        other_incidents=mentions(12, title="Disk full", severity="P2"),
    )
    assert text(message, answerable=True) == (
        "P1 INC-142: Disk full on db1\n"
        "And 12 more: P2 INC-143: Disk full, P2 INC-144: Disk full, P2 INC-145: Disk full, "
        "P2 INC-146: Disk full, "
        "P2 INC-147: Disk full, P2 INC-148: Disk full, P2 INC-149: Disk full, P2 INC-150: "
        "Disk full, "
        "P2 INC-151: Disk full, +3"
        "\nReply ACK, RES or ESC and the number."
    )


@given(
    title=WORDS,
    other=WORDS,
    count=st.integers(1, 99),
    state=st.sampled_from([{}, {"acknowledged_at": NOW}, CLOSED]),
)
def test_any_number_of_incidents_stays_in_two_segments(
    *, title: str, other: str, count: int, state: dict[str, Any]
) -> None:
    message = make_message(
        title=title, **state, other_incidents=mentions(count, title=other, **state)
    )
    body = text(message, answerable=True)
    assert segments(body) <= 2
    assert f"And {count} more" in body


@pytest.mark.parametrize(
    "closed", [{}, {"status": Status.RESOLVED, "closed_at": NOW, "closed_by": "somebody"}]
)
def test_a_drill_is_marked_once_and_within_two_segments(closed: dict[str, Any]) -> None:
    """However long its title is."""
    title = "[DRILL] " + "Payment failures at 2.3 % on every service there is " * 20
    said = text(make_message(drill=True, title=title, **closed), answerable=True)
    assert said.count("DRILL") == 1
    assert segments(said) <= 2
