"""The queue holds all that the contract allows: the flow's own way on, counted as what it is."""

import pytest
from sqlalchemy import select

from crm.core import clock
from crm.core.db import Scope
from crm.levels.metering import Counts, FactKind
from crm.levels.metrics import QUEUE_CAP
from crm.levels.models import ContractEvent, ContractEventKind
from telephony.calls.models import Outcome, Phase
from telephony.carriers.port import Gather, Hangup, Say
from telephony.ivr.definition import Choice, Flow, Goodbye, Menu, ToQueue
from telephony.ivr.languages import Language
from telephony.ivr.models import IvrFlow, IvrPublication, IvrVersion
from telephony.lines.models import PhoneLine
from tests.cast import EMPOLI_LINE, promise
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration

IT = Language.ITALIAN
CAP = 2


def follows(stage: Stage, flow: Flow, *, cap: int | None = CAP) -> None:
    """Empoli's line takes this flow, and the contract allows so many in the queue."""
    cast = stage.cast
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        if cap is not None:
            promise(session, cast.contract, QUEUE_CAP, cap)
        row = IvrFlow(contract_id=cast.contract, name="Prova")
        session.add(row)
        session.flush()
        at = clock.now(session)
        version = IvrVersion(flow_id=row.id, number=1, definition=flow.model_dump(mode="json"), changed_at=at)
        session.add(version)
        session.flush()
        session.add(IvrPublication(flow_id=row.id, version_id=version.id, at=at))
        session.get_one(PhoneLine, EMPOLI_LINE).flow_id = row.id


def full_flow(stage: Stage, way_on: str) -> Flow:
    """Straight to the operators; when they are full, the end or a menu that leads to another queue."""
    cast = stage.cast
    return Flow(
        start="coda", operator="coda",
        nodes={
            "coda": ToQueue(queue=cast.operator, full=way_on),
            "fine": Goodbye(text={IT: "Ci sono troppe chiamate."}),
            "scelta": Menu(
                choices=(Choice(digit="1", label={IT: "aspettare"}, next="aspetta"),), otherwise="fine", zero="aspetta"
            ),
            "aspetta": ToQueue(queue=cast.notices),
        },
    )  # fmt: skip


def events(stage: Stage) -> list[tuple[ContractEventKind, str, int]]:
    rows = stage.work(lambda s: s.execute(select(ContractEvent)).scalars().all())
    return [(row.kind, row.subject, int(row.measured)) for row in rows]


def test_one_too_many_is_led_on_and_counted_as_lost(stage: Stage) -> None:
    """Metric: lost. Metric: queue cap.

    Lost is who was turned away because the queue was full; the cap counts the whole centre.
    """
    follows(stage, full_flow(stage, "fine"))
    for n in range(CAP):
        assert stage.call(stage.arrives(sid=f"CA{n}")).phase is Phase.WAITING
    assert events(stage) == []
    call = stage.arrives(sid="CAthird")
    told, end = stage.hears(call)
    assert isinstance(told, Gather)
    assert (told.prompts, end) == ((Say("Ci sono troppe chiamate."),), Hangup())
    assert events(stage) == [(ContractEventKind.QUEUE_OVER, str(call), CAP + 1)]
    stage.caller_leaves(call, after=5)
    assert stage.call(call).outcome is Outcome.TURNED_AWAY
    assert stage.facts(call) == [(FactKind.RECEIVED, 0), (FactKind.TURNED_AWAY, 0)]
    counts = stage.counts()[stage.cast.empoli, stage.cast.operator]
    assert counts == Counts(received=3, entered=2, lost=1)


def test_who_leaves_makes_room(stage: Stage) -> None:
    follows(stage, full_flow(stage, "fine"))
    calls = [stage.arrives(sid=f"CA{n}") for n in range(CAP)]
    stage.caller_leaves(calls[0])
    assert stage.call(stage.arrives(sid="CAthird")).phase is Phase.WAITING


def test_who_waits_after_all_is_no_longer_lost_once_he_is_served(stage: Stage) -> None:
    """The counters equal their facts all the way."""
    follows(stage, full_flow(stage, "scelta"))
    before = [stage.arrives(sid=f"CA{n}") for n in range(CAP)]
    call = stage.arrives(sid="CAthird")
    assert isinstance(stage.hears(call)[0], Gather)
    assert stage.counts()[stage.cast.empoli, stage.cast.operator].lost == 1
    stage.presses(call, "1")
    assert stage.call(call).phase is Phase.WAITING
    assert stage.entry(call).queue_id == stage.cast.notices  # he waits there, and counts where he was not let in
    for one in before:
        stage.caller_leaves(one)
    stage.ready(stage.cast.anna)
    stage.talks(call)
    counts = stage.counts()[stage.cast.empoli, stage.cast.operator]
    assert (counts.lost, counts.entered, counts.answered) == (CAP, CAP + 1, 1)
    stage.engine.fold_counters()
    assert stage.differences() == []


def test_a_contract_without_a_cap_turns_nobody_away(stage: Stage) -> None:
    follows(stage, full_flow(stage, "fine"), cap=None)
    calls = [stage.arrives(sid=f"CA{n}") for n in range(8)]
    assert {stage.call(one).phase for one in calls} == {Phase.WAITING}
