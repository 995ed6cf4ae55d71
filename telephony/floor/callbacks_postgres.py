"""Callbacks on the floor in PostgreSQL."""

from uuid import UUID

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from crm.core.db import table_of
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from telephony.callbacks.models import Callback, CallbackState
from telephony.floor.callbacks_port import CallbackRow
from telephony.floor.postgres_part import PostgresPart
from telephony.queues.models import EntryState, QueueEntry

_CALLBACK, _ENTRY = table_of(Callback), table_of(QueueEntry)

_ADD = upsert(_CALLBACK).on_conflict_do_nothing().returning(_CALLBACK.c.call_id)
_OTHER = _CALLBACK.alias()
_ADD_AGAIN = (
    update(_CALLBACK)
    .where(
        _CALLBACK.c.call_id == bindparam("call"), _CALLBACK.c.state != CallbackState.OPEN,
        ~exists().where(
            _OTHER.c.contract_id == bindparam("contract"), _OTHER.c.number == bindparam("its_number"),
            _OTHER.c.state == CallbackState.OPEN,
        ),
    )
    .returning(_CALLBACK.c.call_id)
)  # fmt: skip
_THIS = _CALLBACK.c.call_id == bindparam("call")
_READ, _WRITE = select(*_CALLBACK.c).where(_THIS), update(_CALLBACK).where(_THIS)
_OPEN = select(*_CALLBACK.c).where(
    _CALLBACK.c.contract_id == bindparam("contract"), _CALLBACK.c.number == bindparam("number"),
    _CALLBACK.c.state == CallbackState.OPEN, _CALLBACK.c.call_id != bindparam("call"),
)  # fmt: skip
_PUT = (
    update(_ENTRY)
    .where(
        _ENTRY.c.call_id == bindparam("call"), _ENTRY.c.state.in_([EntryState.WAITING, EntryState.ASIDE]), _ENTRY.c.away
    )
    .returning(_ENTRY.c.domain)
)


class PostgresCallbacks(PostgresPart):
    """`CallbackFloor` by the statements of one session."""

    __slots__ = ()

    def add_callback(self, **values: object) -> bool:
        if self._session.execute(_ADD, values).first() is not None:
            return True
        key = {"call": values["call_id"], "contract": values["contract_id"], "its_number": values["number"]}
        again = {**values, "ended_at": None}
        return self._session.execute(_ADD_AGAIN.values(again), key).first() is not None

    def callback(self, call_id: UUID) -> CallbackRow | None:
        return self._session.execute(_READ, {"call": call_id}).one_or_none()

    def open_callback(self, *, contract_id: int, number: str, other_than: UUID) -> CallbackRow | None:
        values = {"contract": contract_id, "number": number, "call": other_than}
        return self._session.execute(_OPEN, values).one_or_none()

    def write_callback(self, call_id: UUID, /, **values: object) -> None:
        self._session.execute(_WRITE, {"call": call_id, **values})

    def put_entry(self, call_id: UUID, state: EntryState) -> str | None:
        values = {"call": call_id, "state": state}
        domain: str | None = self._session.execute(_PUT, values).scalar_one_or_none()
        return domain

    def owe_callback(self, *, ente_id: int, contact_id: int, note: str, call_id: UUID) -> None:
        kind = FollowUpKind.CALL_BACK
        follow_ups.owe(self._session, ente_id=ente_id, contact_id=contact_id, kind=kind, note=note, call_id=call_id)
