"""The tables.

Only values that queries search, sort or compare by have a column. The rest of an alert or incident
is a JSON document in `doc`, so that a new field needs no migration. No column enumerates the kinds
of receivers or senders, so a new kind needs no migration either. Every DOUBLE PRECISION column is a
time (UTC seconds) or a length of time in seconds.

`records` holds documents outside the hot path, by kind, so that a new feature needs no migration;
`history` the events that had an effect, unchanged, several in a row. `indexes` has their indexes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

REVISION = "0006"
"""The newest revision in migrations/versions, which results in this schema."""

metadata = MetaData()

_Id = BigInteger().with_variant(
    Integer, "sqlite"
)  # SQLite numbers rows automatically only with the type name INTEGER

alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("starts_at", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("incident_id", _Id),
    Column("severity", Text),
    Column("value", Text),
    Column("ended_at", Double),
    Column("longest_gap", Double, nullable=False, server_default="0"),
    Column("doc", Text, nullable=False),
)
OF_DRILL = "({0} LIKE '%}} drill %' AND {0} NOT LIKE '%}}')"
"""Condition: the key is a drill's. See `router.core.rules.rule.Rule.key`."""
RESOLVED = text("status = 'resolved'")
"""The rows of an index. A query must use the same text, without a parameter, to be answered from
it.
"""

incidents = Table(
    "incidents",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("closed_at", Double),
    Column("doc", Text, nullable=False),
)
OPEN = text("closed_at IS NULL")
"""As `RESOLVED`."""

timeline = Table(
    "timeline",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("incident_id", _Id, nullable=False),
    Column("at", Double, nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("data", Text, nullable=False),
)
PUBLISHED = text("what = 'published'")
"""As `RESOLVED`."""

timers = Table(
    "timers",
    metadata,
    Column("incident_id", _Id, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("due_at", Double, nullable=False),
    Column("lease", Text, nullable=False),
    Column("lease_until", Double, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("incident_id", _Id, nullable=False),
    Column("channel", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("ref", Text, nullable=False),
    Column("seen_entry", BigInteger, nullable=False),
    Column("lease", Text, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("fallen_back", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("may_be_doubled", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("tried", BigInteger, nullable=False),
    Column("uncertain", BigInteger, nullable=False),
    Column("uncertain_until", Double, nullable=False),
    Column("progress", Text, nullable=False),
    Column("may_have_arrived", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("incident_id", "channel", "kind", "subject"),
)
"""The columns are the fields of `router.model.notification.Notification`, in order."""

KEY = (outbox.c.incident_id, outbox.c.channel, outbox.c.kind, outbox.c.subject)
"""The key of a row. The incident comes first, because most lookups are by incident."""

REFERRED = text("ref <> ''")
"""As `RESOLVED`."""

owners = Table(
    "owners",
    metadata,
    Column("name", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("beaten_at", Double, nullable=False, server_default="0"),
)
"""The replicas that use a shared database.

Each replica updates its `beat` and `beaten_at` (by the database's clock) while it runs. When they
stop changing, its leases end.
"""

windows = Table(
    "windows",
    metadata,
    Column("key", Text, primary_key=True),
    Column("times", Text, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("doc", Text, nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("at", Double, nullable=False),
    Column("doc", Text, nullable=False),
)
