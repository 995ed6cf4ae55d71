"""What supervisors write about queues: which there are, how the menu offers them, who answers in which."""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.contacts.phone import is_of_usual_price, typed_number
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import signal, touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.enti.queries import enti_of
from telephony.agents.models import AgentPresence
from telephony.agents.service import enrol
from telephony.ivr import queries as ivr
from telephony.ivr.definition import Flow, ToCallback, ToQueue, ToVoicemail
from telephony.ivr.languages import Language
from telephony.lines.models import PhoneLine
from telephony.queues import queries
from telephony.queues.events import MatchDue
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember
from telephony.queues.routing import BEST, LOWEST
from telephony.texts import settings as texts
from telephony.texts.models import TextThread, ThreadState

DOMAIN = "centre"  # of a new queue where there is none yet: everybody is matched together
KEYS = tuple("123456789")
OTHERS = frozenset(Language) - {Language.ITALIAN}  # languages that not every agent speaks
SIP = re.compile(r"sip:[A-Za-z0-9._+-]{1,40}@[A-Za-z0-9.-]{1,32}")
MAX_NAME, MAX_LABEL = 60, 80
RING_S, WRAP_UP_S = range(5, 61), range(901)
PRIORITIES, LEVELS, SECONDS = range(10), range(BEST, LOWEST + 1), range(3601)


@dataclass(frozen=True, slots=True)
class QueueSetting:
    """What is written of a queue. Without a key it is not in the menu: the first such is the operator's."""

    name: str
    menu_digit: str | None = None
    menu_label: str | None = None
    asks_notice: bool = False
    ring_timeout_s: int = 20
    wrap_up_s: int = 60
    priority: int = 0
    ages_s: int = 0  # this and what follows: `routing.Rules`
    widens_s: int = 0
    overflow_id: int | None = None
    overflow_s: int = 0
    sticky_s: int = 0
    language_s: int = 60
    calls_back: bool = False  # whoever waits is offered to be called back
    asks_survey: bool = False  # whoever has spoken with an operator is asked how satisfied he is


_WRITTEN = tuple(QueueSetting.__dataclass_fields__)


def add(session: Session, by: Principal, *, contract_id: int, setting: QueueSetting) -> int:
    """A queue of the contract; its id. Nobody answers in it yet."""
    by.require(Permission.QUEUE_MANAGE, contract_id=contract_id)
    setting = _checked(session, contract_id, setting, besides=None)
    changed(session)
    row = Queue(contract_id=contract_id, domain=_domain(session, contract_id), closed_at=None, **asdict(setting))
    session.add(row)
    session.flush()
    _note(session, by, "queue.added", row, after=_told(session, setting))
    return row.id


def save(session: Session, by: Principal, *, queue_id: int, setting: QueueSetting) -> None:
    """Write a queue anew. Who rings or writes up now does so for as long as he was told."""
    row = _managed(session, by, queue_id)
    setting = _checked(session, row.contract_id, setting, besides=queue_id)
    before = _told(session, QueueSetting(**{name: getattr(row, name) for name in _WRITTEN}))
    changed(session)
    for name, value in asdict(setting).items():
        setattr(row, name, value)
    session.flush()
    _note(session, by, "queue.changed", row, before=before, after=_told(session, setting))
    signal(session, MatchDue(row.domain))  # somebody may answer now whom the old rules kept waiting


def close(session: Session, by: Principal, *, queue_id: int) -> None:
    """Nobody is led there any more; what it did stays in the figures. Closed twice is no error.

    Raises `ConflictError` while somebody waits or writes in it, SMS or a number lead to it, or it is the contract's
    last. Whatever overflowed to it does so no more.
    """
    row = _managed(session, by, queue_id)
    if row.closed_at is not None:
        return
    waiting = select(QueueEntry.call_id).where(QueueEntry.queue_id == queue_id, QueueEntry.state != EntryState.LEFT)
    if session.scalar(waiting.limit(1)) is not None:
        raise ConflictError("Qualcuno aspetta in questa coda: chiudila quando è vuota.")
    if session.scalar(select(PhoneLine.number).where(PhoneLine.queue_id == queue_id).limit(1)) is not None:
        raise ConflictError("Un numero porta direttamente a questa coda: portalo altrove, poi chiudila.")
    texts_here = texts.of_contract(session, row.contract_id)
    if texts_here is not None and texts_here.queue_id == queue_id:
        raise ConflictError("In questa coda arrivano gli SMS: portali in un'altra, poi chiudila.")
    written = select(TextThread.id).where(TextThread.queue_id == queue_id, TextThread.state != ThreadState.CLOSED)
    if session.scalar(written.limit(1)) is not None:
        raise ConflictError("In questa coda c'è una conversazione per SMS: chiudila quando è finita.")
    if _in_a_flow(session, row):
        raise ConflictError("Un percorso vocale pubblicato porta a questa coda: pubblicane uno senza, poi chiudila.")
    lines = session.scalar(select(PhoneLine.number).where(PhoneLine.contract_id == row.contract_id).limit(1))
    if lines is not None and queries.open_ids(session, row.contract_id) == {queue_id}:
        raise ConflictError("È l'ultima coda, e i numeri del contratto vi portano: aggiungine prima un'altra.")
    changed(session)
    row.closed_at = clock.now(session)
    session.execute(update(Queue).where(Queue.overflow_id == queue_id).values(overflow_id=None))
    session.flush()
    _note(session, by, "queue.closed", row)


