"""Run by Alembic: connects as the owner and applies the revisions in one transaction."""

from alembic import context
from sqlalchemy import create_engine

from web.migrations.tables import METADATA

LOCK = 5_417_101  # two processes that migrate at once: the second waits, then finds nothing to do

engine = create_engine(context.config.attributes["url"], connect_args={"connect_timeout": 5})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=METADATA)
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()
engine.dispose()
