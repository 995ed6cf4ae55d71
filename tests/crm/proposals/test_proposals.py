"""Proposals made in a call, repeated, decided by the ente, handed over and answered."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit import queries as audit
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.positions.models import Position
from crm.proposals import exports, queries, service, tasks
from crm.proposals.lifecycle import State
from crm.proposals.models import Proposal
from crm.proposals.queries import ProposalView
from crm.proposals.service import Made, Told
from crm.proposals.subjects import Problem, Subject
from crm.timeline import queries as timeline
from tests.cast import MARIO_MOBILE, Cast, principal_of
from web.proposals import terminal

pytestmark = pytest.mark.integration


@dataclass
class Office:
    """Who proposes, decides and exports. Each step is a transaction of its own."""

    database: Database
    cast: Cast
    people: dict[str, Principal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        empoli, contract = self.cast.empoli, self.cast.contract
        with self.database.begin(Scope.nothing()) as session:
            for name in ("anna", "luca", "vera"):
                self.people[name] = principal_of(session, getattr(self.cast, name))
        approves = frozenset({Held(Role.ENTE_APPROVER, empoli, None)})
        self.people["ada"] = Principal(self.cast.vera, "Ada", "it", approves)
        elsewhere = frozenset({Held(Role.ENTE_APPROVER, self.cast.siena, None)})
        self.people["siena"] = Principal(self.cast.vera, "Senese", "it", elsewhere)
        runs = frozenset({Held(Role.ADMINISTRATOR, None, contract)})
        self.people["admin"] = Principal(self.cast.sara, "Admin", "it", runs)

    def do(self, work: Any, *, ente: str = "empoli") -> Any:
        """One transaction in an ente's scope."""
        return self.database.transact(Scope.of_enti([getattr(self.cast, ente)]), work)

    def phone(self, number: str, *, by: str = "anna", call: UUID | None = None, **told: str) -> Made:
        """Somebody proposes another phone for Mario."""
        made: Made = self.do(
            lambda session: service.propose_correction(
                session, self.people[by], contact_id=self.cast.mario, subject=Subject.PHONE, instead_of=None,
                fields={"value": number}, told=Told(call_id=call, **told),
            )
        )  # fmt: skip
        return made

    def decide(self, made: Made, *, approve: bool = True, reason: str = "", by: str = "ada") -> None:
        """The ente decides."""
        self.do(
            lambda session: service.decide(
                session, self.people[by], proposal_ids=[made.proposal_id], approve=approve, reason=reason
            )
        )

    def undo(self, made: Made, *, by: str = "ada") -> None:
        """The ente thinks better of it."""
        self.do(lambda session: service.undo_decision(session, self.people[by], proposal_id=made.proposal_id))

    def see(self, made: Made) -> ProposalView:
        """A proposal as it stands."""
        found: ProposalView = self.do(lambda session: queries.get(session, made.proposal_id))
        return found

    def export(self, by: str | None = "admin") -> int | None:
        """Hand over what is approved."""
        who = self.people[by] if by else None
        made: int | None = self.do(lambda session: exports.export(session, who, ente_id=self.cast.empoli))
        return made

    def content(self, export_id: int) -> list[dict[str, Any]]:
        """The records of a feed."""
        _, content = self.do(lambda session: exports.content(session, None, export_id=export_id))
        return [json.loads(line) for line in content.splitlines()]

    def answer(self, *lines: dict[str, Any], ente: str = "D403") -> exports.Received:
        """The collection system answers."""
        header = {"record": "acknowledgements", "version": 1, "ente": ente}
        end = {"record": "end", "acknowledgements": len(lines)}
        content = "\n".join(json.dumps(one) for one in (header, *lines, end)).encode()
        received: exports.Received = self.do(
            lambda session: exports.acknowledge(
                session, self.people["admin"], ente_id=self.cast.empoli, content=content
            )
        )
        return received


@pytest.fixture
def office(database: Database, cast: Cast) -> Iterator[Office]:
    return Office(database, cast)


