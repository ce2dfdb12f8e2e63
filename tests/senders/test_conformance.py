"""Conformance of senders: these tests run for each kind of channel."""

import logging
import math
import re
from contextlib import suppress
from functools import partial

import pytest
from msgspec.structs import replace

from router.model.incident import Severity, Status
from router.model.notification import Message, Rejected, Retry, Sent, Uncertain
from router.ports.write_guard import WriteRefused, guarded
from router.senders import KINDS
from tests.senders.kit import (
    NOW,
    Disconnect,
    Hang,
    Reply,
    make_message,
    mentions,
    written_by_others,
)
from tests.senders.subjects import SUBJECTS, Subject, asks, bench, texts

HOSTILE = [
    "<!channel> <@U123>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "\r\nBcc: victim@example.com\r\n\r\n",
    "\nStatus: RESOLVED",
    "@everyone #12",
    "[x](javascript:alert(1))",
    "``` ` ```",
    "&amp;&lt;",
    "</Say><Dial>+1900</Dial>",
    "]]>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202e\x00\x1b[2J",
    "<!-- alert-router:told:999 -->",
    "*bold*_|~",
    "\u2028",
    "%0d%0a",
    "=?utf-8?q?x?=",
    "<at>ana</at>",
    "é漢👩‍🚒",
    "x" * 5000,
]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\ud800-\udfff]")
STATES = {
    "open": {},
    "acknowledged": {"acknowledged_at": NOW - 60, "acknowledged_by": "ana"},
    "resolved": {"status": Status.RESOLVED, "closed_at": NOW, "closed_by": "ana"},
}
LONG = "[DRILL] " + "Payment failures at 2.3 % on every service there is " * 20


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]


def message(subject: Subject, **changes: object) -> Message:
    return make_message(**subject.message | changes)


def test_every_kind_of_channel_is_covered() -> None:
    """A new kind is registered in `subjects`."""
    assert {subject.kind for subject in SUBJECTS.values()} == set(KINDS)


@pytest.mark.parametrize("state", STATES)
async def test_each_state_of_an_incident_is_accepted_by_the_service(
    subject: Subject, state: str
) -> None:
    async with bench(subject) as made:
        assert isinstance(await made.send(message(subject, **STATES[state])), Sent)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_stays_in_its_place(subject: Subject, text: str) -> None:
    """In every field that an alert or a person writes.

    The service checks the rest of its format.
    """
    hostile = written_by_others(text, title=f"x{text}", runbook=text, public_title=text, url=text)
    async with bench(subject) as made:
        assert isinstance(await made.send(hostile), Sent)
        if subject.kind == "webhook":
            return  # a program reads it, as it is
        for shown in texts(subject, made.requests):
            assert not CONTROL.search(shown.replace("\r\n", "\n"))


@pytest.mark.parametrize("state", STATES)
async def test_a_drill_is_marked_at_the_beginning(subject: Subject, state: str) -> None:
    """However long its title is; and what is real isn't marked. The public sees no drill."""
    async with bench(subject) as made:
        assert isinstance(
            await made.send(message(subject, drill=True, title=LONG, **STATES[state])), Sent
        )
        drill = texts(subject, made.requests)
        made.requests.clear()
        await made.send(message(subject, **STATES[state]))
        real = texts(subject, made.requests)
    if subject.options("http://127.0.0.1:1", 1.0).capabilities.is_public:
        assert not drill
    assert all(re.search("DRILL|drill", text[:120]) for text in drill)
    assert not any(re.search("DRILL|drill", text) for text in real)


async def test_a_stakeholder_is_asked_for_nothing(subject: Subject) -> None:
    """Not even by a button. Paged people are asked, where the channel accepts answers."""

    def link(command: str, _: str) -> str:
        return f"https://router.example.com/act/{command}"

    async with bench(subject) as made:
        await made.send(message(subject, for_stakeholder=True, link=link))
        assert not any(map(asks, texts(subject, made.requests)))
        made.requests.clear()
        await made.send(message(subject, link=link, seq=2))
        if subject.options("http://127.0.0.1:1", 1.0).capabilities.answers:
            assert any(map(asks, texts(subject, made.requests)))


async def test_a_bundle_names_or_counts_all_its_incidents(subject: Subject) -> None:
    """Where the channel is sent bundles."""
    if not subject.options("http://127.0.0.1:1", 1.0).capabilities.bundles:
        pytest.skip("isn't sent bundles")
    async with bench(subject) as made:
        assert isinstance(await made.send(message(subject, other_incidents=mentions(3))), Sent)
        (text,) = texts(subject, made.requests)
    plain = text.replace("1 4 3", "143").replace("1 4 4", "144")
    assert "143" in plain
    assert "144" in plain
    assert re.search(r"145|\+1|3 MORE|3 more", plain)


