"""Where alembic gets its connection: from the store, which calls it."""

from alembic import context

from server.store import Tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Tables.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
