"""Recorded conversations: who agrees, what is left out, what is kept and for how long, who listens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core.db import Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.documents.store import FolderStore
from crm.privacy.holders import Person
from telephony.calls import recorded, talk
from telephony.calls import service as calls
from telephony.calls.models import Consent, Phase
from telephony.carriers.port import CarrierError, CarrierRecording, Gather, Say, Taking
from telephony.commands.models import CommandKind, Timer, TimerKind
from telephony.ivr.prompts import Sentence, may_we_record, sentence
from telephony.recording import administration, pausing, privacy, queries, service
from telephony.recording.keeping import RecordingKeeper
from telephony.recording.models import HeardFor, Purpose, Recording, RecordingListening
from telephony.recording.queries import Setting
from telephony.recording.service import Told
from telephony.recording.standing import Standing, standing
from telephony.sounds import keeping, sealing
from telephony.sounds.models import Gone
from tests.cast import STRANGER
from tests.telephony.fake_carrier import refused
from tests.telephony.sound import wav
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

ON = Setting(is_on=True, workers="Accordo del 3 marzo 2026", keep_days=30, pause_s=60)
BEGAN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
REASON = "Reclamo 2026/118"


def wants(stage: Stage, setting: Setting = ON, ente: int | None = None) -> None:
    """An administrator says what Empoli wants recorded."""
    admin = Principal(stage.cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, stage.cast.contract)}))
    stage.work(
        lambda s: administration.save_setting(s, admin, ente_id=ente or stage.cast.empoli, wanted=setting)
    )  # fmt: skip


@pytest.fixture
def recording(stage: Stage) -> Stage:
    """Empoli records every conversation whose caller agrees; Anna is ready."""
    wants(stage)
    stage.ready(stage.cast.anna)
    return stage


@pytest.fixture
def keeper(stage: Stage, tmp_path: Path) -> Iterator[RecordingKeeper]:
    return RecordingKeeper(stage.database, stage.carrier, FolderStore(tmp_path))


def talking(stage: Stage, key: str = "1") -> UUID:
    """Mario asks for an operator, answers whether he may be recorded, and speaks with Anna."""
    call = stage.queues()
    stage.presses(call, key)
    stage.talks(call)
    return call


def tapes(stage: Stage) -> list[Taking]:
    """What the carrier was told about recording, in order."""
    return [one.taking for one in stage.carrier.taken]


def sara(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))


def told(stage: Stage, call: UUID, sid: str = "RE1", *, ready: bool = True) -> None:
    stage.work(lambda s: service.heard(s, call, Told(sid, BEGAN, 2, ready=ready)))


def rows(stage: Stage) -> list[Recording]:
    return stage.work(lambda s: list(s.scalars(select(Recording).order_by(Recording.began_at, Recording.carrier_sid))))


def kept(stage: Stage, keeper: RecordingKeeper) -> UUID:
    """A conversation that has been recorded, and is over; its sound is in the store."""
    call = talking(stage)
    stage.carrier.recordings["RE1"] = wav()
    told(stage, call)
    stage.work(lambda s: s.execute(update(Recording).values(began_at=BEGAN, keep_until=BEGAN + timedelta(days=3650))))
    keeper.run()
    stage.caller_leaves(call)
    return call


# -- who agrees -------------------------------------------------------------------------------------------------


def test_a_caller_is_asked_before_he_waits_and_agrees_by_a_key(recording: Stage) -> None:
    call = recording.arrives()
    (asked,) = recording.presses(call, "0")
    assert isinstance(asked, Gather)
    assert asked.prompts == (Say(may_we_record(Purpose.QUALITY)),)
    assert recording.call(call).queued_at is None
    said, *_ = recording.presses(call, "1")
    assert said == Say(sentence(Sentence.RECORDED))
    stands = recording.call(call)
    assert (stands.consent, stands.phase) == (Consent.AGREED, Phase.WAITING)
    assert recorded.ASKED in recording.log(call)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [(["2"], Consent.REFUSED), (["", ""], Consent.SILENT), (["7", "9"], Consent.SILENT), (["0"], Consent.SILENT)],
)
def test_who_does_not_agree_is_served_all_the_same_and_never_recorded(
    recording: Stage, keys: list[str], answer: Consent
) -> None:
    call = recording.queues()
    for key in keys:
        recording.presses(call, key)
    recording.talks(call)
    assert (recording.call(call).consent, recording.call(call).phase) == (answer, Phase.TALKING)
    anna = recording.principal(recording.cast.anna)
    recording.work(lambda s: talk.hold(s, anna, call_id=call))
    recording.run()
    assert tapes(recording) == []
    with pytest.raises(ConflictError, match="non viene registrata"):
        recording.work(lambda s: pausing.pause(s, anna, call_id=call))


def test_nobody_is_asked_where_the_ente_does_not_record(stage: Stage) -> None:
    call = stage.queues()
    assert (stage.call(call).phase, stage.call(call).consent) == (Phase.WAITING, None)
    stage.ready(stage.cast.anna)
    stage.talks(call)
    assert tapes(stage) == []


def test_a_share_of_the_calls_is_drawn_by_their_id_alone() -> None:
    ids = [UUID(int=n) for n in range(1000)]
    assert sum(queries.is_drawn(one, 20) for one in ids) == 200
    assert all(queries.is_drawn(one, 100) for one in ids)


def test_what_was_agreed_with_one_ente_holds_for_no_other(recording: Stage, keeper: RecordingKeeper) -> None:
    call = talking(recording)
    told(recording, call, ready=False)
    recording.work(lambda s: calls.attribute(s, call, recording.cast.vinci))
    recording.run()
    assert recording.call(call).consent is Consent.VOID
    assert tapes(recording)[-1] is Taking.OFF
    recording.carrier.recordings["RE1"] = wav()
    told(recording, call)
    keeper.run()
    (row,) = rows(recording)
    assert (row.gone, row.sha256, row.key) == (Gone.NOT_AGREED, None, None)
    assert recording.carrier.recordings == {}


# -- what is recorded -------------------------------------------------------------------------------------------


def test_the_callers_line_is_recorded_while_he_speaks_with_the_operator(recording: Stage) -> None:
    call = talking(recording)
    (begun,) = recording.carrier.taken
    assert begun.sid == "CAmario"
    assert begun.status_url == TO.taken(recording.cast.contract, call)
    assert begun.taking is recording.call(call).taking is Taking.ON


def test_on_hold_neither_music_nor_the_colleague_is_recorded(recording: Stage) -> None:
    recording.ready(recording.cast.anna, recording.cast.luca)
    call = talking(recording)
    row = recording.call(call)
    agent = recording.principal(row.agent_id or 0)
    other = recording.cast.luca if row.agent_id == recording.cast.anna else recording.cast.anna
    recording.work(lambda s: talk.consult(s, agent, call_id=call, agent_id=other))
    recording.run()
    assert tapes(recording) == [Taking.ON, Taking.PAUSED]
    party = recording.call(call).party_leg_id
    recording.answers(call, party)
    recording.work(lambda s: talk.together(s, agent, call_id=call))
    recording.run()
    assert tapes(recording) == [Taking.ON, Taking.PAUSED, Taking.ON]


def test_somebody_outside_whom_nobody_asked_is_not_recorded(recording: Stage) -> None:
    call = talking(recording)
    boss = Principal(
        recording.cast.anna, "", "it",
        frozenset({Held(one, None, recording.cast.contract) for one in (Role.AGENT, Role.SUPERVISOR)}),
    )  # fmt: skip
    recording.work(lambda s: talk.consult(s, boss, call_id=call, number="0571 757000"))
    recording.answers(call, recording.call(call).party_leg_id)
    recording.work(lambda s: talk.together(s, boss, call_id=call))
    recording.run()
    assert tapes(recording) == [Taking.ON, Taking.PAUSED]
    recording.work(lambda s: talk.pass_on(s, boss, call_id=call))
    recording.run()
    assert tapes(recording)[-1] is Taking.OFF


def test_a_caller_who_waits_again_is_not_recorded_meanwhile(recording: Stage) -> None:
    """Issue: the agent's browser dies; he keeps his place at the head."""
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    queue = recording.cast.operator
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    recording.work(lambda s: talk.pass_to_queue(s, anna, call_id=call, queue_id=queue, first=True))
    recording.run()
    assert tapes(recording)[-1] is Taking.PAUSED
    recording.ready(recording.cast.luca)
    recording.talks(call)
    assert tapes(recording)[-1] is Taking.ON, "what Anna left out, Luca does not"
    assert recording.call(call).unrecorded_until is None


