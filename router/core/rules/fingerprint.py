"""The identity of an alert without one, computed as Prometheus does, so that both agree."""

from collections.abc import Mapping

_OFFSET = 14695981039346656037
_PRIME = 1099511628211
_SEPARATOR = b"\xff"


def fingerprint(labels: Mapping[str, str]) -> str:
    """FNV-1a (64 bits) over the sorted names and values of all labels, as 16 lower-case hex digits.

    Labels with an empty value count here; Alertmanager drops them first. The algorithm is
    `LabelSet.Fingerprint` of github.com/prometheus/common/model.
    """
    # Sorting by code point gives the same order as sorting by UTF-8 bytes.
    text = b"".join(
        name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR for name in sorted(labels)
    )
    digest = _OFFSET
    for byte in text:
        digest = (digest ^ byte) * _PRIME & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"
