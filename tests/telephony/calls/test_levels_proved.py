"""The counters and the facts they can be computed from again: the same, whatever calls lived through."""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert, select, text

from crm.core import clock
from crm.core.clock import ROME
from crm.core.db import Scope
from crm.enti.models import ContractEnte
from crm.levels.folding import settle_all
from crm.levels.hours import by_hour
from crm.levels.metering import Callers, Counts, EndedBy, Extremes, FactKind, Spread, hour_of
from crm.levels.models import ContractTerms, ServiceFact
from crm.levels.terms import Denominator, Formula
from crm.levels.verification import Verdict, correct, verify
from telephony.agents import service as agents
from telephony.agents.models import AgentState, PauseReason
from telephony.calls import conversation, service
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import (
    AgentAnswered,
    BackAsked,
    CallerJoined,
    ConsultAsked,
    HangUpAsked,
    HoldAsked,
    LegEnd,
    LegEnded,
    PassAsked,
    PassToQueueAsked,
)
from telephony.calls.models import Outcome
from tests.cast import DOMAIN, EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER
from tests.databases import DatabaseUrls
from tests.telephony.stage import Stage
from web.levels.terminal import verify_levels
from web.migrations.running import config, upgrade

pytestmark = pytest.mark.integration

EVER = datetime(1970, 1, 1, tzinfo=ROME)


def proof(stage: Stage, *, mend: bool = False) -> Verdict:
    """Compute everything again."""
    with stage.database.snapshot(Scope.of_contract(stage.cast.contract)) as session:
        until = hour_of(clock.now(session)) + timedelta(hours=1)
        verdict = verify(session, stage.cast.contract, EVER, until)
        if mend:
            correct(session, stage.cast.contract, verdict)
    return verdict


def extremes(stage: Stage) -> dict[tuple[datetime, Callers], Spread]:
    """The shortest and the longest, as reports read them: of the whole contract, by hour and kind of caller."""
    with stage.database.snapshot(Scope.of_contract(stage.cast.contract)) as session:
        until = hour_of(clock.now(session)) + timedelta(hours=1)
        found = by_hour(session, stage.cast.contract, None, EVER, until, facts=True)
    return {(one.start, one.callers): one.spread for one in found if one.spread is not None}


def unsettled(stage: Stage) -> int:
    return stage.work(lambda s: s.execute(text("SELECT count(*) FROM service_hour WHERE unsettled")).scalar_one())


def write_up(stage: Stage, call: UUID, agent: int) -> None:
    """The agent is done with it."""
    by = stage.principal(agent)
    about = {"topic": Topic.INSTALMENTS, "disposition": Disposition.WILL_PAY, "note": "Rate."}
    stage.work(lambda s: conversation.draft(s, by, call_id=call, **about))
    stage.work(lambda s: conversation.wrap_up(s, by, call_id=call, intended=None))


def a_morning(stage: Stage) -> None:
    """Whatever may happen to a call happens to some: five are received, four enter, two are answered."""
    cast = stage.cast
    stage.arrives(sid="CAmenu")
    stage.caller_leaves(stage.queues(sid="CAgone"), after=7)
    stage.caller_leaves(stage.queues(STRANGER, REGIONAL_LINE, sid="CAlate"), after=50)
    stage.engine.fold_counters()
    stage.ready(cast.anna)
    cut_off = stage.queues(None, REGIONAL_LINE, sid="CAcut")
    stage.talks(cut_off)
    stage.leg_ends(cut_off, LegEnd.FAILED, after=30)
    stage.crash()  # nobody is looked for until Luca is there
    stage.work(lambda s: service.attribute(s, cut_off, cast.vinci))
    stage.ready(cast.luca)
    stage.passes(60)  # nor does Anna come back
    stage.matcher.match_now(DOMAIN, found_by="event")
    again = stage.leg(cut_off)
    stage.answers(cut_off, again, after=40)
    stage.joins(cut_off, after=42)
    stage.caller_leaves(cut_off, after=102)
    write_up(stage, cut_off, stage.call(cut_off).agent_id or 0)
    stage.queues(sid="CAwaits")


