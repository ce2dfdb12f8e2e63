"""Hold every answer of the API that a test sees against the OpenAPI document."""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from router.web.api.openapi import openapi

BASE = "/api/v1/"


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Paths with fewer parameters come first: `/drills/scoreboard` is no drill."""
    found = sorted(openapi()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), path) for path in found]


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    for pattern, name in _patterns():
        if pattern.fullmatch(path) and method.lower() in openapi()["paths"][name]:
            return name, openapi()["paths"][name][method.lower()]
    return None


@functools.cache
def _validator(name: str, method: str, status: str, media: str) -> Validator:
    content = openapi()["paths"][name][method]["responses"][status]["content"]
    assert media in content, f"{method} {name} answers {status} with {media}"
    components = {"components": openapi()["components"]}
    return Draft202012Validator(content[media]["schema"] | components)


def check_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """Fail if an answer below /api/v1/ differs from what the document says of its operation."""
    path = urlsplit(path).path
    found = _operation(method, path) if path.startswith(BASE) else None
    if found is None:
        return
    name, described = found
    known = str(status) if str(status) in described["responses"] else "default"
    assert status >= 400 or known != "default", f"{method} {path} answered {status}"
    if "content" not in described["responses"][known]:
        assert not body
        return
    media = headers.get("Content-Type", "").partition(";")[0]
    if status >= 400 and media == "text/html":  # a browser gets the problem as a page
        return
    value = json.loads(body) if media.endswith("json") else body.decode()
    errors = [*_validator(name, method.lower(), known, media).iter_errors(value)]
    assert not errors, (
        f"{method} {path}: {[(error.json_path, error.message) for error in errors[:5]]}"
    )
