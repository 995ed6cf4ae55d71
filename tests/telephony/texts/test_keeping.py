"""What is kept of a conversation, for how long, and what an erasure leaves; queues that SMS lead to stay open."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from crm.core.db import Scope
from crm.core.errors import ConflictError
from crm.privacy.holders import Person
from telephony.queues import service as queues
from telephony.texts import conversation, keeping
from telephony.texts.models import TextMessage, TextThread
from telephony.texts.privacy import HOLDERS, LIVE
from tests.cast import MARIO_MOBILE, REGIONAL_LINE, STRANGER, principal_of
from tests.telephony.stage import Stage
from tests.telephony.texts.desk import WORDS, Texts

pytestmark = pytest.mark.integration


def closed(texts: Texts, stage: Stage) -> TextThread:
    stage.ready(stage.cast.anna)
    texts.writes()
    thread = texts.offered()
    texts.takes(stage.cast.anna, thread.id)
    texts.replies(stage.cast.anna, thread.id, "Mi dica.")
    texts.closes(stage.cast.anna, thread.id)
    return thread


def older(stage: Stage, days: int = 31) -> None:
    """Everything was so many days earlier."""
    earlier = {one: getattr(TextThread, one) - timedelta(days=days) for one in ("begun_at", "closed_at", "wrote_at")}
    with stage.database.begin(Scope.across_enti()) as session:
        session.execute(update(TextThread).values(**earlier))


def test_words_are_kept_for_their_days_and_their_number_for_ever(texts: Texts, stage: Stage) -> None:
    texts.hold(kept_days=30)
    thread = closed(texts, stage)
    assert keeping.forget(stage.database) == 0
    older(stage)
    assert keeping.forget(stage.database) == 1
    texts.arrived()
    assert keeping.forget(stage.database) == 1  # what was still on its way
    assert keeping.forget(stage.database) == 0
    assert texts.said(thread.id) == ["> ", "* ", "< "]
    assert texts.thread(thread.id).citizen == MARIO_MOBILE, "his, as long as there is a contact whose it is"
    assert {(one.address, one.body) for one in texts.owed()} == {("", "")}


def test_of_a_conversation_that_goes_on_nothing_is_forgotten(texts: Texts, stage: Stage) -> None:
    texts.hold(kept_days=1)
    thread = texts.writes()
    older(stage, 400)
    assert keeping.forget(stage.database) == 0
    assert texts.said(thread.id)[0] == f"> {WORDS}"


def test_a_stranger_to_an_unknown_ente_leaves_no_number_behind(texts: Texts, stage: Stage) -> None:
    """Nobody would find it: it goes with the words, here and in the outbox of whichever ente sent the answers."""
    stage.ready(stage.cast.anna)
    thread = texts.writes(citizen=STRANGER, line=REGIONAL_LINE)
    assert thread.ente_id is None
    texts.offered(STRANGER)
    texts.takes(stage.cast.anna, thread.id)
    texts.replies(stage.cast.anna, thread.id, "Per quale Comune scrive?")
    texts.closes(stage.cast.anna, thread.id)
    texts.arrived()
    assert {one.ente_id for one in texts.owed()} == {min(stage.cast.empoli, stage.cast.vinci)}
    older(stage, 400)
    assert keeping.forget(stage.database) == 1
    assert texts.thread(thread.id).citizen == ""
    assert {(one.address, one.external_id) for one in texts.owed()} == {("", None)}
    assert texts.said(thread.id) == ["> ", "* ", "< "]


def test_who_is_erased_leaves_no_number_where_another_ente_sent_for_him(texts: Texts, stage: Stage) -> None:
    """Gina of Vinci wrote while nobody knew for which ente: the first answers went in Empoli's name."""
    anna, cast = stage.cast.anna, stage.cast
    (holder,) = HOLDERS
    gina = Person(cast.vinci, (cast.gina,))
    stage.ready(anna)
    thread = texts.writes(citizen=STRANGER, line=REGIONAL_LINE)
    texts.offered(STRANGER)
    texts.takes(anna, thread.id)
    by = texts.by(anna)
    stage.work(lambda s: conversation.propose(s, by, thread_id=thread.id, contact_id=cast.gina))
    texts.replies(anna, thread.id, "Buongiorno.")
    texts.closes(anna, thread.id)
    texts.arrived()
    assert {one.ente_id for one in texts.owed()} == {cast.empoli, cast.vinci}
    stage.work(lambda s: holder.erase(s, gina))
    assert keeping.forget(stage.database) == 1
    assert {one.address for one in texts.owed()} == {""}
    assert keeping.forget(stage.database) == 0


def test_an_erasure_waits_for_the_end_and_leaves_no_word(texts: Texts, stage: Stage) -> None:
    (holder,) = HOLDERS
    mario = Person(stage.cast.empoli, (stage.cast.mario,))
    texts.writes()
    assert stage.work(lambda s: holder.obstacles(s, mario)) == [LIVE]
    thread = closed(texts, stage)
    assert stage.work(lambda s: holder.obstacles(s, mario)) == []
    copied = stage.work(lambda s: holder.export(s, mario))
    assert WORDS in str([section.rows for section in copied])
    gone = stage.work(lambda s: holder.erase(s, mario))
    assert [one.rows for one in gone] == [1, 5, 0]
    left = texts.thread(thread.id)
    assert (left.citizen, left.note, left.draft) == ("", "", "")
    assert stage.work(lambda s: [one.body for one in s.query(TextMessage)]) == [""] * 5


def test_a_queue_into_which_people_write_is_not_closed(texts: Texts, stage: Stage) -> None:
    sara, cast = stage.cast.sara, stage.cast
    texts.hold(queue_id=cast.operator)
    with pytest.raises(ConflictError, match="arrivano gli SMS"):
        stage.work(lambda s: queues.close(s, principal_of(s, sara), queue_id=cast.operator))
    texts.writes()
    texts.hold(queue_id=cast.notices)
    with pytest.raises(ConflictError, match="conversazione per SMS"):
        stage.work(lambda s: queues.close(s, principal_of(s, sara), queue_id=cast.operator))