def test_a_morning_s_counters_are_what_its_facts_make_of_them(stage: Stage) -> None:
    """Rule: golden figures."""
    a_morning(stage)
    verdict = proof(stage)
    assert (verdict.calls, verdict.differences) == (5, ())
    total = sum(stage.counts().values(), Counts())
    assert (total.received, total.entered, total.answered, total.lost) == (5, 4, 1, 2)
    assert (total.handled, total.talk_ms, total.wait_ms) == (1, 25_000 + 60_000, 5_000 + 12_000)
    stage.engine.fold_counters()
    assert proof(stage).differences == ()


def test_the_shortest_and_the_longest_are_the_same_folded_or_not_and_settled_or_not(stage: Stage) -> None:
    """Metric: monthly report. A call of 25 s and 60 s that waited 5 s and 12 s counts as one, and where it went."""
    stage.ready(stage.cast.marta)  # who writes his notes meanwhile
    short = stage.queues(sid="CAshort")
    stage.talks(short)
    stage.caller_leaves(short, after=25)
    a_morning(stage)
    read = extremes(stage)
    talked = reduce(or_, read.values())
    assert talked.wait == Extremes(5_000, 17_000)
    assert talked.talk == Extremes(20_000, 85_000)
    stage.engine.fold_counters()
    assert unsettled(stage) > 0  # a second wait, and an ente that was learnt after the first
    with stage.database.begin(Scope.of_enti([stage.cast.vinci])) as session:
        until = hour_of(clock.now(session)) + timedelta(hours=1)
        seen = by_hour(session, stage.cast.contract, stage.cast.vinci, EVER, until, facts=False)
        assert [one.spread for one in seen] == [None]  # of whom an ente sees the end alone
    assert (extremes(stage), proof(stage).differences) == (read, ())
    settle_all(stage.database)
    assert unsettled(stage) == 0
    assert (extremes(stage), proof(stage).differences) == (read, ())


def test_extremes_that_somebody_changed_are_found_and_can_be_set_right(stage: Stage) -> None:
    a_morning(stage)
    stage.engine.fold_counters()
    settle_all(stage.database)
    read = extremes(stage)
    stage.work(lambda s: s.execute(text("UPDATE service_hour SET longest_talk_ms = longest_talk_ms + 1")))
    (wrong,) = proof(stage, mend=True).differences
    assert wrong.stored == wrong.true
    assert (wrong.stored_spread.talk.longest_ms, wrong.true_spread.talk.longest_ms) == (85_001, 85_000)
    assert (extremes(stage), proof(stage).differences) == (read, ())


def test_what_is_told_of_a_call_after_its_end_is_counted_and_proved(stage: Stage) -> None:
    """Whose callbacks overtake each other: he spoke for three seconds; she hung up seven before his line was over."""
    cast = stage.cast
    stage.ready(cast.anna)
    short = stage.queues(sid="CAshort")
    stage.run()
    stage.answers(short, after=3)
    leg = stage.leg(short)
    stage.caller_leaves(short, after=8)
    assert sum(stage.counts().values(), Counts()).lost == 1
    stage.hear(short, CallerJoined(stage.after(short, 5), leg))
    told = stage.call(short)
    assert (told.outcome, told.agent_id, told.waited_ms, told.talked_ms) == (Outcome.ANSWERED, cast.anna, 5_000, 3_000)
    assert proof(stage).differences == ()

    other = stage.queues(sid="CAother")
    stage.talks(other)
    leg = stage.leg(other)
    stage.hear(other, HangUpAsked(stage.after(other, 30), cast.anna))
    stage.caller_leaves(other, after=38)
    stage.hear(other, LegEnded(stage.after(other, 31), leg, LegEnd.COMPLETED))
    total = sum(stage.counts().values(), Counts())
    assert (total.answered, total.lost, total.talk_ms) == (2, 0, 3_000 + 26_000)
    assert proof(stage).differences == ()


