"""One outbox for messages, deployment events and mail, and a table of the running replicas.

Deployment events and mail to subscribers were documents with their own leases; pending documents
become rows. Sent mail to customers was a document and becomes a row that is done. Times in these
documents are UTC seconds.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_MESSAGES = """
    INSERT INTO outbox
    SELECT incident_id, channel, seq, state, reason, owed_at, due_at, attempts, sent, ref, told,
        lease, lease_until, fallen_back, error, may_be_doubled, 'incident', '',
        CASE WHEN lease <> '' THEN seq ELSE 0 END, 0, 0,
        ''
    FROM notifications"""


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    outbox = op.create_table(
        "outbox",
        sa.Column("incident_id", _ID, nullable=False),
        _text("channel"),
        _count("seq"),
        _text("state"),
        _text("reason"),
        _time("owed_at"),
        _time("due_at"),
        _count("attempts"),
        _count("sent"),
        _text("ref"),
        _count("told"),
        _text("lease"),
        _time("lease_until"),
        _flag("fallen_back"),
        _text("error"),
        _flag("may_be_doubled"),
        _text("kind"),
        _text("subject"),
        _count("tried"),
        _count("uncertain"),
        _time("uncertain_until"),
        _text("progress"),
        sa.PrimaryKeyConstraint("incident_id", "channel", "kind", "subject"),
    )
    op.create_table("owners", sa.Column("name", sa.Text, primary_key=True), _count("beat"))
    # Assume that a row in flight was tried at its current `seq`.
    op.execute(_MESSAGES)
    op.drop_table("notifications")
    op.create_index("outbox_due", "outbox", ["state", "channel", "due_at"])
    referred = sa.text("ref <> ''")
    op.create_index(
        "outbox_by_ref", "outbox", ["ref"], sqlite_where=referred, postgresql_where=referred
    )
    published = sa.text("what = 'published'")
    op.create_index(
        "timeline_published",
        "timeline",
        ["incident_id", "id"],
        sqlite_where=published,
        postgresql_where=published,
    )
    _move_documents(outbox)


def _move_documents(outbox: sa.Table) -> None:
    connection = op.get_bind()
    converters = {
        "announcement": _deployment_event,
        "announcement_mail": _customer_mail,
        "subscriber_mail": _subscriber_mail,
    }
    for kind, convert in converters.items():
        found = connection.execute(
            sa.text("SELECT id, at, doc FROM records WHERE kind = :kind"), {"kind": kind}
        )
        entries = connection.execute(
            sa.text("SELECT id, incident_id FROM timeline WHERE what = 'announced'")
        )
        incidents: dict[int, int] = {row[0]: row[1] for row in entries}
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        for record_id, at, doc in found.all():
            for row in convert(record_id, at, json.loads(doc), incidents):
                key = (row["incident_id"], row["channel"], row["kind"], row["subject"])
                # Of several messages for one key only the last counts.
                if key not in rows or rows[key]["owed_at"] <= row["owed_at"]:
                    rows[key] = row
        if rows:
            connection.execute(outbox.insert(), [*rows.values()])
        connection.execute(sa.text("DELETE FROM records WHERE kind = :kind"), {"kind": kind})


def _row(**changed: Any) -> dict[str, Any]:
    return {
        "incident_id": 0,
        "seq": 1,
        "state": "pending",
        "attempts": 0,
        "sent": 0,
        "ref": "",
        "told": 0,
        "lease": "",
        "lease_until": 0.0,
        "fallen_back": False,
        "error": "",
        "may_be_doubled": False,
        "subject": "",
        "tried": 0,
        "uncertain": 0,
        "uncertain_until": 0.0,
        "progress": "",
    } | changed


def _deployment_event(
    _id: str, _at: float, doc: Mapping[str, Any], _incidents: Mapping[int, int]
) -> Iterator[dict[str, Any]]:
    yield _row(
        kind="deployment",
        subject=doc["deployment"]["id"],
        channel=doc["channel"],
        reason="deployment_recorded",
        owed_at=doc["owed_at"],
        due_at=doc["due_at"],
        attempts=doc.get("attempts", 0),
    )


def _customer_mail(
    record_id: str, at: float, doc: Mapping[str, Any], incidents: Mapping[int, int]
) -> Iterator[dict[str, Any]]:
    """The id is the announcement's timeline entry and a digest of the address."""
    entry, _, address = record_id.partition("-")
    error = doc.get("error", "")
    yield _row(
        kind="customer",
        incident_id=incidents.get(int(entry), 0),
        subject=entry,
        channel=f"customer-mail/{address}",
        reason="announced",
        owed_at=at,
        due_at=at,
        state="dead" if error else "sent",
        sent=0 if error else 1,
        attempts=1,
        error=error,
    )


def _subscriber_mail(
    _id: str, _at: float, doc: Mapping[str, Any], _incidents: Mapping[int, int]
) -> Iterator[dict[str, Any]]:
    of_entry = doc["kind"] in {"update", "announcement"}
    done, error = doc.get("done", False), doc.get("error", "")
    if done and not of_entry:
        return
    yield _row(
        kind="subscriber" if of_entry else "subscription",
        incident_id=doc.get("incident_id", 0),
        subject=str(doc["entry_id"]) if of_entry else "",
        channel=f"subscribers/{doc['subscriber']}",
        reason={"update": "published", "announcement": "announced"}.get(doc["kind"], "published"),
        owed_at=doc["owed_at"],
        due_at=doc["owed_at"] if done else doc["due_at"],
        state=("dead" if error else "sent") if done else "pending",
        sent=int(done and not error),
        attempts=doc.get("attempts", 0),
        error=error,
    )
