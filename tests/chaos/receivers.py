"""Slack, PagerDuty, Twilio, SMTP and a webhook on loopback, in one process, that misbehave.

python -m tests.chaos.receivers SEED: prints the ports for HTTP and SMTP, and serves until its
standard input ends. `POST /-/calm` ends the faults, `GET /-/arrivals` is what was processed.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email import message_from_bytes, policy
from enum import StrEnum
from itertools import count
from random import Random
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.chaos.ledger import ACKNOWLEDGED, OPEN, RESOLVED, Arrival

CHANNEL_ID = "C0123ABCD"
LATE = 2.5
"""Seconds after receipt at which a late request is processed or answered: after the time-out."""

RARE = 0.35
"""Share of the requests that meet a fault."""


class Fault(StrEnum):
    NONE = "none"
    FAIL = "fail"  # an error, not processed
    THROTTLE = "throttle"  # 429 with Retry-After, not processed
    CUT = "cut"  # closed, not processed
    HANG = "hang"  # closed after a while, not processed
    LOSE = "lose"  # processed, then closed
    SLOW = "slow"  # processed, answered late
    LATE = "late"  # processed late, then closed
    DRIP = "drip"  # processed, answered byte by byte


class Receivers:
    """All providers. Each request is parsed, meets a fault, and is processed or not."""

    def __init__(self, seed: str) -> None:
        self.arrivals: list[Arrival] = []
        self.faults: dict[str, int] = {}
        self.calm = False
        self._random = Random(f"{seed} receivers")
        self._ts = (f"1503435956.{number:06}" for number in count(1))
        self._sids = count(1)

    # --- faults

    def draw(self) -> Fault:
        if self.calm or self._random.random() > RARE:
            return Fault.NONE
        fault = self._random.choice(list(Fault)[1:])
        self.faults[fault] = self.faults.get(fault, 0) + 1
        return fault

    async def serve(
        self,
        request: web.Request,
        respond: Callable[[], web.Response],
        apply: Callable[[float], object],
    ) -> web.StreamResponse:
        """Answer a request, processed or not, by the fault that it meets."""
        received = time()
        match self.draw():
            case Fault.FAIL:
                return web.Response(status=self._random.choice([500, 503]))
            case Fault.THROTTLE:
                return web.Response(status=429, headers={"Retry-After": "1"})
            case Fault.CUT:
                return _cut(request)
            case Fault.HANG:
                await asyncio.sleep(LATE)
                return _cut(request)
            case Fault.LOSE:
                apply(received)
                return _cut(request)
            case Fault.SLOW:
                apply(received)
                await asyncio.sleep(LATE)
                return _cut(request)
            case Fault.LATE:
                # Finished even if the client has gone: as a provider with a queue does.
                await asyncio.shield(_later(lambda: apply(received)))
                return _cut(request)
            case Fault.DRIP:
                apply(received)
                return await _drip(request, respond())
        apply(received)
        return respond()

    # --- Slack

    async def slack(self, request: web.Request) -> web.StreamResponse:
        content = await request.json()
        ts = str(content.get("ts") or next(self._ts))
        answer = {"ok": True, "channel": CHANNEL_ID, "ts": ts, "message": {"text": ""}}

        def apply(received: float) -> None:
            if "thread_ts" in content:
                return  # the message matters, the thread is a convenience
            text = f"{content['text']}\n{msgspec.json.encode(content['blocks']).decode()}"
            edit = request.path.endswith("chat.update")
            self._keep(received, "slack", words=text, edit=edit)

        return await self.serve(request, lambda: web.json_response(answer), apply)

    # --- PagerDuty

    async def pagerduty(self, request: web.Request) -> web.StreamResponse:
        event = await request.json()
        key, action = event["dedup_key"], event["event_action"]
        states = {"trigger": OPEN, "acknowledge": ACKNOWLEDGED, "resolve": RESOLVED}
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}

        def apply(received: float) -> None:
            _, name, life = key.split(":")
            arrival = Arrival(received, time(), "pager", _number(name), states[action], int(life))
            self.arrivals.append(msgspec.structs.replace(arrival, key=key))

        return await self.serve(request, lambda: web.json_response(answer, status=202), apply)

    # --- Twilio

    async def twilio(self, request: web.Request) -> web.StreamResponse:
        form = dict(parse_qsl((await request.read()).decode()))
        about = dict(parse_qsl(urlsplit(form["StatusCallback"]).query))
        body, sid = form["Body"], f"SM{next(self._sids):032x}"

        def apply(received: float) -> None:
            state = RESOLVED if re.search(r"INC-\d+ (resolved|was)", body) else OPEN
            state = ACKNOWLEDGED if re.search(r"INC-\d+ acknowledged", body) else state
            arrival = Arrival(received, time(), about["channel"], int(about["incident"]), state)
            marked = body.startswith("(try ")
            self.arrivals.append(
                msgspec.structs.replace(arrival, seq=int(about["seq"]), marked=marked)
            )

        def respond() -> web.Response:
            made = {"sid": sid, "status": "queued", "error_code": None, "to": form["To"]}
            return web.json_response(made, status=201)

        return await self.serve(request, respond, apply)

    # --- a webhook

    async def hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        data, key = body["data"], request.headers["webhook-id"]
        incident = data["incident"]
        state = OPEN if incident["closed_at"] is None else RESOLVED
        if state == OPEN and incident["acknowledged_at"]:
            state = ACKNOWLEDGED
        news = msgspec.json.encode(data["news"]).decode() if data["news"] else ""

        def apply(received: float) -> None:
            self.arrivals.append(
                Arrival(
                    *(received, time(), "hook", _number(incident["id"]), state),
                    life=incident["reopened"],
                    seq=data["sequence"],
                    key=key,
                    marked=data["may_be_repeated"],
                    news=news,
                )
            )

        return await self.serve(request, web.Response, apply)

    # --- mail

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        received, fault = time(), self.draw()
        if fault in {Fault.FAIL, Fault.THROTTLE}:
            return "451 try again later"
        if fault in {Fault.HANG, Fault.CUT}:
            await asyncio.sleep(LATE if fault is Fault.HANG else 0)
            server.transport.abort()
            return "451 too late"
        mail: Any = message_from_bytes(envelope.content or b"", policy=policy.default)
        to = str(envelope.rcpt_tos[0]).partition("@")[0]
        words = f"{mail['Subject']}\n{mail.get_body(('plain',)).get_content()}".replace("\r", "")
        key = str(mail["Message-ID"])
        self._keep(received, f"mail/{to}", words=words, key=key, seq=int(key.split(".")[1]))
        if fault is not Fault.NONE:
            await asyncio.sleep(0 if fault is Fault.LOSE else LATE)
            server.transport.abort()
        return "250 OK"

    def _keep(
        self,
        received: float,
        channel: str,
        *,
        words: str,
        key: str = "",
        seq: int = 0,
        edit: bool = False,
    ) -> None:
        """Keep a message in the words of the plan's internal alert."""
        [status] = re.findall(r"^Status: (.*)$", words, re.MULTILINE)
        nobody = re.search(r"^Incident Lead: nobody yet$", words, re.MULTILINE)
        state = RESOLVED if status.strip() == "RESOLVED" else OPEN if nobody else ACKNOWLEDGED
        marked = re.search(r"^Attempt \d+: an earlier one", words, re.MULTILINE) is not None
        number = _number(re.findall(r"\bINC-\d+\b", words)[0])
        self.arrivals.append(
            Arrival(
                *(received, time(), channel, number, state),
                seq=seq,
                key=key,
                marked=marked,
                edit=edit,
            )
        )

    # --- control

    async def become_calm(self, _: web.Request) -> web.Response:
        self.calm = True
        return web.json_response(self.faults)

    async def ledger(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.arrivals))

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1024**2)
        app.router.add_post("/-/calm", self.become_calm)
        app.router.add_get("/-/arrivals", self.ledger)
        app.router.add_post("/api/{method}", self.slack)
        app.router.add_post("/v2/enqueue", self.pagerduty)
        app.router.add_post("/2010-04-01/Accounts/{sid}/Messages.json", self.twilio)
        app.router.add_post("/hook", self.hook)
        return app


def _number(name: str) -> int:
    return int(name.removeprefix("INC-"))


def _cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _drip(request: web.Request, response: web.Response) -> web.StreamResponse:
    body = bytes(response.body or b"")  # type: ignore[arg-type]
    dripping = web.StreamResponse(
        status=response.status, headers={"Content-Type": "application/json"}
    )
    with suppress(ConnectionError):
        await dripping.prepare(request)
        for byte in body:
            await dripping.write(bytes([byte]))
            await asyncio.sleep(LATE / max(1, len(body)))
        await dripping.write_eof()
    return dripping


_RUNNING: set[asyncio.Task[None]] = set()


def _later(apply: Callable[[], object]) -> Awaitable[None]:
    async def run() -> None:
        await asyncio.sleep(LATE)
        apply()

    task = asyncio.ensure_future(run())
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return task


async def main(seed: str) -> None:
    receivers = Receivers(seed)
    runner = web.AppRunner(receivers.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(receivers), "127.0.0.1", 0)
    sys.stdout.write(f"{runner.addresses[0][1]} {smtp.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
