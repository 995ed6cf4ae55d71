"""Conversations by SMS for who may listen: those that are over, as a list and as CSV; and one to be read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core.clock import business_day, in_rome, start_of_day
from crm.enti import queries as enti
from telephony.calls.choices import Disposition, Topic
from telephony.queues import queries as queues
from telephony.queues.figures import figures_locked
from telephony.texts import reading
from telephony.texts.models import Closed
from telephony.texts.reading import Past, Wanted
from web.edge.fields import id_of, period_of
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.edge.words import word_for
from web.texts.view import bubbles

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
DAYS = 7  # shown until somebody chooses otherwise
MOST, MOST_EXPORTED = 200, 50_000
Kind = TypeVar("Kind", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants to see, as the page's address says it."""

    since: date
    until: date
    ente: int | None
    queue: int | None
    closed: Closed | None
    outcome: Disposition | None

    @property
    def query(self) -> str:
        """The choice, to be put behind a `?`."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def wanted(self) -> Wanted:
        """As a question."""
        return Wanted(
            start_of_day(self.since), start_of_day(self.until + timedelta(days=1)), self.ente, self.queue, self.closed,
            self.outcome,
        )  # fmt: skip


def choice(
    runtime: RuntimeDep, since: str = "", until: str = "", ente: str = "", queue: str = "", closed: str = "",
    outcome: str = "",
) -> Choice:  # fmt: skip
    """What the address says. Raises `InvalidError`, field by field; what it does not know chooses nothing."""
    first, last = period_of(since, until, today=business_day(runtime.clock.now()), days=DAYS)
    return Choice(first, last, id_of(ente), id_of(queue), _one(Closed, closed), _one(Disposition, outcome))


ChoiceDep = Annotated[Choice, Depends(choice)]


@dataclass(frozen=True, slots=True)
class Names:
    """What ids stand for."""

    enti: Mapping[int, enti.Badge]
    queues: Mapping[int, str]
    agents: Mapping[int, str]


@router.get("/texts")
def listed(request: Request, runtime: RuntimeDep, visit: VisitDep, choice: ChoiceDep) -> Response:
    """The conversations that are over."""
    with runtime.database.begin(visit.scope(Permission.RECORDING_LISTEN)) as session:
        found = reading.past(session, visit.principal, choice.wanted, most=MOST + 1)
        names = _names(session, visit, found)
    return page(
        request, "texts/history.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found[:MOST],
        most=MOST if len(found) > MOST else None, names=names, choice=choice, ways=tuple(Closed),
        outcomes=tuple(Disposition), topics={one.value: one for one in Topic},
        dispositions={one.value: one for one in Disposition},
    )  # fmt: skip


@router.get("/texts.csv")
def export(runtime: RuntimeDep, visit: VisitDep, choice: ChoiceDep) -> Response:
    """The same as CSV. Nobody who wrote is named in it."""
    say = translations(visit.language).gettext
    with runtime.database.begin(visit.scope(Permission.RECORDING_LISTEN)) as session:
        found = reading.past(session, visit.principal, choice.wanted, most=MOST_EXPORTED)
        names = _names(session, visit, found)
    head = [
        say("Iniziata"), say("Chiusa"), say("Ente"), say("Coda"), say("Operatore"), say("Come si è chiusa"),
        say("Argomento"), say("Esito"), say("Attesa (s)"), say("Ricevuti"), say("Inviati"), say("Riprese"),
    ]  # fmt: skip
    return csv_answer(f"sms-{choice.since}-{choice.until}.csv", head, _rows(found, names, say))


@router.get("/texts/{thread}")
def thread(request: Request, runtime: RuntimeDep, visit: VisitDep, thread: UUID) -> Response:
    """One conversation: why one wants to read it, and once that is said, what was written."""
    with runtime.database.begin(visit.scope(Permission.RECORDING_LISTEN)) as session:
        row = reading.thread(session, visit.principal, thread_id=thread)
        why = reading.reason_of(session, visit.principal, thread_id=thread)
        read = reading.readings(session, thread)
        served = _named(session, set() if row.agent_id is None else {row.agent_id})
        names = served | access.named(session, {who for who, _, _ in read} - {row.agent_id})
        badge = enti.badges(session, frozenset({row.ente_id})).get(row.ente_id) if row.ente_id is not None else None
        return page(
            request, "texts/thread.html", visit.language, visit=visit, csrf=visit.csrf_token, thread=row, why=why,
            read=read, names=names, ente=badge, queue=queues.queue(session, row.queue_id).name,
            days=reading.days(session, thread), bubbles=bubbles(session, thread) if why is not None else (),
            topic=Topic(row.topic) if row.topic else None,
            outcome=Disposition(row.disposition) if row.disposition else None,
        )  # fmt: skip


@router.post("/texts/{thread}")
def begin(runtime: RuntimeDep, visit: ChangeDep, thread: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Why one wants to read it."""
    runtime.database.transact(
        visit.scope(Permission.RECORDING_LISTEN),
        lambda session: reading.begin(session, visit.principal, thread_id=thread, reason=reason),
    )
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": f"/texts/{thread}"})


def _names(session: Session, visit: Visit, found: list[Past]) -> Names:
    scope = visit.scope(Permission.RECORDING_LISTEN)
    contracts = scope.contracts | {one for ente in scope.enti or () for one in enti.contracts_of(session, ente)}
    return Names(
        enti.badges(session, scope.enti),
        {one.id: one.name for one in queues.with_closed(session, contracts)},
        _named(session, {one.agent_id for one in found if one.agent_id is not None}),
    )


def _named(session: Session, agent_ids: set[int]) -> dict[int, str]:
    """The names of those agents whose single work may be looked at."""
    locked = figures_locked(session, agent_ids)
    return access.named(session, {one for one in agent_ids if locked[one] is None})


def _rows(found: list[Past], names: Names, say: Callable[[str], str]) -> Iterator[tuple[object, ...]]:
    for one in found:
        ente = names.enti.get(one.ente_id) if one.ente_id is not None else None
        topic, outcome = _one(Topic, one.topic or ""), _one(Disposition, one.disposition or "")
        yield (
            f"{in_rome(one.begun_at):%Y-%m-%d %H:%M}", f"{in_rome(one.closed_at):%Y-%m-%d %H:%M}",
            ente.name if ente else "—", names.queues.get(one.queue_id, "—"), names.agents.get(one.agent_id or 0, "—"),
            say(word_for(one.closed)), say(word_for(topic)) if topic else "", say(word_for(outcome)) if outcome else "",
            round(one.waited_ms / 1000), one.received, one.sent, one.reopened,
        )  # fmt: skip


def _one(kind: type[Kind], text: str) -> Kind | None:
    return kind(text) if text in set(kind) else None