def accepted(made: Made, *, minutes: int = 0, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(hours=1) + timedelta(minutes=minutes)
    return {
        "record": "acknowledgement",
        "id": str(made.proposal_id),
        "outcome": "accepted",
        "at": at.isoformat(),
    } | more


def test_a_phone_told_in_a_call_goes_to_the_ente_and_back_as_a_feed(office: Office) -> None:
    made = office.phone("0571 700123", note="Il cellulare è del figlio")
    assert office.see(made).state is State.MADE
    office.decide(made)
    export_id = office.export()
    assert export_id is not None
    header, record, end = office.content(export_id)
    assert (header["ente"], header["number"]) == ("D403", 1)
    assert (record["what"], record["from"], record["to"]) == ("phone", None, "+390571700123")
    assert record["codice_fiscale"] == "BNCMRA62A01D403X"
    assert record["decided_as"] == "ente_approver"
    assert "Vera" not in json.dumps(record)
    assert end == {"record": "end", "corrections": 1, "notification_problems": 0}
    assert office.see(made).state is State.EXPORTED
    assert office.answer(accepted(made)).accepted == 1
    assert office.see(made).state is State.ACKNOWLEDGED


def test_the_same_again_is_one_more_voice(office: Office) -> None:
    first = office.phone("0571 700123", call=uuid4())
    again = office.phone("+39 0571 700123", by="luca", note="Lo dice anche la moglie")
    assert again.proposal_id == first.proposal_id
    assert again.voice_id is not None
    assert [(one.by, one.note) for one in office.see(first).voices] == [("Luca", "Lo dice anche la moglie")]


def test_pressed_twice_is_said_once(office: Office) -> None:
    call = uuid4()
    assert office.phone("0571 700123", call=call) == office.phone("0571 700123", call=call)


def test_two_who_hear_it_at_once_make_one_proposal(office: Office) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda by: office.phone("0571 700123", by=by), ["anna", "luca"] * 2))
    assert len({one.proposal_id for one in made}) == 1


def test_the_tenth_is_taken_like_the_first(office: Office) -> None:
    """A statement that is repeated is prepared, and then planned for any value."""
    with office.database.begin(Scope.of_enti([office.cast.empoli])) as session:
        made = [
            service.propose_correction(
                session, office.people["anna"], contact_id=office.cast.mario, subject=Subject.PHONE, instead_of=None,
                fields={"value": f"0571 7001{number:02d}"}, told=Told(),
            )
            for number in range(12)
        ]  # fmt: skip
    assert len({one.proposal_id for one in made}) == 12


def test_what_was_answered_may_be_proposed_anew(office: Office) -> None:
    first = office.phone("0571 700123")
    office.decide(first, approve=False, reason="È il numero di un altro")
    assert office.phone("0571 700123").proposal_id != first.proposal_id


def test_what_the_file_says_already_is_no_correction(office: Office) -> None:
    with pytest.raises(InvalidError) as refusal:
        office.phone(MARIO_MOBILE)
    assert [part.field for part in refusal.value.parts] == ["value"]


def test_a_phone_that_is_not_his_is_struck_out(office: Office) -> None:
    made = office.do(
        lambda session: service.propose_correction(
            session, office.people["anna"], contact_id=office.cast.mario, subject=Subject.PHONE,
            instead_of={"value": MARIO_MOBILE}, fields={}, told=Told(),
        )
    )  # fmt: skip
    one = office.see(made)
    assert (one.now, one.proposed) == (MARIO_MOBILE, "")