# -- what an agent leaves out -----------------------------------------------------------------------------------


def test_an_agent_leaves_out_a_card_and_goes_on(recording: Stage) -> None:
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    assert recording.call(call).taking is Taking.ON, "until the carrier has done it, it is not said to be done"
    recording.run()
    assert recording.call(call).taking is Taking.PAUSED
    recording.work(lambda s: pausing.go_on(s, anna, call_id=call))
    recording.work(lambda s: pausing.go_on(s, anna, call_id=call))
    recording.run()
    assert tapes(recording) == [Taking.ON, Taking.PAUSED, Taking.ON]
    (span,) = recording.work(lambda s: queries.left_out(s, call))
    assert span.until is not None


def test_what_is_left_out_ends_by_itself_unless_more_time_is_asked_for(recording: Stage) -> None:
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    first = recording.call(call).unrecorded_until
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    assert (recording.call(call).unrecorded_until or BEGAN) > (first or BEGAN)
    due = recording.work(lambda s: list(s.scalars(select(Timer).where(Timer.kind == TimerKind.RESUME))))
    assert len(due) == 1
    recording.run()
    later(recording, 61)
    recording.engine.fire_timers()
    recording.run()
    assert tapes(recording) == [Taking.ON, Taking.PAUSED, Taking.ON]
    assert recording.call(call).unrecorded_until is None
    assert len(recording.work(lambda s: queries.left_out(s, call))) == 1


