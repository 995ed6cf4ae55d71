"""The press, on a Tuesday noon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm.collection.models import ImportRun, ImportState
from crm.documents.store import FolderStore
from tests.cast import Cast
from tests.databases import DatabaseUrls
from tests.outbound.letters.press import Press
from tests.outbound.test_campaigns import HOUR, NOON


@pytest.fixture
def press(database_urls: DatabaseUrls, cast: Cast, tmp_path: Path) -> Iterator[Press]:
    made = Press(database_urls, cast)
    made.store = FolderStore(tmp_path / "documents")
    heard = {"file_name": "feed.jsonl", "file_bytes": 1, "totals": [], "state": ImportState.DONE}
    when = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), NOON - HOUR)
    made.work(lambda s: s.add(ImportRun(ente_id=cast.empoli, **heard, **when)))
    yield made
    made.adds_up()
    made.database.dispose()
