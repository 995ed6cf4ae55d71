"""Reading phone lines."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.configuration import kept
from crm.core.errors import ConflictError
from crm.enti import queries as enti
from crm.enti.calendar import ClosedSpell, Hours, Timetable
from crm.enti.hours import parse_week
from telephony.lines.models import LineKind, PhoneLine


@dataclass(frozen=True, slots=True)
class LineView:
    """A number that can be called. Without an ente it serves its whole contract, with a queue that one alone."""

    number: str
    label: str
    kind: LineKind
    contract_id: int
    ente_id: int | None
    queue_id: int | None
    hours: tuple[Hours, ...] = ()  # its own; none: those of its ente, or of the contract
    closed_at: datetime | None = None  # by itself
    closed_reason: str = ""

    def shut_at(self, instant: datetime) -> bool:
        """Whether it was closed by itself then. Such a call never had a queue to enter: levels do not speak of it."""
        return self.closed_at is not None and self.closed_at <= instant


@dataclass(frozen=True, slots=True)
class Told:
    """Whether the carrier knows where a number leads, and why it could not be told."""

    done: bool
    trouble: str | None


def in_use(session: Session, number: str) -> LineView | None:
    """The line with this number, unless it is that of an ente whose contract has ended."""
    found = line(session, number)
    if found is None or found.ente_id is None or found.ente_id in enti.enti_of(session, found.contract_id):
        return found
    return None


def shown_by(session: Session, number: str, *, contract_id: int, ente_id: int) -> LineView:
    """The line that is shown to whom an ente has called under a contract. Raises `ConflictError` for any other's."""
    found = in_use(session, number)
    if found is None or found.contract_id != contract_id or found.ente_id not in {None, ente_id}:
        raise ConflictError("Il numero da mostrare non è di questo ente: avvisa chi prepara la campagna.")
    return found


def line(session: Session, number: str) -> LineView | None:
    """The line with this number in E.164."""
    return _lines(session).get(number)


def timetable(session: Session, number: str, contract_id: int, ente_id: int | None) -> Timetable:
    """When a call on this line is answered: by the line's own hours, else by those of the ente or of the contract.

    Holidays, special days and closures hold for every line, and its own closure besides. By what is measured is
    another matter: `enti.timetable`.
    """
    usual, own = enti.timetable(session, contract_id, ente_id), line(session, number)
    if own is None:
        return usual
    shut = () if own.closed_at is None else (ClosedSpell(own.closed_at, None, own.closed_reason, agreed=False),)
    week = replace(usual, hours=own.hours, later=()) if own.hours else usual
    return replace(week, closures=(*shut, *usual.closures))


def numbers(session: Session) -> frozenset[str]:
    """All our numbers in E.164."""
    return frozenset(_lines(session))


def of_his_own(session: Session, caller: str | None) -> str | None:
    """The number by which a caller may be known, judged and called back: none, as if it were withheld, where one of our
    lines calls because a voice flow has put him through to another."""
    return None if caller is None or line(session, caller) is not None else caller


def sender(session: Session, ente_id: int) -> str | None:
    """The number from which an ente's SMS leave: its own before its contract's; a freephone one only if there is no
    other, as few carriers let those send.
    """
    covering = {one for one, covered in enti.coverage(session).items() if ente_id in covered}
    fit = [one for one in all_lines(session) if one.contract_id in covering and one.ente_id in {None, ente_id}]
    fit.sort(key=lambda one: (one.kind is LineKind.FREEPHONE, one.ente_id is None))
    return fit[0].number if fit else None


def caller_id_of(session: Session, contract_id: int, ente_id: int | None, called: str) -> str:
    """The number that is shown to whoever is called out of a call that came on `called`: that line, the ente's
    geographic one, or the contract's.

    Toll-free numbers are not used as caller ID (AGCOM): networks may block such a call. It leaves with the number that
    was called only where no other is fit, and `unshown` says so.
    """
    fit = [
        one
        for one in of_contract(session, contract_id)
        if one.kind is LineKind.GEOGRAPHIC and one.ente_id in {None, ente_id}
    ]
    fit.sort(key=lambda one: (one.number != called, one.ente_id is None))
    return fit[0].number if fit else called


def unshown(session: Session, contract_id: int) -> frozenset[str]:
    """The freephone numbers for whose calls there is no other number to show."""
    return frozenset(
        one.number
        for one in of_contract(session, contract_id)
        if one.kind is LineKind.FREEPHONE and caller_id_of(session, contract_id, one.ente_id, one.number) == one.number
    )


def all_lines(session: Session) -> list[LineView]:
    """Every line, by its number."""
    return sorted(_lines(session).values(), key=lambda one: one.number)


def of_contract(session: Session, contract_id: int) -> list[LineView]:
    """The contract's lines, by their number."""
    return [one for one in all_lines(session) if one.contract_id == contract_id]


def told(session: Session, contract_id: int) -> dict[str, Told]:
    """What the carrier knows of a contract's numbers."""
    rows = session.execute(
        select(PhoneLine.number, PhoneLine.told_at, PhoneLine.trouble).where(PhoneLine.contract_id == contract_id)
    )
    return {number: Told(told_at is not None, trouble) for number, told_at, trouble in rows}


@kept
def _lines(session: Session) -> Mapping[str, LineView]:
    rows = session.execute(select(*(getattr(PhoneLine, name) for name in LineView.__dataclass_fields__)))
    views = (replace(LineView(*row), hours=tuple(parse_week(dict(enumerate(row.hours))))) for row in rows)
    return MappingProxyType({one.number: one for one in views})
