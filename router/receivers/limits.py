"""Limits for an alert and for a request.

If a limit is exceeded, the error names the field.
"""

from msgspec.structs import replace

from router.ports.errors import InvalidInput
from router.receivers.wire_alert import WireAlert, pointer

MAX_ALERTS = 100_000
"""Maximum alerts in one request."""

MAX_ALERT = 256 * 1024
"""Maximum bytes of one alert's JSON."""

MAX_LABEL = 16 * 1024
"""Maximum bytes of a label's value. Labels identify an alert, so a longer value is an error."""

MAX_ANNOTATION = 32 * 1024
"""Maximum bytes of an annotation. Longer ones are cut: an alert with a long text must still page.
"""

MAX_FIELDS = 256
"""Maximum labels of an alert, and maximum annotations."""

SMALL = MAX_LABEL
"""An alert of at most this many bytes cannot exceed any of the limits above."""

SHORT = MAX_LABEL // 4
"""A text of at most this many characters is within the limits above in any script."""

CUT = "…"


def check_limits(alert: WireAlert, size: int, warnings: list[InvalidInput]) -> WireAlert:
    """Cut annotations that are too long; `size` is the length of the alert's JSON in bytes.

    Raises: InvalidInput.
    """
    if size <= SMALL:
        return alert
    if size > MAX_ALERT:
        raise InvalidInput(f"The alert is longer than {MAX_ALERT} bytes")
    for field, texts in (("/labels", alert.labels), ("/annotations", alert.annotations)):
        if len(texts) > MAX_FIELDS:
            raise InvalidInput(f"More than {MAX_FIELDS} entries", field)
    for name, value in alert.labels.items():
        if len(value.encode()) > MAX_LABEL:
            raise InvalidInput(
                f"The label is longer than {MAX_LABEL} bytes", f"/labels{pointer(name)}"
            )
    return replace(
        alert,
        annotations={name: _cut(name, text, warnings) for name, text in alert.annotations.items()},
    )


def _cut(name: str, text: str, warnings: list[InvalidInput]) -> str:
    encoded = text.encode()
    if len(encoded) <= MAX_ANNOTATION:
        return text
    warnings.append(
        InvalidInput(f"Cut after {MAX_ANNOTATION} bytes", f"/annotations{pointer(name)}")
    )
    return encoded[:MAX_ANNOTATION].decode("utf-8", "ignore") + CUT


def within_limits(alert: WireAlert, warnings: list[InvalidInput]) -> WireAlert:
    """Cut long labels and annotations of an alert that isn't identified by its labels."""
    labels = {
        name: shorten(text, SHORT, f"/labels{pointer(name)}", warnings)
        for name, text in alert.labels.items()
    }
    annotations = {name: _cut(name, text, warnings) for name, text in alert.annotations.items()}
    return replace(alert, labels=labels, annotations=annotations)


def shorten(text: str, length: int, at: str, warnings: list[InvalidInput]) -> str:
    """Cut the text to `length` characters, because an alert with a long text must still page."""
    if len(text) <= length:
        return text
    warnings.append(InvalidInput(f"Cut after {length} characters", at))
    return text[: length - 1] + CUT
