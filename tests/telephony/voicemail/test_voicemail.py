"""Messages: left before hanging up, kept by us alone, heard by who calls back, and deleted in time."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core.errors import ConflictError
from crm.documents.store import FolderStore
from crm.enti.queries import enti_of
from telephony.calls import reception
from telephony.calls import service as calls
from telephony.calls.models import Phase
from telephony.carriers.port import CarrierError, Gather, Hangup, Record, Say
from telephony.ivr.definition import Flow, Goodbye, ToQueue, ToVoicemail
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence
from telephony.recording import administration, queries
from telephony.recording.queries import Setting
from telephony.sounds import sealing
from telephony.sounds.keeping import NOT_YET, SoundKeeper
from telephony.sounds.models import Gone
from telephony.sounds.sealing import Sealed
from telephony.voicemail import service
from telephony.voicemail.keeping import SHELF
from telephony.voicemail.models import Voicemail
from tests.cast import MARIO_MOBILE
from tests.telephony.callbacks.test_callbacks import answered_for, centre, ended, row
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.fake_carrier import no_answer
from tests.telephony.sound import wav
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

__all__ = ["centre"]  # the fixture
SOUND = wav(seconds=9)


@pytest.fixture
def answering(centre: Stage) -> Stage:  # the fixture of the callbacks
    """Empoli's line leads to the answering machine."""
    cast = centre.cast
    flow = Flow(
        start="segreteria", operator="coda",
        nodes={
            "segreteria": ToVoicemail(queue=cast.operator, otherwise="fine", zero="coda"),
            "coda": ToQueue(queue=cast.operator),
            "fine": Goodbye(text={Language.ITALIAN: "Arrivederci."}),
        },
    )  # fmt: skip
    follows(centre, flow, cap=None)
    return centre


@pytest.fixture
def keeper(answering: Stage, tmp_path: Path) -> Iterator[SoundKeeper]:
    return SoundKeeper(answering.database, answering.carrier, FolderStore(tmp_path), SHELF)


def leaves(stage: Stage, seconds: int = 9, sid: str = "CAmario", recording: str = "RE1") -> UUID:
    """Mario confirms his number, speaks and hangs up."""
    call = stage.arrives(sid=sid)
    stage.presses(call, "1")
    stage.presses(call, "")
    stage.carrier.recordings[recording] = SOUND
    stage.work(lambda s: service.left(s, call, recording_sid=recording, seconds=seconds))
    ended(stage, call, sid)
    return call


def kept(stage: Stage) -> list[Voicemail]:
    return stage.work(lambda s: list(s.execute(select(Voicemail)).scalars()))


def test_a_caller_confirms_his_number_and_speaks_after_the_tone(answering: Stage) -> None:
    call = answering.arrives()
    (told,) = answering.presses(call, "1")
    assert isinstance(told, Gather)
    assert told.prompts == (Say(sentence(Sentence.VOICEMAIL_SPEAK)),)
    assert not answering.call(call).away, "zero still reaches an operator"
    record, bye, end = answering.presses(call, "")
    contract = answering.cast.contract
    assert record == Record(TO.recorded(contract, call), TO.recording(contract, call))
    assert (bye, end) == (Say(sentence(Sentence.CALLBACK_AGREED)), Hangup())
    assert answering.work(lambda s: reception.recorded(s, call)) == (bye, end)
    stands = answering.call(call)
    assert (stands.phase, stands.away, row(answering, call).number) == (Phase.WAITING, True, MARIO_MOBILE)


def test_who_hangs_up_before_the_tone_is_called_back_all_the_same(answering: Stage) -> None:
    call = answering.arrives()
    answering.presses(call, "1")
    ended(answering, call, "CAmario")
    stands = answering.call(call)
    assert (stands.phase, stands.away, row(answering, call).not_before) == (Phase.WAITING, True, None)
    assert kept(answering) == []


def test_who_hangs_up_before_he_has_confirmed_his_number_is_not(answering: Stage) -> None:
    call = answering.arrives()
    ended(answering, call, "CAmario")
    assert answering.call(call).phase is Phase.ENDED


