"""The cookie of a session.

HttpOnly, so that no script reads it; SameSite=Lax, so that a link in a message works and no other
site's form does. Behind https it is also Secure, and bound to the host by its name.
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
    """Set the cookie on an answer whose other cookies are among its headers already."""
    carrier = web.Response()
    set_cookie(carrier, value, config)
    response.headers.add("Set-Cookie", carrier.cookies[name_of(config)].OutputString())


def is_secure(config: ConfigFile) -> bool:
    return config.external_url.startswith("https://")