def test_what_is_left_out_at_once_is_said_to_be_only_when_the_carrier_knows(recording: Stage) -> None:
    call = recording.queues()
    recording.presses(call, "1")
    recording.run()
    recording.answers(call)
    recording.run()
    recording.joins(call)  # to begin is ordered, and not done yet
    anna = recording.principal(recording.cast.anna)
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    assert standing(recording.call(call)) is Standing.LEAVING_OUT
    recording.run()
    assert standing(recording.call(call)) is Standing.LEFT_OUT
    assert set(tapes(recording)) == {Taking.PAUSED}


def later(stage: Stage, seconds: int) -> None:
    stage.passes(seconds)
    shift = text("UPDATE call SET unrecorded_until = unrecorded_until - make_interval(secs => :s)")
    with stage.database.begin(Scope.across_enti()) as session:
        session.execute(shift, {"s": seconds})


def test_on_hold_and_left_out_at_once_it_goes_on_when_neither_is(recording: Stage) -> None:
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    for do in (pausing.pause, talk.hold, pausing.go_on):
        recording.work(lambda s, do=do: do(s, anna, call_id=call))  # type: ignore[misc]
    recording.run()
    assert recording.call(call).taking is Taking.PAUSED
    recording.work(lambda s: talk.back(s, anna, call_id=call))
    recording.run()
    assert recording.call(call).taking is Taking.ON


def test_what_could_not_be_left_out_is_not_kept(recording: Stage, keeper: RecordingKeeper) -> None:
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    recording.carrier.recording.append(refused())
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    recording.run()
    assert recording.call(call).consent is Consent.VOID
    assert tapes(recording)[-1] is Taking.OFF
    recording.carrier.recordings["RE1"] = wav()
    told(recording, call)
    keeper.run()
    assert rows(recording)[0].gone is Gone.NOT_AGREED


def test_a_carrier_that_will_not_record_is_no_reason_to_lose_the_call(recording: Stage) -> None:
    recording.carrier.recording.append(refused())
    call = talking(recording)
    stands = recording.call(call)
    assert (stands.phase, stands.consent, stands.taking) == (Phase.TALKING, Consent.AGREED, Taking.OFF)
    assert recorded.FAILED in recording.log(call)


