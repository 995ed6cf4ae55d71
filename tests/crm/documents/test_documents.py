"""Documents: listed by the feed, their contents taken in by digest, kept in a folder or on a server that speaks S3."""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm.collection.importer import import_feed
from crm.core.db import Database, Scope
from crm.core.errors import InvalidError
from crm.documents import intake
from crm.documents import queries as documents
from crm.documents.intake import Taken, take_in
from crm.documents.s3 import S3Store
from crm.documents.store import DocumentStore, FolderStore, StoreError
from tests.crm.conftest import WriteFeed
from tests.servers import open_loopback
from web.run import claims

pytestmark = pytest.mark.integration
ZIP_FILE = zipfile.ZipFile
NOTICE = b"%PDF-1.4 un avviso"
PROOF = b"una relata"
Archive = Callable[..., Path]


def record(contents: bytes, reference: str = "D-1", **more: Any) -> dict[str, Any]:
    return {
        "record": "document", "reference": reference, "codice_fiscale": "RSSMRA80A01D403T", "position": "T-1",
        "kind": "notice", "title": "Avviso TARI 2022", "dated": "2024-08-20", "media_type": "application/pdf",
        "size": len(contents), "sha256": hashlib.sha256(contents).hexdigest(), **more,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return FolderStore(tmp_path / "documents")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    def make(**files: bytes) -> Path:
        path = tmp_path / "documents.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name, contents in files.items():
                target.writestr(name, contents)
        return path

    return make


@pytest.fixture
def listed(db: Database, write_feed: WriteFeed, records: dict[str, Any]) -> Database:
    """Rossi's file lists two documents, none of which has arrived."""
    lines = (records["rossi"], records["tari"], record(NOTICE), record(PROOF, "D-2", kind="notification_proof"))
    summary = import_feed(db, write_feed(*lines, {"record": "end", "taxpayers": 1, "positions": 1, "documents": 2}))
    assert (summary.counts.created, summary.failure) == (4, None)
    return db


def seen(db: Database) -> dict[str, bool]:
    with db.begin(Scope.of_enti([1])) as session:
        return {one.reference: one.received_at is not None for one in documents.of_contacts(session, [1])}


def test_what_the_feed_lists_is_there_once_its_contents_arrive(
    listed: Database, store: DocumentStore, archive: Archive
) -> None:
    assert seen(listed) == {"D-1": False, "D-2": False}
    taken = take_in(listed, store, ente_id=1, path=archive(**{"cartella/a.pdf": NOTICE, "strano.bin": b"altro"}))
    assert (taken.stored, taken.refused) == (1, 1)
    assert taken.reasons == [("strano.bin", "nessun documento annunciato dal gestionale ha questo contenuto")]
    assert seen(listed) == {"D-1": True, "D-2": False}
    assert store.read(1, record(NOTICE)["sha256"], most=100) == NOTICE
    again = take_in(listed, store, ente_id=1, path=archive(b=NOTICE))
    assert (again.stored, again.there_already) == (0, 1)


def test_a_folder_is_taken_in_as_well_and_no_link_leads_out_of_it(
    listed: Database, store: DocumentStore, tmp_path: Path
) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "proof.txt").write_bytes(PROOF)
    (tmp_path / "secret").write_bytes(NOTICE)
    (folder / "link").symlink_to(tmp_path / "secret")
    taken = take_in(listed, store, ente_id=1, path=tmp_path / "in")
    assert (taken.stored, taken.reasons) == (1, [("link", "è un collegamento, non un file")])


def test_another_entes_contents_stay_its_own(listed: Database, store: DocumentStore, archive: Archive) -> None:
    taken = take_in(listed, store, ente_id=2, path=archive(a=NOTICE))
    assert (taken.stored, taken.refused) == (0, 1)
    assert seen(listed) == {"D-1": False, "D-2": False}


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "C:\\a", "..\\a", "\\\\host\\share"])
def test_names_that_lead_out_of_the_archive_are_refused(
    listed: Database, store: DocumentStore, archive: Archive, name: str
) -> None:
    taken = take_in(listed, store, ente_id=1, path=archive(**{name: NOTICE}))
    assert (taken.stored, taken.refused) == (0, 1)
    assert taken.reasons[0][1] == "il percorso esce dall'archivio"


def test_a_bomb_is_refused_before_it_goes_off(listed: Database, store: DocumentStore, archive: Archive) -> None:
    with pytest.raises(InvalidError, match="si espande oltre il consentito"):
        take_in(listed, store, ente_id=1, path=archive(**{f"{n}": bytes(10_000_000) for n in range(4)}))


