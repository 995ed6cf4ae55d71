"""Reading evaluations: an evaluator's list, one of them whole, an agent's own, and the sums of several agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.core.errors import NotFoundError
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Lock, Use
from telephony.agents.queries import FEWEST
from telephony.calls.models import Call, CallEvent
from telephony.calls.recorded import RESUMED
from telephony.quality import forms, scoring, service
from telephony.quality.forms import Form
from telephony.quality.marks import GOES_ON, KINDS, STOPS, Mark, marks
from telephony.quality.models import Evaluation, EvaluationWord, SampleDraw
from telephony.quality.scoring import Criterion
from telephony.recording import queries as recordings
from telephony.recording.models import Recording

MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """An evaluation in a list. `there`: whether the conversation can still be heard."""

    id: UUID
    contract_id: int
    ente_id: int
    agent_id: int
    evaluator_id: int
    arrived_at: datetime
    talked_s: int
    topic: str | None
    queue_id: int | None
    due_on: date
    submitted_at: datetime | None
    score: Decimal | None
    passed: bool | None
    begun: bool
    second: bool
    seen_at: datetime | None
    replied: bool
    reply_at: datetime | None  # of a reply that the evaluator has not read


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said about it. `score`: before it was corrected."""

    word: EvaluationWord
    by: str


@dataclass(frozen=True, slots=True)
class Part:
    """A recording of the conversation, with its moments."""

    recording: Recording
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Second:
    """A second opinion that was given: by whom, on what they differ."""

    by: str
    row: Evaluation
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """All of an evaluation."""

    row: Evaluation
    form: Form
    agent: str
    evaluator: str
    call: Call
    parts: Sequence[Part]
    said: Sequence[Said]
    seconds: Sequence[Second] = ()
    asked: Sequence[str] = ()  # who was asked for a second opinion, and has not given it


def to_hear(session: Session, by: Principal) -> list[Listed]:
    """What was given to an evaluator: what is to be done first, by its day, then where an agent's reply waits to be
    read, then what he did last.

    Without what is locked by now.
    """
    shown = _given_to(session, by)
    todo = sorted((one for one in shown if one.submitted_at is None), key=lambda one: (one.due_on, one.arrived_at))
    done = [one for one in shown if one.submitted_at is not None]
    done.sort(key=lambda one: (one.reply_at is not None, one.submitted_at or one.arrived_at), reverse=True)
    return todo + done


def replies_unread(session: Session, by: Principal) -> int:
    """How many evaluations that one gave have a reply that one has not read; without what is locked by now."""
    return len(_given_to(session, by, Evaluation.reply_at.is_not(None)))


def locks(session: Session, by: Principal) -> list[Lock]:
    """Why nothing is heard or scored on an evaluator's contracts."""
    contracts = by.contracts_for(Permission.QUALITY_EVALUATE) | by.contracts_for(Permission.QUALITY_MANAGE)
    found = (
        monitoring.lock(session, use, contract_id=one) for one in contracts for use in (Use.SCORES, Use.RECORDINGS)
    )  # fmt: skip
    return sorted({one for one in found if one is not None})


def of_agent(session: Session, by: Principal) -> list[Listed]:
    """The evaluations of one's own conversations, the latest first."""
    rows = _listed(session, _own(by))
    return sorted(rows, key=lambda one: one.submitted_at or one.arrived_at, reverse=True)


def unseen(session: Session, by: Principal) -> int:
    """How many evaluations of one's own conversations one has not looked at as they stand."""
    new = _own(by), Evaluation.seen_at.is_(None)
    return session.scalar(select(func.count()).select_from(Evaluation).where(*new)) or 0


def given(session: Session, by: Principal, evaluation_id: UUID) -> Whole:
    """All of an evaluation, for its evaluator: with the second opinions once both are given."""
    row = service.given(session, by, evaluation_id)
    return _whole(session, row, with_seconds=row.calibrates is None)


