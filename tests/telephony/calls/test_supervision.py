"""Supervisors in conversations: who hears whom, who knows of it, and what is written down."""

from uuid import UUID

import pytest
from sqlalchemy import func, select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core.db import Scope
from crm.core.errors import ConflictError, NotFoundError
from crm.monitoring.errors import LockedError
from crm.monitoring.lock import Lock
from telephony.calls import supervision, talk
from telephony.calls.events import LegEnd
from telephony.calls.models import AgentLeg, CallSetting, LegRole, LegState, WatchMode
from telephony.calls.supervision import Watcher
from telephony.carriers.port import CUSTOMER, Standing, watcher_label
from tests.cast import lock_again
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def in_talk(stage: Stage) -> UUID:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    return call


def sara_of(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))


def ear(stage: Stage, call: UUID) -> UUID:
    """The leg of whoever watches."""
    return stage.work(
        lambda s: s.execute(
            select(AgentLeg.id).where(
                AgentLeg.call_id == call, AgentLeg.role == LegRole.WATCHER, AgentLeg.state != LegState.ENDED
            )
        ).scalar_one()
    )


def watches(stage: Stage, call: UUID, mode: WatchMode = WatchMode.LISTEN) -> None:
    sara = sara_of(stage)
    stage.work(lambda s: supervision.watch(s, sara, call_id=call, mode=mode))
    stage.run()


def told(stage: Stage, call: UUID, leg: UUID, *, answered: bool = False, ended: bool = False) -> None:
    """A callback about the supervisor's telephone."""
    stage.work(lambda s: supervision.heard(s, call, leg, sid="CAsara", answered=answered, ended=ended))
    stage.run()


def seen(stage: Stage, call: UUID) -> list[Watcher]:
    row = stage.call(call)
    return stage.work(lambda s: supervision.seen_by_agent(s, row))


def test_sara_listens_unheard_whispers_to_anna_and_talks_with_both(stage: Stage) -> None:
    call = in_talk(stage)
    anna_leg = stage.leg(call)
    watches(stage, call)
    leg = ear(stage, call)
    ring = list(stage.carrier.rings.values())[-1]
    assert (ring.agent, ring.heard, ring.label) == (f"agent_{stage.cast.sara}", False, watcher_label(leg))
    assert seen(stage, call) == []  # she is not in yet
    told(stage, call, leg, answered=True)
    for mode, standing in (
        (WatchMode.WHISPER, Standing(coaches=str(anna_leg))),
        (WatchMode.BARGE, Standing()),
        (WatchMode.LISTEN, Standing(muted=True)),
    ):
        watches(stage, call, mode)
        assert stage.carrier.arranged[-1].standing == {CUSTOMER: Standing(), watcher_label(leg): standing}
        assert [one.mode for one in seen(stage, call)] == [mode]
    entries = stage.work(
        lambda s: s.scalar(select(func.count()).where(AuditEntry.kind == "call.watched", AuditEntry.call_id == call))
    )
    assert entries == 4
    assert stage.call(call).phase.value == "talking"
    assert len(stage.carrier.rings) == 2  # she was rung once


def test_an_ente_may_want_that_listening_is_not_shown_but_never_that_speaking_is_not(stage: Stage) -> None:
    call = in_talk(stage)
    stage.work(lambda s: s.add(CallSetting(ente_id=stage.cast.empoli, shows_listeners=False)))
    watches(stage, call)
    told(stage, call, ear(stage, call), answered=True)
    assert seen(stage, call) == []
    watches(stage, call, WatchMode.WHISPER)
    assert len(seen(stage, call)) == 1


def test_when_sara_goes_the_conversation_goes_on(stage: Stage) -> None:
    call, sara = in_talk(stage), sara_of(stage)
    watches(stage, call)
    leg = ear(stage, call)
    told(stage, call, leg, answered=True)
    stage.work(lambda s: supervision.leave(s, sara, call_id=call))
    stage.work(lambda s: supervision.leave(s, sara, call_id=call))
    stage.run()
    told(stage, call, leg, ended=True)
    assert stage.carrier.ended == ["CAleg1"]
    assert stage.call(call).phase.value == "talking"
    told(stage, call, leg, answered=True)  # a late callback: her line is ended, not hers to hear
    assert stage.carrier.ended == ["CAleg1", "CAleg1"]


def test_when_the_conversation_ends_sara_s_line_does(stage: Stage) -> None:
    call = in_talk(stage)
    watches(stage, call)
    told(stage, call, ear(stage, call), answered=True)
    stage.caller_leaves(call)
    stage.run()
    assert "CAleg1" in stage.carrier.ended
    with pytest.raises(ConflictError, match="finita"):
        watches(stage, call)


def test_anna_s_line_drops_and_sara_is_not_left_alone_with_mario(stage: Stage) -> None:
    call = in_talk(stage)
    watches(stage, call)
    told(stage, call, ear(stage, call), answered=True)
    stage.leg_ends(call, LegEnd.COMPLETED, after=30)
    stage.crash()
    row = stage.call(call)
    assert (row.phase.value, seen(stage, call)) == ("waiting", [])