def test_a_bomb_that_lies_about_its_size_is_stopped_on_the_way(
    listed: Database, store: DocumentStore, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "RATIO_FREE_BYTES", 1_000)
    path = archive(a=bytes(1_000_000))
    data = path.read_bytes()
    path.write_bytes(data.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    try:
        taken = take_in(listed, store, ente_id=1, path=path)
    except InvalidError:
        return
    assert taken.stored == 0


def test_a_list_without_end_is_refused_before_it_is_read(
    listed: Database, store: DocumentStore, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_ENTRIES", 3)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(InvalidError, match="più di 3 file"):
        take_in(listed, store, ente_id=1, path=archive_of(archive, 4))


def archive_of(archive: Archive, count: int) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZipFile", ZIP_FILE)
        return archive(**{str(number): b"" for number in range(count)})


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_one_damaged_entry_harms_no_other(listed: Database, store: DocumentStore, tmp_path: Path, how: int) -> None:
    path, noise = tmp_path / "documents.zip", os.urandom(1000)
    with zipfile.ZipFile(path, "w", how) as target:
        target.writestr("a", noise)
        target.writestr("b", NOTICE)
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    taken = take_in(listed, store, ente_id=1, path=path)
    assert (taken.stored, taken.reasons) == (1, [("a", intake.BROKEN)])


def test_a_damaged_archive_is_a_clear_sentence(listed: Database, store: DocumentStore, tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    for contents in (b"", b"PK\x03\x04 not really", b"plain text"):
        path.write_bytes(contents)
        with pytest.raises(InvalidError, match="danneggiato"):
            take_in(listed, store, ente_id=1, path=path)
    with pytest.raises(InvalidError, match="Impossibile leggere"):
        take_in(listed, store, ente_id=1, path=tmp_path / "absent.zip")


def test_contents_that_were_changed_in_the_store_are_not_handed_out(
    listed: Database, store: DocumentStore, archive: Archive, tmp_path: Path
) -> None:
    take_in(listed, store, ente_id=1, path=archive(a=NOTICE))
    digest = record(NOTICE)["sha256"]
    next((tmp_path / "documents").rglob(digest)).write_bytes(b"%PDF-1.4 un falsox")
    with pytest.raises(StoreError, match="not those announced") as refused:
        store.read(1, digest, most=100)
    assert refused.value.permanent


def test_a_newer_statement_wants_the_newer_contents(
    listed: Database, store: DocumentStore, archive: Archive, write_feed: WriteFeed
) -> None:
    take_in(listed, store, ente_id=1, path=archive(a=NOTICE))
    later = record(b"nuovo", as_of="2026-01-11T06:00:00+01:00")
    import_feed(listed, write_feed(later, name="later"))
    assert seen(listed)["D-1"] is False
    earlier = record(NOTICE, as_of="2026-01-09T06:00:00+01:00")
    import_feed(listed, write_feed(earlier, name="earlier"))
    assert seen(listed)["D-1"] is False


@pytest.mark.parametrize(("change", "reason"), [
    ({"sha256": "AB" * 32}, "sha256"), ({"size": -1}, "size"), ({"size": 10**9}, "size"), ({"kind": "foto"}, "kind"),
    ({"media_type": "text/html; charset=x"}, "media_type"), ({"title": ""}, "title"),
])  # fmt: skip
def test_a_document_that_cannot_be_is_refused(
    db: Database, write_feed: WriteFeed, records: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    summary = import_feed(db, write_feed(records["rossi"], record(NOTICE) | change))
    assert (summary.counts.created, summary.counts.refused) == (1, 1), reason


# -- a server that speaks S3 ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server, with one bucket."""
    open_loopback()
    port = claims.free_port()
    environ = {**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    log = (tmp_path_factory.mktemp("s3") / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], env=environ, stdout=log, stderr=log
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                assert httpx.put(f"{url}/filodiretto", timeout=5).status_code == 200
                break
            except httpx.TransportError:
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def s3(url: str, bucket: str = "filodiretto") -> S3Store:
    return S3Store(url, bucket=bucket, access_key="key", secret_key="secret-key")


def test_documents_are_kept_on_a_server_that_speaks_s3(listed: Database, archive: Archive, s3_url: str) -> None:
    store = s3(s3_url)
    taken = take_in(listed, store, ente_id=1, path=archive(a=NOTICE, b=PROOF))
    assert taken == Taken(stored=2)
    digest = record(NOTICE)["sha256"]
    assert store.read(1, digest, most=100) == NOTICE
    with pytest.raises(StoreError, match="not those announced"):
        store.read(1, digest, most=3)
    store.delete(1, digest)
    store.delete(1, digest)
    with pytest.raises(StoreError, match="NoSuchKey") as gone:
        store.read(1, digest, most=100)
    assert gone.value.permanent


def test_a_bucket_that_is_not_there_and_a_server_that_is_away_are_told_apart(
    s3_url: str, tmp_path: Path, loopback: None
) -> None:
    source = tmp_path / "one"
    source.write_bytes(NOTICE)
    digest = record(NOTICE)["sha256"]
    with pytest.raises(StoreError) as wrong:
        s3(s3_url, "nobodys").put(1, digest, source)
    assert wrong.value.permanent
    with pytest.raises(StoreError) as away:
        s3(f"http://127.0.0.1:{claims.free_port()}").put(1, digest, source)
    assert not away.value.permanent


def test_a_folder_keeps_nothing_of_a_writing_that_broke_off(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "documents")
    with pytest.raises(StoreError) as gone:
        store.put(1, "0" * 64, tmp_path / "absent")
    assert not gone.value.permanent
    assert [one for one in (tmp_path / "documents").rglob("*") if one.is_file()] == []