def test_holds_and_passing_on_are_counted_once_and_proved(stage: Stage) -> None:
    """Metric: AHT. Talk, hold and wrap-up of handled calls; a wait after passing on adds to the first."""
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    anna = stage.principal(cast.anna)
    for event, after in ((HoldAsked, 10), (BackAsked, 40), (HoldAsked, 50)):
        stage.hear(call, event(stage.after(call, after), cast.anna))
    stage.hear(call, PassToQueueAsked(stage.after(call, 60), cast.anna))
    stage.crash()
    assert stage.presence(cast.anna).state is AgentState.READY
    assert proof(stage).differences == ()
    stage.work(lambda s: agents.wish(s, anna, intended=AgentState.PAUSED, reason=PauseReason.BREAK))
    stage.ready(cast.luca)
    stage.matcher.match_now(DOMAIN, found_by="event")
    stage.answers(call, after=68)
    stage.joins(call, after=70)
    stage.ready(cast.marta)
    party = UUID(int=77)
    stage.hear(call, ConsultAsked(stage.after(call, 80), cast.luca, party, cast.marta))
    stage.hear(call, AgentAnswered(stage.after(call, 85), party))
    stage.hear(call, PassAsked(stage.after(call, 90), cast.luca))
    assert proof(stage).differences == ()
    stage.caller_leaves(call, after=100)
    write_up(stage, call, cast.marta)
    assert proof(stage).differences == ()
    total = sum(stage.counts().values(), Counts())
    assert (total.answered, total.handled, total.lost) == (1, 1, 0)
    assert (total.talk_ms, total.hold_ms, total.wait_ms) == (5_000 + 10_000 + 10_000 + 10_000, 50_000, 15_000)


