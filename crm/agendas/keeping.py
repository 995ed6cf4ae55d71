"""Holds that expired an hour ago are not kept, nor what nobody went on to book, nor how often somebody asked."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.agendas import drafts, pace
from crm.agendas.models import Appointment, AppointmentState
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.enti import queries as enti

LEFT_AFTER = timedelta(hours=1)
_ROW = table_of(Appointment)


def forget(database: Database) -> int:
    """Delete them, of every ente; how many holds there were."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    return database.transact(Scope.of_enti(served), _forget)


def _forget(session: Session) -> int:
    drafts.forget(session)
    pace.forget(session)
    old = (_ROW.c.state == AppointmentState.HELD, _ROW.c.held_until < clock.now(session) - LEFT_AFTER)
    return len(session.execute(delete(_ROW).where(*old).returning(_ROW.c.id)).all())
