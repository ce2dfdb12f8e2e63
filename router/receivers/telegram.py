"""Telegram: buttons under messages, and replies to them, by the bot's webhook.

https://core.telegram.org/bots/api#setwebhook (the secret token) and …#callbackquery. The HTTP
answer calls `answerCallbackQuery`, which shows the outcome to the person who pressed it. Telegram
repeats an update until it's answered with 2xx.
"""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.core.messages.buttons import pressed
from router.model.event import Command
from router.ports.webhooks import CommandRequest, CommandResult, Incoming, Received, WebhookAnswer
from router.receivers.context import ReceiverContext
from router.receivers.credentials import SecretHeader, check_header
from router.receivers.replies import sentence
from router.receivers.source import KIB, Source, clean, decode, member, text

HEADER = "X-Telegram-Bot-Api-Secret-Token"
MAX_REPLY = 200
"""Characters: https://core.telegram.org/bots/api#answercallbackquery."""

_UPDATE = msgspec.json.Decoder()


class TelegramConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """secret_token: the token that was given to `setWebhook`."""

    secret_token: Secret


class TelegramReceiver(Source):
    """Accepts button presses from everybody in the chat.

    A contact's `telegram` id maps a press to that person.
    """

    kind = "telegram"
    max_body = 512 * KIB

    def __init__(self, name: str, config: TelegramConfig, context: ReceiverContext) -> None:
        super().__init__(name)
        self._header = SecretHeader(HEADER, config.secret_token)
        self._names = context.telegram

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        check_header(incoming.headers, self._header)
        return True

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        check_header(incoming.headers, self._header)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Read a pressed button, or a reply, which becomes a note. Raises: InvalidInput."""
        update = decode(_UPDATE, clean(incoming.body))
        if query := member(update, "callback_query"):
            return self._pressed(query)
        return self._replied(member(update, "message"))

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """Show the outcome of a button to the person who pressed it."""
        query = member(decode(_UPDATE, clean(incoming.body)), "callback_query")
        if not query:
            return WebhookAnswer()
        shown = " ".join(map(sentence, results)) or received.ignored
        answer = {
            "method": "answerCallbackQuery",
            "callback_query_id": text(member(query, "id")),
            "text": shown[:MAX_REPLY],
        }
        return WebhookAnswer(body=msgspec.json.encode(answer), content_type="application/json")

    def _pressed(self, query: object) -> Received:
        data, message = text(member(query, "data")), member(query, "message")
        press = pressed(data)
        # A client may send any data, so check that one of the message's buttons has it.
        if press is None or data not in _offered(message):
            return Received(ignored="This button can't be used any more.")
        command = CommandRequest(
            press.incident_id,
            press.command,
            self._name(member(query, "from")),
            receipt=f"telegram:{text(member(query, 'id'))}",
            reopened=press.reopened,
        )
        return Received(commands=[command])

    def _replied(self, message: object) -> Received:
        about, words = member(message, "reply_to_message"), text(member(message, "text"))
        sender, chat = member(message, "from"), text(member(member(message, "chat"), "id"))
        if not about or not words or member(sender, "is_bot") is not False:
            return Received(ignored="Not a person's reply to a message")
        ref = f"{chat}:{text(member(about, 'message_id'))}"
        receipt = f"telegram:{chat}:{text(member(message, 'message_id'))}"
        note = CommandRequest(None, Command.NOTE, self._name(sender), words, receipt, ref=ref)
        return Received(commands=[note])

    def _name(self, user: object) -> str:
        names = (text(member(user, name)) for name in ("first_name", "last_name"))
        known = self._names.get(text(member(user, "id")))
        return known or " ".join(filter(None, names)) or "somebody in Telegram"


def _offered(message: object) -> Iterator[str]:
    """The data of a message's buttons."""
    rows = member(member(message, "reply_markup"), "inline_keyboard")
    for row in rows if isinstance(rows, list) else ():
        for key in row if isinstance(row, list) else ():
            yield text(member(key, "callback_data"))