def staff(session: Session, by: Principal, *, queue_id: int, levels: Mapping[int, int]) -> None:
    """These answer in the queue from now on, each at his level, and nobody else; calls under way go on.

    They must hold a role that answers calls on the contract.
    """
    row = _managed(session, by, queue_id)
    able = access.able(session, Permission.CALLS_ANSWER, contract_id=row.contract_id)
    before = queries.members(session, row.contract_id).get(queue_id, {})
    if not levels.keys() <= able.keys() | before.keys():
        raise InvalidError("Qualcuno non risponde più per questo contratto: ricarica la pagina.")
    if not all(level in LEVELS for level in levels.values()):
        raise InvalidError("Il livello va da 1 a 3.")
    if levels == before:
        return
    for agent_id in sorted(levels.keys() - before.keys()):
        enrol(session, agent_id=agent_id, domain=row.domain)
    session.execute(delete(QueueMember).where(QueueMember.queue_id == queue_id))
    session.add_all(
        QueueMember(queue_id=queue_id, agent_id=agent_id, level=level) for agent_id, level in sorted(levels.items())
    )
    session.flush()
    names = access.named(session, levels.keys() | before.keys())
    was, now = ({names.get(one, str(one)): level for one, level in some.items()} for some in (before, levels))
    _note(session, by, "queue.staffed", row, before={"agents": was}, after={"agents": now})
    signal(session, MatchDue(row.domain))


def place(session: Session, by: Principal, *, contract_id: int, agent_id: int, levels: Mapping[int, int]) -> None:
    """In which of a contract's queues an agent answers from now on, each at a level, and in no other of them.

    What he has in hand goes on. Raises `InvalidError` for a queue that is not one of the contract's.
    """
    by.require(Permission.QUEUE_MANAGE, contract_id=contract_id)
    open_ids = sorted(queries.open_ids(session, contract_id))
    if not levels.keys() <= set(open_ids):
        raise InvalidError("Una coda è stata chiusa nel frattempo: ricarica la pagina.")
    session.execute(select(Queue.id).where(Queue.id.in_(open_ids)).order_by(Queue.id).with_for_update())
    members = queries.members(session, contract_id)
    for queue_id in open_ids:
        others = {one: level for one, level in members.get(queue_id, {}).items() if one != agent_id}
        mine = {agent_id: levels[queue_id]} if queue_id in levels else {}
        staff(session, by, queue_id=queue_id, levels={**others, **mine})


def teach(session: Session, by: Principal, *, contract_id: int, agent_id: int, languages: Collection[str]) -> None:
    """Which languages an agent of the contract speaks, beside Italian."""
    by.require(Permission.QUEUE_MANAGE, contract_id=contract_id)
    if agent_id not in access.able(session, Permission.CALLS_ANSWER, contract_id=contract_id):
        raise InvalidError("Qualcuno non risponde più per questo contratto: ricarica la pagina.")
    if not set(languages) <= OTHERS:
        raise InvalidError("Questa lingua non si può scegliere.")
    enrol(session, agent_id=agent_id, domain=_domain(session, contract_id))
    row = session.get_one(AgentPresence, agent_id, with_for_update=True)
    before, row.speaks = sorted(row.speaks), sorted(set(languages))
    session.flush()
    if before != row.speaks:
        was, now = {"languages": before}, {"languages": row.speaks}
        name = access.named(session, [agent_id]).get(agent_id, "")
        for ente_id in sorted(enti_of(session, contract_id)):
            audit.note(session, by, kind="agent.languages", ente_id=ente_id, subject=name, before=was, after=now)
        signal(session, MatchDue(row.domain))


def ring_at(session: Session, by: Principal, *, contract_id: int, agent_id: int, number: str) -> None:
    """Where an agent's calls ring: at a telephone of his, or (empty) in his browser.

    His console stays open either way.
    """
    by.require(Permission.QUEUE_MANAGE, contract_id=contract_id)
    if agent_id not in access.able(session, Permission.CALLS_ANSWER, contract_id=contract_id):
        raise InvalidError("Qualcuno non risponde più per questo contratto: ricarica la pagina.")
    told = number.strip()
    if told.lower().startswith("sip:"):
        found: str | None = told if SIP.fullmatch(told) else None
    else:
        found = typed_number(told) if told else None
        found = found if found is not None and is_of_usual_price(found) else None
    if told and found is None:
        raise InvalidError("Scrivi un numero italiano fisso o mobile, o un indirizzo sip:nome@server.", field="number")
    enrol(session, agent_id=agent_id, domain=_domain(session, contract_id))
    row = session.get_one(AgentPresence, agent_id, with_for_update=True)
    before, row.rings_at = row.rings_at, found
    session.flush()
    if before != found:
        name = access.named(session, [agent_id]).get(agent_id, "")
        was, now = {"rings_at": before or ""}, {"rings_at": found or ""}
        for ente_id in sorted(enti_of(session, contract_id)):
            audit.note(session, by, kind="agent.telephone", ente_id=ente_id, subject=name, before=was, after=now)
        touch(session, topics.agent(agent_id))
        signal(session, MatchDue(row.domain))