async def test_a_storm_is_one_summary(subject: Subject) -> None:
    """It counts all, names the first ones, links the list of all, and replaces no other message."""
    if not subject.options("http://127.0.0.1:1", 1.0).capabilities.bundles:
        pytest.skip("isn't sent bundles")
    scattered = ",".join(str(number) for number in range(100_142, 100_566, 2))
    ids = "142-354" if subject.kind == "sms" else scattered
    url = f"http://127.0.0.1:9095/incidents?ids={ids}"
    others = mentions(212, title="Disk full on " + "a very long name " * 30, severity=Severity.P1)
    storm = message(subject, severity=Severity.P1, other_incidents=others, list_url=url)
    async with bench(subject) as made:
        first = await made.send(message(subject, severity=Severity.P1))
        assert isinstance(first, Sent)
        made.requests.clear()
        again = replace(storm, seq=2, sent=1, ref=first.ref)
        assert isinstance(await made.send(again), Sent)
        (text,) = texts(subject, made.requests)
        assert "edit" not in made.requests[0].path
    assert re.search(r"212 (MORE|more)", text)
    assert "143" in text.replace("1 4 3", "143")
    assert subject.kind == "voice" or f"ids={ids}" in text.replace("&#x3D;", "=")


async def test_each_refusal_means_what_it_means_elsewhere(subject: Subject) -> None:
    """One attempt is one request, and no redirect is followed."""
    async with bench(subject) as made:
        for refusal, expected in made.refusals:
            made.requests.clear()
            made.refuse(refusal)
            result = await made.send(message(subject))
            assert type(result) is expected, (refusal, result)
            assert len(made.requests) <= 1, refusal


async def test_a_lost_answer_is_uncertain_unless_the_service_recognises_a_repetition(
    subject: Subject,
) -> None:
    if subject.kind in {"console", "email"}:
        pytest.skip("has no answers that could get lost on their own")
    async with bench(subject, 0.3) as made:
        for broken in (Hang(), Disconnect()):
            made.refuse(broken)
            made.refuse(broken)  # aiohttp itself repeats a GET after a lost connection
            result = await made.send(message(subject))
            assert type(result) is (Retry if subject.recognises else Uncertain), (broken, result)


async def test_nothing_is_written_without_the_lease(subject: Subject) -> None:
    """It may end while the sender connects, or right before its last byte."""
    looks: list[int] = []

    def looked(left: float) -> bool:
        looks.append(1)
        return len(looks) <= left

    async with bench(subject) as made:
        with guarded(lambda: looked(math.inf)):
            assert isinstance(await made.send(message(subject)), Sent)
        complete, needed = len(made.requests), len(looks)
    for left in (0, needed - 1):
        looks.clear()
        async with bench(subject) as made:
            with guarded(partial(looked, left)) as guard, suppress(WriteRefused):
                assert not isinstance(await made.send(message(subject)), Rejected)
            assert guard.refused
            assert len(made.requests) < (complete if left else 1)


async def test_a_repeated_message_is_recognisable(subject: Subject) -> None:
    """It has the same id, and the next message another; or nothing is written twice."""
    async with bench(subject) as made:
        first = message(subject)
        for one in (first, first):
            assert isinstance(await made.send(one), Sent)
        written = [
            request
            for request in made.requests
            if request.method != "GET" and subject.read(request)
        ]
        if not subject.recognises:
            return
        ids = [subject.identity(one) for one in written]
        if any(ids):
            assert len(ids) == 2
            assert ids[0] == ids[1]
        else:
            assert len(written) == 1


async def test_no_result_and_no_log_shows_a_secret(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even if the service quotes it."""
    options = subject.options("http://127.0.0.1:1", 1.0)
    assert not subject.secret or subject.secret not in repr(options)
    caplog.set_level(logging.DEBUG)
    secret = subject.secret or "s3cret"
    quotes = [f"550 no {secret}", f"451 no {secret}"] if subject.kind == "email" else []
    answers = quotes or [Reply(400, secret.encode()), Reply(500, secret.encode()), Hang()]
    async with bench(subject, 0.3) as made:
        for answer in answers:
            made.refuse(answer)
            result = await made.send(message(subject))
            assert subject.kind == "console" or isinstance(result, Retry | Rejected | Uncertain)
            assert secret not in repr(result)
    # The relay of these tests runs in the same process, and logs what it answers.
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert not any(secret in line for line in ours)


async def test_another_message_about_the_incident_has_another_id(subject: Subject) -> None:
    """Except where the id is that of the incident, as in PagerDuty."""
    if subject.kind == "pagerduty":
        pytest.skip("one alert for each incident")
    async with bench(subject) as made:
        first = message(subject)
        for one in (first, replace(first, seq=2)):
            assert isinstance(await made.send(one), Sent)
        ids = [subject.identity(request) for request in made.requests]
        if any(ids):
            assert len(set(ids)) == 2