def test_a_counter_that_somebody_changed_is_found_and_can_be_set_right(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    a_morning(stage)
    stage.engine.fold_counters()
    name = "Toscana"
    check = {"contract": name, "since": None, "until": None}
    capsys.readouterr()
    assert verify_levels(stage.database, **check, mend=False)
    assert capsys.readouterr().out.splitlines() == ["Toscana  equal      5 calls, 8 counters"]
    stage.work(lambda s: s.execute(text("UPDATE service_count SET answered_within = answered_within + 1")))
    stage.work(lambda s: s.execute(text("DELETE FROM service_hour WHERE ente_id = 0")))
    found = proof(stage).differences
    assert {one.by_hour for one in found} == {True, False}
    assert not verify_levels(stage.database, **check, mend=False)
    told = capsys.readouterr().out
    assert "Toscana  DIFFERENT" in told
    assert "answered_within" in told
    assert not verify_levels(stage.database, **check, mend=True)  # it was wrong, and is said to have been
    assert verify_levels(stage.database, **check, mend=False)


def test_a_deed_undone_behind_the_meter_s_back_is_found(stage: Stage) -> None:
    """A delta that went missing before it was folded."""
    a_morning(stage)
    stage.work(lambda s: s.execute(text("DELETE FROM service_delta WHERE answered <> 0")))
    assert any(one.true.answered != one.stored.answered for one in proof(stage).differences)


def test_the_counters_of_before_the_update_are_computed_from_their_facts(
    stage: Stage, database_urls: DatabaseUrls
) -> None:
    """Today's tables, back to those before there were formulas, and forth again."""
    stage.caller_leaves(stage.queues(sid="CAgone"), after=7)
    stage.ready(stage.cast.anna)
    answered = stage.queues(None, REGIONAL_LINE, sid="CAanswered")
    stage.talks(answered)
    stage.caller_leaves(answered, after=65)
    stage.engine.fold_counters()
    stage.queues(sid="CAwaits")  # not folded
    before, read = stage.counts(), extremes(stage)
    settings = config(database_urls.owner)
    command.downgrade(settings, str(ScriptDirectory.from_config(settings).get_revision("0026").down_revision))
    upgrade(database_urls.owner)
    assert unsettled(stage) > 0  # what was counted already
    assert proof(stage, mend=True).differences != ()
    settle_all(stage.database)
    assert unsettled(stage) == 0
    assert proof(stage).differences == ()
    assert (stage.counts(), extremes(stage)) == (before, read)


def test_calls_of_an_ente_that_is_not_served_any_more_are_nobody_s_difference(stage: Stage) -> None:
    """Of a call on the regional line, what came before its ente was known is still seen; it counts there no more."""
    call = stage.queues(STRANGER, REGIONAL_LINE)
    stage.work(lambda s: service.attribute(s, call, stage.cast.vinci))
    stage.caller_leaves(call, after=7)
    assert proof(stage).calls == 1
    with stage.database.begin(Scope.nothing()) as session:
        session.execute(delete(ContractEnte).where(ContractEnte.ente_id == stage.cast.vinci))
    verdict = proof(stage)
    assert (verdict.calls, verdict.differences) == (0, ())


def test_facts_say_by_whom_and_in_which_place(stage: Stage) -> None:
    cast = stage.cast
    stage.queues(STRANGER, sid="CAfirst")
    call = stage.queues(MARIO_MOBILE)
    stage.caller_leaves(stage.work(lambda s: s.execute(select(ServiceFact.subject)).scalars().first()), after=9)
    stage.ready(cast.anna)
    stage.talks(call)
    stage.work(lambda s: conversation.hang_up(s, stage.principal(cast.anna), call_id=call))
    stage.caller_leaves(call, after=65)
    write_up(stage, call, cast.anna)
    rows = stage.work(
        lambda s: s.execute(
            select(ServiceFact.kind, ServiceFact.position, ServiceFact.agent_id, ServiceFact.ended_by)
            .where(ServiceFact.subject == call)
            .order_by(ServiceFact.id)
        ).all()
    )
    assert [tuple(row) for row in rows] == [
        (FactKind.RECEIVED, None, None, None), (FactKind.ENTERED, 2, None, None),
        (FactKind.SERVED, None, cast.anna, None), (FactKind.LEFT, None, cast.anna, EndedBy.AGENT),
        (FactKind.WRAPPED_UP, None, cast.anna, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("caller", "line", "callers"),
    [
        (MARIO_MOBILE, REGIONAL_LINE, Callers.MOBILE),
        ("+390571700700", EMPOLI_LINE, Callers.LANDLINE),
        (None, REGIONAL_LINE, Callers.LANDLINE),  # a freephone is for landlines
        (None, EMPOLI_LINE, Callers.MOBILE),
        ("+4930901820", REGIONAL_LINE, Callers.LANDLINE),
    ],
)
def test_a_call_counts_under_its_caller_s_telephone_else_under_its_line(
    stage: Stage, caller: str | None, line: str, callers: Callers
) -> None:
    """Metric: caller's kind."""
    stage.arrives(caller, line)
    stage.engine.fold_counters()
    kinds = stage.work(lambda s: s.execute(text("SELECT callers FROM service_count")).scalars().all())
    assert kinds == [callers]


def test_a_contract_s_own_terms_hold_from_their_hour_on(stage: Stage) -> None:
    """Metric: stamp. An answer after five seconds is within ten, and not within four."""
    with stage.database.begin(Scope.nothing()) as session:
        this_hour = hour_of(clock.now(session))
        for hours, within in ((-48, 4_000), (-1, 10_000), (2, 4_000)):
            session.execute(
                insert(ContractTerms).values(
                    contract_id=stage.cast.contract, valid_from=this_hour + timedelta(hours=hours), within_ms=within,
                    formula=Formula.B, short_ms=3_000, over_ms=4_999, denominator=Denominator.ENTERED,
                )
            )  # fmt: skip
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    (counts,) = stage.counts().values()
    assert (counts.answered_within, counts.waited_over) == (1, 1)
    assert proof(stage).differences == ()
