"""Rewrites values as people and dashboards format them for the parser in `units`.

`12,345`, `12 345`, `12.345,6` and `0x3039` are numbers; `3min`, `150 seconds`, `00:05:30` and
`PT5M30S` are times; `8.5GiB`, `12.3 K` and `5 million` are numbers with a prefix; `250 req/s` and
`250rps` are rates. A comma before exactly three digits separates thousands; any other comma is a
decimal comma. Ambiguous text isn't rewritten.
"""

import re
import unicodedata
from enum import StrEnum


class Dimension(StrEnum):
    NUMBER = "number"
    RATIO = "ratio"
    TIME = "time"
    RATE = "rate"


_SPACES = "\u00a0\u2007\u2009\u202f"
_TO_ASCII = str.maketrans(
    {
        **dict.fromkeys(_SPACES, " "),
        "\u2019": "'",
        "\u066b": ".",
        "\u066c": ",",
        "\u2212": "-",
        "\u221e": "inf",
    }
)

_GRAFANA = re.compile(r"\[ *(?:\w+='[^']*' )+labels=\{[^}]*\} value=([^\s\]]+) *\]")
_MAP = re.compile(r"map\[\w+:(\S+)\]")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=(\S+)")

_DIGITS = re.compile(r"([+-]?)(\d(?:[\d.,'_ ]*\d)?)(.*)", re.DOTALL)
_HEX = re.compile(r"([+-]?)0[xX]([0-9a-fA-F]{1,16})")
_GROUPED = re.compile(r"\d{1,3}(?:([ ',.])\d{3})(?:\1\d{3})*")
_DECIMAL = re.compile(r"[1-9]\d*(?:,\d{1,2}|,\d{4,})|0,\d{1,2}|0,\d{4,}")
_CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)")
_ISO_8601 = re.compile(
    r"P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_WORD = re.compile(r"[^\W\d_]+")
_ABBREVIATED = re.compile(r"(?<=[^\W\d_])\.(?!\w)")
_JOINED = re.compile(r",\s+|\band\b")

_TIMES = {
    "s": "sec secs second seconds",
    "m": "min mins minute minutes",
    "h": "hr hrs hour hours",
    "d": "day days",
    "w": "wk wks week weeks",
    "ms": "msec msecs millisecond milliseconds millis",
    "us": "usec microsecond microseconds",
    "ns": "nsec nanosecond nanoseconds",
}
_TIME_WORDS = {word: unit for unit, words in _TIMES.items() for word in words.split()}

_SCALES = {
    "k": "kilo thousand",
    "M": "mega million mio",
    "G": "giga billion bn mrd",
    "T": "tera trillion",
    "P": "peta",
    "Ki": "kibi",
    "Mi": "mebi",
    "Gi": "gibi",
    "Ti": "tebi",
    "Pi": "pebi",
}
_SCALE_WORDS = {word: prefix for prefix, words in _SCALES.items() for word in words.split()} | {
    start + unit: prefix
    for prefix, words in _SCALES.items()
    for start in (prefix.lower(), words.split()[0])
    for unit in ("b", "bit", "bits", "byte", "bytes")
}

_PREFIX = r"(?P<prefix>[kKMGTPEZY]i?|Mil|Bil|Tri|)"
_NUMBER = re.compile(
    rf"(?P<amount>[^A-Za-z%/]*?[\d.]) *{_PREFIX}"
    r"(?: *(?P<noun>B|bytes?|bits?|[A-Za-z]{3,}|[kmgtp]b|bn))?"
)
_RATE = re.compile(
    rf"(?P<amount>[^A-Za-z%/]*?[\d.]) *{_PREFIX} *(?:"
    r"(?P<noun>[A-Za-z]*) */ *(?P<per>s|secs?|seconds?|m|mins?|minutes?|h|hr|hours?)"
    r"|(?P<kind>[A-Za-z]*) ?\bper (?P<each>s|sec|second|m|min|minute|h|hour)"
    r"|(?P<short>[A-Za-z]{0,3})p(?P<unit>[smh]))"
)
_SHORT = {"K": "k", "Mil": "M", "Bil": "G", "Tri": "T"}
_NO_NOUNS = {"percent", "hundred", "dozen", "lakh", "crore", "rpm", "rph", *_TIME_WORDS}


def rewritten(text: str, dimension: Dimension) -> str:
    """The value in the form that `units` parses; "" for an unknown spelling."""
    text = _unwrapped(_with_ascii_digits(text).translate(_TO_ASCII).strip())
    if found := _HEX.fullmatch(text):
        return f"{found[1]}{int(found[2], 16)}"
    text = _ABBREVIATED.sub("", _without_separators(text))
    match dimension:
        case Dimension.TIME:
            return _time(text)
        case Dimension.RATE:
            return _rate(text) or _number(text)
        case Dimension.NUMBER:
            return _number(text)
        case _:
            return text.replace("%%", "%")


def _unwrapped(text: str) -> str:
    """The value inside Grafana's notation, if there is exactly one."""
    values = set(_GRAFANA.findall(text))
    if len(values) == 1 and not _GRAFANA.sub("", text).strip(" ,"):
        return str(values.pop())
    found = _MAP.fullmatch(text) or _ASSIGNED.fullmatch(text)
    return found[1] if found else text


def _with_ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c, c)) if not c.isascii() else c for c in text)


