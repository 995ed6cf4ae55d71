"""The search of an ente for contacts that may be one person, and what Sara decides of them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.contacts import merging
from crm.contacts.models import Contact, ContactReach, PersonKind, ReachKind
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, NotFoundError
from crm.core.jobs import MAX_ATTEMPTS, Job
from crm.duplicates import queries, search, service, tasks
from crm.duplicates.likeness import Why
from crm.duplicates.models import DuplicateCandidate
from tests.cast import AS_OF, MARIO_MOBILE, Cast, principal_of

pytestmark = pytest.mark.integration
RUNNERS = {service.SEARCH: tasks.RUNNER}
WHY = "Stessa persona"


def contact(session: Session, ente_id: int, codice_fiscale: str, name: str, **more: Any) -> int:
    phone = more.pop("phone", None)
    surname, _, given = name.partition(" ")
    row = Contact(
        ente_id=ente_id, codice_fiscale=codice_fiscale, surname=surname, given_name=given or None, name_key=name,
        kind=PersonKind.LEGAL if len(codice_fiscale) == 11 else PersonKind.NATURAL, as_of=AS_OF, digest="x", **more,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if phone:
        session.add(ContactReach(ente_id=ente_id, contact_id=row.id, kind=ReachKind.PHONE, value=phone, stated=True))
    return row.id


@dataclass
class Town:
    """Empoli's contacts beside Mario, and Sara."""

    database: Database
    cast: Cast
    sara: Principal
    double: int  # Mario, under another codice fiscale
    son: int
    company: int  # a trader's, filed apart from him
    trader: int

    def search(self, by: Principal | None = None) -> None:
        """Ask for a search and have a worker do it."""
        with self.begin() as session:
            assert service.ask(session, by, ente_id=self.cast.empoli)
            job = session.execute(select(func.max(Job.id))).scalar_one()
        assert jobs.run(self.database, RUNNERS, job_id=job, ente_id=self.cast.empoli)

    def begin(self) -> Any:
        return self.database.begin(Scope.of_contract(self.cast.contract))

    def pairs(self) -> dict[tuple[int, int], set[Why]]:
        with self.begin() as session:
            return {(one.one.id, one.other.id): set(one.why) for one in queries.candidates(session)}

    def candidate(self) -> int:
        """The pair of Mario and his double."""
        with self.begin() as session:
            return session.execute(
                select(DuplicateCandidate.id).where(DuplicateCandidate.one_id == self.cast.mario)
            ).scalar_one()


@pytest.fixture
def town(database: Database, cast: Cast) -> Town:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        ente, born = cast.empoli, date(1962, 1, 1)
        double = contact(session, ente, "BNCMRA62A01D40PK", "BIANCHI MARIO", born_on=born)
        son = contact(session, ente, "BNCMRA92A01D403B", "BIANCHI MARIO", born_on=date(1992, 1, 1), phone=MARIO_MOBILE)
        trader = contact(session, ente, "VRDGNN70A01D403Z", "VERDI GIANNI", partita_iva="01234567890")
        company = contact(session, ente, "01234567890", "VERDI DI VERDI GIANNI", partita_iva="01234567890")
        contact(session, cast.vinci, "BNCMRA62A01D40QX", "BIANCHI MARIO", born_on=born)  # another ente's
        return Town(database, cast, principal_of(session, cast.sara), double, son, company, trader)


def test_the_alike_are_found_and_fathers_are_not_their_sons(town: Town) -> None:
    town.search()
    assert town.pairs() == {
        (town.cast.mario, town.double): {Why.NAME_AND_BIRTH, Why.OMOCODIA},
        (town.trader, town.company): {Why.PARTITA_IVA_AS_CODE},
    }
    with town.begin() as session:
        (one,) = queries.searches(session, [town.cast.empoli]).values()
    assert (one.step, one.found, one.failed, one.ended_at is not None) == (len(search.STEPS), 2, False, True)


def test_an_offices_telephone_joins_nobody(town: Town) -> None:
    with town.begin() as session:
        for number in range(search.MOST_AT_A_PHONE + 1):
            contact(session, town.cast.empoli, f"{number:011d}", f"DITTA {chr(65 + number)}", phone="+390571999999")
    town.search()
    assert len(town.pairs()) == 2


def test_who_is_alike_no_more_is_proposed_no_more(town: Town) -> None:
    town.search()
    with town.begin() as session:
        session.execute(update(Contact).where(Contact.id == town.double).values(name_key="VERDI GINO"))
    town.search(town.sara)
    assert set(town.pairs()) == {(town.trader, town.company)}


