"""The floor in PostgreSQL. The statements are built once; where several rows come, their order is told.

With a hundred webhooks a second, building them would take more processor time than running them. Locks are taken in one
order: call, entry, agent.
"""

from contextlib import AbstractContextManager

from telephony.floor.callbacks_postgres import PostgresCallbacks
from telephony.floor.calls_postgres import PostgresCalls
from telephony.floor.commands_postgres import PostgresCommands
from telephony.floor.meter_postgres import PostgresMeter
from telephony.floor.queue_postgres import PostgresQueue
from telephony.floor.texts_postgres import PostgresTexts


class PostgresFloor(PostgresCalls, PostgresQueue, PostgresCommands, PostgresMeter, PostgresCallbacks, PostgresTexts):
    """`Floor` by the statements of one session."""

    __slots__ = ()

    def attempt(self) -> AbstractContextManager[object]:
        return self._session.begin_nested()
