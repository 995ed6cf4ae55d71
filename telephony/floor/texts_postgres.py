"""Conversations by SMS on the floor in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, and_, any_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from crm.access.permissions import Principal
from crm.core.db import table_of
from telephony.agents.models import AgentPresence, AgentState
from telephony.floor.postgres_part import PostgresPart
from telephony.floor.texts_port import TextAgent, WaitingThread
from telephony.queues.models import Queue, QueueMember
from telephony.queues.routing import FreeAgent, Waiting
from telephony.texts import sending, story
from telephony.texts.lifecycle import LiveThread, Thread, restored
from telephony.texts.models import TextDesk, TextEvent, TextMessage, TextThread, ThreadState

_THREAD, _EVENT = table_of(TextThread), table_of(TextEvent)
_MESSAGE, _DESK = table_of(TextMessage), table_of(TextDesk)
_QUEUE, _MEMBER, _PRESENCE = table_of(Queue), table_of(QueueMember), table_of(AgentPresence)
_OF = ("id", "contract_id", "ente_id", "line", "citizen", "language", "contact_id")

_THIS = _THREAD.c.id == bindparam("thread")
_ADD = upsert(_THREAD).on_conflict_do_nothing().returning(_THREAD.c.id)
_LAST = (
    select(_THREAD.c.id)
    .where(_THREAD.c.citizen == bindparam("citizen"), _THREAD.c.line == bindparam("line"))
    .order_by(_THREAD.c.begun_at.desc(), _THREAD.c.id.desc())
    .limit(1)
)
_LOCK = (
    select(*(_THREAD.c[name] for name in _OF), *(_THREAD.c[one.name] for one in fields(Thread)))
    .where(_THIS)
    .with_for_update()
)
_WRITE = update(_THREAD).where(_THIS)
_LOG = upsert(_EVENT).on_conflict_do_nothing(index_elements=["thread_id", "key"]).returning(_EVENT.c.id)
_WAITING = (
    select(
        _THREAD.c.contract_id, _THREAD.c.id, _THREAD.c.queue_id, _THREAD.c.priority, _THREAD.c.entered_at,
        _THREAD.c.ente_id, _THREAD.c.language, _THREAD.c.knows, _THREAD.c.meant_for, _THREAD.c.missed_by,
        _THREAD.c.missed_at,
    )
    .where(
        _THREAD.c.domain == bindparam("domain"), _THREAD.c.state == ThreadState.WAITING,
        or_(_THREAD.c.not_before.is_(None), _THREAD.c.not_before <= bindparam("now")),
    )
    .order_by(_THREAD.c.id)
)  # fmt: skip
_TAKES_UP = (ThreadState.OFFERED, ThreadState.OPEN)
_HAS = (
    select(func.count())
    .where(_THREAD.c.agent_id == _PRESENCE.c.agent_id, _THREAD.c.state.in_(_TAKES_UP))
    .correlate(_PRESENCE)
    .scalar_subquery()
)
_AGENTS = (
    select(
        _PRESENCE.c.agent_id, _PRESENCE.c.idle_since, func.array_agg(_MEMBER.c.queue_id),
        func.array_agg(_MEMBER.c.level), _PRESENCE.c.not_for, _PRESENCE.c.speaks, _PRESENCE.c.state, _HAS,
    )
    .join(_MEMBER, _MEMBER.c.agent_id == _PRESENCE.c.agent_id)
    .join(_QUEUE, and_(_QUEUE.c.id == _MEMBER.c.queue_id, _QUEUE.c.contract_id == any_(_PRESENCE.c.answers_for)))
    .where(
        _PRESENCE.c.domain == bindparam("domain"),
        _PRESENCE.c.state.in_([AgentState.READY, AgentState.TALKING]),
        _PRESENCE.c.live_until > bindparam("now"),
    )
    .group_by(_PRESENCE.c.agent_id)
    .order_by(_PRESENCE.c.agent_id)
)  # fmt: skip
_HASTEN = update(_THREAD).where(_THREAD.c.agent_id == bindparam("agent"), _THREAD.c.state.in_(_TAKES_UP))
_DUE = (
    select(_THREAD.c.id, _THREAD.c.contract_id)
    .where(_THREAD.c.due_at <= bindparam("now"))
    .order_by(_THREAD.c.due_at, _THREAD.c.id)
    .limit(bindparam("most"))
)

_KEEP = upsert(_MESSAGE).on_conflict_do_nothing().returning(_MESSAGE.c.id)
_COUNT = select(func.count()).where(
    _THREAD.c.contract_id == bindparam("contract"), _THREAD.c.state.in_([ThreadState.WAITING, ThreadState.OFFERED])
)
_SOMEBODY = (
    select(_PRESENCE.c.agent_id)
    .where(
        _PRESENCE.c.domain == bindparam("domain"), _PRESENCE.c.state != AgentState.OFFLINE,
        _PRESENCE.c.live_until > bindparam("now"),
        bindparam("contract", type_=BigInteger) == any_(_PRESENCE.c.answers_for),
    )
    .limit(1)
)  # fmt: skip
_IN_FRONT = select(_DESK.c.thread_id).where(_DESK.c.agent_id == bindparam("agent"))
_SEEN = update(_THREAD).where(
    _THREAD.c.id == any_(bindparam("threads", type_=ARRAY(Uuid))), _THREAD.c.agent_id == bindparam("agent")
)
_CHOSEN = upsert(_DESK)
_CHOOSE = _CHOSEN.on_conflict_do_update(
    index_elements=["agent_id"],
    set_={"thread_id": _CHOSEN.excluded.thread_id, "chosen_at": _CHOSEN.excluded.chosen_at},
)


class PostgresTexts(PostgresPart):
    """`TextFloor` by the statements of one session."""

    __slots__ = ()

    def add_thread(self, **values: object) -> bool:
        return self._session.execute(_ADD, values).first() is not None

    def last_thread(self, *, line: str, citizen: str) -> UUID | None:
        return self._session.execute(_LAST, {"line": line, "citizen": citizen}).scalar_one_or_none()

    def lock_thread(self, thread_id: UUID) -> LiveThread | None:
        row = self._session.execute(_LOCK, {"thread": thread_id}).one_or_none()
        if row is None:
            return None
        return LiveThread(**dict(zip(_OF, row, strict=False)), thread=restored(row[len(_OF) :]))

    def write_thread(self, thread_id: UUID, /, **values: object) -> None:
        self._session.execute(_WRITE, {"thread": thread_id, **values})

    def log_thread(
        self, live: LiveThread, *, key: str, kind: str, detail: Mapping[str, str], at: datetime
    ) -> bool:  # fmt: skip
        row = {
            "thread_id": live.id, "contract_id": live.contract_id, "ente_id": live.ente_id, "key": key, "kind": kind,
            "detail": dict(detail), "at": at,
        }  # fmt: skip
        return self._session.execute(_LOG, row).first() is not None

    def waiting_threads(self, domain: str, now: datetime) -> list[WaitingThread]:
        rows = self._session.execute(_WAITING, {"domain": domain, "now": now})
        return [WaitingThread(row[0], Waiting(*row[1:9]), frozenset(row[9]), row[10]) for row in rows]

    def text_agents(self, domain: str, now: datetime) -> list[TextAgent]:
        rows = self._session.execute(_AGENTS, {"domain": domain, "now": now})
        return [
            TextAgent(
                FreeAgent(agent_id, idle, dict(zip(those, levels, strict=True)), frozenset(no), frozenset(speaks)),
                has, state is AgentState.TALKING,
            )
            for agent_id, idle, those, levels, no, speaks, state, has in rows
        ]  # fmt: skip

    def hasten_threads(self, agent_id: int, at: datetime) -> None:
        self._session.execute(_HASTEN, {"agent": agent_id, "due_at": at})

    def due_threads(self, now: datetime, *, limit: int) -> list[tuple[UUID, int]]:
        return [(row[0], row[1]) for row in self._session.execute(_DUE, {"now": now, "most": limit})]

    def keep_text(self, live: LiveThread, *, sid: str, body: str, media: int, at: datetime) -> bool:
        row = {
            "thread_id": live.id, "contract_id": live.contract_id, "ente_id": live.ente_id, "inbound": True,
            "body": body, "media": media, "at": at, "external_id": sid,
        }  # fmt: skip
        return self._session.execute(_KEEP, row).first() is not None

    def say(self, live: LiveThread, body: str, *, cause: str, by: Principal | None = None) -> UUID:
        return sending.say(self._session, live, body, cause=cause, by=by)

    def threads_waiting(self, contract_id: int) -> int:
        return self._session.execute(_COUNT, {"contract": contract_id}).scalar_one()

    def somebody_there(self, domain: str, contract_id: int, now: datetime) -> bool:
        where = {"domain": domain, "contract": contract_id, "now": now}
        return self._session.execute(_SOMEBODY, where).first() is not None

    def to_the_front(self, agent_id: int, thread_id: UUID | None, *, at: datetime) -> None:
        before = self._session.execute(_IN_FRONT, {"agent": agent_id}).scalar_one_or_none()
        seen = [one for one in (before, thread_id) if one is not None]
        self._session.execute(_SEEN, {"threads": seen, "agent": agent_id, "seen_at": at})
        self._session.execute(_CHOOSE, {"agent_id": agent_id, "thread_id": thread_id, "chosen_at": at})

    def tell_thread(self, thread_id: UUID) -> None:
        story.tell(self._session, thread_id)
