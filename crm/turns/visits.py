"""A visit at the desk on the timeline of whoever came, once it is known who he is."""

from uuid import UUID

from sqlalchemy.orm import Session

from crm.agendas import queries as agendas
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from crm.turns.models import Turn


def put_on_timeline(session: Session, turn: Turn) -> None:
    """The visit as it stands now: for what, where, by whom he is served, how long he waited and it took, the note."""
    if turn.contact_id is None:
        return
    desk = next((one.name for one in agendas.desks(session, turn.office_id) if one.id == turn.desk_id), "")
    timeline.record(
        session, ente_id=turn.ente_id, contact_id=turn.contact_id, kind=EntryKind.VISIT, source=_source(turn),
        occurred_at=turn.arrived_at, author_id=turn.clerk_id, status=turn.state.value,
        detail={
            "service": agendas.service(session, turn.ente_id, turn.service_id).called("it"),
            "office": agendas.office(session, turn.office_id).name, "desk": desk,
            "booked": turn.appointment_id is not None, "waited_s": turn.waited_s, "served_s": turn.served_s,
            "note": turn.note,
        },
    )  # fmt: skip


def withdraw(session: Session, turn: Turn) -> None:
    """It was somebody else's."""
    if turn.contact_id is not None:
        timeline.withdraw(
            session, ente_id=turn.ente_id, contact_id=turn.contact_id, kind=EntryKind.VISIT, source=_source(turn)
        )  # fmt: skip


def _source(turn: Turn) -> UUID:
    return UUID(int=turn.id)  # a timeline asks for one; the turn's own number makes it
