"""The contents of documents, fetched from the stand-in after a reading."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from crm.collection.models import SourceKind
from crm.collection.sources import contents, service
from crm.collection.sources.service import CONTENTS
from crm.core import jobs
from crm.core.jobs import Job
from crm.documents import queries as documents
from crm.documents.models import Document
from crm.documents.store import FolderStore
from tests.crm.collection.sources.conftest import Served
from tests.crm.collection.sources.test_reading import Office, office, over_http

__all__ = ["office", "over_http"]
pytestmark = pytest.mark.integration
PDF = b"%PDF-1.4 un avviso"


def announced(served: Served, reference: str, content: bytes) -> None:
    """A document of the first taxpayer."""
    code = next(key for kind, key in served.empoli.records if kind == "taxpayer")
    served.empoli.records["document", reference] = {
        "record": "document", "reference": reference, "codice_fiscale": code, "kind": "act", "title": "Avviso",
        "media_type": "application/pdf", "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip


def fetches(office: Office, store: FolderStore) -> bool:
    """Do the last job that fetches contents."""
    last = select(Job.id).where(Job.kind == CONTENTS).order_by(Job.id.desc()).limit(1)
    job = office.does(lambda session: session.scalars(last).one())
    return jobs.run(office.db, {CONTENTS: contents.fetcher(store)}, job_id=job, ente_id=office.ente)


def here(office: Office) -> dict[str, bool]:
    """By reference: whether the contents are there."""
    listed: Any = office.does(lambda session: documents.of_contacts(session, range(1, 99)))
    return {one.reference: one.received_at is not None for one in listed}


@pytest.mark.usefixtures("over_http")
def test_contents_are_fetched_after_a_reading_and_only_as_announced(
    office: Office, served: Served, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "documents")
    for reference in ("D/1", "D-2", "D-3", "D-4"):
        announced(served, reference, PDF + reference.encode())
    served.gestionale.documents |= {"D/1": PDF + b"D/1", "D-2": PDF + b"X-2", "D-3": PDF + b"D-3, e altro ancora"}
    source = office.sets_up(SourceKind.HTTP)
    office.reads(source)
    assert fetches(office, store)
    assert here(office) == {"D/1": True, "D-2": False, "D-3": False, "D-4": False}
    assert store.read(office.ente, hashlib.sha256(PDF + b"D/1").hexdigest(), most=99) == PDF + b"D/1"
    troubles = {reference: why for _, reference, why in office.does(documents.troubles)}
    assert ("non è quello annunciato" in troubles["D-2"], "più lungo" in troubles["D-3"]) == (True, True)
    assert "stato 404" in troubles["D-4"]
    before = office.does(lambda session: len(session.scalars(select(Job.id)).all()))
    office.reads(source)
    assert office.does(lambda session: len(session.scalars(select(Job.id)).all())) == before + 1  # not asked again
    served.gestionale.documents["D-4"] = PDF + b"D-4"
    office.does(lambda session: session.execute(update(Document).values(tried_at=None)))
    office.does(lambda session: session.execute(update(Job).values(state="done")))
    office.reads(source)
    assert fetches(office, store)
    assert here(office)["D-4"]


@pytest.mark.usefixtures("over_http")
def test_a_gestionale_that_does_not_give_any_is_asked_at_the_next_reading(
    office: Office, served: Served, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "documents")
    announced(served, "D-1", PDF)
    served.gestionale.documents["D-1"] = PDF
    source = office.sets_up(SourceKind.HTTP)
    office.reads(source)
    served.gestionale.faults = ["token"]
    assert fetches(office, store)
    assert (here(office), office.source().open_until is not None) == ({"D-1": False}, True)
    office.reads(source)  # by hand
    assert fetches(office, store)
    assert here(office) == {"D-1": True}


@pytest.mark.usefixtures("over_http")
def test_one_document_that_the_gestionale_stumbles_over_keeps_no_other_from_coming(
    office: Office, served: Served, tmp_path: Path
) -> None:
    for reference in ("D-1", "D-2"):
        announced(served, reference, PDF + reference.encode())
        served.gestionale.documents[reference] = PDF + reference.encode()
    office.reads(office.sets_up(SourceKind.HTTP))
    served.gestionale.faults = ["error"] * 4
    assert fetches(office, FolderStore(tmp_path / "documents"))
    assert here(office) == {"D-1": False, "D-2": True}
    assert "stato 500" in office.does(documents.troubles)[0][2]
    assert (office.source().failures, office.source().open_until) == (0, None)


@pytest.mark.usefixtures("over_http")
def test_a_gestionale_that_gives_none_is_not_asked_for_all(office: Office, served: Served, tmp_path: Path) -> None:
    for number in range(5):
        announced(served, f"D-{number}", PDF)
    served.gestionale.documents |= {f"D-{number}": PDF for number in range(5)}
    office.reads(office.sets_up(SourceKind.HTTP))
    served.gestionale.faults = ["error"] * 12
    assert fetches(office, FolderStore(tmp_path / "documents"))
    assert (len(office.does(documents.troubles)), set(here(office).values())) == (3, {False})


@pytest.mark.usefixtures("over_http")
def test_a_document_stated_a_little_ahead_of_our_clock_is_asked_for_once(
    office: Office, served: Served, tmp_path: Path
) -> None:
    announced(served, "D-1", PDF)
    office.reads(office.sets_up(SourceKind.HTTP))
    office.does(lambda session: session.execute(update(Document).values(as_of=func.now() + timedelta(minutes=50))))
    assert fetches(office, FolderStore(tmp_path / "documents"))
    assert office.does(lambda session: documents.wanted(session, ente_id=office.ente, limit=9)) == []


@pytest.mark.usefixtures("over_http")
def test_contents_are_fetched_by_one_job_at_a_time(office: Office, served: Served) -> None:
    announced(served, "D-1", PDF)
    source = office.sets_up(SourceKind.HTTP)
    office.reads(source)
    job = office.does(lambda session: session.scalars(select(Job).where(Job.kind == CONTENTS)).one())
    office.does(lambda session: service.read_now(session, office.by, source_id=source, data=office.data))
    assert office.works()
    assert office.does(lambda session: session.scalars(select(Job.id).where(Job.kind == CONTENTS)).all()) == [job.id]