def test_who_was_kept_apart_stays_apart_until_somebody_looks_again(town: Town) -> None:
    town.search()
    pair = town.candidate()
    for _ in range(2):
        with town.begin() as session:
            service.dismiss(session, town.sara, candidate_id=pair)
    town.search()
    assert set(town.pairs()) == {(town.trader, town.company)}
    with town.begin() as session:
        assert [one.id for one in queries.dismissed(session)] == [pair]
        service.propose_again(session, town.sara, candidate_id=pair)
        kinds = [one.kind for one in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert kinds == ["contact.kept_apart"] * 2 + ["contact.not_kept_apart"] * 2
    assert len(town.pairs()) == 2


def test_who_was_merged_is_proposed_no_more_until_it_is_undone(town: Town) -> None:
    with town.begin() as session:
        third = contact(session, town.cast.empoli, "BNCMRA62A01D4LPY", "BIANCHI MARIO", born_on=date(1962, 1, 1))
    town.search()
    assert len(town.pairs()) == 4
    with town.begin() as session:
        first = merging.merge(session, town.sara, kept_id=town.cast.mario, merged_id=town.double, reason=WHY)
        merging.merge(session, town.sara, kept_id=third, merged_id=town.double, reason=WHY)
    assert set(town.pairs()) == {(town.trader, town.company)}  # Mario and the third are one through the double
    with town.begin() as session:
        assert len(queries.candidates(session, limit=1)) == 1  # though the likeliest pair is one person already
        assert {one.merged.id for one in queries.merged(session)} == {town.double}
        merging.undo(session, town.sara, merge_id=first)
    assert set(town.pairs()) == {
        (town.trader, town.company), (town.cast.mario, town.double), (town.cast.mario, third),
    }  # fmt: skip


def test_a_comparison_shows_both_and_is_audited_as_a_read_of_each(town: Town) -> None:
    town.search()
    with town.begin() as session:
        found = queries.compare(session, town.sara, candidate_id=town.candidate())
        read = [(one.kind, one.contact_id) for one in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert [side.positions for side in found.sides] == [1, 0]
    assert found.keep == town.cast.mario
    assert read == [("contact.compared", town.cast.mario), ("contact.compared", town.double)]


def test_a_killed_search_goes_on_with_its_step_and_a_second_one_is_not_begun(town: Town) -> None:
    with town.begin() as session:
        assert service.ask(session, town.sara, ente_id=town.cast.empoli)
        assert not service.ask(session, None, ente_id=town.cast.empoli)
        job = session.execute(select(func.max(Job.id))).scalar_one()
    taken = jobs.Taken(job, town.cast.empoli, {}, lambda: None)
    with town.begin() as session:
        assert tasks._step(session, taken)  # and then it was killed
    tasks.run_search(town.database, taken)
    tasks.run_search(town.database, taken)  # over: nothing more to be done
    assert len(town.pairs()) == 2


def test_a_search_that_failed_for_good_says_so_and_can_be_asked_for_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(search, "look", lambda *_, **__: 1 / 0)
        with town.begin() as session:
            service.ask(session, None, ente_id=town.cast.empoli)
            session.execute(update(Job).values(attempts=MAX_ATTEMPTS - 1))
            job = session.execute(select(func.max(Job.id))).scalar_one()
        jobs.run(town.database, RUNNERS, job_id=job, ente_id=town.cast.empoli)
    with town.begin() as session:
        assert queries.searches(session, [town.cast.empoli])[town.cast.empoli].failed
    town.search()
    assert len(town.pairs()) == 2


def test_who_may_not_search_compare_or_decide(town: Town) -> None:
    town.search()
    pair = town.candidate()
    with town.begin() as session:
        anna = principal_of(session, town.cast.anna)
        for refused in (
            lambda: service.ask(session, anna, ente_id=town.cast.empoli),
            lambda: service.ask(session, town.sara, ente_id=town.cast.siena),
            lambda: queries.compare(session, anna, candidate_id=pair),
            lambda: service.dismiss(session, anna, candidate_id=pair),
        ):
            with pytest.raises(ForbiddenError):
                refused()
    with town.database.begin(Scope.of_contract(town.cast.other_contract)) as session:
        assert queries.candidates(session) == []
        with pytest.raises(NotFoundError):
            service.dismiss(session, town.sara, candidate_id=pair)
