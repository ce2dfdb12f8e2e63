"""The stylesheet, the scripts, and where the third-party scripts are from."""

import hashlib
import json
from collections.abc import Callable

import pytest

from router.web.pages import assets
from tests.daemon import Daemon

Router = Callable[..., Daemon]
VENDOR = assets.FOLDER / "vendor"
VENDORED = json.loads((VENDOR / "vendored.json").read_text())


def test_every_third_party_script_is_listed() -> None:
    """With its package, version, licence and checksum."""
    assert VENDORED.keys() == {path.name for path in VENDOR.glob("*.js")}


@pytest.mark.parametrize("name", VENDORED)
def test_a_third_party_script_is_the_published_one(name: str) -> None:
    """Nobody has changed it, and its licence is beside it."""
    known = VENDORED[name]
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == known["sha256"]
    assert (VENDOR / known["licence"]).read_text()


@pytest.mark.parametrize("path", assets.PATHS)
async def test_a_file_is_served_and_may_be_kept(router: Router, path: str) -> None:
    """Its URL changes with its content, so a browser may keep it; it is sent compressed."""
    async with router() as daemon:
        answer = await daemon.get(assets.asset(path).url)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "max-age" in answer.headers["Cache-Control"]
        assert answer.body == assets.asset(path).body
        plain = await daemon.get(path, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert plain.body == answer.body
