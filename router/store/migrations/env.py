"""Alembic's entry: runs on the connection and in the transaction that `router.store.schema_upgrade`
began.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
