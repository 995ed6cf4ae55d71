"""One record of another system read as a call, pure. docs/import-calls.md says what each column means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar
from uuid import UUID, uuid5

from crm.contacts.phone import CallerKind
from crm.core.clock import ROME
from crm.levels.metering import Account, Callers, Measured, ms_between, quarter_of
from telephony.history.models import PastOutcome
from telephony.lines.callers import counted_as
from telephony.lines.models import LineKind

COLUMNS = (
    "start", "queue_entry", "queue_exit", "answer", "end", "outcome", "queue", "ente", "line_kind", "agent",
)  # fmt: skip
REFERENCE = "id"  # what the other system calls the call, where it says
LONGEST_NAME = 80
LONGEST_CALL = timedelta(days=1)
EARLIEST = 1990  # no records are older; a wrong year is
ENTERED = frozenset({PastOutcome.ANSWERED, PastOutcome.ABANDONED})
_IDENTITY = UUID("5f6f4f5e-3d0b-5c0c-9c57-6f2a4a5f8d11")  # the names of imported calls, for uuid5


Kind = TypeVar("Kind", PastOutcome, LineKind)


class RowError(Exception):
    """A record that is refused, and why."""


@dataclass(frozen=True, slots=True)
class Known:
    """What records may name: a contract's queues and enti, and people by their user names."""

    contract_id: int
    queues: Mapping[str, int]  # by name, in lower case
    enti: Mapping[str, int]  # by codice catastale
    agents: Mapping[str, int]
    now: datetime


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call of which another system's record tells."""

    id: UUID
    contract_id: int
    ente_id: int | None
    queue_id: int | None
    callers: Callers
    outcome: PastOutcome
    started_at: datetime
    entered_at: datetime | None
    left_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime
    waited_ms: int
    agent: str | None
    agent_id: int | None

    @property
    def account(self) -> Account:
        """Where it counts."""
        return Account(self.contract_id, self.ente_id, self.queue_id, self.callers, quarter_of(self.started_at))

    @property
    def measured(self) -> Measured:
        """The call as the meter sees it."""
        entered = self.outcome in ENTERED
        return Measured(
            received=self.outcome is not PastOutcome.CLOSED,
            entered=entered,
            served=self.outcome is PastOutcome.ANSWERED,
            ended=True,
            waited_ms=self.waited_ms if entered else None,
            turned_away=self.outcome is PastOutcome.TURNED_AWAY,
            talk_ms=ms_between(self.answered_at, self.ended_at) if self.answered_at else 0,
        )


def read(record: Mapping[str, str], known: Known) -> PastCall:
    """The call of a record. Raises `RowError` with the first reason for which it is none."""
    outcome = _one_of(record, "outcome", PastOutcome)
    line = _one_of(record, "line_kind", LineKind)
    start, end = _instant(record, "start"), _instant(record, "end")
    entry, leave, answer = (_instant_or_none(record, name) for name in ("queue_entry", "queue_exit", "answer"))
    _check(outcome, start, entry, leave, answer, end, known.now)
    queue, ente = record["queue"].strip(), record["ente"].strip().upper()
    if queue and queue.lower() not in known.queues:
        raise RowError(f"queue: nel contratto non c'è una coda «{queue}»")
    if outcome in ENTERED and not queue:
        raise RowError("queue: manca, e la chiamata è entrata in coda")
    if ente and ente not in known.enti:
        raise RowError(f"ente: «{ente}» non è il codice catastale di un ente del contratto")
    agent = record["agent"].strip()
    if len(agent) > LONGEST_NAME:
        raise RowError(f"agent: più di {LONGEST_NAME} caratteri")
    reference = record.get(REFERENCE, "").strip()
    if not (queue + agent + reference).isprintable():
        raise RowError("il testo non è UTF-8, o ha caratteri che non si stampano")
    ente_id, queue_id = known.enti.get(ente), known.queues.get(queue.lower())
    told = reference or (f"{start}|{entry}|{leave}|{answer}|{end}|{outcome}|{queue_id}|{ente_id}|{line}|{agent}")
    until = answer or leave or end
    return PastCall(
        id=uuid5(_IDENTITY, f"{known.contract_id}|{told}"),
        contract_id=known.contract_id,
        ente_id=ente_id,
        queue_id=queue_id,
        callers=counted_as(CallerKind.WITHHELD, line),
        outcome=outcome,
        started_at=start,
        entered_at=entry,
        left_at=leave,
        answered_at=answer,
        ended_at=end,
        waited_ms=ms_between(entry, until) if entry else 0,
        agent=agent or None,
        agent_id=known.agents.get(agent),
    )


def _check(
    outcome: PastOutcome, start: datetime, entry: datetime | None, leave: datetime | None, answer: datetime | None,
    end: datetime, now: datetime,
) -> None:  # fmt: skip
    if outcome in ENTERED and entry is None:
        raise RowError(f"queue_entry: manca, e l'esito è {outcome.value}")
    if outcome not in ENTERED and (entry or leave):
        raise RowError(f"queue_entry, queue_exit: ci sono, ma l'esito è {outcome.value}")
    if (answer is not None) is not (outcome is PastOutcome.ANSWERED):
        raise RowError(f"answer: {'manca' if answer is None else 'c’è'}, e l'esito è {outcome.value}")
    told = [(name, at) for name, at in zip(COLUMNS, (start, entry, leave, answer, end), strict=False) if at is not None]
    for (earlier, one), (later, other) in pairwise(told):
        # The exit and the answer may be told in either order: systems differ in which they call first.
        if other < one and (earlier, later) != ("queue_exit", "answer"):
            raise RowError(f"{later}: è prima di {earlier}")
    if leave is not None and answer is not None and entry is not None and answer < entry:
        raise RowError("answer: è prima di queue_entry")
    if leave is not None and leave > end:
        raise RowError("end: è prima di queue_exit")
    if end > now:
        raise RowError("end: è nel futuro")
    if end - start > LONGEST_CALL:
        raise RowError("end: la chiamata durerebbe più di un giorno")


def _one_of(record: Mapping[str, str], name: str, kind: type[Kind]) -> Kind:
    told = record[name].strip().lower()
    try:
        return kind(told)
    except ValueError:
        allowed = ", ".join(one.value for one in kind)
        raise RowError(f"{name}: «{told}» non è tra {allowed}" if told else f"{name}: manca") from None


def _instant(record: Mapping[str, str], name: str) -> datetime:
    at = _instant_or_none(record, name)
    if at is None:
        raise RowError(f"{name}: manca")
    return at


def _instant_or_none(record: Mapping[str, str], name: str) -> datetime | None:
    told = record[name].strip()
    if not told:
        return None
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise RowError(f"{name}: «{told}» non è una data con l'ora, come 2026-03-02 09:15:00") from None
    if "T" not in told and " " not in told:
        raise RowError(f"{name}: «{told}» non ha l'ora")
    local = at.replace(tzinfo=ROME) if at.tzinfo is None else at
    try:
        instant = local.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar: what other systems write for none
        raise RowError(f"{name}: «{told}» è troppo lontano nel tempo") from None
    if at.tzinfo is None and instant.astimezone(ROME).replace(tzinfo=None) != at:
        raise RowError(f"{name}: «{told}» non esiste, per il cambio dell'ora")
    if instant.year < EARLIEST:
        raise RowError(f"{name}: «{told}» è troppo lontano nel tempo")
    return instant
