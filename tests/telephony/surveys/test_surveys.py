"""The survey after a call: asked once the operator has hung up, counted once, and nobody's."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from crm.levels.metering import EndedBy, FactKind
from crm.levels.models import ServiceFact
from telephony.agents.models import AgentState
from telephony.calls import conversation
from telephony.calls.events import LegEnd
from telephony.calls.models import Call, Outcome, Phase
from telephony.calls.reception import Reply
from telephony.calls.strays import Strays
from telephony.carriers.port import Gather, Hangup, LiveCall, Say
from telephony.commands.models import CommandKind
from telephony.ivr.definition import AskMark, Choice, Flow, Goodbye, Menu, ToQueue
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence
from telephony.queues.models import Queue
from telephony.surveys import queries, reception
from telephony.surveys.models import SurveyAnswer, SurveyReason
from tests.cast import EMPOLI_LINE, MARIO_MOBILE
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.fake_carrier import refused
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

THANKS = (Say(sentence(Sentence.SURVEY_THANKS)), Hangup())


@pytest.fixture
def asking(stage: Stage) -> Stage:
    """The operators' queue asks for it."""
    with stage.database.begin(Scope.nothing()) as session:
        changed(session)
        session.execute(update(Queue).where(Queue.id == stage.cast.operator).values(asks_survey=True))
    return stage


