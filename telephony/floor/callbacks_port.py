"""What the deciding code needs of callbacks, within one transaction: a part of the floor."""

from typing import Any, Protocol
from uuid import UUID

from telephony.queues.models import EntryState

CallbackRow = Any  # a row of the table of callbacks, its columns by name


class CallbackFloor(Protocol):
    """Who asked to be called back. A number is to be called back once at a time in a contract."""

    def add_callback(self, **values: object) -> bool:
        """A callback with these columns, in the stead of one of the same call that is over; false while one of its
        contract and number, or of its call, is open.
        """

    def callback(self, call_id: UUID) -> CallbackRow | None:
        """The callback that was asked for in a call."""

    def open_callback(self, *, contract_id: int, number: str, other_than: UUID) -> CallbackRow | None:
        """The open callback of a number, asked for in another call than this."""

    def write_callback(self, call_id: UUID, /, **values: object) -> None:
        """Write columns of a call's callback."""

    def put_entry(self, call_id: UUID, state: EntryState) -> str | None:
        """Let operators take the entry of a callback, or put it aside; its domain. None: one takes it already."""

    def owe_callback(self, *, ente_id: int, contact_id: int, note: str, call_id: UUID) -> None:
        """Somebody has to call a taxpayer who was not reached: `crm.follow_ups.service.owe`."""
