"""Alembic's entry point. Uses the connection and transaction of `router.store.schema_upgrade`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
