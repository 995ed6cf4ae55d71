"""Answers to requests by post: Anna writes to Mario, Sara has the batch printed, the post says what became of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from crm.cases import resting
from crm.cases import service as cases
from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic
from crm.cases.models import Case, CaseStep, CaseTerm, PauseReason
from crm.cases.saying import Request, Said
from crm.contacts.models import ContactAddress
from crm.core.db import Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.files.letters import LetterState as Standing
from crm.follow_ups.models import FollowUp
from crm.privacy.holders import Person
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.letters import answers, privacy, queries, returning, service
from outbound.letters.answers import AnswerView
from outbound.letters.models import BatchState, LetterAnswer, LetterState
from tests.cast import Cast
from tests.outbound.letters.press import PRICES, Press
from tests.outbound.test_campaigns import HOUR

pytestmark = pytest.mark.integration
NOTHING = Said()


class Clerk:
    """Anna, who answers, and the batches that Sara has made."""

    def __init__(self, press: Press) -> None:
        self.press, self.cast, self.work = press, press.cast, press.work

    def case(self, contact: int | None = None) -> int:
        """A complaint that Anna has taken up."""
        asked = Request(Topic.COMPLAINT, Channel.PHONE, "Non ho mai ricevuto la cartella")

        def open_it(session: Any) -> int:
            found = cases.open_case(session, self.press.anna, request=asked, contact_id=contact or self.cast.mario)
            self.step(found, Deed.TAKE, session=session)
            return found

        return int(self.work(open_it))

    def step(self, case: int, deed: Deed, said: Said = NOTHING, *, session: Any = None) -> None:
        def take(session: Any) -> None:
            row = session.get(Case, case)
            cases.step(session, self.press.anna, case_id=case, version=row.version, deed=deed, said=said)

        take(session) if session else self.work(take)

    def row(self, case: int) -> Case:
        def look(session: Any) -> Case:
            found: Case = session.get(Case, case)
            session.expunge(found)
            return found

        return self.work(look)  # type: ignore[no-any-return]

    def write(self, case: int, *, once: UUID | None = None, version: int | None = None, **changed: Any) -> UUID:
        new = once or uuid4()

        def write(session: Any) -> None:
            draft = answers.begun(session, self.press.anna, case_id=case).draft if once is None else self.draft
            self.draft = replace(draft, body="La sua segnalazione è fondata.", **changed)
            seen = version or session.get(Case, case).version
            answers.write(session, self.press.anna, case_id=case, version=seen, once=new, draft=self.draft)

        self.work(write)
        return new

    def ask(self) -> int:
        of = {"ente_id": self.cast.empoli, "contract_id": self.cast.contract, "prices": PRICES, "duplex": True}
        return int(self.work(lambda s: service.ask_answers(s, self.press.sara, **of)))

    def made(self) -> int:
        batch = self.ask()
        self.press.jobs_done()
        return batch

    def over(self, batch: int) -> None:
        self.work(lambda s: service.hand_over(s, self.press.sara, batch_id=batch, to="Tipografia Arno"))

    def of_case(self, case: int) -> list[AnswerView]:
        return list(self.work(lambda s: answers.of_case(s, case)))

    def steps(self, case: int) -> list[tuple[Deed, str, datetime]]:
        rows = select(CaseStep.deed, CaseStep.words, CaseStep.at).where(CaseStep.case_id == case).order_by(CaseStep.id)
        return [tuple(one) for one in self.work(lambda s: s.execute(rows).all())]


@pytest.fixture
def clerk(press: Press) -> Clerk:
    return Clerk(press)


def test_from_the_request_to_the_letter_that_came_back(clerk: Clerk, cast: Cast, tmp_path: Path) -> None:
    press, case = clerk.press, clerk.case()
    clerk.write(case)
    (one,) = clerk.of_case(case)
    assert one.waits
    assert clerk.row(case).state is State.WORKING, "what nobody has posted is no answer"
    batch = clerk.made()
    found = press.batch(batch)
    assert (found.state, found.letters, found.cents, found.title) == (BatchState.MADE, 1, 110, queries.ANSWERS)
    press.now += HOUR / 2
    clerk.over(batch)
    at, press.now = press.now, press.now + HOUR
    press.jobs_done()
    row = clerk.row(case)
    assert (row.state, row.outcome, row.closed_at) == (State.CLOSED, Outcome.ANSWERED, at), "when it was handed over"
    met = select(CaseTerm.met_at).where(CaseTerm.case_id == case)
    assert set(press.work(lambda s: s.scalars(met).all())) == {at}
    deed, words, when = clerk.steps(case)[-1]
    assert (deed, words, when) == (Deed.REPLY, "La sua segnalazione è fondata.", at)
    (entry,) = press.work(
        lambda s: s.execute(
            select(TimelineEntry.status, TimelineEntry.detail).where(TimelineEntry.kind == EntryKind.LETTER)
        ).all()
    )
    assert (entry.status, entry.detail["request"]) == (Standing.SENT, f"{row.year}/{row.number}")

    (letter,) = press.letters(batch)
    code = queries.Code(batch, letter.number)
    reading = press.read(tmp_path / "esiti.csv", f"Numero;Esito;Data\n{code};Sconosciuto;{at:%d/%m/%Y}\n")
    press.work(lambda s: returning.believe(s, press.sara, reading_id=reading))
    press.jobs_done()
    (one,) = clerk.of_case(case)
    assert one.state is LetterState.RETURNED
    assert clerk.steps(case)[-1][:2] == (Deed.POST_TOLD, "returned")
    (note,) = press.work(lambda s: s.scalars(select(FollowUp.note)).all())
    assert str(code) in note
    home = select(ContactAddress.outcome).where(ContactAddress.contact_id == cast.mario)
    assert press.work(lambda s: s.scalars(home).one()) == "unreachable"

    begun = press.work(lambda s: answers.begun(s, press.anna, case_id=case))
    assert (begun.again, begun.draft.body) == (True, "La sua segnalazione è fondata.")
    clerk.write(case, address=replace(begun.draft.address, street="Via Nuova 2"))
    again = clerk.made()
    clerk.over(again)
    press.jobs_done()
    assert [one.state for one in clerk.of_case(case)] == [LetterState.HANDED_OVER, LetterState.RETURNED]
    assert clerk.row(case).closed_at == at, "it was answered once"
    assert [deed for deed, _, _ in clerk.steps(case)].count(Deed.REPLY) == 1
    with pytest.raises(ConflictError):
        clerk.write(case)


def test_pressed_twice_it_is_one_letter_and_there_is_no_second_beside_it(clerk: Clerk) -> None:
    case = clerk.case()
    version = clerk.row(case).version
    once = clerk.write(case)
    clerk.write(case, once=once, version=version)
    assert len(clerk.of_case(case)) == 1
    with pytest.raises(ConflictError, match="già una risposta per lettera"):
        clerk.write(case)


def test_a_corrected_address_is_this_letter_s_alone_and_a_bad_one_is_refused(clerk: Clerk) -> None:
    case = clerk.case()
    with pytest.raises(InvalidError) as wrong:
        clerk.write(case, address=replace(_draft(clerk, case).address, street="Via Nuova"))
    assert [one.field for one in wrong.value.parts] == ["street"]
    clerk.write(case, address=replace(_draft(clerk, case).address, street="Via Nuova 2"))
    (one,) = clerk.of_case(case)
    assert one.lines[1] == "VIA NUOVA 2"
    assert clerk.work(lambda s: s.scalars(select(LetterAnswer.address_id)).one()) is None


def test_until_a_batch_has_it_it_can_be_taken_back_and_a_cancelled_batch_gives_it_back(clerk: Clerk) -> None:
    press, case = clerk.press, clerk.case()
    with pytest.raises(ConflictError, match="nessuna risposta"):
        clerk.ask()
    once = clerk.write(case)

    def withdraw(session: Any) -> None:
        answers.withdraw(session, press.anna, case_id=case, answer_id=once)

    batch = clerk.made()
    with pytest.raises(ConflictError, match="in un lotto"):
        clerk.work(withdraw)
    press.work(lambda s: service.cancel(s, press.sara, batch_id=batch))
    press.jobs_done()
    assert clerk.of_case(case)[0].waits
    clerk.work(withdraw)
    (one,) = clerk.of_case(case)
    assert (one.waits, one.withdrawn_by) == (False, "Anna")
    clerk.write(case)


@pytest.mark.parametrize("dies_after", [0, 1])
def test_killed_while_the_batch_is_made_no_answer_is_lost_or_there_twice(
    clerk: Clerk, dies_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbound.letters.making.AT_ONCE", 2)
    press, all_of_them = clerk.press, [clerk.case(one) for one in clerk.press.people(3)]
    for case in all_of_them:
        clerk.write(case)
    batch = clerk.ask()
    press.broken_at = dies_after
    with pytest.raises(KeyboardInterrupt):
        press.jobs_done()
    press.broken_at, press.now = None, press.now + HOUR
    press.jobs_done()
    assert press.batch(batch).letters == 3
    assert [one.number for one in press.letters(batch)] == [1, 2, 3]
    assert all(clerk.of_case(case)[0].code is not None for case in all_of_them)


@pytest.mark.parametrize("already_made", [False, True])
def test_answered_in_another_way_meanwhile_the_letter_does_not_leave(clerk: Clerk, already_made: bool) -> None:
    press = clerk.press
    answered, rests, goes = (clerk.case(one) for one in press.people(3))
    for case in (answered, rests, goes):
        clerk.write(case)
    batch = clerk.made() if already_made else 0
    clerk.step(answered, Deed.REPLY, Said("Per telefono."))
    version = clerk.row(rests).version
    clerk.work(
        lambda s: resting.pause(s, press.anna, case_id=rests, version=version, reason=PauseReason.COURT, papers="")
    )
    batch = batch or clerk.made()
    clerk.over(batch)
    press.jobs_done()
    assert clerk.row(goes).state is State.CLOSED
    (one,) = clerk.of_case(answered)
    assert (one.under_way, one.withdrawn_by) == (False, "")
    assert clerk.steps(answered)[-1][:2] == (Deed.DROP_LETTER, "overtaken")
    assert clerk.of_case(rests)[0].waits, "for the batch after its terms run again"
    assert press.batch(batch).letters == 1


def test_who_may_not_neither_writes_nor_prints_and_who_is_forgotten_leaves_no_answer(clerk: Clerk, cast: Cast) -> None:
    press, case = clerk.press, clerk.case()
    clerk.write(case)
    of = {"ente_id": cast.empoli, "contract_id": cast.contract, "prices": PRICES, "duplex": True}
    with pytest.raises(ForbiddenError):
        press.work(lambda s: service.ask_answers(s, press.anna, **of))
    with pytest.raises(ForbiddenError):
        press.work(lambda s: answers.begun(s, press.vera, case_id=case))
    with press.database.begin(Scope.of_enti([cast.siena], [cast.other_contract])) as session:
        assert session.scalars(select(LetterAnswer)).all() == []
    mario = Person(cast.empoli, (cast.mario,))
    press.work(lambda s: [holder.erase(s, mario) for holder in privacy.HOLDERS])
    assert clerk.of_case(case) == []


def _draft(clerk: Clerk, case: int) -> Any:
    look: Callable[[Any], Any] = lambda s: answers.begun(s, clerk.press.anna, case_id=case).draft  # noqa: E731
    return clerk.work(look)
