"""`auth` in the config: mistakes, and the role of groups."""

from pathlib import Path

import pytest

from router.app import TYPES
from router.config.auth import ProxyConfig, role_of
from router.config.load import load
from router.config.located import Invalid
from tests.config.test_listen import CONFIG

OIDC = "issuer: https://id.example.com, client_id: router"
PROXY = "user: X-User, from: [10.0.0.0/8]"


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (f"oidc: {{{OIDC}, roles: {{}}}}", "nobody gets a role"),
        (f"oidc: {{{OIDC}, roles: {{admin: []}}}}", "nobody gets a role"),
        (f"oidc: {{{OIDC}, roles: {{boss: ['*']}}}}", "boss"),
        (f"oidc: {{{OIDC}, roles: {{admin: [a]}}, scopes: [email]}}", "`openid` must be among"),
        ("oidc: {issuer: http://id.example.com, client_id: r, roles: {admin: [a]}}", "https"),
        (f"proxy: {{{PROXY}, roles: {{admin: [sre]}}}}", "only '*' is possible"),
        ("proxy: {user: X-User, from: [], roles: {admin: ['*']}}", "the addresses of the proxy"),
        (
            "proxy: {user: X-User, from: [0.0.0.0/0], roles: {admin: ['*']}}",
            "includes every address",
        ),
        ("proxy: {user: X-User, from: [proxy.lan], roles: {admin: ['*']}}", "proxy.lan"),
        ("sessions: {idle: 2d, absolute: 1d}", "at most `absolute`"),
        ("sessions: {idle: 1s}", "at least 5m"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, auth: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{CONFIG}auth: {{{auth}}}\n")
    with pytest.raises(Invalid) as invalid:
        load(path, {}, TYPES)
    assert message in str(invalid.value)


@pytest.mark.parametrize(
    "auth",
    [
        f"oidc: {{{OIDC}, roles: {{admin: [boss], responder: ['*']}}}}",
        f"proxy: {{{PROXY}, roles: {{responder: ['*']}}}}",
        "users: {}",
    ],
)
def test_each_way_to_sign_in_closes_the_router(tmp_path: Path, auth: str) -> None:
    """So it may listen on any address."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{CONFIG}listen: 0.0.0.0:9095\nauth: {{{auth}}}\n")
    assert load(path, {}, TYPES).file.auth.is_required


def test_the_highest_role_of_any_group_counts() -> None:
    roles = {"viewer": ("*",), "admin": ("boss",)}
    assert role_of(roles, ("boss", "x")) == "admin"
    assert role_of(roles, ()) == "viewer"
    assert role_of({"admin": ("boss",)}, ("x",)) is None
    assert role_of({"admin": ()}, ("",)) is None


def test_the_addresses_of_a_proxy() -> None:
    proxy = ProxyConfig(user="u", addresses=("10.0.0.0/8", "::1"), roles={"viewer": ("*",)})
    asked = ("10.1.2.3", "::ffff:10.1.2.3", "::1", "11.0.0.1", "", "unix")
    assert [proxy.is_from(address) for address in asked] == [True, True, True, False, False, False]