def own(session: Session, by: Principal, evaluation_id: UUID) -> Whole:
    """All of an evaluation of one's own conversation, without second opinions, which are about the evaluators."""
    return _whole(session, service.own(session, by, evaluation_id), with_seconds=False)


# -- sums -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sum:
    """The evaluations of several agents together, or of one where that is open. `missed`: by criterion, how often."""

    evaluations: int
    agents: int
    mean: Decimal | None
    passed: int
    missed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Team:
    """A contract's evaluations of a period. `whole` is none where so few agents would be single ones."""

    whole: Sum | None
    agents: Mapping[str, Sum]
    criteria: tuple[Criterion, ...]


def team(session: Session, by: Principal, *, contract_id: int, since: datetime) -> Team:
    """What was scored on a contract since an instant; agent by agent only where single figures are open."""
    if contract_id not in by.contracts_for(Permission.QUALITY_MANAGE):
        raise NotFoundError("Questo contratto non c'è.")
    criteria = forms.form(session, contract_id).criteria
    if monitoring.lock(session, Use.SCORES, contract_id=contract_id) is not None:
        return Team(None, {}, criteria)
    rows = session.scalars(
        select(Evaluation).where(
            Evaluation.contract_id == contract_id, Evaluation.submitted_at >= since, Evaluation.calibrates.is_(None),
            Evaluation.ente_id.not_in(by.kept_from),
        )
    ).all()  # fmt: skip
    agents = {one.agent_id for one in rows}
    open_to = {
        one for one, why in monitoring.locks(
            session, Use.FIGURES, contract_id=contract_id, agent_ids=agents
        ).items() if why is None
    }  # fmt: skip
    names = access.named(session, open_to)
    whole = _sum(rows) if len(agents) >= FEWEST else None
    # Sums beside single figures would tell of whoever is in none of them.
    if len(agents - open_to) in range(1, FEWEST):
        whole = None
    single = {names[who]: _sum([one for one in rows if one.agent_id == who]) for who in open_to}
    return Team(whole, dict(sorted(single.items())), criteria)


def draws(session: Session, contract_id: int) -> list[SampleDraw]:
    """The latest draws, the newest first."""
    of = select(SampleDraw).where(SampleDraw.contract_id == contract_id).order_by(SampleDraw.drawn_at.desc())
    return list(session.scalars(of.limit(20)))


def one_draw(session: Session, by: Principal, draw_id: int) -> SampleDraw:
    """A draw, for whoever says what is drawn, and for the agents it drew from: anybody of them may check it."""
    row = session.get(SampleDraw, draw_id)
    seen_by = by.contracts_for(Permission.QUALITY_MANAGE) | by.contracts_for(Permission.CALLS_ANSWER)
    if row is None or row.contract_id not in seen_by:
        raise NotFoundError("Questa estrazione non c'è.")
    return row


def _sum(rows: Sequence[Evaluation]) -> Sum:
    scores = [one.score for one in rows if one.score is not None]
    missed: dict[str, int] = {}
    for row in rows:
        for key, one in row.answers.items():
            if one.get("mark") in {"no", "1"}:
                missed[key] = missed.get(key, 0) + 1
    mean = (sum(scores, start=Decimal(0)) / len(scores)).quantize(scoring.TENTH) if scores else None
    return Sum(len(rows), len({one.agent_id for one in rows}), mean, sum(bool(one.passed) for one in rows), missed)


# -- parts ----------------------------------------------------------------------------------------------------------


def _given_to(session: Session, by: Principal, *which: ColumnElement[bool]) -> list[Listed]:
    rows = _listed(session, Evaluation.evaluator_id == by.user_id, Evaluation.ente_id.not_in(by.kept_from), *which)
    shut = {
        contract_id: _shut(session, contract_id, {one.agent_id for one in rows if one.contract_id == contract_id})
        for contract_id in {one.contract_id for one in rows}
    }
    mine = by.contracts_for(Permission.QUALITY_EVALUATE)
    return [one for one in rows if one.contract_id in mine and not shut[one.contract_id][one.agent_id]]


