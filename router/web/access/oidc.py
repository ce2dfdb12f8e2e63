"""Sign-in at an OpenID provider: authorization code with PKCE (OpenID Connect Core, RFC 7636).

The provider's URLs are found by discovery. The browser keeps state, nonce and verifier in a signed
cookie, so requests by strangers store nothing.
"""

import asyncio
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from msgspec import Struct

from router.config.auth import OidcConfig
from router.config.fields import is_plain_http
from router.core.text.plain import plain
from router.ports.clock import Clock

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

TIMEOUT = aiohttp.ClientTimeout(total=10)
LARGEST = 1024 * 1024
"""Maximum bytes of an answer of the provider."""

KEPT = 3600.0
"""Seconds for which the provider's metadata and keys are kept."""

RETRY = 60.0
"""Minimum seconds before reading the provider's keys again because of an unknown key."""

T = TypeVar("T")


class NotSignedIn(Exception):
    """The provider didn't confirm who this is. The text has the reason, and no secret."""


class Flow(Struct, frozen=True, array_like=True):
    """The state of a sign-in in progress, which the browser keeps."""

    state: str
    nonce: str
    verifier: str
    after: str
    started_at: float


class Person(Struct, frozen=True):
    """The provider's claims about a person. `email` is "" if it isn't verified."""

    subject: str
    name: str
    email: str
    groups: tuple[str, ...]