def test_a_notification_that_never_arrived_is_about_an_act(office: Office) -> None:
    anna, cast = office.people["anna"], office.cast
    position = office.do(
        lambda session: session.scalars(select(Position.id).where(Position.ente_id == cast.empoli)).one()
    )

    def report(position_id: int | None, problem: Problem, since: date | None = None) -> Any:
        return office.do(
            lambda session: service.report_problem(
                session, anna, contact_id=cast.mario, position_id=position_id, problem=problem, since=since, told=Told()
            )
        )

    made = report(position, Problem.MOVED, date(2024, 5, 1))
    assert (office.see(made).act_number, office.see(made).what) == ("2024/118", Problem.MOVED)
    (noted,) = office.do(lambda session: audit.of_contact(session, cast.empoli, [cast.mario]))
    assert noted.subject == "moved"
    assert noted.after == {"act_number": "2024/118", "since": "2024-05-01", "state": "made"}
    for wrong in ((None, Problem.MOVED), (position, Problem.OTHER)):
        with pytest.raises(InvalidError):
            report(*wrong)
    with pytest.raises(InvalidError):
        report(position, Problem.MOVED, date(2126, 1, 1))
    office.decide(made)
    export_id = office.export()
    assert export_id is not None
    record = office.content(export_id)[1]
    assert (record["record"], record["problem"], record["since"]) == ("notification_problem", "moved", "2024-05-01")


def test_an_undecided_one_is_taken_back_by_its_maker_alone(office: Office) -> None:
    made = office.phone("0571 700123")
    with pytest.raises(ConflictError):
        office.do(lambda s: service.take_back(s, office.people["luca"], proposal_id=made.proposal_id))
    for _ in range(2):
        office.do(lambda s: service.take_back(s, office.people["anna"], proposal_id=made.proposal_id))
    assert office.see(made).state is State.WITHDRAWN


def test_taken_back_it_lives_on_for_whoever_repeated_it(office: Office) -> None:
    made = office.phone("0571 700123", call=uuid4())
    office.phone("0571 700123", by="luca")
    office.do(lambda s: service.take_back(s, office.people["anna"], proposal_id=made.proposal_id))
    one = office.see(made)
    assert (one.state, one.made_by, one.voices) == (State.MADE, "Luca", ())


def test_a_voice_is_taken_back_alone(office: Office) -> None:
    made = office.phone("0571 700123", call=uuid4())
    voice = office.phone("0571 700123", by="luca")
    office.do(
        lambda s: service.take_back(s, office.people["luca"], proposal_id=made.proposal_id, voice_id=voice.voice_id)
    )
    assert office.see(made).voices == ()


def test_several_are_decided_together_or_not_at_all(office: Office) -> None:
    one, other = office.phone("0571 700123"), office.phone("0571 700124")
    office.decide(other)
    both = [one.proposal_id, other.proposal_id]
    with pytest.raises(ConflictError):
        office.do(lambda s: service.decide(s, office.people["ada"], proposal_ids=both, approve=True))
    assert office.see(one).state is State.MADE


@pytest.mark.parametrize("by", ["anna", "vera", "admin", "siena"])
def test_nobody_but_the_entes_approver_decides(office: Office, by: str) -> None:
    made = office.phone("0571 700123")
    with pytest.raises(ForbiddenError):
        office.decide(made, by=by)
    assert office.see(made).state is State.MADE


def test_another_ente_sees_and_decides_nothing(office: Office) -> None:
    made = office.phone("0571 700123")
    siena = office.people["siena"]
    assert office.do(queries.to_decide, ente="siena") == []
    with pytest.raises(NotFoundError):
        office.do(lambda s: service.decide(s, siena, proposal_ids=[made.proposal_id], approve=True), ente="siena")
    office.decide(made)
    export_id = office.export()
    assert export_id is not None
    with pytest.raises(NotFoundError):
        office.do(lambda s: exports.content(s, siena, export_id=export_id), ente="siena")


def test_it_is_on_the_timeline_as_it_stands_and_in_the_audit(office: Office) -> None:
    made = office.phone("0571 700123")
    office.decide(made, approve=False, reason="Non è suo")
    (entry, author), *_ = office.do(lambda s: timeline.of_contacts(s, [office.cast.mario])).entries
    assert (entry.source, entry.status, author) == (made.proposal_id, "refused", "Anna")
    kinds = office.do(lambda s: s.scalars(select(AuditEntry.kind).order_by(AuditEntry.id)).all())
    assert [one for one in kinds if one.startswith("proposal.")] == ["proposal.made", "proposal.refused"]


