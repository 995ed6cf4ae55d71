"""What positions hold of a person, and when they stand against erasing him."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, func, literal_column, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.files import queries as files
from crm.positions import queries as positions
from crm.positions.models import Position, PositionAlias, PositionState
from crm.positions.retention import kept_until
from crm.privacy.holders import Holder, Person, TableHolder, Went

_POSITION, _ALIAS = table_of(Position), table_of(PositionAlias)
SETTLED = frozenset({PositionState.PAID, PositionState.ANNULLED, PositionState.RELIEVED})
LEGAL = frozenset({PositionState.IN_LITIGATION, PositionState.INSOLVENCY})
OPEN_DEBT = (
    "Ha un debito aperto: riscuoterlo è un compito di interesse pubblico (art. 17, paragrafo 3, lettera b, GDPR)."
)
LITIGATION = (
    "È in corso un contenzioso o una procedura concorsuale: i dati servono a difendere un diritto in giudizio"
    " (art. 17, paragrafo 3, lettera e, GDPR)."
)
KEPT = (
    "Atti e pagamenti si conservano per {years} anni dall'ultimo, fino al {until} compreso: è un obbligo di legge"
    " (art. 2220 del codice civile; art. 17, paragrafo 3, lettera b, GDPR)."
)


def obstacles(debts: list[tuple[PositionState, int]]) -> list[str]:
    """Why somebody with these debts (state and cents still owed) is not erased. Pure."""
    found = []
    if any(state in LEGAL for state, _ in debts):
        found.append(LITIGATION)
    if any(state not in SETTLED | LEGAL and owed > 0 for state, owed in debts):
        found.append(OPEN_DEBT)
    return found


class _Positions(TableHolder):
    tables = frozenset({_POSITION.name, _ALIAS.name})

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Other numbers of his debts go first: they hang on the reference."""
        theirs = select(_POSITION.c.reference).where(*self.of(person))
        session.execute(delete(_ALIAS).where(_ALIAS.c.ente_id == person.ente_id, _ALIAS.c.reference.in_(theirs)))
        return TableHolder.erase(self, session, person)

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """Debts that are still owed, or fought over; or whose time has not passed since the last act or payment. What
        the collection system has no longer is no reason."""
        known, today = positions.of_contact(session, person.contact_ids), clock.business_day(clock.now(session))
        found = obstacles([(one.state, one.residual_cents) for one in known])
        years = files.kept_years(session, person.ente_id)
        until = kept_until(known, years, today)
        if until is not None and until >= today:
            found.append(KEPT.format(years=years, until=f"{until:%d/%m/%Y}"))
        return found


def _without_numbers(column: str) -> ColumnElement[Any]:
    """What the list says but for the numbers of notices and of receipts."""
    return literal_column(
        "(SELECT coalesce(jsonb_agg(one - 'notice_number' - 'receipt' ORDER BY place), '[]')"  # noqa: S608  # ours
        f" FROM jsonb_array_elements({column}) WITH ORDINALITY AS them (one, place))"
    )


_NOBODYS: Mapping[str, Any] = {
    "reference": func.concat("#", cast(_POSITION.c.id, Text)), "notice_number": None, "act_number": "#",
    "act_key": "", "state_note": None, "notification_note": None, "acts": [], "steps": [], "digest": "erased",
    "payments": _without_numbers("payments"), "instalments": _without_numbers("instalments"),
}  # fmt: skip

HOLDERS: tuple[Holder, ...] = (
    _Positions(_POSITION, "Posizioni", emptied=_NOBODYS, why="Gli importi restano nei conti dell'ente."),
)
