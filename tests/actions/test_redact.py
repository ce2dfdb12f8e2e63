"""No secret gets through, in any of the forms that it has."""

from base64 import b64encode
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from router.actions.redact import SHORTEST, SHOWN, Redactor
from router.config.secret import Secret


class Inner(Struct):
    token: Secret


class Config(Struct):
    storage: Secret
    channels: dict[str, Inner]
    many: tuple[Secret, ...] = ()


def config(token: str = "xoxb-1234", storage: str = "postgresql://u:p%40ss-word@h/d") -> Config:
    return Config(Secret(storage), {"a": Inner(Secret(token))}, (Secret("listed-secret"),))


def test_secrets_are_found_wherever_a_config_has_them() -> None:
    """Secrets are found in structs, mappings, lists, URL passwords and environment variables."""
    redactor = Redactor(
        config(), {"GH_TOKEN": "ghp_abcdef", "HOME": "/home/router", "LANG": "C.UTF-8"}
    )
    said = (
        "xoxb-1234 postgresql://u:p%40ss-word@h/d p@ss-word listed-secret ghp_abcdef "
        "/home/router C.UTF-8"
    )
    assert redactor.redact(said) == "*** *** *** *** *** /home/router C.UTF-8"


@given(
    st.text(
        min_size=SHORTEST, alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Z"])
    ),
    st.text(),
)
def test_no_form_of_a_secret_gets_through(secret: str, around: str) -> None:
    """As it is, percent-encoded, or in base64."""
    redactor = Redactor(Inner(Secret(secret)), {})
    for form in (secret, quote(secret, safe=""), b64encode(secret.encode()).decode()):
        assert form not in redactor.redact(f"{around} {form} {around}") or form in "***"


def test_an_output_is_cut_after_its_secrets_are_out() -> None:
    """No half of one is left at the cut; lines stay lines, and control characters go."""
    redactor = Redactor(config(), {})
    output = redactor.output(
        b"\x1b[31mred\x1b[0m\r\n" + b"a" * (SHOWN // 2 - 12) + b"xoxb-1234" + b"b" * SHOWN
    )
    assert "xoxb" not in output
    assert "\x1b" not in output
    assert len(output) < SHOWN + 10
    assert redactor.output(b"one\n\n  two\xff\n") == "one\n  two\ufffd"


def test_a_secret_that_is_in_any_text_is_left_alone() -> None:
    """It keeps nobody out, and would make every output unreadable."""
    assert Redactor(Inner(Secret("a")), {}).redact("banana") == "banana"
