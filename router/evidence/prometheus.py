"""Reads curves from Prometheus, with `query_range` of its HTTP API.

Its answers are untrusted, so their size and their time are limited.
"""

from math import ceil, nan

import aiohttp
import msgspec
from msgspec import Struct

from router.chart import Series
from router.config.config_file import PrometheusConfig
from router.core.text.plain import plain
from router.ports.errors import NoChart

POINTS = 240
"""Maximum points of a curve."""

FINEST = 15.0
"""Minimum seconds between two points: the usual scrape interval."""

CURVES = 6
"""Maximum curves of a chart. A reader cannot distinguish more."""

MAX_ANSWER = 4 * 1024 * 1024
"""Maximum bytes of an answer. A broad query can return gigabytes."""

MAX_REASON = 200


class _Curve(Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Data(Struct, frozen=True):
    result: list[_Curve] = []


class _Answer(Struct, frozen=True):
    status: str
    data: _Data = _Data()
    error: str = ""


class Prometheus:
    """One server, with a separate session."""

    def __init__(self, config: PrometheusConfig) -> None:
        self._config = config
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=config.timeout)
        )

    async def curves(self, query: str, start: float, end: float) -> list[Series]:
        """Return the first curves of `query` between two times (UTC seconds). Raises: NoChart."""
        step = max(FINEST, ceil((end - start) / POINTS))
        asked = {
            "query": query,
            "start": f"{start:.3f}",
            "end": f"{end:.3f}",
            "step": f"{step:.0f}",
            # The server stops an expensive query by itself.
            "timeout": f"{self._config.timeout * 1000:.0f}ms",
            "limit": str(CURVES),
        }
        answer = await self._ask(asked)
        if answer.status != "success":
            raise NoChart(f"Prometheus says: {plain(answer.error)[:MAX_REASON]}")
        return [_series(curve) for curve in answer.data.result[:CURVES]]

    async def close(self) -> None:
        await self._session.close()

    async def _ask(self, asked: dict[str, str]) -> _Answer:
        url = f"{str(self._config.url).rstrip('/')}/api/v1/query_range"
        try:
            async with self._session.post(
                url, data=asked, headers=self._headers(), allow_redirects=False
            ) as response:
                raw = await _read(response)
        except TimeoutError:
            raise NoChart("Prometheus didn't answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoChart(f"Prometheus can't be reached: {type(error).__name__}") from None
        try:
            return msgspec.json.decode(raw, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NoChart(
                f"Prometheus answered with HTTP {response.status}, not in the format of its API"
            ) from None

    def _headers(self) -> dict[str, str]:
        if self._config.bearer_token:
            return {"Authorization": f"Bearer {self._config.bearer_token.reveal()}"}
        if basic := self._config.basic:
            return {
                "Authorization": aiohttp.encode_basic_auth(basic.username, basic.password.reveal())
            }
        return {}


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Raises: NoChart."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        raw += chunk
        if len(raw) > MAX_ANSWER:
            response.close()
            raise NoChart("Prometheus returned more data than can be drawn")
    return bytes(raw)


def _series(curve: _Curve) -> Series:
    labels = ", ".join(
        f'{name}="{value}"' for name, value in sorted(curve.metric.items()) if name != "__name__"
    )
    return Series(
        f"{{{labels}}}" if labels else "value", [(at, _number(value)) for at, value in curve.values]
    )


def _number(text: str) -> float:
    """Parse a number in Go's format, such as NaN or +Inf; NaN if it can't be parsed."""
    try:
        return float(text)
    except ValueError:
        return nan