def test_a_caller_who_changes_his_mind_is_not_recorded_and_nothing_is_kept(
    recording: Stage, keeper: RecordingKeeper
) -> None:
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    recording.work(lambda s: pausing.withdraw(s, anna, call_id=call))
    recording.run()
    assert tapes(recording) == [Taking.ON, Taking.OFF]
    recording.carrier.recordings["RE1"] = wav()
    told(recording, call)
    keeper.run()
    assert recording.carrier.recordings == {}
    assert rows(recording)[0].gone is Gone.NOT_AGREED


def test_a_command_whose_process_died_is_carried_out_by_another(recording: Stage) -> None:
    call = talking(recording)
    anna = recording.principal(recording.cast.anna)
    recording.work(lambda s: pausing.pause(s, anna, call_id=call))
    recording.crash()
    recording.passes(20)
    recording.dispatcher.sweep()
    assert recording.call(call).taking is Taking.PAUSED
    assert CommandKind.RECORD in {kind for kind, _ in recording.commands()}


# -- what is kept -----------------------------------------------------------------------------------------------


def test_a_recording_is_fetched_encrypted_kept_and_deleted_at_the_carrier(
    recording: Stage, keeper: RecordingKeeper, tmp_path: Path
) -> None:
    call = kept(recording, keeper)
    assert recording.carrier.recordings == {}
    (row,) = rows(recording)
    assert (row.seconds, row.at_carrier, row.ente_id) == (2, False, recording.cast.empoli)
    assert row.key is not None
    stored = FolderStore(tmp_path).read(row.kept_under or 0, row.sha256 or "", most=10**9)
    assert wav() not in stored
    recording.work(
        lambda s: service.begin(s, sara(recording), call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON)
    )
    sound = recording.work(lambda s: service.sound(s, sara(recording), call_id=call, recording_id=row.id))
    assert sealing.read(FolderStore(tmp_path), sound) == wav()
    entry = recording.timeline(recording.cast.mario)[0]
    assert entry.detail["recording"] == "there"


@pytest.mark.parametrize("step", ["_write", "_carrier"])
def test_killed_at_any_step_nothing_is_lost_and_nothing_kept_twice(
    recording: Stage, keeper: RecordingKeeper, tmp_path: Path, step: str
) -> None:
    """Issue: kill between download and delete."""
    call = talking(recording)
    recording.carrier.recordings["RE1"] = wav()
    told(recording, call)
    broken = RecordingKeeper(recording.database, recording.carrier, FolderStore(tmp_path))

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Killed

    if step == "_write":  # in the store, and nobody wrote it down
        broken.sounds._write = dies  # type: ignore[method-assign]
    else:  # written down, and the carrier still has it
        broken.sounds.drop = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        broken.run()
    assert recording.carrier.recordings == {"RE1": wav()}
    keeper.run()
    assert recording.carrier.recordings == {}
    assert len(rows(recording)) == 1
    assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == 1


def test_a_recording_of_which_nobody_told_is_asked_for_once_the_call_is_over(
    recording: Stage, keeper: RecordingKeeper
) -> None:
    """Callbacks are lost; the carrier is asked."""
    call = talking(recording)
    recording.caller_leaves(call)
    ago(recording, 180)
    recording.carrier.recordings["RE9"] = wav()
    recording.carrier.made["CAmario"] = [CarrierRecording("RE9", BEGAN, 2, ready=False, absent=False)]
    keeper.run()
    assert recording.call(call).taking is Taking.ON, "it is not ready: it will be asked for again"
    recording.carrier.made["CAmario"] = [CarrierRecording("RE9", BEGAN, 2, ready=True, absent=False)]
    keeper.run()
    told(recording, call, "RE9")  # the callback comes after all
    assert recording.call(call).taking is None
    (row,) = rows(recording)
    assert row.carrier_sid == "RE9"
    assert row.ready_at is not None


def test_one_that_was_begun_and_never_finished_is_not_waited_for_for_ever(
    recording: Stage, keeper: RecordingKeeper
) -> None:
    call = talking(recording)
    told(recording, call, ready=False)
    recording.caller_leaves(call)
    ago(recording, 7 * 3600)
    recording.carrier.made["CAmario"] = [CarrierRecording("RE1", BEGAN, 0, ready=False, absent=False)]
    keeper.run()
    assert recording.call(call).taking is None
    assert rows(recording)[0].gone is Gone.ABSENT


