"""Messages that may have arrived since the last delivery; heartbeats by the database's clock."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    late = sa.Column("may_have_arrived", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("outbox", late)
    op.execute(
        "UPDATE outbox SET may_have_arrived = true WHERE state = 'pending' AND uncertain <> 0"
    )
    beaten_at = sa.Column("beaten_at", sa.Double, nullable=False, server_default="0")
    op.add_column("owners", beaten_at)
