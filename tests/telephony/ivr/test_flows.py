"""Flows as an administrator draws them, and as callers meet them."""

from typing import Any

import pytest
from sqlalchemy import select, text, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.contacts.phone import CallerKind
from crm.core.db import Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.enti.models import Office
from crm.levels.metering import Counts
from telephony.calls import reception
from telephony.calls.models import Outcome
from telephony.calls.reception import Reply
from telephony.carriers.port import Enqueue, Gather, Hangup, PutThrough, Say
from telephony.ivr import outside, queries, service
from telephony.ivr.checks import Flaw
from telephony.ivr.definition import Flow
from telephony.ivr.errors import FlowProblemsError
from telephony.ivr.models import IvrFlow, IvrVersion
from telephony.ivr.turns import Reached
from telephony.lines import queries as lines
from telephony.queues.models import Queue
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration


@pytest.fixture
def sara(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))


def drawn(stage: Stage, hello: str = "Benvenuti.") -> dict[str, Any]:
    """A flow that says hello and lets everybody into the queue of notices."""
    return {
        "start": "hello", "operator": "queue", "languages": ["it"],
        "nodes": {
            "hello": {"kind": "message", "text": {"it": hello}, "next": "ask"},
            "ask": {
                "kind": "menu", "otherwise": "queue",
                "choices": [{"digit": "1", "label": {"it": "un avviso"}, "next": "queue"}],
            },
            "queue": {"kind": "queue", "queue": stage.cast.notices},
        },
    }  # fmt: skip


def published(stage: Stage, sara: Principal) -> int:
    """Empoli's line leads to a flow of its own; the flow's id."""

    def work(session: Any) -> int:
        flow_id = service.create(session, sara, contract_id=stage.cast.contract, name="Prova")
        (draft,) = queries.flow(session, flow_id).versions
        assert service.save(session, sara, version_id=draft.id, definition=drawn(stage)) == ()
        service.publish(session, sara, version_id=draft.id)
        service.lead(session, sara, number=EMPOLI_LINE, flow_id=flow_id)
        return flow_id

    return stage.work(work)


def spoken(reply: Reply) -> str:
    (only,) = reply
    assert isinstance(only, Gather)
    return " ".join(one.text for one in only.prompts if isinstance(one, Say))


