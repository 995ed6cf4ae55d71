"""The file of a backup: what went in comes out, and nothing else is taken for it."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from web.backup.archive import (
    MANIFEST,
    ArchiveError,
    Manifest,
    manifest_of,
    new_key,
    reading,
    recipient_of,
    writing,
)

KEY = new_key()
DUMP = b"the database" * 1000


def written(folder: Path, *, finished: bool = True) -> Path:
    path = folder / "filodiretto-20261122T023000Z.age"
    document = folder / "document"
    document.write_bytes(b"%PDF")
    with writing(path, recipient_of(KEY)) as archive:
        dump = archive.stream(io.BytesIO(DUMP))
        file = archive.file("documents/1/ab/abcd", document)
        assert file is not None
        assert archive.file("documents/gone", folder / "gone") is None
        if finished:
            files = {"documents/1/ab/abcd": file}
            archive.finish(Manifest("now", "0065", "18", {"ente": 3}, ["D403:1:00"], dump, files))
    return path


def read(path: Path, key: str = KEY) -> dict[str, bytes]:
    return {part.name: part.content.read() for part in reading(path, key)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("whole"))


def test_what_went_in_comes_out(whole: Path) -> None:
    found = read(whole)
    assert list(found) == ["database/000000", "files/documents/1/ab/abcd", MANIFEST]
    assert found["database/000000"] == DUMP
    manifest = manifest_of(found[MANIFEST])
    assert manifest.counts == {"ente": 3}
    assert manifest.dump[0] == len(DUMP)
    assert DUMP[:40] not in whole.read_bytes()  # encrypted
    assert whole.stat().st_mode & 0o077 == 0


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_off_or_altered_anywhere_it_is_refused(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = whole.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:place]
    if data.draw(st.booleans()):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    path = tmp_path / "damaged.age"
    path.write_bytes(damaged)
    with pytest.raises(ArchiveError):
        read(path)


def test_another_key_and_no_key_open_nothing(whole: Path) -> None:
    for key in (new_key(), "", "AGE-SECRET-KEY-1XYZ"):
        with pytest.raises(ArchiveError):
            read(whole, key)


def test_one_that_was_never_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="never finished"):
        read(written(tmp_path, finished=False))
    with pytest.raises(ArchiveError, match="no such file"):
        read(tmp_path / "none.age")


def test_what_goes_wrong_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "filodiretto-20261122T023000Z.age"

    def dies() -> None:
        with writing(path, recipient_of(KEY)) as archive:
            archive.stream(io.BytesIO(DUMP))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        dies()
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.age"
    document = tmp_path / "document"
    document.write_bytes(b"x")
    with writing(path, recipient_of(KEY)) as archive:
        archive.file("../../etc/passwd", document)
    with pytest.raises(ArchiveError, match="not an entry"):
        read(path)
