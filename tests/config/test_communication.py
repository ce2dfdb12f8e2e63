"""Customers and own templates in the config: results, and errors with positions."""

from pathlib import Path
from typing import Any

import pytest

from router.config.located import Invalid
from tests.config.test_people_check import WHOLE, read

MAIL = {"type": "email", "smtp": {"host": "127.0.0.1", "starttls": False}, "from": "a@example.com"}
CHANNELS: dict[str, Any] = WHOLE["channels"] | {
    "list": MAIL | {"to": ["users@example.com"]},
    "nobody": MAIL,
}


def problems(folder: Path, **changes: Any) -> str:
    with pytest.raises(Invalid) as raised:
        read(folder, **({"channels": CHANNELS} | changes))
    return "\n".join(str(problem) for problem in raised.value.problems)


def test_with_customers_they_are_queued_what_is_announced(tmp_path: Path) -> None:
    config = read(tmp_path, channels=CHANNELS, communication={"customers": "channel:list"})
    assert config.settings.customers == ("customers",)
    assert read(tmp_path).settings.customers == ()


@pytest.mark.parametrize(
    ("communication", "problem"),
    [
        ({}, "needs customers, or subscribers: true, or both"),
        ({"customers": "channel:lits"}, "unknown channel 'lits', did you mean 'list'?"),
        ({"customers": "channel:nobody"}, "channel 'nobody' has no address in its 'to'"),
        ({"customers": "channel:log"}, "expected a channel of type email, not console"),
        ({"customers": "contact:ana"}, "expected a channel of type email, not contact"),
        ({"subscribers": True}, "the status page has no subscribers: add status_page.subscribers"),
    ],
)
def test_customers_who_cant_be_mailed_are_said(
    tmp_path: Path, communication: object, problem: str
) -> None:
    assert problem in problems(tmp_path, communication=communication)


def test_the_name_of_the_customers_is_taken(tmp_path: Path) -> None:
    assert "give the channel another name" in problems(
        tmp_path, channels=CHANNELS | {"customers": {"type": "console"}}
    )


def test_own_templates_are_read_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "internal.j2").write_text("{{ headline }}!")
    (tmp_path / "own" / "notes.txt").write_text("not a template")
    config = read(tmp_path, templates={"directory": "own"})
    assert list(config.settings.wording.own) == ["internal"]
    assert config.settings.wording.write("internal", {"headline": "Down"}) == "Down!"


def test_what_is_wrong_with_templates_is_said_with_its_place_and_all_at_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "own").mkdir()
    for name, text in {
        "internal": "{{ headline }}\n{{ nonsense }}",
        "status-update": "Title: x\n\n{{ labels.a }}",
        "custmer-email": "x",
    }.items():
        (tmp_path / "own" / f"{name}.j2").write_text(text)
    found = problems(tmp_path, templates={"directory": "own"})
    assert "internal.j2:2:1: expected one of" in found
    assert "status-update.j2:3:1: expected one of" in found
    assert (
        "custmer-email.j2:1:1: unknown template 'custmer-email', did you mean 'customer-email'?"
        in found
    )
    assert "no folder 'none'" in problems(tmp_path, templates={"directory": "none"})
