"""What visits hold of a person: where he was looked for, with whom an agent spoke and what came of it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.privacy.holders import Holder, Person, TableHolder
from outbound.field.agents.models import DeclaredTie
from outbound.field.closing.privacy import HOLDERS as OF_CLOSING
from outbound.field.closing.privacy import OfPractices
from outbound.field.practices.lifecycle import State
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits.models import Visit

_PRACTICE, _DEBT, _MANDATE, _VISIT = (table_of(one) for one in (Practice, PracticeDebt, FieldMandate, Visit))
WHY = "Resta, senza altro, che una pratica fu affidata e visitata: serve ai rendiconti e al registro delle operazioni."


class _Practices(TableHolder):
    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A practice in which somebody may be on his way."""
        going = select(_PRACTICE.c.id).where(*self.of(person), _PRACTICE.c.state != State.CLOSED.value).limit(1)
        return ["Ha una pratica di visita aperta: va chiusa prima."] if session.scalar(going) is not None else []


HOLDERS: tuple[Holder, ...] = (
    *OF_CLOSING,
    OfPractices(
        _VISIT, "Visite", why=WHY, hidden=frozenset({"agent_id"}),
        emptied={
            "latitude": None, "longitude": None, "accuracy_m": None, "distance_m": None, "spoke_with": "",
            "capacity": "", "note": "", "deeds": [], "faults": [], "signs": [],
        },
    ),
    OfPractices(_MANDATE, "Incarichi di visita", emptied={"reason": ""}, why=WHY, hidden=frozenset({"agent_id"})),
    OfPractices(_DEBT, "Posizioni delle pratiche di visita"),
    TableHolder(table_of(DeclaredTie), "Legami dichiarati da chi fa le visite"),
    _Practices(
        _PRACTICE, "Pratiche di visita", why=WHY, hidden=frozenset({"agent_id", "opened_by"}),
        emptied={
            "street": "", "postcode": "", "town": "", "latitude": None, "longitude": None, "placed": "",
            "frozen_why": "",
        },
    ),
)  # fmt: skip
