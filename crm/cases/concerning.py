"""Which debts a case is about: until it is decided more or fewer than when it was opened, for a reason that is kept."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import naming, rights, told
from crm.cases.gestionale import proposing
from crm.cases.lifecycle import UNDECIDED, Deed, Who
from crm.cases.models import Case, CasePosition
from crm.cases.service import concern, locked
from crm.core import clock
from crm.core.errors import ConflictError, FieldError
from crm.positions import queries as positions
from crm.positions.views import PositionView

MOST_WORDS = 400  # characters
NAMED = 20  # acts in a step's words
BY_HIMSELF = "L'ha indicata chi ha fatto la richiesta."


@dataclass(frozen=True, slots=True)
class Choice:
    """A position of the taxpayer's. `named`: its number stands in what he wrote, and the case is not yet about it."""

    reference: str
    its: bool  # the case is about it
    named: bool
    view: PositionView | None  # none: the collection system has it no more


def choices(session: Session, row: Case) -> tuple[Choice, ...]:
    """The positions that a case could be about; none once that cannot be changed, or where nobody knows whose it is."""
    if row.state not in UNDECIDED or row.contact_id is None:
        return ()
    its = _its(session, row)
    his = {one.reference: one for one in positions.of_contact(session, [row.contact_id], brief=True)}
    said = {one.reference for one in _named(session, row)}
    gone = tuple(Choice(one, its=True, named=False, view=None) for one in sorted(its.keys() - his.keys()))
    return (*(Choice(one, one in its, one in said - its.keys(), view) for one, view in his.items()), *gone)


def named(session: Session, row: Case) -> tuple[int, ...]:
    """The taxpayers of the ente to one of whose positions a number belongs that stands in what was written."""
    return tuple(dict.fromkeys(one.contact_id for one in _named(session, row)))


def change(
    session: Session, by: Principal, *, case_id: int, version: int, references: Collection[str], why: str
) -> None:  # fmt: skip
    """It is about these positions of the taxpayer's from now on; those that come are kept as they stand now.

    Raises `ConflictError` once it is decided, or of one about which something was proposed; `FieldError`.
    """
    row = _open(session, by, case_id, version)
    why = why.strip()
    if not why or len(why) > MOST_WORDS:
        raise FieldError(f"Scrivi perché, in al massimo {MOST_WORDS} caratteri.", "why")
    _change(session, by, row, set(references), why)


def add_named(session: Session, by: Principal, *, case_id: int, version: int, reference: str) -> None:
    """It is about this position, too: its number stands in what he wrote. Raises as `change`."""
    row = _open(session, by, case_id, version)
    if reference not in {one.reference for one in _named(session, row) if one.contact_id == row.contact_id}:
        raise FieldError("Questo numero non è fra quelli che ha scritto: ricarica la pagina.", "references")
    _change(session, by, row, {reference, *_its(session, row)}, BY_HIMSELF)


def _open(session: Session, by: Principal, case_id: int, version: int) -> Case:
    row = locked(session, case_id, version)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    if row.state not in UNDECIDED:
        raise ConflictError("L'ente la sta decidendo, o è già decisa: le posizioni non si cambiano più.")
    if row.contact_id is None:
        raise ConflictError("Prima bisogna sapere di quale contribuente è la richiesta.")
    return row


def _change(session: Session, by: Principal, row: Case, wanted: set[str], why: str) -> None:
    its = _its(session, row)
    come, go = wanted - its.keys(), its.keys() - wanted
    if not come and not go:
        raise FieldError("Non cambia niente: aggiungi o togli una posizione.", "references")
    proposing.let_go(session, row, go)
    session.execute(delete(CasePosition).where(CasePosition.case_id == row.id, CasePosition.reference.in_(go)))
    added = concern(session, row, come)
    row.version += 1
    words = f"{_words('Aggiunte', added)}{_words('Tolte', [its[one] for one in sorted(go)])}{why}"
    told.step(session, by, row, Deed.CONCERN, clock.now(session), words=words)


def _its(session: Session, row: Case) -> dict[str, str]:
    """The acts that it is about, by reference."""
    rows = session.execute(
        select(CasePosition.reference, CasePosition.act_number).where(CasePosition.case_id == row.id)
    )
    return {one.reference: one.act_number for one in rows}


def _named(session: Session, row: Case) -> list[PositionView]:
    numbers = naming.numbers_in(f"{row.reasons}\n{row.asked}")
    return positions.known_as(session, numbers, ente_id=row.ente_id) if numbers else []


def _words(what: str, acts: Collection[str]) -> str:
    if not acts:
        return ""
    shown = ", ".join(list(acts)[:NAMED])
    more = f" e altre {len(acts) - NAMED}" if len(acts) > NAMED else ""
    return f"{what}: {shown}{more}. "
