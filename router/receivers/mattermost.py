"""Mattermost: buttons under messages.

https://developers.mattermost.com/integrate/plugins/interactive-messages. Mattermost doesn't sign
its requests. So the sender puts a signed token into each button's context, which Mattermost hides
from users and sends back. It shows the answer's `ephemeral_text` to the person who pressed one.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.core.messages.signed_links import Grant, Signer
from router.ports.errors import Unauthorized
from router.ports.webhooks import CommandRequest, CommandResult, Incoming, Received, WebhookAnswer
from router.receivers.context import ReceiverContext
from router.receivers.replies import sentence
from router.receivers.source import KIB, Source, clean, decode, member, text

_PRESS = msgspec.json.Decoder()


class MattermostConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """button_secret: the same as in the Mattermost channels."""

    button_secret: Secret


class MattermostReceiver(Source):
    """Accepts button presses from everybody in the channel.

    A contact's `mattermost` id maps a press to that person.
    """

    kind = "mattermost"
    max_body = 512 * KIB

    def __init__(self, name: str, config: MattermostConfig, context: ReceiverContext) -> None:
        super().__init__(name)
        self._signer = Signer(config.button_secret.reveal().encode())
        self._names = context.mattermost

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, InvalidInput."""
        if self._grant(incoming) is None:
            raise Unauthorized("the token in the button's context is missing or wrong")

    def decode(self, incoming: Incoming, now: float) -> Received:
        """A person's command. Raises: InvalidInput."""
        grant, press = self._grant(incoming), decode(_PRESS, clean(incoming.body))
        if grant is None or grant.expires_at < now:
            return Received(ignored="This button can't be used any more.")
        user = text(member(press, "user_id"))
        by = self._names.get(user) or text(member(press, "user_name")) or user
        # The trigger is different for each press; the grant is the same for every press of a
        # button.
        receipt = f"mattermost:{text(member(press, 'trigger_id')) or grant.receipt}"
        command = CommandRequest(
            grant.incident_id,
            grant.command,
            by or "somebody in Mattermost",
            receipt=receipt,
            reopened=grant.reopened,
        )
        return Received(commands=[command])

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """Show the outcome to the person who pressed the button."""
        shown = " ".join(map(sentence, results)) or received.ignored
        body = msgspec.json.encode({"ephemeral_text": shown})
        return WebhookAnswer(body=body, content_type="application/json")

    def _grant(self, incoming: Incoming) -> Grant | None:
        """Raises: InvalidInput."""
        press = decode(_PRESS, clean(incoming.body))
        return self._signer.read(text(member(member(press, "context"), "token")))
