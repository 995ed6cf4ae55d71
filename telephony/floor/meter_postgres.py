"""The meter, and what is known of taxpayers, on the floor in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import bindparam, select

from crm.contacts import queries as contacts
from crm.contacts.queries import ContactKey
from crm.core.db import table_of
from crm.files import service as files
from crm.follow_ups import queries as follow_ups
from crm.levels import contract_events
from crm.levels import queries as promised
from crm.levels import service as levels
from crm.levels.agreement import Promise
from crm.levels.metering import Account, Counts, Measured
from crm.levels.models import ContractEventKind
from crm.levels.service import SeenFact, ToldWait
from crm.positions import queries as positions
from crm.timeline import queries as timeline
from crm.timeline.models import EntryKind
from telephony.agents.models import AgentPresence
from telephony.calls import story
from telephony.floor.postgres_part import PostgresPart

_PRESENCE = table_of(AgentPresence)

_ENROLLED = select(_PRESENCE.c.agent_id).where(_PRESENCE.c.agent_id.in_(bindparam("agents", expanding=True)))


class PostgresMeter(PostgresPart):
    """What is counted and promised; who calls."""

    __slots__ = ()

    def record(
        self, subject: UUID, *, facts: Iterable[SeenFact], before: tuple[Account, Measured] | None,
        after: tuple[Account, Measured],
    ) -> None:  # fmt: skip
        levels.record(self._session, subject=subject, facts=facts, before=before, after=after)

    def announce(self, subject: UUID, *, account: Account, told: ToldWait) -> None:
        levels.announce(self._session, subject=subject, account=account, told=told)

    def handled_since(self, contract_id: int, queue_id: int, since: datetime) -> Counts:
        return promised.handled_since(self._session, contract_id, queue_id, since)

    def count_alone(self, contract_id: int, ente_id: int | None) -> None:
        contract_events.one_at_a_time(self._session, contract_id, ente_id)

    def emit(
        self, promise: Promise, *, kind: ContractEventKind, subject: str, measured: Decimal, at: datetime,
        ente_id: int | None, queue_id: int | None,
    ) -> None:  # fmt: skip
        contract_events.emit(
            self._session, promise, kind=kind, subject=subject, measured=measured, at=at, ente_id=ente_id,
            queue_id=queue_id,
        )  # fmt: skip

    def withdraw(self, promise: Promise, *, subject: str) -> None:
        contract_events.withdraw(self._session, promise, subject=subject)

    # -- the taxpayer and his file --------------------------------------------------------------------------------

    def reached_at(self, number: str) -> list[ContactKey]:
        return contacts.reached_at(self._session, number)

    def by_notice(self, notice_number: str) -> list[ContactKey]:
        found = positions.by_notice(self._session, notice_number)
        return [ContactKey(one.ente_id, one.contact_id) for one in found]

    def tell(self, call_id: UUID) -> None:
        story.tell(self._session, call_id)

    def close_file(self, call_id: UUID) -> None:
        files.close_for_call(self._session, call_id)

    def who_know(self, contact_id: int, *, since: datetime) -> list[int]:
        same = [one.id for one in contacts.same_person(self._session, contact_id)]
        holders = follow_ups.holders(self._session, same)
        enrolled = frozenset(self._session.scalars(_ENROLLED, {"agents": holders})) if holders else frozenset()
        last = timeline.last_author(self._session, same, kind=EntryKind.CALL, since=since)
        held = [one for one in holders if one in enrolled]
        return held if last is None or last in held else [*held, last]