def hung_up(stage: Stage) -> UUID:
    """Anna has spoken with Mario and hangs up."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.work(lambda s: conversation.hang_up(s, stage.principal(stage.cast.anna), call_id=call))
    stage.run()
    return call


def answers(stage: Stage) -> list[SurveyAnswer]:
    return stage.work(lambda s: list(s.execute(select(SurveyAnswer)).scalars()))


def begins(stage: Stage, call: UUID) -> Reply:
    return stage.work(lambda s: reception.begin(s, call, TO))


def marks(stage: Stage, call: UUID, answer: UUID, pressed: str, attempt: int = 1) -> Reply:
    return stage.work(
        lambda s: reception.score(s, call, answer_id=answer, attempt=attempt, pressed=pressed, to=TO)
    )  # fmt: skip


def test_the_operator_writes_his_notes_while_the_caller_is_asked(asking: Stage) -> None:
    call = hung_up(asking)
    assert asking.carrier.redirected[-1] == ("CAmario", TO.survey(asking.cast.contract, call))
    assert CommandKind.END_CALLER not in {kind for kind, _ in asking.commands()}
    stands = asking.call(call)
    assert (stands.phase, stands.outcome) == (Phase.ENDED, Outcome.ANSWERED)
    assert asking.presence(asking.cast.anna).state is AgentState.WRAP_UP
    (left,) = asking.work(
        lambda s: s.execute(select(ServiceFact.ended_by).where(ServiceFact.kind == FactKind.LEFT)).scalars().all()
    )
    assert left is EndedBy.AGENT
    asking.leg_ends(call, LegEnd.COMPLETED, asking.call(call).leg_id)
    asking.caller_leaves(call)
    assert asking.presence(asking.cast.anna).state is AgentState.WRAP_UP
    asking.engine.fold_counters()
    assert asking.differences() == []


def test_a_mark_and_why_are_kept_and_say_nothing_of_whose_they_are(asking: Stage) -> None:
    """Issue: the satisfaction survey, kept apart from the debt data."""
    call = hung_up(asking)
    (gather,) = begins(asking, call)
    assert isinstance(gather, Gather)
    answer = uuid4()
    (why,) = marks(asking, call, answer, "4")
    assert isinstance(why, Gather)
    assert asking.work(lambda s: reception.reason(s, call, answer_id=answer, pressed="2")) == THANKS
    (kept,) = answers(asking)
    assert (kept.score, kept.reason, kept.queue_id, kept.ente_id) == (
        4, SurveyReason.CLARITY, asking.cast.operator, asking.cast.empoli,
    )  # fmt: skip
    assert set(SurveyAnswer.__table__.columns.keys()) == {
        "id", "contract_id", "ente_id", "queue_id", "day", "score", "reason",
    }  # fmt: skip


def test_an_answer_that_is_told_twice_counts_once(asking: Stage) -> None:
    call, answer = hung_up(asking), uuid4()
    assert marks(asking, call, answer, "5") == marks(asking, call, answer, "5")
    assert [one.score for one in answers(asking)] == [5]


def test_whoever_was_served_without_an_operator_gives_his_mark_once(stage: Stage) -> None:
    """Issue: nodes: … survey."""
    text = {Language.ITALIAN: "Buona giornata."}
    follows(
        stage,
        Flow(
            start="voto", operator="coda",
            nodes={
                "voto": AskMark(next="altro", otherwise="fine"),
                "altro": Menu(
                    choices=(Choice(digit="1", label={Language.ITALIAN: "altro"}, next="voto"),), otherwise="fine"
                ),
                "coda": ToQueue(queue=stage.cast.operator), "fine": Goodbye(text=text),
            },
        ),
        cap=None,
    )  # fmt: skip
    call = stage.arrives()
    (asked,) = stage.presses(call, "7")
    assert isinstance(asked, Gather)
    stage.presses(call, "4")
    stage.presses(call, "5", step=1)  # delivered late: that turn is over
    assert stage.presses(call, "1") == stage.hears(call), "he is led past the question"
    (kept,) = answers(stage)
    assert (kept.score, kept.reason, kept.queue_id, kept.ente_id) == (4, None, None, stage.cast.empoli)
    assert "4" not in str(stage.call(call).ivr["kept"])


def test_whoever_marked_the_voice_flow_is_not_asked_again_by_the_operator_s_queue(asking: Stage) -> None:
    flow = Flow(
        start="voto", operator="coda",
        nodes={"voto": AskMark(next="coda", otherwise="coda"), "coda": ToQueue(queue=asking.cast.operator)},
    )  # fmt: skip
    follows(asking, flow, cap=None)
    asking.ready(asking.cast.anna)
    call = asking.arrives()
    asking.presses(call, "5")
    asking.talks(call)
    asking.work(lambda s: conversation.hang_up(s, asking.principal(asking.cast.anna), call_id=call))
    asking.run()
    assert ("CAmario", TO.survey(asking.cast.contract, call)) not in asking.carrier.redirected
    assert CommandKind.SURVEY not in {kind for kind, _ in asking.commands()}


def test_zero_asks_for_an_operator_where_a_mark_is_asked(stage: Stage) -> None:
    flow = Flow(
        start="voto", operator="coda",
        nodes={
            "voto": AskMark(next="fine", otherwise="fine"), "coda": ToQueue(queue=stage.cast.operator),
            "fine": Goodbye(text={Language.ITALIAN: "Buona giornata."}),
        },
    )  # fmt: skip
    follows(stage, flow, cap=None)
    call = stage.arrives()
    stage.presses(call, "0")
    assert stage.call(call).phase is Phase.WAITING
    assert answers(stage) == []


@pytest.mark.parametrize("pressed", ["", "0", "6", "9", "*"])
def test_whoever_keys_no_mark_is_asked_once_more_and_let_go(asking: Stage, pressed: str) -> None:
    call, answer = hung_up(asking), uuid4()
    (again,) = marks(asking, call, answer, pressed)
    assert isinstance(again, Gather)
    assert again.action.split("#")[0].endswith("score?attempt=2")
    assert marks(asking, call, answer, pressed, attempt=2) == THANKS
    assert answers(asking) == []


def test_a_caller_who_cannot_be_asked_is_not_left_alone_in_the_conference(asking: Stage) -> None:
    asking.ready(asking.cast.anna)
    call = asking.queues()
    asking.talks(call)
    asking.carrier.telling.append(refused())
    asking.work(lambda s: conversation.hang_up(s, asking.principal(asking.cast.anna), call_id=call))
    asking.run()
    assert "CAmario" in asking.carrier.ended


def test_whoever_answers_is_not_taken_for_a_caller_who_was_forgotten(asking: Stage) -> None:
    call = hung_up(asking)
    asking.carrier.listed = [LiveCall("CAmario", True, MARIO_MOBILE, EMPOLI_LINE, True, asking.after(call, 0))]
    strays = Strays(asking.database, asking.carrier, TO)
    for ago, found in ((60, 0), (300, 1)):
        at = asking.work(clock.now) - timedelta(seconds=ago)
        asking.work(lambda s, at=at: s.execute(update(Call).values(ended_at=at)))
        assert strays.run() == found


def test_a_queue_that_does_not_ask_hangs_up_on_both(stage: Stage) -> None:
    call = hung_up(stage)
    assert CommandKind.SURVEY not in {kind for kind, _ in stage.commands()}
    assert stage.call(call).closing


def test_figures_are_shown_from_five_answers_on_to_who_watches_the_ente(asking: Stage) -> None:
    cast = asking.cast
    call = hung_up(asking)
    for mark in "5543":
        marks(asking, call, uuid4(), mark)
    vera = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_VIEWER, cast.empoli, None)}))

    def figures() -> queries.Satisfaction:
        with asking.database.begin(Scope.of_enti([cast.empoli])) as session:
            day = clock.business_day(clock.now(session))
            (found,) = queries.satisfaction(session, vera, since=day, until=day + timedelta(days=1))
        return found

    assert (figures().mean, figures().satisfied, figures().answers) == (None, None, 4)
    marks(asking, call, uuid4(), "3")
    assert (figures().mean, figures().satisfied) == (4, Decimal("0.6"))
    with asking.database.begin(Scope.of_enti([cast.vinci])) as session:
        day = clock.business_day(clock.now(session))
        assert queries.satisfaction(session, vera, since=day, until=day + timedelta(days=1)) == []
    agent = asking.principal(cast.anna)
    with pytest.raises(ForbiddenError):
        asking.work(lambda s: queries.satisfaction(s, agent, since=day, until=day))