def test_a_message_is_work_in_the_queue_and_heard_by_who_calls_back(answering: Stage, keeper: SoundKeeper) -> None:
    """Issue: voicemail becomes work in the queue."""
    call = leaves(answering)
    answering.ready(answering.cast.anna)
    anna, luca = answering.principal(answering.cast.anna), answering.principal(answering.cast.luca)
    answering.run()
    with pytest.raises(ConflictError, match="sta arrivando"):
        answering.work(lambda s: service.listen(s, anna, call_id=call))
    assert keeper.run() == 2  # fetched, and deleted at the carrier
    heard = answering.work(lambda s: service.listen(s, anna, call_id=call))
    assert sealing.read(keeper._store, heard) == SOUND
    with pytest.raises(ConflictError):
        answering.work(lambda s: service.listen(s, luca, call_id=call))
    kinds = answering.work(lambda s: s.execute(select(AuditEntry.kind)).scalars().all())
    assert kinds.count("voicemail.heard") == 1
    assert answering.log(call).count("MessageHeard") == 1
    answering.work(lambda s: calls.attribute(s, call, None))  # of nobody knows which ente: each sees who heard it
    answering.work(lambda s: service.listen(s, anna, call_id=call))
    rows = select(AuditEntry.ente_id).where(AuditEntry.kind == "voicemail.heard").order_by(AuditEntry.id)
    enti = answering.work(lambda s: enti_of(s, answering.cast.contract))
    assert answering.work(lambda s: s.scalars(rows).all())[1:] == sorted(enti)
    answered_for(answering, call)
    answering.joins(call)
    assert answering.call(call).phase is Phase.TALKING


def test_the_carrier_keeps_nothing_and_we_not_for_ever(answering: Stage, keeper: SoundKeeper) -> None:
    leaves(answering)
    keeper.run()
    assert answering.carrier.recordings == {}
    assert keeper.run() == 0
    (message,) = kept(answering)
    answering.work(lambda s: s.execute(update(Voicemail).values(keep_until=message.left_at - timedelta(days=1))))
    assert keeper.run() == 1
    (message,) = kept(answering)
    assert message.deleted_at is not None
    assert keeper.run() == 0


def test_a_carrier_that_is_down_is_asked_again(answering: Stage, keeper: SoundKeeper) -> None:
    leaves(answering)
    answering.carrier.recordings.clear()
    keeper.run()
    assert kept(answering)[0].sha256 is None
    answering.carrier.recordings["RE1"] = SOUND
    keeper.run()
    assert kept(answering)[0].sha256 is not None


def test_a_carrier_that_would_not_delete_a_message_is_asked_again(answering: Stage, keeper: SoundKeeper) -> None:
    leaves(answering)
    answering.carrier.deleting.append(no_answer())
    keeper.run()
    assert kept(answering)[0].sha256 is not None
    assert "RE1" in answering.carrier.recordings
    keeper.run()
    assert answering.carrier.recordings == {}
    assert keeper.run() == 0


def test_a_message_told_twice_is_one_and_silence_is_none(answering: Stage) -> None:
    call = leaves(answering, seconds=0)
    assert kept(answering) == []
    for _ in range(2):
        answering.work(lambda s: service.left(s, call, recording_sid="RE1", seconds=4))
    assert [one.seconds for one in kept(answering)] == [4]


