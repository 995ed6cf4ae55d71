"""What administrators write about an ente's taxpayer files: the gate's questions, how fresh its data must be, and
for how long they are kept."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.configuration import changed
from crm.core.errors import FieldError
from crm.enti.administration import managed, record
from crm.files import queries
from crm.files.gate import Gate
from crm.files.models import DEFAULT_KEPT_YEARS, DEFAULT_NEEDED, DEFAULT_PROMISE_H, FileSetting, GateQuestion
from crm.files.questions import Row, parse_gate

LONGEST_PROMISE_H = 8784  # a leap year
LONGEST_KEPT_YEARS = 40


def save_gate(session: Session, by: Principal, *, ente_id: int, rows: Mapping[int, Row], needed: str) -> None:
    """Say what is asked before a file opens, and how many right answers open it. No question: the usual ones.

    Raises `InvalidError` with what is wrong at each field.
    """
    managed(session, by, ente_id)
    own, wanted = parse_gate(rows, needed)
    changed(session)
    before = queries.gate(session, ente_id)
    session.execute(delete(GateQuestion).where(GateQuestion.ente_id == ente_id))
    session.add_all(
        GateQuestion(ente_id=ente_id, place=place, key=one.key, text=one.text, checks=one.checks)
        for place, one in enumerate(own, 1)
    )
    _setting(session, ente_id).answers_needed = wanted
    session.flush()
    record(session, by, "gate.changed", ente_id, _shown(before), _shown(queries.gate(session, ente_id)))


def ask_as_usual(session: Session, by: Principal, *, ente_id: int) -> None:
    """Give up an ente's own questions for the usual ones, and as many right answers as is usual."""
    save_gate(session, by, ente_id=ente_id, rows={}, needed=str(DEFAULT_NEEDED))


def save_promise(session: Session, by: Principal, *, ente_id: int, hours: str) -> None:
    """Say every how many hours the ente is promised a feed: what is older is marked as stale."""
    managed(session, by, ente_id)
    text = hours.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LONGEST_PROMISE_H):
        raise FieldError("Scrivi le ore con un numero intero, da 1 a 8784.", field="hours")
    changed(session)
    row = _setting(session, ente_id)
    before, row.promise_h = row.promise_h, int(text)
    session.flush()
    record(session, by, "freshness.changed", ente_id, {"hours": before}, {"hours": row.promise_h})


def save_kept_years(session: Session, by: Principal, *, ente_id: int, years: str) -> None:
    """Say for how many years after the last act or payment nobody is erased."""
    managed(session, by, ente_id)
    text = years.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 3 and int(text) <= LONGEST_KEPT_YEARS):
        raise FieldError("Scrivi gli anni con un numero intero, da 0 a 40.", field="years")
    changed(session)
    row = _setting(session, ente_id)
    before, row.kept_years = row.kept_years, int(text)
    session.flush()
    record(session, by, "retention.changed", ente_id, {"years": before}, {"years": row.kept_years})


def _setting(session: Session, ente_id: int) -> FileSetting:
    """The ente's row, made when it is first written; the ente is locked."""
    row = session.get(FileSetting, ente_id)
    if row is None:
        row = FileSetting(
            ente_id=ente_id, answers_needed=DEFAULT_NEEDED, promise_h=DEFAULT_PROMISE_H, kept_years=DEFAULT_KEPT_YEARS
        )
        session.add(row)
    return row


def _shown(gate: Gate) -> dict[str, Any]:
    """As the audit has it: a tick on file names a key, and here is what was asked under it."""
    asked = [{"key": one.key, "text": one.text, "checks": one.checks.value} for one in gate.questions]
    return {"questions": asked, "needed": gate.needed}