def _without_separators(text: str) -> str:
    """Convert to a decimal point without separators of thousands; "" if ambiguous."""
    found = _DIGITS.fullmatch(text)
    if found is None or (not set(found[2]) & set(",'_ ") and found[2].count(".") < 2):
        return text
    sign, digits, rest = found.groups()
    number = _plain_number(digits.replace("_", ""))
    return f"{sign}{number}{rest}" if number else ""


def _plain_number(digits: str) -> str:
    whole, decimals = digits, ""
    marks = [mark for mark in ".," if mark in digits]
    if len(marks) == 2:
        last = max(marks, key=digits.rindex)
        whole, _, decimals = digits.rpartition(last)
        if last in whole:
            return ""
    elif _DECIMAL.fullmatch(digits):
        return digits.replace(",", ".")
    elif marks == [","] and digits.count(",") == 1 and set(digits) & set(" '"):
        whole, _, decimals = digits.partition(",")
    elif marks == ["."] and digits.count(".") == 1:
        whole, _, decimals = digits.partition(".")
    if not decimals.isdigit() and decimals:
        return ""
    if not whole.isdigit():
        if not _GROUPED.fullmatch(whole) or whole.startswith("0"):
            return ""
        whole = re.sub(r"[ ',.]", "", whole)
    return f"{whole}.{decimals}" if decimals else whole


def _time(text: str) -> str:
    if found := _CLOCK.fullmatch(text):
        return "{}h {}m {}s".format(*found.groups())
    found = _ISO_8601.fullmatch(text)
    if found and any(found.groups()):
        return " ".join(
            f"{amount}{unit}" for amount, unit in zip(found.groups(), "dhms", strict=True) if amount
        )
    text = _JOINED.sub(" ", text)
    return _WORD.sub(lambda word: _TIME_WORDS.get(word[0].lower(), word[0]), text)


def _number(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None or (found["noun"] or "").lower() in _NO_NOUNS:
        return ""
    return _scaled(found, found["noun"])


def _rate(text: str) -> str:
    found = _RATE.fullmatch(text)
    if found is None:
        return ""
    per = (found["per"] or found["each"] or found["unit"])[0]
    amount = _scaled(found, found["noun"] or found["kind"] or found["short"])
    return f"{amount}/{per}" if amount else ""


def _scaled(found: re.Match[str], noun: str | None) -> str:
    """The amount with its prefix, or with its noun's prefix; "" if it has both."""
    meant = _SCALE_WORDS.get((noun or "").lower(), "")
    if meant and found["prefix"]:
        return ""
    return f"{found['amount']}{_SHORT.get(found['prefix'], found['prefix']) or meant}"