def test_a_line_leads_to_a_published_flow_and_a_call_finishes_on_the_version_it_began_with(
    stage: Stage, sara: Principal
) -> None:
    flow_id = published(stage, sara)
    assert spoken(stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAone")).startswith("Benvenuti.")
    early = stage.arrives(STRANGER, EMPOLI_LINE, sid="CAearly")

    def again(session: Any) -> None:
        (first,) = queries.flow(session, flow_id).versions
        second = service.draft(session, sara, flow_id=flow_id, of=first.id)
        other = drawn(stage, "Salve.")
        other["nodes"]["ask"]["choices"][0]["label"]["it"] = "altro"
        service.save(session, sara, version_id=second, definition=other)
        service.publish(session, sara, version_id=second)

    stage.work(again)
    assert spoken(stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAtwo")).startswith("Salve. Per altro")
    assert "Per un avviso, prema 1." in spoken(stage.presses(early, ""))

    first = stage.work(lambda session: queries.flow(session, flow_id).versions[-1])
    stage.work(lambda session: service.publish(session, sara, version_id=first.id))
    assert spoken(stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAthree")).startswith("Benvenuti.")
    current = [one.number for one in stage.work(lambda s: queries.flow(s, flow_id).versions) if one.is_current]
    assert current == [1]
    kinds = stage.work(lambda s: s.scalars(text("SELECT kind FROM audit_entry WHERE ente_id = :e ORDER BY id"),
                                           {"e": stage.cast.empoli}).all())  # fmt: skip
    assert kinds == ["flow.created", "flow.published", "line.led", "flow.published", "flow.published"]


def test_a_call_finishes_on_the_usual_flow_it_began_with_though_the_queues_change(stage: Stage) -> None:
    """Issue: a call finishes on the version it began with. Also where the ente has published none."""
    notices = update(Queue).where(Queue.id == stage.cast.notices)
    began, again = stage.arrives(sid="CAbegan"), stage.arrives(STRANGER, sid="CAagain")
    assert stage.call(began).ivr_version_id == stage.call(again).ivr_version_id is not None
    before = spoken(stage.hears(began))
    stage.work(lambda s: s.execute(notices.values(menu_digit="7", menu_label="gli avvisi")))
    later = stage.arrives(STRANGER, sid="CAlater")
    assert "Per gli avvisi, prema 7." in spoken(stage.hears(later))
    assert (spoken(stage.hears(began)), "prema 7" in before) == (before, False)
    stage.presses(began, "1")
    assert stage.call(began).queue_id == stage.cast.notices
    stage.work(lambda s: s.execute(notices.values(menu_digit="1", menu_label="informazioni su un avviso")))
    assert stage.call(stage.arrives(STRANGER, sid="CAback")).ivr_version_id == stage.call(began).ivr_version_id


def test_a_usual_flow_is_written_down_once_and_by_nobody_in_vain(stage: Stage) -> None:
    def arrival_that_fails(session: Any) -> None:
        queries.current(session, EMPOLI_LINE)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        stage.work(arrival_that_fails)
    for n in range(3):
        stage.arrives(STRANGER, sid=f"CA{n}")
    versions = stage.work(lambda s: s.scalars(select(IvrVersion).where(IvrVersion.flow_id.is_(None))).all())
    assert len(versions) == 1


def test_what_was_published_never_changes(stage: Stage, sara: Principal) -> None:
    flow_id = published(stage, sara)
    (first,) = stage.work(lambda session: queries.flow(session, flow_id).versions)
    with pytest.raises(ConflictError, match="bozza nuova"):
        stage.work(lambda s: service.save(s, sara, version_id=first.id, definition=drawn(stage)))


def test_a_flow_with_errors_is_kept_as_a_draft_and_not_published(stage: Stage, sara: Principal) -> None:
    def work(session: Any) -> int:
        flow_id = service.create(session, sara, contract_id=stage.cast.contract, name="Prova")
        (draft,) = queries.flow(session, flow_id).versions
        wrong = drawn(stage)
        wrong["nodes"]["ask"]["otherwise"] = "nowhere"
        wrong["nodes"]["hello"]["text"]["it"] = " "
        found = service.save(session, sara, version_id=draft.id, definition=wrong)
        assert {(one.node, one.field) for one in found} == {("ask", "otherwise"), ("hello", "text")}
        return draft.id

    draft = stage.work(work)
    with pytest.raises(FlowProblemsError) as refused:
        stage.work(lambda session: service.publish(session, sara, version_id=draft))
    assert {(one.node, one.flaw) for one in refused.value.problems} == {
        ("ask", Flaw.LEADS_NOWHERE), ("hello", Flaw.NO_TEXT),
    }  # fmt: skip
    with pytest.raises(InvalidError, match="non è scritto bene"):
        stage.work(lambda s: service.save(s, sara, version_id=draft, definition={"start": 7}))


def test_a_line_leads_only_to_what_is_published_and_its_own(stage: Stage, sara: Principal) -> None:
    def work(session: Any) -> None:
        siena = IvrFlow(contract_id=stage.cast.other_contract, name="Di Siena")
        session.add(siena)
        session.flush()
        with pytest.raises(FieldError, match="altro contratto"):
            service.lead(session, sara, number=EMPOLI_LINE, flow_id=siena.id)
        general = service.create(session, sara, contract_id=stage.cast.contract, name="Generale")
        with pytest.raises(FieldError, match="pubblicato"):
            service.lead(session, sara, number=EMPOLI_LINE, flow_id=general)
        with pytest.raises(FieldError, match="C'è già"):
            service.create(session, sara, contract_id=stage.cast.contract, name=" Generale ")

    stage.work(work)


def test_an_agent_draws_nothing(stage: Stage, sara: Principal) -> None:
    anna = Principal(stage.cast.anna, "", "it", frozenset({Held(Role.AGENT, None, stage.cast.contract)}))
    flow_id = published(stage, sara)
    (first,) = stage.work(lambda session: queries.flow(session, flow_id).versions)
    with pytest.raises(ForbiddenError):
        stage.work(lambda s: service.create(s, anna, contract_id=stage.cast.contract, name="Mio"))
    with pytest.raises(NotFoundError):
        stage.work(lambda session: service.publish(session, anna, version_id=first.id))
    with pytest.raises(ForbiddenError):
        stage.work(lambda session: service.lead(session, anna, number=EMPOLI_LINE, flow_id=None))
    with pytest.raises(ForbiddenError):
        stage.work(
            lambda s: service.write_emergency(
                s, anna, contract_id=stage.cast.contract, ente_id=None, text={"it": "x"}, ends=True
            )
        )


def test_an_emergency_is_one_click_and_is_heard_by_the_next_caller(stage: Stage, sara: Principal) -> None:
    message = stage.work(
        lambda s: service.write_emergency(
            s, sara, contract_id=stage.cast.contract, ente_id=stage.cast.empoli,
            text={"it": "Allerta meteo: oggi non rispondiamo.", "de": ""}, ends=True,
        )
    )  # fmt: skip
    (menu,) = stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAbefore")
    assert isinstance(menu, Gather)
    stage.work(lambda session: service.switch_emergency(session, sara, message_id=message, on=True))
    stage.work(lambda session: service.switch_emergency(session, sara, message_id=message, on=True))
    told, end = stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAduring")
    assert isinstance(told, Gather)
    assert (told.prompts[-1], told.may_be_ignored, end) == (Say("Allerta meteo: oggi non rispondiamo."), True, Hangup())
    stage.work(lambda session: service.switch_emergency(session, sara, message_id=message, on=False))
    (menu,) = stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAafter")
    assert isinstance(menu, Gather)
    count = stage.work(
        lambda s: s.query(AuditEntry).filter(AuditEntry.kind.in_(["emergency.on", "emergency.off"])).count()
    )
    assert count == 2


def test_an_emergency_without_words_or_too_many_is_refused_at_its_field(stage: Stage, sara: Principal) -> None:
    for text_, field in (({"it": " "}, "it"), ({"it": "x" * 1001}, "it"), ({"it": "x", "de": "{ente}"}, "de")):
        with pytest.raises(FieldError) as refused:
            stage.work(
                lambda s, said=text_: service.write_emergency(
                    s, sara, contract_id=stage.cast.contract, ente_id=None, text=said, ends=False
                )
            )
        assert [one.field for one in refused.value.parts] == [field]


def test_a_flow_puts_callers_through_to_an_office_and_the_figures_say_so(stage: Stage, sara: Principal) -> None:
    """Metric: received. whatever became of it; neither answered by an operator nor abandoned."""
    office, cast = "+390571757999", stage.cast
    with stage.database.begin(Scope.of_enti(frozenset({cast.empoli}))) as session:
        told = dict.fromkeys(("address", "competent_for", "accessibility"), "")
        session.add(Office(ente_id=cast.empoli, name="Tributi", phone=office, hours=[], **told))
    published(stage, sara)
    definition = drawn(stage)
    definition["nodes"]["ask"]["choices"][0]["next"] = "office"
    definition["nodes"]["office"] = {"kind": "transfer", "number": office, "otherwise": "queue"}

    def again(session: Any) -> None:
        (flow,) = queries.flows(session, frozenset({cast.contract}))
        draft = service.draft(session, sara, flow_id=flow.id, of=flow.versions[0].id)
        assert service.save(session, sara, version_id=draft, definition=definition) == ()
        service.publish(session, sara, version_id=draft)

    stage.work(again)
    spoke, nobody = stage.arrives(sid="CAspoke"), stage.arrives(STRANGER, sid="CAnobody")
    for call in (spoke, nobody):
        said, dials = stage.presses(call, "1")
        assert isinstance(said, Gather)
        assert said.may_be_ignored, "zero reaches an operator before it rings there"
        assert dials == PutThrough(office, EMPOLI_LINE, TO.put_through(cast.contract, call, 1), 25, 1800)
        assert stage.presses(call, "1", step=0) == (dials,), "asked twice, it is the same"

    def comes_back(call: Any, reached: Reached, *, hung_up: bool) -> Reply:
        return stage.work(
            lambda s: reception.after_number(
                s, call, step=1, reached=reached, seconds=65, hung_up=hung_up, to=TO
            )
        )  # fmt: skip

    stage.caller_leaves(spoke, after=80)  # and then the carrier tells how the dialling ended
    assert comes_back(spoke, Reached.ANSWERED, hung_up=True) == ()
    assert comes_back(spoke, Reached.ANSWERED, hung_up=True) == ()
    assert stage.call(spoke).outcome is Outcome.PUT_THROUGH
    assert isinstance(comes_back(nobody, Reached.NOBODY, hung_up=False)[-1], Enqueue)
    total = sum(stage.counts().values(), Counts())
    assert (total.received, total.entered, total.answered, total.lost) == (2, 1, 0, 0)
    ours = stage.arrives(REGIONAL_LINE, sid="CAours")
    assert isinstance(stage.presses(ours, "1")[-1], Enqueue), "flows that lead to each other would call for ever"
    known_as = stage.call(ours)
    assert (known_as.caller_kind, known_as.contact_id) == (CallerKind.WITHHELD, None), "the line is nobody's telephone"
    assert known_as.caller == REGIONAL_LINE
    with stage.database.begin(Scope.of_enti(frozenset({cast.empoli}))) as session:
        assert lines.of_his_own(session, REGIONAL_LINE) is None, "who fails the self-service there is not one caller"
        assert lines.of_his_own(session, STRANGER) == STRANGER


@pytest.mark.parametrize("dear", ["+39899123456", "+33142685300"], ids=["premium", "foreign"])
def test_callers_are_put_through_at_the_usual_price_and_never_to_the_line_they_called(stage: Stage, dear: str) -> None:
    cast = stage.cast
    with stage.database.begin(Scope.of_enti(frozenset({cast.empoli}))) as session:
        told = dict.fromkeys(("address", "competent_for", "accessibility"), "")
        session.add(Office(ente_id=cast.empoli, name="Tributi", phone="+390571757999", hours=[], **told))
        session.add(Office(ente_id=cast.empoli, name="Altro", phone=dear, hours=[], **told))
    flow = Flow.model_validate(drawn(stage) | {"nodes": drawn(stage)["nodes"] | {
        "office": {"kind": "transfer", "number": REGIONAL_LINE, "otherwise": "queue"},
    }})  # fmt: skip

    def reached(session: Any) -> tuple[set[str], set[str]]:
        from_line = outside.reached_from(session, cast.contract, flow, line=EMPOLI_LINE, caller=STRANGER)
        return set(outside.numbers(session, cast.contract)), set(from_line)

    everywhere, from_empoli = stage.work(reached)
    assert everywhere == {EMPOLI_LINE, REGIONAL_LINE, "+390571757999"}
    assert from_empoli == {REGIONAL_LINE, "+390571757999"}
