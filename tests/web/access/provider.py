"""An OpenID provider on loopback that issues the ID tokens which a test wants, also wrong ones.

It checks what it receives as a provider does: the client's secret, the code, and PKCE.
"""

import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Self

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from router.ports.clock import Clock

KEY, OTHER_KEY = (RSAKey.generate_key(2048, parameters={"kid": "1"}) for _ in range(2))

CLIENT, SECRET = "alert-router", "s3cret+/"


class Issuer:
    """A provider. `change` changes the claims of an ID token, `sign` how it's signed."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.key = KEY
        self.claims: dict[str, Any] = {"sub": "42", "groups": ["sre"], "email": "ana@example.com"}
        self.userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.sign: Callable[[dict[str, Any]], str] = self._signed
        self.asked: dict[str, dict[str, str]] = {}
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._discovery),
                web.get("/keys", self._keys),
                web.post("/token", self._token),
                web.get("/userinfo", self._userinfo),
            ]
        )
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def authorize(self, asked: dict[str, str]) -> dict[str, str]:
        """Let the person sign in: the query of the redirect back."""
        code = secrets.token_urlsafe(8)
        self.asked[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.url}

    async def _discovery(self, _: web.Request) -> web.Response:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
        }
        return web.json_response(found | self.metadata)

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        login = b64decode(request.headers["Authorization"].partition(" ")[2]).decode()
        asked = self.asked.pop(str(form.get("code")), None)
        digest = sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if login != f"{CLIENT}:s3cret%2B%2F" or form["redirect_uri"] != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_client"}, status=401)
        now = int(self.clock.now())
        base = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        token = self.sign(self.change(base | self.claims))
        return web.json_response({"access_token": "at", "token_type": "Bearer", "id_token": token})

    async def _userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.userinfo)

    def _signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
