"""Every kind of channel says that a drill is one, where it's seen first."""

import msgspec
import pytest

from router.core.gsm7 import TWO_SEGMENTS, septets
from router.core.render import message
from router.core.twiml import spoken
from router.model.incident import Status
from router.model.notification import Letter
from router.senders.github import GitHubConfig, GitHubSender
from router.senders.github_text import title
from router.senders.mail import build_mail
from router.senders.pagerduty import alert
from router.senders.slack_blocks import build_message
from router.senders.sms import text
from router.senders.teams import build_card
from router.senders.webhook import build_event
from tests.senders.kit import make_letter

LONG = "[DRILL] " + "Payment failures at 2.3 % on every service there is " * 20
ENDED = {"status": Status.RESOLVED, "closed_at": 1_770_000_600.0}
ACKED = {"acknowledged_at": 1_770_000_100.0, "acknowledged_by": "somebody with a long name"}


def drill(**changed: object) -> Letter:
    return make_letter(drill=True, title=LONG, **changed)
