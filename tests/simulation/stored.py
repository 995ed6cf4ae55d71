"""The simulation over PostgreSQL: what is on the floor there."""

from typing import Any

from sqlalchemy import select

from crm.core.db import Base, Database, Scope, table_of
from crm.levels.metering import MEASURES, Counts
from crm.levels.models import ServiceDelta
from telephony.agents.models import AgentPresence
from telephony.callbacks.models import Callback
from telephony.calls.models import Call
from telephony.commands.models import CarrierCommand, CommandState, Timer
from telephony.queues.models import QueueEntry
from web.simulation.books import Left


def look(database: Database) -> tuple[Left, Counts]:
    """What is left lying about, and the meter; its deltas are not folded."""
    with database.begin(Scope.across_enti()) as session:

        def rows(model: type[Base], *where: Any) -> list[Any]:
            return [dict(row) for row in session.execute(select(table_of(model)).where(*where)).mappings()]

        owed = CarrierCommand.state.in_([CommandState.OWED, CommandState.UNKNOWN])
        left = Left(
            rows(Call), rows(AgentPresence), rows(QueueEntry), rows(Timer), rows(CarrierCommand, owed), rows(Callback)
        )
        contract = left.calls[0]["contract_id"] if left.calls else 0
    with database.begin(Scope.of_contract(contract)) as session:
        deltas = session.execute(select(table_of(ServiceDelta))).mappings().all()
    return left, sum((Counts(**{name: row[name] for name in MEASURES}) for row in deltas), Counts())
