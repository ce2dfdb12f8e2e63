"""Type `apprise`: any of the 120 services of Apprise (https://github.com/caronc/apprise).

Apprise reports only whether it succeeded, so the result comes from the lines that it logs: the
status of an HTTP answer, and whether a connection failed before the request was sent. A failure
without a known cause is `Uncertain`.

Apprise blocks, so it runs in threads. It is an extra, and is imported at the first message, because
its import match_all a second.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from importlib.util import find_spec
from typing import Any

import aiohttp

from router.config.channel_options import ChannelOptions
from router.config.secret import Secret
from router.core.messages.render import content
from router.model.incident import Severity
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.model.scalars import Duration
from router.ports.write_guard import check_write
from router.senders.links import answers, links
from router.senders.markup import TEXT, headline, write
from router.senders.outcome import from_response
from router.senders.recipients import RecipientList, side_by_side

MISSING = "apprise isn't installed: pip install 'alert-router[apprise]'"
UNKNOWN = "Apprise can't read this URL"

MAX_BODY = 4000
"""Maximum characters. Apprise itself cuts to the smaller limits of some services."""

URL = re.compile(r"([a-z][a-z0-9+.-]*)://\S+")
STATUS = re.compile(r"error=([1-5][0-9]{2})\b")
UNSENT = re.compile(
    r"Failed to establish a new connection|ConnectTimeout|NameResolutionError|SSLError|ProxyError"
)
"""Found in the text of `requests` exceptions that are raised before the request is written."""

SOCKET = "Socket Exception"
NOT_SENT = "Socket Exception before the request"

KINDS = {
    Severity.P0: "failure",
    Severity.P1: "failure",
    Severity.P2: "warning",
    Severity.P3: "info",
}


class AppriseConfig(ChannelOptions, frozen=True, kw_only=True):
    """`urls` are Apprise's URLs, one for each service, each with its credentials.

    links: add links to answer with. Anybody who has a link may use it.
    """

    urls: tuple[Secret, ...]
    links: bool = True
    timeout: Duration = Duration(20.0)

    def __post_init__(self) -> None:
        if find_spec("apprise") is None:
            raise ValueError(MISSING)
        if not self.urls:
            raise ValueError("`urls` is empty")
        for place, url in enumerate(self.urls, 1):
            if not URL.fullmatch(url.reveal()):
                raise ValueError(f"`urls`: item {place} is not a URL such as SERVICE://CREDENTIALS")


class AppriseSender:
    """Sends to each URL with a separate result."""

    def __init__(self, name: str, config: AppriseConfig) -> None:
        self._config = config
        self._list = RecipientList(service)
        self._services: dict[str, Any] = {}
        workers = max(config.concurrency, 1) * len(config.urls)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=f"apprise-{name}")

    async def send(self, message: Message) -> Result:
        async def one(url: str) -> Result:
            return await self._run(url, message)

        urls = [url.reveal() for url in self._config.urls]
        return await self._list.send(message, urls, side_by_side(one))

    async def verify(self) -> str | Result:
        """Check that Apprise can parse the URLs. It can't check credentials."""
        loop = asyncio.get_running_loop()
        for url in self._config.urls:
            if not await loop.run_in_executor(self._threads, self._service, url.reveal()):
                return Rejected(f"{UNKNOWN}: {service(url.reveal())}")
        return f"{', '.join(service(url.reveal()) for url in self._config.urls)}: URLs are readable"

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, url: str, message: Message) -> Result:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._config.timeout):
                call = partial(copy_context().run, self._notify, url, message)
                return await loop.run_in_executor(self._threads, call)
        except TimeoutError:
            return Uncertain("no answer in time")
        except Exception as error:  # noqa: BLE001 - a service's plugin may raise anything
            return Uncertain(f"Apprise failed: {type(error).__name__}")

    def _notify(self, url: str, message: Message) -> Result:
        if (known := self._service(url)) is None:
            return Rejected(f"{UNKNOWN}: {service(url)}")
        check_write()  # its plugins open their own connections, so later checks aren't possible
        kind = KINDS[message.incident.severity] if message.incident.is_open else "success"
        result = known.notify(
            body=text(message, answerable=self._config.links),
            title=TEXT.escape(headline(message)),
            notify_type=kind,
            body_format="text",
            log_level=logging.DEBUG,
        )
        lines = [entry.message for capture in result for entry in capture.logs()]
        return outcome(lines, succeeded=bool(result))

    def _service(self, url: str) -> Any:
        """Apprise with the service of this URL; None if it can't parse the URL."""
        if url not in self._services:
            self._services[url] = load(url, self._config.timeout)
        return self._services[url]


def build(name: str, config: AppriseConfig, _session: aiohttp.ClientSession) -> AppriseSender:
    return AppriseSender(name, config)


def service(url: str) -> str:
    """The service of a URL, without its credentials."""
    return f"{url.partition(':')[0]}://"


def load(url: str, seconds: float) -> Any:
    """Apprise with one service; None if it can't parse the URL."""
    import apprise  # noqa: PLC0415 - see the module

    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.addFilter(harmless)
    logger.propagate = False
    logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it logs URLs
    asset = apprise.AppriseAsset(app_id="alert-router", secure_logging=True)
    known = apprise.Apprise.instantiate(url, asset=asset)
    if known is None:
        return None
    known.socket_connect_timeout = seconds / 2
    known.socket_read_timeout = seconds
    known.overflow_mode = apprise.OverflowMode.TRUNCATE
    loaded = apprise.Apprise(asset=asset)
    loaded.add(known)
    return loaded


def harmless(record: logging.LogRecord) -> bool:
    """Pass only the log records that `outcome` needs. At DEBUG, Apprise logs URLs and bodies.

    The text of an exception quotes the URL, so only the kind of exception is kept.
    """
    if record.levelno > logging.DEBUG:
        return True
    text = record.getMessage()
    if text.startswith(SOCKET):
        record.msg, record.args = NOT_SENT if UNSENT.search(text) else SOCKET, ()
        return True
    return False


def outcome(lines: Iterable[str], *, succeeded: bool) -> Result:
    """The result, derived from the lines that Apprise logged."""
    if succeeded:
        return Sent()
    text = "\n".join(lines)
    result = _failure(text)
    # A URL may have several targets, and a retry would send to all of them again.
    partly = re.search(r"^Sent .*notification", text, re.MULTILINE)
    return Uncertain(result.reason) if partly and isinstance(result, Retry) else result


def _failure(text: str) -> Retry | Rejected | Uncertain:
    if statuses := STATUS.findall(text):
        result = from_response(int(statuses[-1]), {}, b"", idempotent=False, now=0.0)
        return Rejected(f"refused, HTTP {statuses[-1]}") if isinstance(result, Sent) else result
    if NOT_SENT in text:
        return Retry("no connection")
    if SOCKET in text:
        return Uncertain("connection broke or timed out")
    return Uncertain("Apprise reports a failure without a reason")


def text(message: Message, *, answerable: bool) -> str:
    """The message's body, with links for answers."""
    asked = answers(message) if answerable and not message.for_stakeholder else ()
    shown = [f"{label}: {url}" for label, url in (*asked, *links(content(message)))]
    return "\n".join([write(message, TEXT, MAX_BODY), *shown])
