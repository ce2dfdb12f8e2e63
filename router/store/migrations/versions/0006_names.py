"""Rename the columns `told` and `owed_at` of the outbox, and two reasons."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_RENAMED = {"told_again": "steps_repeated", "next_way": "next_method"}


def upgrade() -> None:
    op.execute("ALTER TABLE outbox RENAME COLUMN told TO seen_entry")
    op.execute("ALTER TABLE outbox RENAME COLUMN owed_at TO queued_at")
    for table, column in (("timeline", "what"), ("outbox", "reason")):
        rows = sa.table(table, sa.column(column, sa.Text))
        for old, new in _RENAMED.items():
            op.execute(rows.update().where(rows.c[column] == old).values({column: new}))
