"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, primary_key=key)


def _time(name: str, *, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=null)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _incident(*, null: bool = False, key: bool = False) -> sa.Column[int]:
    return sa.Column("incident_id", _ID, nullable=null, primary_key=key, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "alerts",
        _text("fingerprint", key=True),
        _text("rule", key=True),
        _text("digest"),
        _text("status"),
        _text("reason"),
        _time("starts_at"),
        _time("last_seen"),
        _incident(null=True),
        _text("severity", null=True),
        _text("doc"),
    )
    op.create_index("alerts_of_incident", "alerts", ["incident_id"])
    resolved = sa.text("status = 'resolved'")
    op.create_index(
        "alerts_resolved", "alerts", ["last_seen"], sqlite_where=resolved, postgresql_where=resolved
    )
    op.create_table(
        "incidents",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        _count("version"),
        _text("key"),
        _text("rule"),
        _text("severity"),
        _text("status"),
        _time("opened_at"),
        _time("closed_at", null=True),
        _text("doc"),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "incidents_one_open",
        "incidents",
        ["key"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("incidents_of_key", "incidents", ["key", "id"])
    op.create_index("incidents_by_state", "incidents", ["severity", "status"])
    op.create_table(
        "timeline",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        _incident(),
        _time("at"),
        _text("what"),
        _text("by"),
        _text("data"),
    )
    op.create_index("timeline_of_incident", "timeline", ["incident_id", "id"])
    op.create_table(
        "timers",
        _incident(key=True),
        _text("name", key=True),
        _time("due_at"),
        _text("lease"),
        _time("lease_until"),
    )
    op.create_index("timers_due", "timers", ["due_at"])
    op.create_table(
        "notifications",
        _incident(key=True),
        _text("channel", key=True),
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
    )
    op.create_index("notifications_due", "notifications", ["state", "channel", "due_at"])
    op.create_table("windows", _text("key", key=True), _text("times"))
    op.create_table("receipts", _text("id", key=True), _time("at"))
    op.create_index("receipts_by_age", "receipts", ["at"])
