"""Messages: left before hanging up, kept by us alone, heard by who calls back, and deleted in time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from crm.audit.models import AuditEntry
from crm.core.errors import ConflictError
from crm.documents.store import FolderStore
from telephony.calls import reception
from telephony.calls.models import Phase
from telephony.carriers.port import Hangup, Record, Say
from telephony.ivr.definition import Flow, Goodbye, ToQueue, ToVoicemail
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence
from telephony.voicemail import service
from telephony.voicemail.keeping import LARGEST, Keeper
from telephony.voicemail.models import Voicemail
from tests.cast import MARIO_MOBILE
from tests.telephony.callbacks.test_callbacks import answered_for, centre, ended, row
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.fake_carrier import no_answer
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

__all__ = ["centre"]  # the fixture
SOUND = b"RIFF....WAVE"


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
def keeper(answering: Stage, tmp_path: Path) -> Iterator[Keeper]:
    return Keeper(answering.database, answering.carrier, FolderStore(tmp_path))


def leaves(stage: Stage, seconds: int = 9) -> UUID:
    """Mario confirms his number, speaks and hangs up."""
    call = stage.arrives()
    stage.presses(call, "1")
    stage.carrier.recordings["RE1"] = SOUND
    stage.work(lambda s: service.left(s, call, recording_sid="RE1", seconds=seconds))
    ended(stage, call, "CAmario")
    return call


def kept(stage: Stage) -> list[Voicemail]:
    return stage.work(lambda s: list(s.execute(select(Voicemail)).scalars()))


def test_a_caller_confirms_his_number_and_speaks_after_the_tone(answering: Stage) -> None:
    call = answering.arrives()
    said, record, bye, end = answering.presses(call, "1")
    assert said == Say(sentence(Sentence.VOICEMAIL_SPEAK))
    contract = answering.cast.contract
    assert record == Record(TO.recorded(contract, call), TO.recording(contract, call))
    assert (bye, end) == (Say(sentence(Sentence.CALLBACK_AGREED)), Hangup())
    assert answering.work(lambda s: reception.recorded(s, call)) == (bye, end)
    stands = answering.call(call)
    assert (stands.phase, stands.away, row(answering, call).number) == (Phase.WAITING, True, MARIO_MOBILE)


def test_a_message_is_work_in_the_queue_and_heard_by_who_calls_back(answering: Stage, keeper: Keeper) -> None:
    """Issue: voicemail becomes work in the queue."""
    call = leaves(answering)
    answering.ready(answering.cast.anna)
    anna, luca = answering.principal(answering.cast.anna), answering.principal(answering.cast.luca)
    answering.run()
    with pytest.raises(ConflictError, match="sta arrivando"):
        answering.work(lambda s: service.listen(s, anna, call_id=call))
    assert keeper.run() == 2  # fetched, and deleted at the carrier
    heard = answering.work(lambda s: service.listen(s, anna, call_id=call))
    assert heard.sha256 is not None
    assert keeper._store.read(heard.kept_under or 0, heard.sha256, most=LARGEST) == SOUND
    with pytest.raises(ConflictError):
        answering.work(lambda s: service.listen(s, luca, call_id=call))
    kinds = answering.work(lambda s: s.execute(select(AuditEntry.kind)).scalars().all())
    assert kinds.count("voicemail.heard") == 1
    assert answering.log(call).count("MessageHeard") == 1
    answered_for(answering, call)
    answering.joins(call)
    assert answering.call(call).phase is Phase.TALKING


def test_the_carrier_keeps_nothing_and_we_not_for_ever(answering: Stage, keeper: Keeper) -> None:
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


def test_a_carrier_that_is_down_is_asked_again(answering: Stage, keeper: Keeper) -> None:
    leaves(answering)
    answering.carrier.recordings.clear()
    keeper.run()
    assert kept(answering)[0].sha256 is None
    answering.carrier.recordings["RE1"] = SOUND
    keeper.run()
    assert kept(answering)[0].sha256 is not None


def test_a_carrier_that_would_not_delete_a_message_is_asked_again(answering: Stage, keeper: Keeper) -> None:
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
