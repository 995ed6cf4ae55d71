"""What leaves the server of a file that is open before somebody who may not hear everything."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts import mandates, merging, relations
from crm.contacts.disclosure import Matter, RelationKind, Term
from crm.contacts.models import ConditionKind, Contact, ContactCondition, DisclosureRule, PersonKind, Source
from crm.core.db import Scope
from crm.positions.models import Position, PositionState
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from tests.cast import AS_OF
from tests.web.conftest import Play

pytestmark = pytest.mark.integration


def delegate(play: Play, *covers: Matter) -> int:
    """A delegate of Mario's, by a mandate for these matters."""

    def work(session: Session, by: Principal) -> int:
        relation = relations.relate(
            session, by, contact_id=play.cast.mario, kind=RelationKind.DELEGATE, name="Studio Verdi"
        ).id
        mandates.give(session, by, relation_id=relation, document="Prot. 1", covers=covers, term=Term())
        return relation

    return play.work(work)


def opens(play: Play, relation: int) -> UUID:
    """The file is open before him."""
    call = play.desk.talks()
    assert play.desk.identify(call, right=["name"], speaker=relation).status_code == 204
    return call


def entries(play: Play, contact: int, ente: int, word: str) -> None:
    """What people wrote on a timeline: a note, the ente's reason, and the number of an act."""
    told = {"kind": "correction", "what": "surname", "now": "", "proposed": "", "act_number": f"atto-{word}",
            "note": f"nota-{word}", "reason": f"motivo-{word}"}  # fmt: skip

    def work(session: Session, _: Principal) -> None:
        timeline.record(
            session, ente_id=ente, contact_id=contact, kind=EntryKind.PROPOSAL, source=uuid4(),
            occurred_at=datetime(2026, 1, 1, 10, tzinfo=UTC), author_id=None, status="refused", detail=told,
        )  # fmt: skip

    play.work(work)


def written(html: str) -> set[str]:
    return set(re.findall(r"(?:atto|nota|motivo)-\w+", html))


def of_mario(play: Play) -> str:
    return play.desk.client.get(f"/files/{play.cast.mario}/timeline").text


def test_the_timeline_keeps_back_what_people_wrote_and_the_acts(play: Play) -> None:
    entries(play, play.cast.mario, play.cast.empoli, "empoli")
    opens(play, delegate(play, Matter.AMOUNTS))
    assert written(play.desk.page("file")) == set()
    assert "Proposta all" in of_mario(play)
    assert written(of_mario(play)) == set()


def test_whoever_may_hear_of_acts_hears_their_numbers(play: Play) -> None:
    entries(play, play.cast.mario, play.cast.empoli, "empoli")
    opens(play, delegate(play, Matter.AMOUNTS, Matter.ACTS))
    assert written(of_mario(play)) == {"atto-empoli"}


def test_of_an_ente_that_tells_him_nothing_he_sees_no_timeline(play: Play) -> None:
    in_vinci = play.also(play.cast.vinci, "BNCMRA62A01D403X")
    play.needs(play.cast.vinci, 1)
    entries(play, in_vinci, play.cast.vinci, "vinci")
    opens(play, delegate(play, *Matter))  # a mandate to Empoli
    assert in_vinci in play.open_rows()
    assert written(of_mario(play)) == set()
    assert of_mario(play).count("Proposta all") == 0


def test_after_a_merge_is_undone_the_other_s_timeline_is_gone(play: Play) -> None:
    double = play.also(play.cast.empoli, "BNCMRA62A01D403Y")
    merge = play.merge(play.cast.mario, double)
    entries(play, double, play.cast.empoli, "altro")
    call = play.desk.talks()
    play.desk.identify(call, right=["name"])
    assert written(of_mario(play)) == {"atto-altro", "nota-altro", "motivo-altro"}
    play.work(lambda s, sara: merging.undo(s, sara, merge_id=merge), "sara")
    assert written(of_mario(play)) == written(play.desk.page("file")) == set()


def test_a_mandate_for_the_amounts_alone_tells_the_sums_and_no_act(play: Play) -> None:
    opens(play, delegate(play, Matter.AMOUNTS))
    page = play.desk.page("file")
    assert re.search(r'Da pagare <strong class="num">812,00', page)
    assert "solo informazioni generali" not in page
    assert "non si dice di quali atti" in page
    for word in ("2024/118", "ngiunzione", "TARI", '<details id="position-'):
        assert word not in page


def in_instalments(play: Play) -> None:
    """Mario's company, struck off, pays in twelve rates; the second was paid by a list that has no payments."""
    rates = [
        {"number": n, "due_on": f"2026-{n:02d}-28", "cents": 10_000, "paid_on": "2026-02-20" if n == 2 else None}
        for n in range(1, 13)
    ]

    def work(session: Session, by: Principal) -> None:
        session.execute(update(Contact).where(Contact.id == play.cast.mario).values(kind=PersonKind.LEGAL))
        session.execute(
            update(Position).where(Position.contact_id == play.cast.mario).values(
                state=PositionState.IN_INSTALMENTS, instalments=rates, plan={"granted_on": "2026-01-02"},
            )
        )  # fmt: skip
        session.add(
            ContactCondition(
                ente_id=play.cast.empoli, contact_id=play.cast.mario, kind=ConditionKind.CEASED, source=Source.ENTE,
                note="", told_at=AS_OF, told_by=by.user_id,
            )
        )  # fmt: skip

    play.work(work)


def test_a_partner_hears_of_no_instalments(play: Play) -> None:
    in_instalments(play)
    opens(play, play.relate(play.cast.mario, RelationKind.PARTNER, "Ada Neri"))
    page = play.desk.page("file")
    with play.database.begin(Scope.of_contract(play.cast.contract)) as session:
        position = session.scalars(select(Position.id).where(Position.contact_id == play.cast.mario)).one()
    detail = play.desk.client.get(f"/files/positions/{position}").text
    assert re.search(r'Da pagare <strong class="num">812,00', page)
    assert re.search(r'Da pagare ora</strong>\s*<span class="num amount">812,00', detail)
    told = page.split("Comune di Empoli</h3>")[1] + detail
    assert not re.findall(r"\brat[ae]\b|in_instalments|instalment|ateizzazione|scadut", told.lower())


def test_an_ente_that_tells_its_payments_alone_tells_no_sums(play: Play) -> None:
    def narrow(session: Session, _: Principal) -> None:
        session.add(
            DisclosureRule(
                ente_id=play.cast.empoli, relation=RelationKind.GUARDIAN, matters=["procedure", "payments", "acts"]
            )
        )

    play.work(narrow)
    opens(play, play.relate(play.cast.mario, RelationKind.GUARDIAN, "Lia Bianchi"))
    page = play.desk.page("file")
    assert "2024/118" in page
    assert "€" not in page


def test_beside_a_call_with_him_his_file_does_not_open_without_the_questions(play: Play) -> None:
    call = play.desk.talks()
    path, why = f"/files/{play.cast.mario}/open", {"purpose": "case_check"}
    beside = play.desk.client.post(path, data=why, headers=play.desk.headers)
    assert beside.status_code == 409
    assert "Sei in linea" in beside.text
    play.desk.stage.caller_leaves(call)
    assert play.desk.client.post(path, data=why, headers=play.desk.headers).status_code == 204