def ago(stage: Stage, seconds: int) -> None:
    """All calls ended so much earlier."""
    shift = text("UPDATE call SET ended_at = ended_at - make_interval(secs => :s)")
    with stage.database.begin(Scope.across_enti()) as session:
        session.execute(shift, {"s": seconds})


def test_told_twice_late_and_in_any_order_it_is_one(recording: Stage) -> None:
    """Rule: told twice, done once. Key = SID + event; duplicates and order do not matter."""
    call = talking(recording)
    for ready in (True, False, True):
        told(recording, call, ready=ready)
    (row,) = rows(recording)
    assert row.ready_at is not None
    recording.work(lambda s: service.heard(s, call, Told("RE2", BEGAN, absent=True)))
    assert {one.gone for one in rows(recording)} == {None, Gone.ABSENT}


def test_a_carrier_that_is_down_is_asked_again_and_one_that_lost_it_is_not(
    recording: Stage, keeper: RecordingKeeper
) -> None:
    call = talking(recording)
    told(recording, call)
    keeper.run()  # unreachable
    assert rows(recording)[0].deleted_at is None
    recording.carrier.fetch_recording = gone  # type: ignore[method-assign]
    keeper.run()
    assert rows(recording)[0].gone is None, "it may not be there yet"
    recording.work(lambda s: s.execute(update(Recording).values(ready_at=Recording.ready_at - keeping.NOT_YET)))
    keeper.run()
    assert rows(recording)[0].gone is Gone.ABSENT


def gone(sid: str, *, channels: int = 1) -> bytes:
    raise CarrierError("gone", permanent=True, gone=True)


def test_when_its_time_is_over_it_goes_and_leaves_a_trace(
    recording: Stage, keeper: RecordingKeeper, tmp_path: Path
) -> None:
    kept(recording, keeper)
    recording.work(lambda s: s.execute(update(Recording).values(keep_until=BEGAN)))
    keeper.run()
    (row,) = rows(recording)
    assert (row.gone, row.key, row.sha256, row.seconds) == (Gone.EXPIRED, None, None, 2)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []
    assert recording.timeline(recording.cast.mario)[0].detail["recording"] == "gone"
    assert keeper.run() == 0 or keeper.run() == 0


def test_a_complaint_keeps_it(recording: Stage, keeper: RecordingKeeper) -> None:
    call = kept(recording, keeper)
    boss = sara(recording)
    with pytest.raises(FieldError):
        recording.work(lambda s: service.hold(s, boss, call_id=call, because=" "))
    recording.work(lambda s: service.hold(s, boss, call_id=call, because=REASON))
    recording.work(lambda s: s.execute(update(Recording).values(keep_until=BEGAN)))
    keeper.run()
    assert rows(recording)[0].deleted_at is None
    recording.work(lambda s: service.release(s, boss, call_id=call))
    keeper.run()
    assert rows(recording)[0].gone is Gone.EXPIRED


def test_fewer_days_hold_for_what_is_there_and_more_do_not(recording: Stage, keeper: RecordingKeeper) -> None:
    call = talking(recording)
    told(recording, call)
    assert rows(recording)[0].keep_until == BEGAN + timedelta(days=30)
    wants(recording, replace(ON, keep_days=10))
    assert rows(recording)[0].keep_until == BEGAN + timedelta(days=10)
    wants(recording, replace(ON, keep_days=300))
    assert rows(recording)[0].keep_until == BEGAN + timedelta(days=10)


# -- whose it is ------------------------------------------------------------------------------------------------


def test_erasing_a_person_erases_his_voice_and_who_listened(
    recording: Stage, keeper: RecordingKeeper, tmp_path: Path
) -> None:
    call = kept(recording, keeper)
    cast, boss = recording.cast, sara(recording)
    (holder,) = privacy.HOLDERS
    mario = Person(cast.empoli, (cast.mario,))
    recording.work(lambda s: service.begin(s, boss, call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON))
    recording.work(lambda s: service.hold(s, boss, call_id=call, because=REASON))
    assert REASON in recording.work(lambda s: holder.obstacles(s, mario))[0]
    recording.work(lambda s: service.release(s, boss, call_id=call))
    assert recording.work(lambda s: holder.obstacles(s, mario)) == []
    copied = {one.name: len(one.rows) for one in recording.work(lambda s: holder.export(s, mario))}
    assert copied == {"recording": 1, "recording_listening": 1}
    assert recording.work(lambda s: holder.export(s, Person(cast.vinci, (cast.gina,))))[0].rows == []
    assert [one.rows for one in recording.work(lambda s: holder.erase(s, mario))] == [1, 1]
    keeper.run()
    (row,) = rows(recording)
    assert (row.gone, row.key, row.sha256) == (Gone.ERASED, None, None)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


