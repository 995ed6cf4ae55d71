"""What is not kept: expired holds, what nobody went on to book, how often somebody asked, and who came long ago."""

from datetime import timedelta
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.agendas import drafts, pace, privacy, queries
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.wishes import keeping as wishes
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti import queries as enti

LEFT_AFTER = timedelta(hours=1)
AT_ONCE = 500
_ROW = table_of(Appointment)


def forget(database: Database) -> int:
    """Delete them, of every ente; how many holds there were."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    return database.transact(Scope.of_enti(served), _forget)


def forget_people(database: Database) -> int:
    """Take from appointments of people on no file who they were, so many days after as their ente says; how many.

    Who is on a file is forgotten with it. That somebody came, and when, stays for the figures. Who waited and has
    ended waiting is forgotten likewise, wholly.
    """
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(_forget_people, ente_id=one))
    )


def _forget(session: Session) -> int:
    drafts.forget(session)
    pace.forget(session)
    old = (_ROW.c.state == AppointmentState.HELD, _ROW.c.held_until < clock.now(session) - LEFT_AFTER)
    return len(session.execute(delete(_ROW).where(*old).returning(_ROW.c.id)).all())


def _forget_people(session: Session, ente_id: int) -> int:
    before = clock.now(session) - timedelta(days=queries.kept_days(session, ente_id))
    old = (
        _ROW.c.ente_id == ente_id, _ROW.c.contact_id.is_(None), _ROW.c.surname != "", _ROW.c.ends_at < before,
        _ROW.c.state != AppointmentState.HELD,
    )  # fmt: skip
    ids = session.scalars(select(_ROW.c.id).where(*old).order_by(_ROW.c.ends_at).limit(AT_ONCE)).all()
    return privacy.empty(session, ente_id, ids) + wishes.forget(session, ente_id)
