"""What supervisors see of conversations that are over, and how they come to read one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core.db import Scope
from crm.core.errors import FieldError, ForbiddenError, NotFoundError
from crm.privacy.holders import Person
from crm.timeline.models import TimelineEntry
from telephony.texts import reading, story
from telephony.texts.models import Closed, TextMessage, TextReading, TextThread
from telephony.texts.privacy import HOLDERS
from telephony.texts.reading import Wanted
from tests.cast import REGIONAL_LINE, STRANGER
from tests.telephony.stage import Stage
from tests.telephony.texts.desk import Texts

pytestmark = pytest.mark.integration

REASON = "Reclamo 2026/118"
EVER = Wanted(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def sara(stage: Stage, **more: object) -> Principal:
    held = frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)})
    return replace(Principal(stage.cast.sara, "", "it", held), **more)  # type: ignore[arg-type]


def closed(texts: Texts, stage: Stage, **writes: str) -> TextThread:
    stage.ready(stage.cast.anna)
    thread = texts.writes(**writes)
    texts.offered(thread.citizen)
    texts.takes(stage.cast.anna, thread.id)
    texts.replies(stage.cast.anna, thread.id, "Mi dica.")
    texts.closes(stage.cast.anna, thread.id)
    return thread


def test_who_reads_says_why_each_time_and_it_is_in_the_access_log(texts: Texts, stage: Stage) -> None:
    thread, boss = closed(texts, stage), sara(stage)
    assert stage.work(lambda s: reading.reason_of(s, boss, thread_id=thread.id)) is None
    for wrong in ("  ", "x" * 201):
        with pytest.raises(FieldError):
            stage.work(lambda s, wrong=wrong: reading.begin(s, boss, thread_id=thread.id, reason=wrong))  # type: ignore[misc]
    stage.work(lambda s: reading.begin(s, boss, thread_id=thread.id, reason=REASON))
    assert stage.work(lambda s: reading.reason_of(s, boss, thread_id=thread.id)) == REASON
    noted = stage.work(lambda s: s.scalars(select(AuditEntry).where(AuditEntry.kind == "text.read")).all())
    assert [(one.contact_id, one.actor_id) for one in noted] == [(stage.cast.mario, stage.cast.sara)]
    back = TextReading.began_at - reading.READS_FOR
    stage.work(lambda s: s.execute(update(TextReading).values(began_at=back)))
    assert stage.work(lambda s: reading.reason_of(s, boss, thread_id=thread.id)) is None
    assert [why for _, _, why in stage.work(lambda s: reading.readings(s, thread.id))] == [REASON]


def test_nobody_without_the_permission_or_of_another_ente_reads_anything(texts: Texts, stage: Stage) -> None:
    thread, cast = closed(texts, stage), stage.cast
    anna = stage.principal(cast.anna)
    with pytest.raises(ForbiddenError):
        stage.work(lambda s: reading.begin(s, anna, thread_id=thread.id, reason=REASON))
    with pytest.raises(ForbiddenError):
        stage.work(lambda s: reading.past(s, anna, EVER, most=9))
    kept_away = sara(stage, kept_from=frozenset({cast.empoli}))
    with pytest.raises(NotFoundError):
        stage.work(lambda s: reading.begin(s, kept_away, thread_id=thread.id, reason=REASON))
    assert stage.work(lambda s: reading.past(s, kept_away, EVER, most=9)) == []
    other = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.other_contract)}))

    def elsewhere(session: Session) -> None:
        assert reading.past(session, other, EVER, most=9) == []
        reading.begin(session, other, thread_id=thread.id, reason=REASON)

    with pytest.raises(NotFoundError):
        stage.database.transact(Scope.of_enti([cast.siena], [cast.other_contract]), elsewhere)


def test_one_without_an_ente_is_in_the_log_of_each_of_the_contract(texts: Texts, stage: Stage) -> None:
    thread, cast = closed(texts, stage, citizen=STRANGER, line=REGIONAL_LINE), stage.cast
    stage.work(lambda s: reading.begin(s, sara(stage), thread_id=thread.id, reason=REASON))
    noted = stage.work(lambda s: s.scalars(select(AuditEntry).where(AuditEntry.kind == "text.read")).all())
    assert {one.ente_id for one in noted} == {cast.empoli, cast.vinci}
    away = sara(stage, kept_from=frozenset({cast.vinci}))
    with pytest.raises(NotFoundError):
        stage.work(lambda s: reading.begin(s, away, thread_id=thread.id, reason=REASON))


def test_closed_ones_are_found_by_day_ente_queue_and_outcome(texts: Texts, stage: Stage) -> None:
    first = closed(texts, stage)
    second = closed(texts, stage, citizen=STRANGER, line=REGIONAL_LINE)
    texts.writes(citizen="+393480000199")  # goes on
    boss, cast = sara(stage), stage.cast

    def found(**wanted: object) -> list[object]:
        asked = replace(EVER, **wanted)  # type: ignore[arg-type]
        return [one.id for one in stage.work(lambda s: reading.past(s, boss, asked, most=9))]

    assert found() == [second.id, first.id]
    assert found(ente_id=cast.empoli) == [first.id]
    assert found(queue_id=second.queue_id, closed=Closed.DONE, disposition="answered") == [second.id, first.id]
    assert found(closed=Closed.SILENT) == found(disposition="wrong_person") == found(queue_id=10**9) == []
    assert found(since=second.begun_at) == [second.id]
    assert found(until=second.begun_at) == [first.id]
    (one,) = stage.work(lambda s: reading.past(s, boss, replace(EVER, ente_id=cast.empoli), most=9))
    assert (one.received, one.sent, one.agent_id) == (1, 1, cast.anna)


def test_what_was_written_over_days_is_told_by_day(texts: Texts, stage: Stage) -> None:
    thread = closed(texts, stage)
    texts.passes(3600)
    texts.writes("Un'altra cosa")
    yesterday = update(TextMessage).where(TextMessage.id == min_id(stage))
    stage.work(lambda s: s.execute(yesterday.values(at=TextMessage.at - timedelta(days=1))))
    stage.work(lambda s: story.tell(s, thread.id))
    entry = stage.work(lambda s: s.execute(select(TimelineEntry)).scalar_one())
    assert [counts for _, *counts in entry.detail["days"]] == [[1, 0], [1, 1]]
    assert (entry.detail["received"], entry.detail["sent"]) == (2, 1)


def min_id(stage: Stage) -> int:
    return stage.work(lambda s: s.execute(select(TextMessage.id).order_by(TextMessage.id).limit(1)).scalar_one())


def test_why_anybody_read_goes_with_the_person(texts: Texts, stage: Stage) -> None:
    (holder,) = HOLDERS
    thread, mario = closed(texts, stage), Person(stage.cast.empoli, (stage.cast.mario,))
    stage.work(lambda s: reading.begin(s, sara(stage), thread_id=thread.id, reason=REASON))
    assert REASON in str([one.rows for one in stage.work(lambda s: holder.export(s, mario))])
    stage.work(lambda s: holder.erase(s, mario))
    assert stage.work(lambda s: reading.readings(s, thread.id)) == []
