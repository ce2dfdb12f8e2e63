"""Documents by kind, the history of events, and an index of messages by their handle."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("doc", sa.Text, nullable=False),
    )
    op.create_index("records_by_time", "records", ["kind", "at"])
    op.create_table(
        "history",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.Identity(),
            primary_key=True,
        ),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("doc", sa.Text, nullable=False),
    )
    op.create_index("history_by_time", "history", ["at"])
    referred = sa.text("ref <> ''")
    op.create_index(
        "notifications_by_ref",
        "notifications",
        ["ref"],
        sqlite_where=referred,
        postgresql_where=referred,
    )