class _Metadata(Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(Struct, frozen=True):
    id_token: str
    access_token: str = ""


class Provider:
    """The OpenID provider of the config. Every method raises NotSignedIn."""

    def __init__(self, config: OidcConfig, redirect_uri: str, clock: Clock) -> None:
        self._config = config
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._found: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def begin(self, after: str) -> tuple[str, Flow]:
        """Return the URL to send a browser to, and the state to keep."""
        metadata = await self._metadata()
        now = self._clock.now()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self._config.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = metadata.authorization_endpoint
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"
        return url, Flow(state, nonce, verifier, after, now)

    async def finish(self, flow: Flow, answer: Mapping[str, str]) -> Person:
        """Return the person whom the provider's redirect identifies."""
        if not hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise NotSignedIn("the provider's answer belongs to another sign-in")
        metadata = await self._metadata()
        issuer = answer.get("iss", "")
        if issuer != metadata.issuer and (
            issuer or metadata.authorization_response_iss_parameter_supported
        ):
            raise NotSignedIn("the answer is from another provider")
        if "code" not in answer:
            reason = answer.get("error_description") or answer.get("error", "no code")
            raise NotSignedIn(f"the provider refused: {plain(reason)[:200]}")
        tokens = await self._tokens(metadata, answer["code"], flow.verifier)
        claims = await self._claims(metadata, tokens.id_token, flow.nonce)
        return self._person(claims | await self._userinfo(metadata, tokens, claims))

    async def _tokens(self, metadata: _Metadata, code: str, verifier: str) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers, name = {"Accept": "application/json"}, self._config.client_id
        secret = self._config.client_secret.reveal() if self._config.client_secret else ""
        if secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # Encode both parts before joining them (RFC 6749, 2.3.1).
            login = (quote(part, safe="") for part in (name, secret))
            headers["Authorization"] = aiohttp.encode_basic_auth(*login)
        else:
            form |= {"client_id": name} | ({"client_secret": secret} if secret else {})
        raw = await _exchange("POST", metadata.token_endpoint, headers, form)
        return _decoded(raw, _Tokens)

    async def _claims(self, metadata: _Metadata, token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of a valid ID token."""
        id_token = await _id_token()
        keys = await self._key_set(metadata)
        try:
            try:
                claims: dict[str, Any] = id_token.signed_claims(token, keys)
            except ValueError:
                keys = await self._key_set(metadata, since=self._clock.now() - RETRY)
                claims = id_token.signed_claims(token, keys)
            now = self._clock.now()
            id_token.check(claims, metadata.issuer, self._config.client_id, nonce, now)
        except ValueError as error:
            raise NotSignedIn(str(error)) from None
        return claims

    async def _userinfo(
        self, metadata: _Metadata, tokens: _Tokens, claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the claims that the ID token lacks."""
        complete = _at(claims, self._config.groups) is not None and "email" in claims
        if complete or not metadata.userinfo_endpoint or not tokens.access_token:
            return {}
        headers = {"Authorization": f"Bearer {tokens.access_token}", "Accept": "application/json"}
        found = _decoded(
            await _exchange("GET", metadata.userinfo_endpoint, headers), dict[str, Any]
        )
        if found.get("sub") != claims["sub"]:
            raise NotSignedIn("the provider's user info is about somebody else")
        return {name: value for name, value in found.items() if name not in claims}

    def _person(self, claims: Mapping[str, Any]) -> Person:
        verified = claims.get("email_verified", True) in (True, "true")
        groups = _at(claims, self._config.groups)
        listed = groups if isinstance(groups, list) else [groups] if groups else []
        return Person(
            subject=str(claims["sub"]),
            name=plain(str(claims.get("name") or claims.get("preferred_username") or ""))[:60],
            email=plain(str(claims.get("email") or ""))[:200] if verified else "",
            groups=tuple(str(group) for group in listed),
        )

    async def _metadata(self) -> _Metadata:
        now = self._clock.now()
        if self._found and now - self._found[0] < KEPT:
            return self._found[1]
        url = f"{self._config.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = _decoded(await _exchange("GET", url, {"Accept": "application/json"}), _Metadata)
        if found.issuer != self._config.issuer:
            raise NotSignedIn(f"auth.oidc.issuer: the provider calls itself {plain(found.issuer)}")
        used = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        for endpoint in (*used, found.userinfo_endpoint):
            if not endpoint.startswith("https://") and is_plain_http(endpoint):
                raise NotSignedIn("the provider names an address without https")
        self._found = (now, found)
        return found

    async def _key_set(self, metadata: _Metadata, since: float | None = None) -> "KeySet":
        """Return the provider's keys, read after `since`."""
        now = self._clock.now()
        if self._keys and self._keys[0] > (now - KEPT if since is None else since):
            return self._keys[1]
        id_token = await _id_token()
        raw = await _exchange("GET", metadata.jwks_uri, {"Accept": "application/json"})
        try:
            keys: KeySet = id_token.key_set(raw)
        except ValueError as error:
            raise NotSignedIn(str(error)) from None
        self._keys = (now, keys)
        return keys


async def _id_token() -> Any:
    """The module `id_token`, loaded in a thread."""
    return await asyncio.to_thread(import_module, "router.web.access.id_token")


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim with this name, or at this path of names with dots between."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _decoded(raw: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.DecodeError as error:
        raise NotSignedIn(f"the provider's answer can't be read: {error}") from None


async def _exchange(
    method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> bytes:
    """Call the provider and return the body of its answer. Raises: NotSignedIn."""
    try:
        async with (
            aiohttp.ClientSession(
                timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
            ) as session,
            session.request(
                method, url, headers=headers, data=form, allow_redirects=False
            ) as answer,
        ):
            raw = await _limited(answer)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotSignedIn(f"the provider can't be reached: {type(error).__name__}") from None
    if answer.status != 200:
        raise NotSignedIn(f"the provider answered {answer.status}{_reason(raw)}")
    return raw


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body of at most `LARGEST` bytes. Raises: ValueError."""
    raw = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        raw += chunk
        if len(raw) > LARGEST:
            raise ValueError("the answer is too long")
    return bytes(raw)


def _reason(raw: bytes) -> str:
    """Return the error code of an answer (RFC 6749, 5.2); "" if it has none."""
    try:
        code = msgspec.json.decode(raw)["error"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
    return f": {plain(str(code))[:100]}"