def _shut(session: Session, contract_id: int, agent_ids: set[int]) -> dict[int, bool]:
    found = [
        monitoring.locks(session, use, contract_id=contract_id, agent_ids=agent_ids)
        for use in (Use.SCORES, Use.RECORDINGS)
    ]  # fmt: skip
    return {one: any(locks[one] is not None for locks in found) for one in agent_ids}


def _own(by: Principal) -> ColumnElement[bool]:
    """Those that were given to somebody's own conversations."""
    return (
        (Evaluation.agent_id == by.user_id)
        & Evaluation.submitted_at.is_not(None)
        & Evaluation.calibrates.is_(None)
        & Evaluation.ente_id.not_in(by.kept_from)
    )


def _listed(session: Session, *which: object) -> list[Listed]:
    replied = (
        select(func.count())
        .where(EvaluationWord.evaluation_id == Evaluation.id)
        .correlate(Evaluation)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Evaluation, Call.arrived_at, Call.talked_ms, Call.topic, Call.queue_id, replied.label("replies"))
        .join(Call, Call.id == Evaluation.call_id)
        .where(*which)  # type: ignore[arg-type]  # conditions
        .order_by(
            Evaluation.submitted_at.is_not(None), Evaluation.reply_at.is_(None), Evaluation.assigned_at.desc()
        )  # none to be done, and no reply, falls off
        .limit(MOST_LISTED)
    )
    return [
        Listed(
            one.id, one.contract_id, one.ente_id, one.agent_id, one.evaluator_id, arrived_at, talked_ms // 1000, topic,
            queue_id, one.due_on, one.submitted_at, one.score, one.passed, bool(one.answers),
            one.calibrates is not None, one.seen_at, bool(replies), one.reply_at,
        )
        for one, arrived_at, talked_ms, topic, queue_id, replies in rows
    ]  # fmt: skip


def _whole(session: Session, row: Evaluation, *, with_seconds: bool) -> Whole:
    form = forms.form_by_id(session, row.form_id)
    call = session.get_one(Call, row.call_id, populate_existing=True)
    words = session.scalars(
        select(EvaluationWord).where(EvaluationWord.evaluation_id == row.id).order_by(EvaluationWord.id)
    ).all()
    others = (
        session.scalars(
            select(Evaluation).where(Evaluation.calibrates == row.id).order_by(Evaluation.assigned_at)
        ).all()
        if with_seconds
        else ()
    )
    people = {row.agent_id, row.evaluator_id, *(one.said_by for one in words), *(one.evaluator_id for one in others)}
    names = access.named(session, people)
    both = [one for one in others if one.submitted_at is not None and row.submitted_at is not None]
    return Whole(
        row, form, names.get(row.agent_id, ""), names.get(row.evaluator_id, ""), call, _parts(session, row.call_id),
        [Said(one, names.get(one.said_by, "")) for one in words],
        [
            Second(names.get(one.evaluator_id, ""), one, scoring.differing(form.criteria, _marks(row), _marks(one)))
            for one in both
        ],
        [names.get(one.evaluator_id, "") for one in others if one not in both],
    )  # fmt: skip


def _marks(row: Evaluation) -> dict[str, str]:
    return {key: one.get("mark", "") for key, one in row.answers.items()}


def _parts(session: Session, call_id: UUID) -> list[Part]:
    kinds = {*KINDS, *STOPS, *GOES_ON, RESUMED}
    events = session.execute(
        select(CallEvent.kind, CallEvent.occurred_at)
        .where(CallEvent.call_id == call_id, CallEvent.kind.in_(kinds))
        .order_by(CallEvent.occurred_at, CallEvent.id)
    ).all()
    log = [(row.kind, row.occurred_at) for row in events]
    return [Part(one, marks(log, one.began_at, one.seconds)) for one in recordings.of_call(session, call_id)]
