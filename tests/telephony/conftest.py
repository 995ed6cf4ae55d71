"""The stage on which scenarios of calls are played."""

from collections.abc import Iterator

import pytest

from crm.core.db import Database
from tests.cast import Cast
from tests.telephony.stage import Stage, build


@pytest.fixture
def stage(database: Database, cast: Cast) -> Iterator[Stage]:
    """A real database, and a carrier in memory."""
    stage = build(database, cast)
    yield stage
    stage.matcher.close()
    stage.dispatcher.close()
