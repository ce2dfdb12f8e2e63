"""The value, end and longest gap of a rule match, and an index of open incidents by rule."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("value", sa.Text))
    op.add_column("alerts", sa.Column("ended_at", sa.Double))
    op.add_column("alerts", sa.Column("longest_gap", sa.Double, nullable=False, server_default="0"))
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "incidents_open_by_rule",
        "incidents",
        ["rule"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