def stored(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


class KilledError(BaseException):
    """The process is no more."""


def dies(*_: object, **__: object) -> None:
    raise KilledError


def test_nobody_who_reads_the_store_hears_a_message(answering: Stage, keeper: SoundKeeper, tmp_path: Path) -> None:
    leaves(answering)
    keeper.run()
    (file,) = stored(tmp_path)
    assert SOUND not in file.read_bytes()
    assert kept(answering)[0].key is not None


@pytest.mark.parametrize("step", ["_write", "drop"])
def test_killed_between_keeping_and_deleting_nothing_is_lost_and_nothing_kept_twice(
    answering: Stage, keeper: SoundKeeper, tmp_path: Path, step: str
) -> None:
    """Issue: kill between download and delete."""
    leaves(answering)
    broken = SoundKeeper(answering.database, answering.carrier, FolderStore(tmp_path), SHELF)
    setattr(broken, step, dies)
    with pytest.raises(KilledError):
        broken.run()
    assert answering.carrier.recordings == {"RE1": SOUND}
    keeper.run()
    assert answering.carrier.recordings == {}
    assert len(stored(tmp_path)) == 1
    assert keeper.run() == 0


def test_a_sound_that_is_not_there_yet_is_waited_for_and_one_that_never_comes_is_not(
    answering: Stage, keeper: SoundKeeper
) -> None:
    leaves(answering)
    fetch = answering.carrier.fetch_recording
    answering.carrier.fetch_recording = nothing_there  # type: ignore[method-assign]
    keeper.run()
    assert kept(answering)[0].deleted_at is None
    answering.carrier.fetch_recording = fetch  # type: ignore[method-assign]
    keeper.run()
    assert kept(answering)[0].sha256 is not None
    answering.work(lambda s: s.execute(update(Voicemail).values(sha256=None, left_at=Voicemail.left_at - 2 * NOT_YET)))
    answering.work(lambda s: s.execute(update(Voicemail).values(at_carrier=True)))
    answering.carrier.fetch_recording = nothing_there  # type: ignore[method-assign]
    keeper.run()
    assert kept(answering)[0].gone is Gone.ABSENT


def nothing_there(sid: str, *, channels: int = 1) -> bytes:
    raise CarrierError("no such recording", permanent=True, gone=True)


def test_a_carrier_that_is_down_when_the_time_is_over_is_asked_again(
    answering: Stage, keeper: SoundKeeper, tmp_path: Path
) -> None:
    leaves(answering)
    answering.carrier.deleting.append(no_answer())
    keeper.run()  # here, and still there
    (message,) = kept(answering)
    answering.work(lambda s: s.execute(update(Voicemail).values(keep_until=message.left_at - timedelta(days=1))))
    answering.carrier.deleting.extend([no_answer(), no_answer()])
    keeper.run()
    assert kept(answering)[0].deleted_at is None
    keeper.run()
    (message,) = kept(answering)
    assert (message.gone, message.key, message.at_carrier) == (Gone.EXPIRED, None, False)
    assert stored(tmp_path) == []
    assert answering.carrier.recordings == {}


def test_messages_of_before_are_encrypted_and_equal_ones_not_lost(
    answering: Stage, keeper: SoundKeeper, tmp_path: Path
) -> None:
    """Two callers left the same seconds of silence, which lie in the store once, in the clear."""
    first, second = leaves(answering), leaves(answering, sid="CAother", recording="RE2")
    digest = hashlib.sha256(SOUND).hexdigest()
    before = {"unsealed": digest, "kept_under": answering.cast.empoli, "key": None, "at_carrier": False}
    answering.work(lambda s: s.execute(update(Voicemail).values(**before)))
    source = tmp_path / "sound"
    source.write_bytes(SOUND)
    FolderStore(tmp_path).put(answering.cast.empoli, digest, source)
    source.unlink()
    answering.work(lambda s: s.execute(update(Voicemail).where(Voicemail.call_id == second).values(key=b"no key")))
    keeper.run()  # one of the two cannot be done
    answering.work(lambda s: s.execute(update(Voicemail).where(Voicemail.call_id == second).values(key=None)))
    keeper.run()
    keeper.run()
    messages = kept(answering)
    assert {one.call_id for one in messages} == {first, second}
    assert [one.unsealed for one in messages] == [None, None]
    assert {one.name for one in stored(tmp_path)} == {one.sha256 for one in messages}
    for one in messages:
        sealed = answering.work(
            lambda s, one=one: Sealed(  # type: ignore[misc]
                one.call_id, one.kept_under or 0, one.sha256 or "", sealing.opened(s, one.call_id, one.key or b"")
            )
        )
        assert sealing.read(FolderStore(tmp_path), sealed) == SOUND


def test_an_ente_says_for_how_long_messages_are_kept(answering: Stage) -> None:
    leaves(answering)
    (message,) = kept(answering)
    assert message.keep_until == message.left_at + timedelta(days=30)
    cast = answering.cast
    admin = Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, cast.contract)}))

    def days(wanted: int) -> None:
        setting = Setting(voicemail_days=wanted)
        answering.work(lambda s: administration.save_setting(s, admin, ente_id=cast.empoli, wanted=setting))

    days(7)
    assert kept(answering)[0].keep_until == message.left_at + timedelta(days=7)
    days(60)
    assert kept(answering)[0].keep_until == message.left_at + timedelta(days=7)
    of = cast.contract
    assert answering.work(lambda s: queries.voicemail_days(s, ente_id=cast.empoli, contract_id=of)) == 60
    assert answering.work(lambda s: queries.voicemail_days(s, ente_id=None, contract_id=of)) == 30, "the strictest"
