"""What is kept of a conversation, for how long, and what an erasure leaves; queues that SMS lead to stay open."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from crm.core.db import Scope
from crm.core.errors import ConflictError
from crm.privacy.holders import Person
from telephony.queues import service as queues
from telephony.texts import keeping
from telephony.texts.models import TextMessage, TextThread
from telephony.texts.privacy import HOLDERS, LIVE
from tests.cast import principal_of
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


def test_words_are_kept_for_their_days_and_their_number_for_ever(texts: Texts, stage: Stage) -> None:
    texts.hold(kept_days=30)
    thread = closed(texts, stage)
    assert keeping.forget(stage.database) == 0
    with stage.database.begin(Scope.across_enti()) as session:
        session.execute(update(TextThread).values(closed_at=TextThread.closed_at - timedelta(days=31)))
    assert keeping.forget(stage.database) == 1
    assert keeping.forget(stage.database) == 0
    assert texts.said(thread.id) == ["> ", "* ", "< "]


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
    assert [one.rows for one in gone] == [1, 5]
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
