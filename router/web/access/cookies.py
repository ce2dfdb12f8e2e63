"""The cookie of a session.

It's HttpOnly, so that scripts can't read it, and SameSite=Lax, so that links in messages work but
other sites' forms don't. With https it's also Secure, and its name binds it to the host.
"""

from aiohttp import web

from router.config.config_file import ConfigFile

NAME = "alert-router"

FRESH = web.RequestKey("fresh cookie", str)
"""The cookie that the answer sets; "" removes it."""


def name_of(config: ConfigFile) -> str:
    return f"__Host-{NAME}" if is_secure(config) else NAME


def set_cookie(response: web.StreamResponse, value: str, config: ConfigFile) -> None:
    """Set the cookie; "" removes it."""
    response.set_cookie(
        name_of(config),
        value,
        path="/",
        max_age=int(config.auth.sessions.absolute) if value else 0,
        httponly=True,
        samesite="Lax",
        secure=is_secure(config),
    )


def add_cookie(response: web.StreamResponse, value: str, config: ConfigFile) -> None:
    """Add the cookie to an answer whose other cookies have already been written to its headers."""
    carrier = web.Response()
    set_cookie(carrier, value, config)
    response.headers.add("Set-Cookie", carrier.cookies[name_of(config)].OutputString())


def is_secure(config: ConfigFile) -> bool:
    return config.external_url.startswith("https://")
