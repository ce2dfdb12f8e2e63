"""ID tokens of an OpenID provider (OpenID Connect Core, 3.1.3.7). All errors are ValueError.

Only a router with such a provider loads this module: with `cryptography` it takes 11 MB.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

LEEWAY = 60
"""Seconds by which the provider's clock may differ."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Signatures by the provider's public keys only: never `none`, never a shared secret."""


def key_set(raw: bytes) -> KeySet:
    """Return the provider's keys."""
    try:
        return KeySet.import_key_set(msgspec.json.decode(raw, type=KeySetSerialization))
    except (JoseError, ValueError, KeyError) as error:
        raise ValueError(f"the provider's keys can't be read: {error}") from None


def signed_claims(token: str, keys: KeySet) -> dict[str, Any]:
    """Return the claims of a token that is signed with one of these keys."""
    try:
        return dict(jwt.decode(token, keys, algorithms=[*ALGORITHMS]).claims)
    except (JoseError, ValueError, KeyError) as error:
        raise ValueError(f"the ID token is not signed by the provider: {error}") from None


def check(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> None:
    """Refuse a token that is not of this issuer, for this client and sign-in, and of this time."""
    registry = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        raise ValueError(f"the ID token is not valid: {error}") from None
    # It may have been issued to another client, although it is meant for this one.
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise ValueError("the ID token was issued to another client")
