"""What was pressed by mistake at a desk is taken back: nothing is erased, an event says so, and the times are right."""

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import booking
from crm.agendas.models import AppointmentState
from crm.core.errors import ConflictError, InvalidError
from crm.turns import queries, service, visits
from crm.turns.models import Turn, TurnState
from crm.turns.times import Deed

_S, _A = TurnState, AppointmentState
# What can be taken back as a mistake: how a turn stands after it, and how again without it.
MISTAKES: dict[Deed, tuple[TurnState, TurnState, AppointmentState]] = {
    Deed.ARRIVED: (_S.WAITING, _S.WITHDRAWN, _A.BOOKED),
    Deed.SERVED: (_S.SERVING, _S.CALLED, _A.CALLED),
    Deed.DONE: (_S.DONE, _S.SERVING, _A.SERVING),
    Deed.MISSED: (_S.NO_SHOW, _S.CALLED, _A.CALLED),
}


def take_back(session: Session, by: Principal, *, turn_id: int, deed: Deed) -> None:
    """The last deed was a mistake: he stands as before it, and his times are as if it had never been.

    On the same day, and at the same desk while nobody is there. A number that was given by mistake, and was never
    called, is nobody's: the appointment is to come again. Raises `ConflictError` where something followed on it, or
    the desk has called others since it said that he did not come: then he goes back to the queue (`Deed.BACK`).
    """
    turn = service.locked(session, by, turn_id)
    if deed not in MISTAKES:
        raise InvalidError("Scegli cosa fare.", field="deed")
    stands, again, appointment = MISTAKES[deed]
    if turn.state is not stands:
        raise ConflictError(service.CHANGED)
    apart = deed is not Deed.ARRIVED and _apart(session, by, turn)
    if deed is Deed.ARRIVED and turn.waited_s is not None:
        raise ConflictError("È già stato chiamato: se non c'è, chiamalo e segna che non si presenta.")
    if deed is Deed.MISSED and apart:
        raise ConflictError("Dopo di lui hai chiamato altri: se è qui, rimettilo in coda con «È arrivato».")
    turn.state, turn.ended_at = again, None
    if deed is Deed.SERVED:
        turn.serving_since = None
    session.flush()
    if turn.appointment_id is not None:
        booking.step_back(session, by, ente_id=turn.ente_id, appointment_id=turn.appointment_id, to=appointment)
    if deed is Deed.ARRIVED:
        visits.withdraw(session, turn)
        turn.appointment_id = turn.contact_id = None
    service.tell(session, by, turn, Deed.RETRACTED, {"deed": deed.value, "apart": apart})


def _apart(session: Session, by: Principal, turn: Turn) -> bool:
    """Whether the desk of a turn, at which `by` sits and nobody else is, has called others since it ended."""
    if turn.desk_id is None or service.seat_of(session, by).desk_id != turn.desk_id:
        raise ConflictError("Lo annulla chi è allo sportello dove è successo.")
    if turn.state in queries.AT_DESK:
        return False
    if turn.desk_id in queries.office(session, turn.office_id).at_desks:
        raise ConflictError("Prima concludi con chi è al tuo sportello.")
    return queries.called_since(session, queries.get(session, turn.id))