def test_a_feed_is_written_again_byte_by_byte_until_somebody_in_it_is_erased(office: Office) -> None:
    office.decide(office.phone("0571 700123"))
    export_id = office.export()
    assert export_id is not None
    assert office.content(export_id) == office.content(export_id)
    with office.database.begin(Scope.of_enti([office.cast.empoli])) as session:
        session.execute(text("SET LOCAL timezone = 'Pacific/Auckland'"))
        assert exports.content(session, None, export_id=export_id)[1]
    assert office.export() is None
    office.do(lambda s: s.execute(update(Proposal).values(proposed=None)))
    with pytest.raises(ConflictError):
        office.content(export_id)


def test_answers_come_twice_and_in_any_order_and_a_strange_line_harms_no_other(office: Office) -> None:
    one, other, unsent = office.phone("0571 700123"), office.phone("0571 700124"), office.phone("0571 700125")
    for made in (one, other):
        office.decide(made)
    office.export()
    rejected = accepted(other, minutes=10, outcome="rejected", reason="Numero inesistente")
    lines = [
        accepted(one), rejected, accepted(other), accepted(Made(uuid4())), accepted(unsent),
        accepted(one, outcome="rejected"), {"record": "acknowledgement", "id": "x"},
    ]  # fmt: skip
    received = office.answer(*lines)
    assert (received.accepted, received.rejected, received.known) == (1, 1, 1)
    assert [answer.line for answer in received.refused] == [5, 6, 7, 8]
    again = office.answer(*lines)
    assert (again.accepted, again.rejected, again.known) == (0, 0, 3)
    assert [office.see(made).state for made in (one, other)] == [State.ACKNOWLEDGED, State.REJECTED]
    assert office.see(other).reason == "Numero inesistente"


def test_a_line_ends_where_json_lines_end_it(office: Office) -> None:
    """Not where a separator stands within a text."""
    made = office.phone("0571 700123")
    office.decide(made)
    office.export()
    header, end = {"record": "acknowledgements", "version": 1, "ente": "D403"}, {"record": "end", "acknowledgements": 1}
    lines = (header, accepted(made, outcome="rejected", reason="Via Roma\u2028Empoli\x85"), end)
    content = "".join(f"{json.dumps(one, ensure_ascii=False)}\r\n" for one in lines).encode()
    received = office.do(lambda s: exports.acknowledge(s, None, ente_id=office.cast.empoli, content=content))
    assert (received.rejected, received.refused) == (1, ())
    assert office.see(made).reason == "Via Roma Empoli"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{}", b'{"record":"acknowledgements","version":1,"ente":"I726"}\n']
)
def test_a_file_that_is_no_answer_of_this_ente_is_refused_whole(office: Office, content: bytes) -> None:
    with pytest.raises(InvalidError):
        office.do(lambda s: exports.acknowledge(s, office.people["admin"], ente_id=office.cast.empoli, content=content))


def test_a_truncated_answer_is_said_to_be(office: Office) -> None:
    content = b'{"record":"acknowledgements","version":1,"ente":"D403"}\n'
    received = office.do(
        lambda s: exports.acknowledge(s, office.people["admin"], ente_id=office.cast.empoli, content=content)
    )
    assert "troncato" in received.refused[0].refusal


