"""HTTP client of the commands: they act through the router's API, which is the only writer.

A client needs an address and a token, and none of the server's secrets. It imports no
third-party HTTP library, so that `ack` starts in a tenth of a second.
"""

import getpass
import inspect
import json
import os
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import typer

from router.cli.config import ConfigPath, found_config, raw_value
from router.cli.output import fail, sanitise

TIMEOUT = 15.0
"""Maximum seconds to wait for a byte from the router."""

DEFAULT_LISTEN = "127.0.0.1:9095"
"""The default of `listen` in the config."""

JSON = "application/json"
MARKDOWN = "text/markdown"

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Address of the router. Default: $ALERT_ROUTER_URL, or `listen` of the config.",
        show_default=False,
    ),
]
Token = Annotated[
    str | None,
    typer.Option("--token", help="API token. Default: $ALERT_ROUTER_TOKEN.", show_default=False),
]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        help="Act under this name, where the router has no tokens. Default: your user name.",
        show_default=False,
    ),
]


class Unanswered(Exception):
    """The router did not answer, or rejected the request. The message has the reason."""


class Router(NamedTuple):
    """A running router: its address and credentials, from the options of a command."""

    url: str | None = None
    token: str | None = None
    config: Path | None = None
    by: str | None = None
    hint: str = "set $ALERT_ROUTER_TOKEN"

    def ask(self, method: str, path: str, **content: Any) -> Any:
        """The answer of the API, decoded. Exits with the error of the router."""
        try:
            return self.try_ask(method, path, **content)
        except Unanswered as error:
            fail(str(error))

    def try_ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        markdown: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer of the API, decoded. The body is `json` or `markdown`. Raises: Unanswered."""
        base = address(self.url, self.config)
        target = quote(f"/api/v1{path}", safe="/%") + (f"?{urlencode(params)}" if params else "")
        body = _encoded(json) if markdown is None else markdown.encode()
        media = {} if body is None else {"Content-Type": JSON if markdown is None else MARKDOWN}
        sent = self._headers() | media | dict(headers or {})
        try:
            answered = _exchange(base, method, target, body, sent)
            return _answer(base, *answered, self.hint)
        except ConnectionRefusedError:
            raise Unanswered(f"no router answers at {base}: is it running?") from None
        except (HTTPException, OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unanswered(f"can't reach the router at {base}: {why}") from None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": JSON, "X-Router-User": _one_line(self.by or _user())}
        if token := self.token or os.environ.get("ALERT_ROUTER_TOKEN"):
            headers["Authorization"] = f"Bearer {_one_line(token)}"
        return headers


def ask(method: str, path: str, url: str | None, config: Path | None, **content: Any) -> Any:
    """The answer of the API, decoded. Exits with the error of the router."""
    return Router(url, config=config).ask(method, path, **content)


def try_ask(method: str, path: str, url: str | None, config: Path | None, **content: Any) -> Any:
    """The answer of the API, decoded. Raises: Unanswered."""
    return Router(url, config=config).try_ask(method, path, **content)


# --- options


def viewer(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--config`, `--url` and `--token` to a command that reads.

    The command declares a parameter `router` and receives a `Router` in it.
    """
    return _with_options(command, {"config": ConfigPath, "url": Url, "token": Token})


def responder(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `viewer`, and `--by`, to a command that changes something."""
    options = {"config": ConfigPath, "url": Url, "token": Token, "by": By}
    return _with_options(command, options)


def _with_options(command: Callable[..., None], options: Mapping[str, Any]) -> Callable[..., None]:
    def run(**given: Any) -> None:
        router = Router(**{name: given.pop(name) for name in options})
        command(router=router, **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = inspect.signature(command, eval_str=True).parameters.values()
    parameters = [
        parameter.replace(kind=keyword) for parameter in own if parameter.name != "router"
    ]
    for name, annotation in options.items():
        parameters.append(inspect.Parameter(name, keyword, default=None, annotation=annotation))
    run.__name__, run.__doc__, run.__module__ = (
        command.__name__,
        command.__doc__,
        command.__module__,
    )
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {
        "return": None
    }
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


# --- address


def address(url: str | None, config: Path | None) -> str:
    """The router's address: --url, $ALERT_ROUTER_URL, or `listen` in the config.

    Raises: Unanswered.
    """
    environment = os.environ.get("ALERT_ROUTER_URL")
    base = url or (not config and environment) or _listening(found_config(config), config)
    return base.rstrip("/")


def _listening(path: Path | None, given: Path | None) -> str:
    """The address in the config file. Other keys, rules and secrets are not read."""
    if path is None:
        missing = f"no config file at {given}" if given else "no address of a router"
        raise Unanswered(f"{missing}: give --url or --config, or set ALERT_ROUTER_URL")
    try:
        listen = raw_value(path, "listen") or DEFAULT_LISTEN
    except ValueError as error:
        raise Unanswered(str(error)) from None
    host, _, port = listen.rpartition(":")
    # A router that listens on every interface can be reached at the loopback address.
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{host}:{port}"


# --- HTTP


def _encoded(content: object) -> bytes | None:
    return None if content is None else json.dumps(content).encode()


def _exchange(
    base: str, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[HTTPResponse, bytes]:
    """Send a request and read the answer. Raises: HTTPException, OSError, ValueError."""
    parts = urlsplit(base)
    connection = _connection(parts)
    try:
        connection.putrequest(method, parts.path + target)
        for name, value in headers.items():
            connection.putheader(name, value.encode())
        if method != "GET":
            connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def _connection(parts: SplitResult) -> HTTPConnection:
    if parts.username is not None:
        raise ValueError("give the token with --token, not in the URL")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected http://HOST:PORT or https://HOST")
    if parts.scheme == "https":
        return HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    return HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)


def _answer(base: str, response: HTTPResponse, body: bytes, hint: str) -> Any:
    """The decoded body of an answer. The error for a 401 includes the hint. Raises: Unanswered."""
    if response.status in range(300, 400):
        raise Unanswered(f"{base} redirects to {response.headers['Location']}: use that address")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unanswered(f"the answer at {base} is not from a router (HTTP {response.status})")
    # A refused command has an outcome, which the caller turns into a message.
    if response.status >= HTTPStatus.BAD_REQUEST and "outcome" not in answer:
        raise Unanswered(_refusal(response.status, answer, hint))
    return answer


def _refusal(status: int, answer: Mapping[str, Any], remedy: str) -> str:
    hint = f" ({remedy})" if status == HTTPStatus.UNAUTHORIZED else ""
    detail = answer.get("detail", "")
    errors = (error.get("detail") for error in answer.get("errors", ()))
    lines = "".join(f"\n  {error}" for error in errors if error and error != detail)
    return f"{answer.get('title', status)}: {detail}{hint}{lines}"


def _user() -> str:
    """The system user's name, or "" if there is none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", sanitise(text)).strip()
