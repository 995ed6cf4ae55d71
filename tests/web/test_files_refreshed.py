"""*Aggiorna ora* in an open file: the gestionale is asked about its person, and what has changed is said."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.collection.models import CollectionSource, ContactLookup
from crm.collection.simulator.app import Gestionale
from crm.core.db import Database, Scope
from crm.files import refreshing
from crm.files.models import FileOpening
from crm.positions.models import Position
from tests.cast import Cast
from tests.crm.collection.sources.conftest import serving
from tests.outbound.test_looked_up import TOKEN, held, source
from tests.web.test_files import DEBT, Reader, reader

__all__ = ["reader"]
pytestmark = pytest.mark.integration
OWED = "da pagare 0,00 € (prima: 812,00 €)"


class Empoli:
    """Its gestionale, the stand-in, and Sara, who has Mario's file open."""

    def __init__(self, reader: Reader, gestionale: Gestionale) -> None:
        self.reader, self.gestionale, self.cast = reader, gestionale, reader.cast

    def work(self, do: Any) -> Any:
        return self.reader.database.transact(Scope.of_enti([self.cast.empoli, self.cast.vinci]), do)

    def pays(self) -> None:
        self.gestionale.enti["D403"].pay("E-1", self.gestionale.now())

    def later(self) -> None:
        """The last answer is of a minute ago."""
        before = update(ContactLookup).values(asked_at=ContactLookup.asked_at - timedelta(minutes=1))
        self.work(lambda s: s.execute(before))

    def refresh(self) -> Any:
        return self.reader.client.post(f"/files/{self.cast.mario}/refresh", headers=self.reader.headers)

    def said(self) -> str:
        answer = self.refresh()
        assert answer.status_code == 200, answer.text
        return " ".join(answer.text.split())


@pytest.fixture
def empoli(reader: Reader, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Empoli]:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        gestionale = Gestionale(TOKEN, {"D403": held(session, cast.empoli)})
        session.add(source(cast.empoli))
    with serving(gestionale) as port:
        monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_TOKEN", TOKEN)
        reader.opens(cast.mario, purpose="case_check")
        yield Empoli(reader, gestionale)


def test_what_he_has_paid_meanwhile_is_said_and_shown(empoli: Empoli) -> None:
    at = f"/files/{empoli.cast.mario}"
    assert "Aggiorna ora" in empoli.reader.sees(at)
    empoli.said()
    empoli.later()
    assert "Non è cambiato niente." in empoli.said()
    empoli.later()
    empoli.pays()
    said = empoli.said()
    assert "Letto ora dal gestionale" in said
    assert "2024/118" in said
    assert f"Pagata (prima: Da pagare), {OWED}" in said or OWED in said
    assert "812,00 €</strong> da pagare" not in empoli.reader.sees(at)
    assert "ha risposto un momento fa" in empoli.said()
    noted = [kind for kind, *_ in empoli.reader.audited()]
    assert noted.count(refreshing.REFRESHED) == 3, "what was answered a moment ago is not asked"


def test_what_may_not_be_told_is_not_said_either(empoli: Empoli) -> None:
    empoli.said()
    empoli.later()
    empoli.pays()
    told = {"gate": {"right": [], "told": ["procedure"], "sentence": ""}}
    empoli.work(lambda s: s.execute(update(FileOpening).values(told)))
    said = empoli.said()
    assert "Letto ora dal gestionale" in said
    assert not [word for word in DEBT if word in said]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("error", "Il gestionale non risponde"),
        ("garbage", "non si può leggere"),
        ("token", "Il gestionale non risponde"),
    ],
)
def test_without_an_answer_nothing_changes_and_it_is_said_in_plain_words(
    empoli: Empoli, fault: str, words: str
) -> None:
    empoli.pays()
    empoli.gestionale.faults = [fault]
    assert words in empoli.said()
    assert empoli.work(lambda s: s.scalar(select(Position.residual_cents).where(Position.reference == "E-1"))) == 81200


def test_whom_it_does_not_know_and_when_it_is_let_alone(empoli: Empoli) -> None:
    records = empoli.gestionale.enti["D403"].records
    empoli.gestionale.enti["D403"].records = {}
    assert "non conoscere questa persona" in empoli.said()
    empoli.gestionale.enti["D403"].records = records
    empoli.gestionale.faults = ["error"] * 3
    for _ in range(3):
        empoli.said()
    assert "per qualche minuto non gli si chiede" in empoli.said()


def test_only_whoever_has_the_file_open_asks_where_it_is_offered_and_not_too_often(
    empoli: Empoli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "MOST", 2)
    for _ in range(2):
        empoli.said()
        empoli.later()
    often = empoli.refresh()
    assert (often.status_code, "molte volte" in often.text) == (409, True)
    off = update(CollectionSource).values(answers_one=False)
    empoli.work(lambda s: s.execute(off))
    assert "Aggiorna ora" not in empoli.reader.sees(f"/files/{empoli.cast.mario}")
    assert empoli.refresh().status_code == 409
    empoli.reader.client.post(f"/files/{empoli.cast.mario}/close", headers=empoli.reader.headers)
    assert empoli.refresh().status_code == 403
