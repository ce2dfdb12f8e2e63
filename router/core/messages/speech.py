"""The words of a telephone call, as TwiML, and of the replies to pressed keys.

https://www.twilio.com/docs/voice/twiml. The library escapes the text. Characters that XML can't
contain are removed here.
"""

import unicodedata
from collections.abc import Sequence

from twilio.twiml.voice_response import VoiceResponse

from router.core.text.plain import plain
from router.model.alert import MARK
from router.model.incident import Incident

MAX_TITLE = 300
MAX_COMPANY = 60
MAX_BRIEF = 60
MAX_NEWS = 80
MAX_NAMED = 3
"""Maximum further incidents to name: somebody just woken can't follow more."""

MAX_TWIML = 4000
"""Maximum characters of a call's first TwiML. The limits above stay within it, even escaped."""

KEYS_FOR_FIRST = "The keys are for the first incident."
KEYS = "Press 1 to acknowledge, 2 to escalate, 3 to repeat."
REPEATED = "You may have already received this call. "
WAIT = 8
"""Seconds to wait for a key after the text."""

_UNSPOKEN = ("C", "So", "Sk")  # control, private and unassigned characters, emoji


def spoken(
    incident: Incident, company: str, at: float, news: str = "", *, repeated: bool = False
) -> str:
    """The incident as spoken text. Ids are spelled digit by digit.

    Args:
        incident: in its current state.
        company: its name, or "".
        at: now, UTC seconds.
        news: the reason for this call, in a few words.
        repeated: an earlier attempt of this call may have arrived.
    """
    whose = " ".join(filter(None, (_speakable(company, MAX_COMPANY), "incident")))
    title = _speakable(incident.title.removeprefix(MARK), MAX_TITLE) or "no title"
    drill = "This is a drill. " if incident.drill else ""
    severity, number = _spelled(incident.severity), _spelled(str(incident.id))
    changed = _speakable(news, MAX_NEWS)
    first = f"{changed[0].upper()}{changed[1:]}. " if changed else ""
    about = f"Severity {severity}, {whose} {number}: {title}."
    again = REPEATED if repeated else ""
    return f"{drill}{again}{first}{about} Open for {_length(at - incident.opened_at)}."


def spoken_further(others: Sequence[Incident]) -> str:
    """Spoken text about the further incidents of a bundle; "" without any."""
    if not others:
        return ""
    named = "; ".join(
        f"{_spelled(str(other.id))}, severity {_spelled(other.severity)}, "
        f"{_speakable(other.title, MAX_BRIEF) or 'no title'}"
        for other in others[:MAX_NAMED]
    )
    left = len(others) - MAX_NAMED
    rest = f"; and {_counted(left, 'other')}" if left > 0 else ""
    return f" And {_counted(len(others), 'more incident')}: {named}{rest}."


def ask(text: str, action: str) -> str:
    """TwiML that says `text` twice, and sends the pressed key to the URL `action`."""
    response = VoiceResponse()
    keys = response.gather(input="dtmf", num_digits=1, timeout=WAIT, action=action, method="POST")
    keys.say(f"{text} {KEYS}", loop=2)
    response.say("No key was pressed. Goodbye.")
    return str(response)


def say(text: str) -> str:
    """TwiML that says `text` twice, and hangs up."""
    response = VoiceResponse()
    response.say(text, loop=2)
    return str(response)


def _speakable(text: str, limit: int) -> str:
    kept = (char for char in plain(text) if not unicodedata.category(char).startswith(_UNSPOKEN))
    return " ".join("".join(kept).split())[:limit]


def _spelled(text: str) -> str:
    return " ".join(text)


def _length(seconds: float) -> str:
    minutes = max(int(seconds // 60), 0)
    if minutes == 0:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return " and ".join(
        _counted(n, unit) for n, unit in ((hours, "hour"), (minutes, "minute")) if n
    )


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
