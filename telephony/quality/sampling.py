"""The weekly draw: what could be heard of last week, what the lot takes, and to whom it goes; and letting go."""

import secrets
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, true
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import Database, Scope, new_id, table_of
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Use
from telephony.calls.models import AgentLeg, Call, CallEvent, Consent, LegRole, Phase
from telephony.calls.recorded import ASKED
from telephony.quality import forms
from telephony.quality.drawing import Candidate, assign, draw, length_of
from telephony.quality.models import Evaluation, SampleDraw, SamplingRule, Spread
from telephony.recording.models import Purpose, Recording, RecordingSetting

ARRIVED = timedelta(hours=6)  # after the week's end: the last recordings are in the store
WEEK = timedelta(days=7)
MONTH_DAYS = 31
_CALL, _LEG, _RECORDING, _EVENT = table_of(Call), table_of(AgentLeg), table_of(Recording), table_of(CallEvent)
_EVALUATION, _DRAW = table_of(Evaluation), table_of(SampleDraw)


def run(database: Database) -> int:
    """Draw what is due on every contract, and let go what has been kept for long enough; how many were drawn."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(
        contracts, lambda one: database.transact(Scope.of_contract(one), partial(_of_contract, contract_id=one))
    )


def _of_contract(session: Session, *, contract_id: int) -> int:
    now = clock.now(session)
    today = business_day(now)
    for table in (_EVALUATION, _DRAW):
        session.execute(delete(table).where(table.c.contract_id == contract_id, table.c.keep_until < today))
    first = week_drawn(now)
    return sum(draw_week(session, rule, first) for rule in forms.rules(session, contract_id))


def week_drawn(now: datetime) -> date:
    """The Monday of the last week whose recordings are all in."""
    day = business_day(now - ARRIVED)
    return day - timedelta(days=day.weekday() + 7)


def draw_week(session: Session, rule: SamplingRule, first: date) -> int:
    """The draw of a rule from a week, once; how many conversations. Nothing while it is locked, or before its time."""
    until = start_of_day(first + WEEK)
    if rule.written_at >= until or is_locked(session, rule.contract_id):
        return 0
    session.execute(select(SamplingRule.id).where(SamplingRule.id == rule.id).with_for_update())
    done = select(exists().where(SampleDraw.rule_id == rule.id, SampleDraw.first == first))
    if session.execute(done).scalar_one():
        return 0
    able = set(access.able(session, Permission.QUALITY_EVALUATE, contract_id=rule.contract_id))
    evaluators = sorted(able & set(rule.evaluators) if rule.evaluators else able)
    found = candidates(session, rule, start_of_day(first), until)
    if not found or not evaluators:
        return 0
    seed = secrets.token_hex(32)
    hears = assign(draw([one for one, _ in found], rule.per_agent, seed), evaluators, seed)
    at = clock.now(session)
    agreement = monitoring.in_force(session, rule.contract_id)
    assert agreement is not None
    keep_until = business_day(at) + timedelta(days=MONTH_DAYS * agreement.keep_months)
    made = SampleDraw(
        contract_id=rule.contract_id, rule_id=rule.id, first=first, seed=seed,
        candidates=[[str(one.call_id), one.agent_id, list(one.stratum)] for one, _ in found],
        drawn=sorted(str(call_id) for call_id in hears), drawn_at=at, keep_until=keep_until,
    )  # fmt: skip
    session.add(made)
    session.flush()
    form = forms.ensure(session, rule.contract_id, rule.written_by)
    of = {one.call_id: (one.agent_id, ente_id) for one, ente_id in found}
    rows = [
        {
            "id": new_id(session), "contract_id": rule.contract_id, "ente_id": of[call_id][1], "call_id": call_id,
            "agent_id": of[call_id][0], "evaluator_id": who, "draw_id": made.id, "form_id": form.id, "assigned_at": at,
            "due_on": business_day(at) + timedelta(days=rule.days), "keep_until": keep_until,
        }
        for call_id, who in hears.items()
    ]  # fmt: skip
    if rows:
        session.execute(insert(_EVALUATION), rows)
    return len(rows)


def is_locked(session: Session, contract_id: int) -> bool:
    """Whether conversations may not be heard, or not be scored."""
    return any(
        monitoring.lock(session, use, contract_id=contract_id) is not None for use in (Use.RECORDINGS, Use.SCORES)
    )


def candidates(
    session: Session, rule: SamplingRule, since: datetime, until: datetime
) -> list[tuple[Candidate, int]]:  # fmt: skip
    """What could be drawn, with its ente, in the order of the calls' ids.

    A conversation with one agent alone, so that nobody is judged by a colleague's words; recorded for quality, as its
    caller was told then, and as its ente wants it still; that the agent had after he had read the agreement; and that
    nobody was given before.
    """
    agreement = monitoring.in_force(session, rule.contract_id)
    if agreement is None:
        return []
    read = monitoring.readers(session, agreement.id)
    took_part = (
        select(func.count())
        .where(_LEG.c.call_id == _CALL.c.id, _LEG.c.role != LegRole.WATCHER, _LEG.c.answered_at.is_not(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            _CALL.c.id, _CALL.c.agent_id, _CALL.c.ente_id, _CALL.c.arrived_at, _CALL.c.topic, _CALL.c.queue_id,
            _CALL.c.talked_ms, _CALL.c.disposition,
        )
        .where(
            _CALL.c.contract_id == rule.contract_id, _CALL.c.phase == Phase.ENDED, _CALL.c.agent_id.in_(read),
            _CALL.c.arrived_at >= since, _CALL.c.arrived_at < until, _CALL.c.consent == Consent.AGREED,
            _CALL.c.talked_ms >= rule.least_s * 1000, took_part == 1,
            _CALL.c.queue_id == rule.queue_id if rule.queue_id is not None else true(),
            exists().where(RecordingSetting.ente_id == _CALL.c.ente_id, RecordingSetting.purpose == Purpose.QUALITY),
            ~exists().where(
                _EVENT.c.call_id == _CALL.c.id, _EVENT.c.kind == ASKED,
                _EVENT.c.detail["purpose"].astext != Purpose.QUALITY,
            ),
            exists().where(
                _RECORDING.c.call_id == _CALL.c.id, _RECORDING.c.sha256.is_not(None), _RECORDING.c.deleted_at.is_(None)
            ),
            ~exists().where(_EVALUATION.c.call_id == _CALL.c.id),
        )
        .order_by(_CALL.c.id)
    )  # fmt: skip
    return [
        (Candidate(row.id, row.agent_id, _stratum(row, rule.spread)), row.ente_id)
        for row in rows
        if row.arrived_at >= max(read[row.agent_id], start_of_day(agreement.valid_from))
    ]


def _stratum(row: Any, spread: list[str]) -> tuple[str, ...]:
    kinds = {
        Spread.TOPIC: row.topic or "", Spread.QUEUE: str(row.queue_id or ""),
        Spread.LENGTH: length_of(row.talked_ms // 1000), Spread.OUTCOME: row.disposition or "",
    }  # fmt: skip
    return tuple(kinds[one] for one in Spread if one.value in spread)
