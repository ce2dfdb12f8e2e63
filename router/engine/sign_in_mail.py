"""Mail with a link that signs a user in once: an outbox row for each mail.

The row has the link's id. The link is signed when the mail is sent, so the outbox has no secret.
"""

from urllib.parse import quote

from router.core.messages.signed_links import Seal
from router.model.access import LINK, LINK_PURPOSE, USER, SignInLink, User
from router.model.notification import Notification, Sent
from router.model.statuspage import PublicMail
from router.ports.channels import Mailer
from router.ports.clock import Clock
from router.ports.services import Performed
from router.ports.store import Store
from router.records.records import Records
from router.signing import access_seal


class SignInMail:
    """Sends the mail of one row. `url` is the router's, without a slash at the end."""

    def __init__(self, store: Store, clock: Clock, mailer: Mailer, url: str) -> None:
        self._store = store
        self._clock = clock
        self._links = Records(store, LINK, SignInLink)
        self._users = Records(store, USER, User)
        self._mailer = mailer
        self._url = url

    async def __call__(self, row: Notification) -> Performed:
        """A `router.ports.services.Performer`. Sends nothing if the link or its user is invalid."""
        link, now = await self._links.get(row.subject), self._clock.now()
        user = await self._users.get(link.user) if link else None
        over = link is None or link.used_at is not None or link.expires_at <= now
        if over or user is None or user.disabled or not user.email:
            return Performed(Sent(silent=True))
        seal = await access_seal(self._store, now)
        return Performed(await self._mailer.mail(self._mail(row, user, seal)))

    def _mail(self, row: Notification, user: User, seal: Seal) -> PublicMail:
        link = f"{self._url}/sign-in/link/{quote(seal.sealed(LINK_PURPOSE, row.subject))}"
        text = (
            f"Somebody, most likely you, asked to sign in at {self._url}.\n\n"
            f"To do so, open this link and press the button. It works once:\n{link}\n\n"
            "If it wasn't you, do nothing: without the link nobody gets in."
        )
        return PublicMail(
            user.email, "Sign in to alert-router", text, f"sign-in-{row.subject}", row.queued_at
        )
