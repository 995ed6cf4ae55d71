"""The migrations make the tables that the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from tests.servers import DatabaseUrls
from web.migrations.tables import METADATA

pytestmark = pytest.mark.integration


def test_a_migrated_database_is_what_the_models_describe(database_urls: DatabaseUrls, loopback: None) -> None:
    engine = create_engine(database_urls.owner)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()
