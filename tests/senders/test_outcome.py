"""Results of HTTP answers and failures, against real broken servers."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.senders.http import MAX_ANSWER, post
from router.senders.outcome import (
    MAX_RETRY_AFTER,
    error_word,
    from_error,
    from_response,
    retry_after,
)
from tests.senders.certificate import DAY, make_certificate, server_context
from tests.senders.kit import (
    NOW,
    STATUS_TABLE,
    BreakOff,
    Peer,
    Reply,
    check_broken_connections,
    check_retry_after,
    check_statuses,
    refusing_url,
)


async def attempt(
    url: str,
    *,
    idempotent: bool = False,
    seconds: float = 5.0,
    tls: ssl.SSLContext | bool = True,
) -> tuple[Result, bytes]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        return await post(
            session,
            f"{url}/s3cret",
            body=b"{}",
            headers={},
            timeout=seconds,
            idempotent=idempotent,
            now=NOW,
        )


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_post_takes_each_status_for_what_it_means(idempotent: bool) -> None:
    async with Peer() as peer:

        async def send() -> Result:
            return (await attempt(peer.url, idempotent=idempotent))[0]

        await check_statuses(peer, send, idempotent=idempotent)
        await check_retry_after(peer, send)


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_request_that_was_read_and_not_answered_may_have_arrived(idempotent: bool) -> None:
    async with Peer() as peer:

        async def send() -> Result:
            return (await attempt(peer.url, idempotent=idempotent, seconds=0.3))[0]

        await check_broken_connections(peer, send, idempotent=idempotent)


async def test_an_answer_counts_even_if_its_body_breaks_off() -> None:
    async with Peer(BreakOff()) as peer:
        assert await attempt(peer.url) == (Sent(), b"half")


async def test_no_more_of_an_answer_is_read_than_needed() -> None:
    async with Peer(Reply(200, b"x" * (MAX_ANSWER * 4))) as peer:
        result, answer = await attempt(peer.url)
    assert isinstance(result, Sent)
    assert len(answer) == MAX_ANSWER


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (refusing_url(), Retry("connection refused or host unreachable")),
        ("http://nowhere.invalid", Retry("host name not found")),
        ("ftp://127.0.0.1", Rejected("address unusable")),
        ("http://" + "a" * 70 + ".invalid", Rejected("address or header unusable")),
    ],
    ids=["refused", "unknown host", "unusable scheme", "unusable host"],
)
async def test_a_request_that_was_never_written_is_certainly_not_sent(
    url: str, expected: Result
) -> None:
    assert await attempt(url) == (expected, b"")


async def test_a_header_that_cannot_be_sent_is_refused_before_anything_is() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        headers = {"x": "two\nlines"}
        result, _ = await post(
            session, peer.url, body=b"", headers=headers, timeout=5.0, idempotent=False, now=NOW
        )
        assert isinstance(result, Rejected)
        assert not peer.requests


async def test_a_time_out_while_connecting_is_certainly_not_sent() -> None:
    # A listener that accepts nothing: its backlog is full, so that further connections wait.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert await attempt(url, seconds=0.4) == (Retry("connection timed out"), b"")
        for filler in fillers:
            filler.close()


async def test_a_failed_tls_handshake_is_certainly_not_sent() -> None:
    async with Peer() as peer:
        result, _ = await attempt(peer.url.replace("http://", "https://"))
    assert result == Retry("TLS handshake failed")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"expires_in": -DAY}, "certificate has expired"),
        ({"address": "127.0.0.2"}, "IP address mismatch"),
        (None, "self-signed certificate"),
    ],
)
async def test_a_refused_certificate_is_named_and_certainly_not_sent_to(
    tmp_path: Path, options: dict[str, Any] | None, fault: str
) -> None:
    """Trusted, but expired or of another server; valid, but not trusted."""
    certificate = make_certificate(tmp_path, **options or {})
    tls = ssl.create_default_context(cafile=certificate if options else None)
    async with await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server_context(certificate)
    ) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        result, _ = await attempt(url, tls=tls)
    assert result == Retry(f"TLS certificate refused: {fault}")


async def test_a_tls_handshake_that_hangs_is_certainly_not_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        result, _ = await attempt(f"https://127.0.0.1:{listener.getsockname()[1]}", seconds=0.4)
    assert result == Retry("connection timed out")


async def test_an_answer_that_is_not_http_leaves_it_open_whether_it_was_sent() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"hello\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        result, _ = await attempt(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert result == Uncertain("answer isn't HTTP")


ERRORS: list[tuple[Exception, type[Result]]] = [
    (aiohttp.ClientConnectorCertificateError(None, ssl.SSLCertVerificationError("s3cret")), Retry),  # type: ignore[arg-type]
    (aiohttp.ConnectionTimeoutError("https://s3cret"), Retry),
    (aiohttp.SocketTimeoutError("s3cret"), Uncertain),
    (aiohttp.ServerDisconnectedError("s3cret"), Uncertain),
    (aiohttp.ClientConnectionResetError("s3cret"), Uncertain),
    (aiohttp.ClientOSError(104, "s3cret"), Uncertain),
    (aiohttp.ClientPayloadError("s3cret"), Uncertain),
    (aiohttp.InvalidURL("https://s3cret"), Rejected),
    (TimeoutError("s3cret"), Uncertain),
]


@pytest.mark.parametrize(
    ("failure", "expected"), ERRORS, ids=lambda value: getattr(type(value), "__name__", "")
)
async def test_every_failure_has_its_meaning_and_tells_no_secret(
    failure: Exception, expected: type[Result]
) -> None:
    with aioresponses() as network:
        network.post("http://127.0.0.1/s3cret", exception=failure)
        result, _ = await attempt("http://127.0.0.1")
    assert type(result) is expected
    assert "s3cret" not in repr(result)


@given(failure=st.sampled_from([failure for failure, _ in ERRORS]))
def test_a_request_the_service_recognises_is_never_uncertain(failure: Exception) -> None:
    assert not isinstance(from_error(failure, idempotent=True), Uncertain)


@given(
    row=st.sampled_from(STATUS_TABLE),
    idempotent=st.booleans(),
    headers=st.dictionaries(st.sampled_from(["retry-after", "Retry-After", "Date"]), st.text()),
    body=st.binary(),
)
def test_headers_and_body_never_change_what_a_status_means(
    row: tuple[int, type[Result], type[Result]],
    idempotent: bool,
    headers: dict[str, str],
    body: bytes,
) -> None:
    status, recognised, unrecognised = row
    result = from_response(status, CIMultiDict(headers), body, idempotent=idempotent, now=NOW)
    assert type(result) is (recognised if idempotent else unrecognised)


@given(
    st.text()
    | st.from_regex(r"-?[0-9]+(\.[0-9]+)?")
    | st.datetimes().map("{:%a, %d %b %Y %H:%M:%S GMT}".format)
)
def test_any_retry_after_is_a_sensible_wait_or_none(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("9" * 400, MAX_RETRY_AFTER),
        ("Thu, 01 Jan 2026 12:11:00 -0000", 60.0),
        ("Thursday, 01-Jan-26 12:11:00 GMT", 60.0),
        ("Thu Jan  1 12:11:00 2026", 60.0),
        ("", None),
        ("٣", None),
        ("1e3", None),
    ],
)
def test_retry_after_is_seconds_or_one_of_the_three_forms_of_date(
    value: str, expected: float | None
) -> None:
    assert retry_after(value, NOW) == expected


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"invalid_token", "invalid_token"),
        (b"no_service\n", "no_service"),
        (b"", ""),
        (b"<html>", ""),
        (b"cannot POST /services/T0/B0/s3cret", ""),
        (b"xoxb", "xoxb"),
        (b"a" * 61, ""),
        ("fehler_ä".encode(), ""),
    ],
)
def test_only_the_bare_name_of_an_error_is_quoted(body: bytes, word: str) -> None:
    assert error_word(body) == word