def _managed(session: Session, by: Principal, queue_id: int) -> Queue:
    row = session.get(Queue, queue_id, with_for_update=True)
    if row is None or not by.can(Permission.QUEUE_MANAGE, contract_id=row.contract_id):
        raise NotFoundError("Questa coda non esiste.")
    return row


def _in_a_flow(session: Session, row: Queue) -> bool:
    """Whether a published flow leads callers to the queue."""
    current = [v.id for one in ivr.flows(session, frozenset({row.contract_id})) for v in one.versions if v.is_current]
    published = (Flow.model_validate(ivr.definition(session, version_id)) for version_id in current)
    leads = (ToQueue, ToCallback, ToVoicemail)
    return any(isinstance(node, leads) and node.queue == row.id for flow in published for node in flow.nodes.values())


def _domain(session: Session, contract_id: int) -> str:
    """Where a contract's queues are matched: together with its others, else with everybody's."""
    own = select(Queue.domain).where(Queue.contract_id == contract_id).order_by(Queue.id).limit(1)
    return session.scalar(own) or session.scalar(select(Queue.domain).order_by(Queue.id).limit(1)) or DOMAIN


def _checked(session: Session, contract_id: int, setting: QueueSetting, *, besides: int | None) -> QueueSetting:
    """The setting, tidied. Raises `InvalidError` with what is wrong with each field."""
    name, label = " ".join(setting.name.split()), " ".join((setting.menu_label or "").split())
    digit = setting.menu_digit or None
    wrong = []
    if not 0 < len(name) <= MAX_NAME:
        wrong.append(InvalidError("Scrivi il nome della coda, in 60 caratteri al massimo.", field="name"))
    if digit is not None and digit not in KEYS:
        wrong.append(InvalidError("Il tasto è una cifra da 1 a 9.", field="digit"))
    if digit is not None and not 0 < len(label) <= MAX_LABEL:
        wrong.append(InvalidError("Scrivi che cosa dice il menu, in 80 caratteri al massimo.", field="label"))
    if "{" in label or "}" in label:
        wrong.append(InvalidError("Qui le parentesi graffe non si possono dire.", field="label"))
    others = [one for one in queries.queues(session, frozenset({contract_id})) if one.id != besides]
    if digit is not None and any(one.menu_digit == digit for one in others):
        wrong.append(InvalidError("Questo tasto porta già a un'altra coda.", field="digit"))
    if any(one.name.casefold() == name.casefold() for one in others):
        wrong.append(InvalidError("C'è già una coda con questo nome.", field="name"))
    if setting.ring_timeout_s not in RING_S:
        wrong.append(InvalidError("Il telefono può squillare da 5 a 60 secondi.", field="ring"))
    if setting.wrap_up_s not in WRAP_UP_S:
        wrong.append(InvalidError("Il tempo per le note va da 0 a 900 secondi.", field="wrap"))
    if setting.priority not in PRIORITIES:
        wrong.append(InvalidError("La priorità va da 0 a 9.", field="priority"))
    if setting.overflow_id is not None and setting.overflow_id not in {one.id for one in others}:
        wrong.append(InvalidError("Scegli un'altra coda del contratto.", field="overflow"))
    waits = {
        "ages": setting.ages_s, "widens": setting.widens_s, "overflow_s": setting.overflow_s,
        "sticky": setting.sticky_s, "language": setting.language_s,
    }  # fmt: skip
    too_long = "I secondi di attesa vanno da 0 a 3600."
    wrong += [InvalidError(too_long, field=field) for field, s in waits.items() if s not in SECONDS]
    if wrong:
        raise InvalidError("La coda non è scritta bene.", parts=wrong)
    return replace(setting, name=name, menu_digit=digit, menu_label=label if digit else None)


def _told(session: Session, setting: QueueSetting) -> dict[str, Any]:
    """A setting as the audit's reader knows it: the other queue by its name."""
    other = queries.queue(session, setting.overflow_id).name if setting.overflow_id is not None else ""
    return {name: value for name, value in asdict(setting).items() if name != "overflow_id"} | {"overflow": other}


def _note(
    session: Session, by: Principal, kind: str, row: Queue, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    for ente_id in sorted(enti_of(session, row.contract_id)):
        audit.note(session, by, kind=kind, ente_id=ente_id, subject=row.name, before=before, after=after)
    touch(session, topics.board(row.contract_id))
