"""Limits of one alert and of one request.

A limit that is exceeded is reported with the field's name.
"""

from msgspec.structs import replace

from router.ports.errors import InvalidInput
from router.receivers.wire_alert import WireAlert, pointer

MAX_ALERTS = 100_000
"""Alerts in one request."""

MAX_ALERT = 256 * 1024
"""Bytes of one alert's JSON."""

MAX_LABEL = 16 * 1024
"""Bytes of a label's value. Labels identify an alert, so a longer one is an error."""

MAX_ANNOTATION = 32 * 1024
"""Bytes of an annotation. A longer one is cut, since an alert with a long text must still page."""

MAX_FIELDS = 256
"""Labels of one alert, and annotations."""

SMALL = MAX_LABEL
"""An alert of at most this many bytes cannot exceed any of the limits above."""

SHORT = MAX_LABEL // 4
"""Characters that are within the limits above in any script."""

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
    """Cut labels and annotations that are too long, of an alert that its labels don't identify."""
    labels = {
        name: shorten(text, SHORT, f"/labels{pointer(name)}", warnings)
        for name, text in alert.labels.items()
    }
    annotations = {name: _cut(name, text, warnings) for name, text in alert.annotations.items()}
    return replace(alert, labels=labels, annotations=annotations)


def shorten(text: str, length: int, at: str, warnings: list[InvalidInput]) -> str:
    """Cut a text of more than `length` characters: an alert with a long text must still page."""
    if len(text) <= length:
        return text
    warnings.append(InvalidInput(f"Cut after {length} characters", at))
    return text[: length - 1] + CUT
