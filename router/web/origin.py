"""Refuses requests that another site made a browser send.

Any site can make a browser post a form to the router. The browser adds its user's password, and can
reach a router on loopback that needs none. But it also sends the form's origin, which no site can
forge. Programs send no origin, and aren't affected.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

from router.config.config_file import ConfigFile
from router.web.head import Head

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

PUBLIC = ("/act", "/status", "/style.css", "/favicon.ico", "/assets", "/-/healthy", "/-/ready")
"""Paths, with all paths below them, that are public or that a signed link protects."""

SERVICES = ("/v2", "/integrations")
"""Other services' paths, with all paths below them. Their sources always have a secret."""

POSTS = ("/api/v2/alerts",)
"""Paths to which sources post with their own credentials. Reading them needs the API's."""

PRIVATE_ENDINGS = (".local", ".internal", ".localhost", ".home.arpa", ".svc")
"""Endings of host names that nobody can register.

RFC 6761, RFC 6762, RFC 8375, and ICANN's `.internal`.
"""


def check_origin(request: Head, config: ConfigFile, open_sources: Collection[str]) -> None:
    """Refuse requests by another site's page, and unknown host names on paths without a secret.

    A site can point its own host name at the router's address. Then its pages and the router have
    the same origin for a browser. `open_sources` are the names of sources to which anybody may
    send.

    Raises: aiohttp's HTTPForbidden and HTTPMisdirectedRequest.
    """
    if request.method not in SAFE and _is_from_another_site(request.headers):
        raise web.HTTPForbidden(
            text="another site's page sent this; open the router's own page and do it there"
        )
    if not _needs_secret(request, config, open_sources) and not _is_own_name(
        request.host, config.external_url
    ):
        raise web.HTTPMisdirectedRequest(
            text="the router isn't known by this name: set external_url to it, "
            "or let auth.tokens say who may ask"
        )


def _is_from_another_site(headers: Mapping[str, str]) -> bool:
    """Check Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/), or Origin in older browsers."""
    if site := headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("Host", "")


def is_below(path: str, bases: Iterable[str]) -> bool:
    """Report whether a path is one of `bases`, or below one."""
    return any(path == base or path.startswith(f"{base}/") for base in bases)


def _needs_secret(request: Head, config: ConfigFile, open_sources: Collection[str]) -> bool:
    """Return whether a secret protects the path, or it's public under any host name."""
    path = request.path
    if path.startswith("/webhooks/"):
        return config.expose_insecure or request.match_info.get("source", "") not in open_sources
    if is_below(path, (*PUBLIC, *SERVICES)):
        return True
    if path.startswith("/heartbeat/"):
        heartbeat = config.heartbeats.get(request.match_info.get("name", ""))
        return config.expose_insecure or heartbeat is None or not heartbeat.insecure
    if request.method == "POST" and path in POSTS:
        return config.expose_insecure or not open_sources
    if path == "/metrics":
        return False
    return config.auth.is_required or config.auth.insecure


def _is_own_name(host: str, external_url: str) -> bool:
    """Check the host name: an address, a name without a dot, or a private one isn't a site's."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == urlsplit(external_url).hostname or name.endswith(PRIVATE_ENDINGS):
        return True
    return ("." not in name and bool(name)) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