def test_whoever_asks_for_help_is_first_and_is_helped_by_whoever_comes(stage: Stage) -> None:
    cast = stage.cast
    other = in_talk(stage)
    stage.ready(cast.luca)
    call = stage.queues(sid="CAother")
    stage.talks(call)
    luca = stage.principal(cast.luca)
    stage.work(lambda s: talk.ask_help(s, luca, call_id=call, wanted=True))
    scope = Scope.of_contract(cast.contract)
    found = stage.work(lambda s: supervision.conversations(s, scope))
    assert [(one.call_id, one.agent, one.help_since is not None) for one in found] == [
        (call, "Luca", True), (other, "Anna", False)
    ]  # fmt: skip
    watches(stage, call)
    told(stage, call, ear(stage, call), answered=True)
    assert stage.call(call).help_since is None


def test_one_listens_in_one_place(stage: Stage) -> None:
    first = in_talk(stage)
    stage.ready(stage.cast.luca)
    second = stage.queues(sid="CAother")
    stage.talks(second)
    watches(stage, first)
    watches(stage, second)
    assert seen(stage, first) == []
    assert ear(stage, second)


def test_only_a_supervisor_of_the_contract_whom_the_ente_does_not_keep_away_may_listen(stage: Stage) -> None:
    call, cast = in_talk(stage), stage.cast
    sara = sara_of(stage)
    kept_away = Principal(sara.user_id, "", "it", sara.held, kept_from=frozenset({cast.empoli}))
    elsewhere = Principal(sara.user_id, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.other_contract)}))
    for by in (stage.principal(cast.luca), kept_away, elsewhere):
        with pytest.raises(NotFoundError):
            stage.work(lambda s, by=by: supervision.watch(s, by, call_id=call, mode=WatchMode.LISTEN))
    herself = Principal(cast.anna, "", "it", sara.held)
    with pytest.raises(ConflictError, match="ci sei già"):
        stage.work(lambda s: supervision.watch(s, herself, call_id=call, mode=WatchMode.BARGE))


def test_a_supervisor_whose_telephone_is_not_there_is_not_left_as_if_she_listened(stage: Stage) -> None:
    call = in_talk(stage)
    watches(stage, call)
    leg = ear(stage, call)
    told(stage, call, leg, ended=True)
    found = stage.work(lambda s: s.execute(select(AgentLeg.state).where(AgentLeg.id == leg)).scalar_one())
    assert found is LegState.ENDED


# -- locked: no agreement allows it (L. 300/1970, art. 4) ------------------------------------------------------------


def test_where_it_is_locked_nobody_gets_in_and_the_agent_has_no_name(stage: Stage) -> None:
    lock_again(stage.database)
    call, scope = in_talk(stage), Scope.of_contract(stage.cast.contract)
    for mode in WatchMode:
        with pytest.raises(LockedError):
            watches(stage, call, mode)
    (one,) = stage.work(lambda s: supervision.conversations(s, scope))
    assert (one.agent, one.lock, one.modes_for(stage.cast.sara)) == ("", Lock.WITHDRAWN, ())


def test_an_agent_who_asks_for_help_is_helped_where_he_sees_it(stage: Stage) -> None:
    lock_again(stage.database)
    call, scope, anna = in_talk(stage), Scope.of_contract(stage.cast.contract), stage.principal(stage.cast.anna)
    stage.work(lambda s: talk.ask_help(s, anna, call_id=call, wanted=True))
    with pytest.raises(LockedError):
        watches(stage, call, WatchMode.LISTEN)
    watches(stage, call, WatchMode.WHISPER)
    leg = ear(stage, call)
    told(stage, call, leg, answered=True)
    watches(stage, call, WatchMode.BARGE)
    assert stage.work(supervision.end_locked) == 0, "she was asked for"
    (one,) = stage.work(lambda s: supervision.conversations(s, scope))
    assert (one.agent, one.help_since) == ("Anna", None)
    assert one.modes_for(stage.cast.sara) == (WatchMode.WHISPER, WatchMode.BARGE)
    assert one.modes_for(stage.cast.marta) == ()


def test_withdrawn_while_she_only_listens_she_goes_also_where_she_was_asked_for(stage: Stage) -> None:
    """The ente may not want listening to be shown: so the agent need not see her."""
    call, anna = in_talk(stage), stage.principal(stage.cast.anna)
    stage.work(lambda s: talk.ask_help(s, anna, call_id=call, wanted=True))
    watches(stage, call, WatchMode.WHISPER)
    told(stage, call, ear(stage, call), answered=True)
    watches(stage, call, WatchMode.LISTEN)
    lock_again(stage.database)
    assert supervision.end_locked_anywhere(stage.database) == 1


def test_withdrawn_while_she_listens_she_goes(stage: Stage) -> None:
    call = in_talk(stage)
    watches(stage, call)
    leg = ear(stage, call)
    told(stage, call, leg, answered=True)
    assert supervision.end_locked_anywhere(stage.database) == 0
    lock_again(stage.database)
    assert supervision.end_locked_anywhere(stage.database) == 1
    assert supervision.end_locked_anywhere(stage.database) == 0
    assert stage.work(lambda s: s.get_one(AgentLeg, leg).state) is LegState.ENDED