# -- who listens ------------------------------------------------------------------------------------------------


def test_whoever_listens_says_why_and_it_is_in_the_access_log(recording: Stage, keeper: RecordingKeeper) -> None:
    call = kept(recording, keeper)
    (row,) = rows(recording)
    boss = sara(recording)
    with pytest.raises(ForbiddenError, match="perché"):
        recording.work(lambda s: service.sound(s, boss, call_id=call, recording_id=row.id))
    with pytest.raises(FieldError):
        recording.work(lambda s: service.begin(s, boss, call_id=call, heard_for=HeardFor.COMPLAINT, reason="  "))
    recording.work(lambda s: service.begin(s, boss, call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON))
    recording.work(lambda s: service.sound(s, boss, call_id=call, recording_id=row.id))
    noted = recording.work(lambda s: s.scalars(select(AuditEntry).where(AuditEntry.kind == "recording.heard")).all())
    assert [(one.contact_id, one.call_id, one.actor_id) for one in noted] == [
        (recording.cast.mario, call, recording.cast.sara)
    ]
    recording.work(lambda s: s.execute(update(RecordingListening).values(began_at=BEGAN)))
    with pytest.raises(ForbiddenError):
        recording.work(lambda s: service.sound(s, boss, call_id=call, recording_id=row.id))


def test_nobody_without_the_permission_or_of_another_ente_hears_anything(
    recording: Stage, keeper: RecordingKeeper
) -> None:
    call = kept(recording, keeper)
    (row,) = rows(recording)
    cast = recording.cast
    anna = recording.principal(cast.anna)
    with pytest.raises(ForbiddenError):
        recording.work(lambda s: service.begin(s, anna, call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON))
    other = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.other_contract)}))

    def elsewhere(session: Session) -> None:
        service.begin(session, other, call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON)

    with pytest.raises(NotFoundError):
        recording.database.transact(Scope.of_enti([cast.siena], [cast.other_contract]), elsewhere)
    kept_away = replace(sara(recording), kept_from=frozenset({cast.empoli}))
    with pytest.raises(NotFoundError):
        recording.work(lambda s: service.begin(s, kept_away, call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON))
    boss = sara(recording)
    recording.work(lambda s: service.begin(s, boss, call_id=call, heard_for=HeardFor.COMPLAINT, reason=REASON))
    with pytest.raises(ForbiddenError):
        recording.work(lambda s: service.sound(s, boss, call_id=call, recording_id=row.id, saves=True))
    mine = recording.queues(STRANGER, sid="CAother")
    with pytest.raises(ForbiddenError):  # a guessed call
        recording.work(lambda s: service.sound(s, boss, call_id=mine, recording_id=row.id))


# -- what is set ------------------------------------------------------------------------------------------------


def test_what_is_typed_is_checked_field_by_field() -> None:
    with pytest.raises(InvalidError) as wrong:
        administration.parse({"is_on": "1", "share": "0", "keep_days": "x", "pause_s": "9999", "purpose": "fun"})
    assert {one.field for one in wrong.value.parts} == {
        "share", "keep_days", "pause_s", "voicemail_days", "workers", "purpose-quality",
    }  # fmt: skip
    typed = {"share": "20", "keep_days": "90", "pause_s": "120", "voicemail_days": "30", "purpose": "evidence"}
    assert administration.parse(typed) == Setting(purpose=Purpose.EVIDENCE, share=20)


def test_only_whoever_administers_the_ente_may_switch_it_on(recording: Stage) -> None:
    with pytest.raises(ForbiddenError):
        recording.work(
            lambda s: administration.save_setting(s, sara(recording), ente_id=recording.cast.empoli, wanted=ON)
        )
