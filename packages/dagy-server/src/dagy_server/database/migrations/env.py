"""What Alembic runs: the migrations, on the connection that `versions` gives it."""

from __future__ import annotations

from alembic import context

from dagy_server.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot change most of a table in place
)
with context.begin_transaction():
    context.run_migrations()