def test_the_schedule_exports_what_was_decided_the_day_before(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = office.phone("0571 700123")
    office.decide(made)
    at = datetime.now(UTC)
    tomorrow = clock.start_of_day(clock.business_day(at) + timedelta(days=1)) + timedelta(hours=7)
    for instant, owed in ((tomorrow - timedelta(hours=2), []), (tomorrow, [office.cast.empoli]), (tomorrow, [])):
        monkeypatch.setattr(clock, "now", lambda _session, instant=instant: instant)
        assert office.do(tasks.owe_exports) == owed
    monkeypatch.undo()
    assert office.export(by=None) is not None
    assert office.see(made).state is State.EXPORTED


def test_raw_sql_in_another_entes_scope_finds_nothing(office: Office) -> None:
    office.phone("0571 700123")
    for table in ("proposal", "proposal_voice", "proposal_export"):
        rows = office.do(lambda s, table=table: s.execute(text(f"SELECT 1 FROM {table}")).all(), ente="siena")
        assert rows == []


def test_the_command_line_hands_over_and_takes_the_answers_in(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert terminal.export(office.database, "Z999", tmp_path) == 2
    assert terminal.export(office.database, "d403", tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
    made = office.phone("0571 700123")
    office.decide(made)
    assert terminal.export(office.database, "D403", tmp_path / "nowhere") == 2
    assert office.see(made).state is State.APPROVED
    assert terminal.export(office.database, "D403", tmp_path) == 0
    (feed,) = tmp_path.iterdir()
    assert json.loads(feed.read_text().splitlines()[1])["id"] == str(made.proposal_id)
    answers = tmp_path / "answers.jsonl"
    header = {"record": "acknowledgements", "version": 1, "ente": "D403"}
    lines = [header, accepted(made), {"record": "acknowledgement"}, {"record": "end", "acknowledgements": 2}]
    answers.write_text("\n".join(map(json.dumps, lines)))
    assert terminal.acknowledge(office.database, "D403", answers) == 1
    said = capsys.readouterr()
    assert "Accettate 1" in said.out
    assert "riga 3" in said.err
    assert terminal.acknowledge(office.database, "M059", answers) == 2
    assert terminal.acknowledge(office.database, "D403", tmp_path / "nowhere") == 2
    assert office.see(made).state is State.ACKNOWLEDGED


def test_a_decision_by_mistake_is_undone_until_it_is_handed_over(office: Office) -> None:
    made = office.phone("0571 700123")
    for approve, reason in ((True, ""), (False, "Non risulta")):
        office.decide(made, approve=approve, reason=reason)
        with pytest.raises(ForbiddenError):
            office.undo(made, by="anna")
        office.undo(made)
        one = office.see(made)
        assert (one.state, one.decided_by, one.decided_at, one.reason) == (State.MADE, None, None, "")
    assert office.export() is None
    kinds = office.do(lambda session: session.scalars(select(AuditEntry.kind).order_by(AuditEntry.id)).all())
    assert [one for one in kinds if one.startswith("proposal.")] == [
        "proposal.made", "proposal.approved", "proposal.undecided", "proposal.refused", "proposal.undecided",
    ]  # fmt: skip
    office.decide(made)
    office.export()
    with pytest.raises(ConflictError, match="già partita"):
        office.undo(made)


def test_a_refusal_is_not_undone_when_the_same_was_proposed_again(office: Office) -> None:
    made = office.phone("0571 700123")
    office.decide(made, approve=False, reason="Non risulta")
    again = office.phone("0571 700123")
    with pytest.raises(ConflictError, match="proposta di nuovo"):
        office.undo(made)
    assert (office.see(made).state, office.see(again).state) == (State.REFUSED, State.MADE)


def test_what_is_undone_while_a_feed_is_made_is_in_it_or_waits_again(office: Office) -> None:
    for number in range(6):
        made = office.phone(f"0571 70012{number}")
        office.decide(made)
        with ThreadPoolExecutor(2) as threads:
            exported, undone = threads.submit(office.export), threads.submit(office.undo, made)
        state, export_id = office.see(made).state, exported.result()
        if undone.exception() is None:
            assert (state, export_id) == (State.MADE, None)
        else:
            assert isinstance(undone.exception(), ConflictError)
            assert state is State.EXPORTED
            assert export_id is not None
            assert [one["id"] for one in office.content(export_id)[1:-1]] == [str(made.proposal_id)]
