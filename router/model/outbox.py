"""Kinds of outbox rows.

Each is claimed, leased, retried, given up and recovered after a crash in the same way.
"""

from enum import StrEnum


class OutboxKind(StrEnum):
    """The kind of an outbox row, and the meaning of its `subject`.

    INCIDENT: the incident's state when sent; no subject.
    DEPLOYMENT: the id of a deployment.
    CUSTOMER: the timeline entry that was announced.
    SUBSCRIBER: the timeline entry that was published or announced.
    SUBSCRIPTION: the answer to a request for mail; no subject.
    MAINTENANCE: the id of the maintenance, then `/ended` or `/cancelled` if that is announced.
    SIGN_IN: the id of a sign-in link.
    ACTION: the number of a request, and the state in which it is run.
    """

    INCIDENT = "incident"
    DEPLOYMENT = "deployment"
    CUSTOMER = "customer"
    SUBSCRIBER = "subscriber"
    SUBSCRIPTION = "subscription"
    MAINTENANCE = "maintenance"
    SIGN_IN = "sign-in"
    ACTION = "action"


ONCE = (
    OutboxKind.CUSTOMER,
    OutboxKind.SUBSCRIBER,
    OutboxKind.MAINTENANCE,
    OutboxKind.SIGN_IN,
    OutboxKind.ACTION,
)
"""Kinds whose rows are added only once per subject and address. Adding them again has no effect."""

SIGN_IN_MAIL = "sign-in-mail"
"""The channel of mail with sign-in links; each user is an address in it."""

ACTIONS = "actions"
"""The address of action runs."""

SUBSCRIBERS = "subscribers"
"""The channel of mail to subscribers of the status page; each of them is an address in it."""

CUSTOMER_MAIL = "customer-mail"
"""The channel of mail to customers; each of them is an address in it."""
