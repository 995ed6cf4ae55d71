"""Practices as their people live them: opened, offered, accepted, visited, closed; by a campaign, or by the ente."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.models import ImportRun, ImportState
from crm.contacts.models import Contact, ContactAddress, Relation, RelationKind
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError
from crm.positions.models import Position, PositionState
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.campaigns import contacts as campaign_contacts
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Channel, Phase, Plan, Step
from outbound.compliance.rules import Reason
from outbound.field.agents import queries as of_agents
from outbound.field.agents.models import DeclaredTie, FieldAgent, UnfitnessFinding
from outbound.field.agents.ties import Sign, Tie
from outbound.field.places import reading
from outbound.field.places.placing import Placed
from outbound.field.practices import (
    assignments,
    handing_over,
    judging,
    opening,
    own,
    placed,
    queries,
    service,
    settings,
    tidying,
    turns,
)
from outbound.field.practices.lifecycle import AssignmentState, Closed, Limits, MandateState, State
from outbound.field.practices.models import FieldJudgement, FieldMandate, Practice
from outbound.field.practices.queries import Filter
from outbound.field.practices.service import Declared
from outbound.field.practices.settings import Settings
from outbound.field.visits.door import Outcome, Whom
from outbound.field.visits.models import Visit
from tests.cast import EMPOLI_LINE, Cast
from tests.databases import DatabaseUrls
from tests.outbound.field.people import an_agent, approved
from tests.outbound.test_campaigns import NOON, Office

pytestmark = pytest.mark.integration
TODAY = NOON.date()
LIMITS = Limits(TODAY, TODAY + timedelta(days=30))
VISITS = Plan(
    steps=(Step(Channel.VISIT), Step(Channel.CALL, 3)), queue_id=1, line=EMPOLI_LINE,
    scripts={Phase.PERSONAL: "La chiamo."}, fresh_hours=720,
)  # fmt: skip
CIVICS = """COMUNE;VIA;CIVICO;ESPONENTE;CAP;LON;LAT
Empoli;Via Roma;1;;50053;10,9455;43,7189
Empoli;Via Roma;3;A;50053;10,9457;43,7190
Empoli;Via Giuseppe Garibaldi;8;;50053;10,95;43,72
"""


class Field(Office):
    """Fabio visits for Empoli: the ente approved him. Luca is another agent; Mario and Lucia live in Via Roma."""

    def settle(self) -> None:
        def make(session: Any) -> None:
            for user, number, surname in ((self.cast.anna, 1, "Lotti"), (self.cast.luca, 2, "Ferri")):
                agent = an_agent(session, user, self.cast.sara, number)
                agent.surname, agent.codice_fiscale = surname, f"AGNFBA80A01D40{number}X"
                agent.street, agent.phone = f"Via Lucca {number}", f"+39333000001{number}"
                approved(session, self.cast.empoli, agent, self.cast.sara)
            heard = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), NOON - timedelta(hours=1))
            session.add(
                ImportRun(
                    ente_id=self.cast.empoli, file_name="feed.jsonl", file_bytes=1, totals=[],
                    state=ImportState.DONE, **heard,
                )
            )  # fmt: skip

        self.work(make)
        agents = self.work(lambda s: list(s.scalars(select(FieldAgent.id).order_by(FieldAgent.badge_number))))
        self.fabio_id, self.ferri_id = agents
        self.fabio, self.ferri = (self.goes(one) for one in (self.cast.anna, self.cast.luca))

    def goes(self, user_id: int) -> Principal:
        return Principal(user_id, "", "it", frozenset({Held(Role.FIELD_AGENT, None, self.cast.contract)}))

    def moves(self, contact_id: int, street: str | None) -> None:
        """He lives there; none: nobody knows where."""
        self.work(
            lambda s: s.execute(
                update(ContactAddress).where(ContactAddress.contact_id == contact_id).values(street=street)
            )
        )

    def lucia_at(self, street: str | None) -> int:
        lucia = self.lucia()
        self.moves(lucia, street)
        return lucia

    def open(self, *contact_ids: int) -> list[int]:
        ids = contact_ids or (self.cast.mario,)
        of = {"ente_id": self.cast.empoli, "contact_ids": ids}
        return list(self.work(lambda s: opening.decide(s, self.vera, **of)))

    def offer(self, practice: int, agent: int | None = None, **about: Any) -> UUID:
        of = {"practice_id": practice, "agent_id": agent or self.fabio_id, "limits": LIMITS} | about
        return UUID(str(self.work(lambda s: service.offer(s, self.sara, **of))))

    def accepted(self, practice: int) -> UUID:
        mandate = self.offer(practice)
        self.work(lambda s: service.accept(s, self.fabio, mandate_id=mandate, no_ties=True))
        return mandate

    def practice(self, practice: int) -> queries.PracticeView:
        found: queries.PracticeView = self.work(lambda s: queries.one(s, practice))
        return found

    def visited(self, practice: int, whom: Whom | None, outcome: Outcome | None) -> None:
        of = {"ente_id": self.cast.empoli, "practice_id": practice, "agent_id": self.fabio_id}
        self.work(
            lambda s: s.add(
                Visit(
                    **of, id=uuid4(), began_at=self.now, device_began_at=self.now, off_s=0, received_at=self.now,
                    number=1, whom=whom, outcome=outcome, deeds=[], faults=[], signs=[],
                )
            )
        )  # fmt: skip


@pytest.fixture
def field(database_urls: DatabaseUrls, cast: Cast) -> Iterator[Field]:
    made = Field(database_urls, cast)
    made.settle()
    yield made
    made.database.dispose()


def test_a_practice_is_opened_offered_accepted_and_closed(field: Field) -> None:
    (practice,) = field.open()
    found = field.practice(practice)
    assert (found.state, found.number, found.street, found.debts[0][0]) == (State.OPEN, 1, "Via Roma 1", "E-1")
    mandate = field.offer(practice)
    (mine,) = field.work(lambda s: own.mine(s, field.fabio_id))
    assert (mine.name, mine.town, mine.street, mine.cents) == ("MARIO BIANCHI", "Empoli", "", None)
    assert mine.acts
    with pytest.raises(FieldError):
        field.work(lambda s: service.accept(s, field.fabio, mandate_id=mandate, no_ties=False))
    field.work(lambda s: service.accept(s, field.fabio, mandate_id=mandate, no_ties=True))
    (mine,) = field.work(lambda s: own.mine(s, field.fabio_id))
    assert (mine.street, mine.cents) == ("Via Roma 1", found.cents)
    field.work(lambda s: service.close(s, practice_id=practice, closed=Closed.REFUSED, at=field.now, by=None))
    over = field.practice(practice)
    assert (over.state, over.closed, over.mandates[0].state) == (State.CLOSED, Closed.REFUSED, MandateState.ENDED)
    kept = field.work(lambda s: list(s.scalars(select(FieldJudgement.occasion).order_by(FieldJudgement.occasion))))
    assert kept == ["accepted", "offered", "opened"]
    entries = field.work(
        lambda s: [(one.status, one.detail["closed"]) for one in s.scalars(
            select(TimelineEntry).where(TimelineEntry.kind == EntryKind.PRACTICE)
        )]
    )  # fmt: skip
    assert entries == [("closed", "refused")]


def test_of_whom_none_is_opened_and_why_is_told_before(field: Field) -> None:
    lucia = field.lucia_at(None)
    field.open()
    found = field.work(
        lambda s: opening.dry(s, field.vera, ente_id=field.cast.empoli, contact_ids=[field.cast.mario, lucia])
    )
    assert [one.refused for one in found] == [(Reason.IN_PRACTICE,), (Reason.NO_ADDRESS,)]
    assert field.open(field.cast.mario, lucia) == []


def test_whoever_pays_is_visited_no_more(field: Field) -> None:
    (practice,) = field.open()
    field.work(lambda s: s.execute(update(Position).values(state=PositionState.PAID, residual_cents=0, paid_cents=1)))
    verdict = field.work(lambda s: judging.judge(s, [practice], field.now))[practice]
    assert Reason.PAID in verdict.reasons
    field.work(lambda s: tidying.tidy(s, ente_id=field.cast.empoli))
    assert field.practice(practice).closed is Closed.PAID


def test_a_visit_counts_as_a_conversation_for_calls_too(field: Field) -> None:
    (practice,) = field.open()
    field.visited(practice, Whom.HIMSELF, Outcome.MET)
    campaign = field.run()
    explained = field.work(
        lambda s: campaign_contacts.explain(s, field.sara, campaign_id=campaign, contact_ids=[field.cast.mario])
    )
    assert Reason.SPOKEN_TODAY in explained[field.cast.mario].reasons
    verdict = field.work(lambda s: judging.judge(s, [practice], field.now))[practice]
    assert set(verdict.reasons) == {Reason.SPOKEN_TODAY, Reason.VISITED}


def test_of_whoever_was_only_looked_for_calls_go_on(field: Field) -> None:
    (practice,) = field.open()
    field.visited(practice, None, Outcome.ABSENT)
    campaign = field.run()
    explained = field.work(
        lambda s: campaign_contacts.explain(s, field.sara, campaign_id=campaign, contact_ids=[field.cast.mario])
    )
    assert explained[field.cast.mario].allowed


def test_a_campaign_has_people_visited_and_goes_on_when_they_were(field: Field) -> None:
    campaign = field.run(plan=VISITS)
    assert field.work(lambda s: turns.open_due(s, campaign_id=campaign)) == 1
    assert field.work(lambda s: turns.open_due(s, campaign_id=campaign)) == 0
    assert field.contact(campaign, field.cast.mario).why is Reason.IN_PRACTICE
    (row,), _ = field.work(lambda s: queries.practices(s, Filter()))
    field.work(lambda s: service.close(s, practice_id=row.id, closed=Closed.NOT_FOUND, at=field.now, by=None))
    his = field.work(
        lambda s: s.execute(select(CampaignContact.step, CampaignContact.state, CampaignContact.due_at)).one()
    )
    assert (his.step, his.state, his.due_at) == (1, ContactState.LATER, field.now + timedelta(days=3))


def test_where_the_visit_ends_the_matter_the_campaign_is_done_with_him(field: Field) -> None:
    campaign = field.run(plan=VISITS)
    field.work(lambda s: turns.open_due(s, campaign_id=campaign))
    (row,), _ = field.work(lambda s: queries.practices(s, Filter()))
    field.work(lambda s: service.close(s, practice_id=row.id, closed=Closed.HARDSHIP, at=field.now, by=None))
    assert field.contact(campaign, field.cast.mario).state is ContactState.DONE


def test_whoever_cannot_be_visited_goes_to_the_next_step(field: Field) -> None:
    (practice,) = field.open()
    field.work(lambda s: service.no_more_visits(s, field.vera, practice_id=practice, why="Lo ha detto al numero verde"))
    campaign = field.run(plan=VISITS)
    assert field.work(lambda s: turns.open_due(s, campaign_id=campaign)) == 0
    assert field.work(lambda s: s.scalar(select(CampaignContact.step))) == 1
    field.work(lambda s: service.visits_again(s, field.vera, practice_id=practice))
    assert len(field.open()) == 1


def test_a_campaign_that_ends_recalls_its_practices(field: Field) -> None:
    campaign = field.run(plan=VISITS)
    field.work(lambda s: turns.open_due(s, campaign_id=campaign))
    (row,), _ = field.work(lambda s: queries.practices(s, Filter()))
    field.act(field.sara, campaign, Deed.PAUSE)
    verdict = field.work(lambda s: judging.judge(s, [row.id], field.now))[row.id]
    assert Reason.NOT_RUNNING in verdict.reasons
    field.act(field.sara, campaign, Deed.END)
    field.work(lambda s: tidying.tidy(s, ente_id=field.cast.empoli))
    assert field.practice(row.id).closed is Closed.RECALLED


def test_who_declares_a_tie_is_never_offered_him_again(field: Field) -> None:
    (practice,) = field.open()
    mandate = field.offer(practice)
    tie = Declared(Tie.WORK, past=True, note="ex collega")
    field.work(lambda s: service.decline(s, field.fabio, mandate_id=mandate, tie=tie))
    assert field.practice(practice).state is State.OPEN
    with pytest.raises(ConflictError, match="legame"):
        field.offer(practice)
    assert field.work(lambda s: s.scalar(select(DeclaredTie.past)))
    field.offer(practice, field.ferri_id)


def test_a_tie_that_comes_to_light_later_gives_it_back(field: Field) -> None:
    (practice,) = field.open()
    mandate = field.accepted(practice)
    field.work(lambda s: service.decline(s, field.fabio, mandate_id=mandate, tie=Declared(Tie.FAMILY)))
    assert field.practice(practice).state is State.OPEN


def test_the_same_home_excludes_and_the_same_surname_asks(field: Field) -> None:
    (practice,) = field.open()
    field.work(lambda s: s.execute(update(FieldAgent).where(FieldAgent.id == field.ferri_id).values(surname="Bianchi")))
    of = {"agent_id": field.ferri_id, "contact_ids": [field.cast.mario]}
    assert field.work(lambda s: of_agents.signs_of(s, **of)) == {field.cast.mario: (Sign.SAME_SURNAME,)}
    field.offer(practice, field.ferri_id)
    field.work(lambda s: service.revoke(s, field.sara, practice_id=practice, reason="prova"))
    field.work(
        lambda s: s.execute(
            update(FieldAgent).values(codice_fiscale="BNCMRA62A01D403X").where(FieldAgent.id == field.ferri_id)
        )
    )
    with pytest.raises(ConflictError, match="legame"):
        field.offer(practice, field.ferri_id)


def test_who_represents_the_taxpayer_is_never_sent_to_him(field: Field) -> None:
    (practice,) = field.open()
    field.work(
        lambda s: s.add(
            Relation(
                ente_id=field.cast.empoli, contact_id=field.cast.mario, kind=RelationKind.ACCOUNTANT, name="Lotti",
                who_key="AGNFBA80A01D401X", codice_fiscale="AGNFBA80A01D401X", stated=True,
            )
        )
    )  # fmt: skip
    with pytest.raises(ConflictError, match="legame"):
        field.offer(practice)
    field.offer(practice, field.ferri_id)


def test_only_his_own_agent_answers_and_only_who_manages_offers(field: Field) -> None:
    (practice,) = field.open()
    mandate = field.offer(practice)
    with pytest.raises(ForbiddenError):
        field.work(lambda s: service.accept(s, field.ferri, mandate_id=mandate, no_ties=True))
    with pytest.raises(ForbiddenError):
        field.work(lambda s: service.offer(
            s, field.vera, practice_id=practice, agent_id=field.fabio_id, limits=LIMITS
        ))  # fmt: skip
    with pytest.raises(ForbiddenError):
        field.work(lambda s: service.recall(s, field.fabio, practice_id=practice))


def test_who_was_found_unfit_is_offered_nothing_and_what_he_has_is_frozen(field: Field) -> None:
    (practice,) = field.open()
    field.accepted(practice)
    frozen = field.work(
        lambda s: handing_over.freeze_of(
            s, agent_id=field.fabio_id, ente_id=field.cast.empoli, why="Agente non idoneo", at=field.now
        )
    )
    assert frozen == [practice]
    found = field.practice(practice)
    assert (found.state, found.agent_id, found.mandates[0].state) == (State.FROZEN, None, MandateState.REVOKED)
    unfit = UnfitnessFinding(
        ente_id=field.cast.empoli, agent_id=field.fabio_id, found_at=field.now, found_by=field.cast.vera, grounds="x",
        removal_due=TODAY, substitute_due=TODAY,
    )  # fmt: skip
    field.work(lambda s: s.add(unfit))
    field.work(lambda s: service.release(s, field.vera, practice_id=practice))
    with pytest.raises(ConflictError, match="non può agire"):
        field.offer(practice)


def test_a_mandate_expires_by_itself(field: Field) -> None:
    (practice,) = field.open()
    field.accepted(practice)
    field.now += timedelta(days=31)
    field.work(lambda s: tidying.tidy(s, ente_id=field.cast.empoli))
    found = field.practice(practice)
    assert (found.state, found.live, found.mandates[0].state) == (State.OPEN, None, MandateState.ENDED)


def test_what_a_mandate_may_not_say(field: Field) -> None:
    (practice,) = field.open()
    for limits, wrong in (
        (Limits(TODAY, TODAY - timedelta(days=1)), "valid_to"),
        (Limits(TODAY - timedelta(days=9), TODAY - timedelta(days=3)), "valid_to"),
        (Limits(TODAY, TODAY + timedelta(days=999)), "valid_to"),
        (replace(LIMITS, most_visits=0), "most_visits"),
    ):
        with pytest.raises(InvalidError) as raised:
            field.offer(practice, limits=limits)
        assert [one.field for one in raised.value.parts] == [wrong]
    with pytest.raises(InvalidError):
        field.offer(practice, cents=1 + field.practice(practice).cents)


def test_civic_numbers_place_practices_and_a_better_file_places_them_better(field: Field) -> None:
    (mario,) = field.open()
    assert field.practice(mario).placed is Placed.NOWHERE
    read = {"name": "civici.csv", "lines": CIVICS.splitlines(keepends=True)}
    field.work(lambda s: reading.read(s, field.sara, **read))
    assert field.work(lambda s: placed.anew(s, field.sara, ente_ids=[field.cast.empoli])) == (1, 1)
    found = field.practice(mario)
    assert (found.placed, found.latitude, found.longitude) == (Placed.CIVIC, 43.7189, 10.9455)
    (lucia,) = field.open(field.lucia_at("Via G. Garibaldi 10"))
    assert (field.practice(lucia).placed, field.practice(lucia).latitude) == (Placed.NEAR, 43.72)
    better = CIVICS + "Empoli;Via Giuseppe Garibaldi;10;;50053;10,951;43,721\n"
    field.work(lambda s: reading.read(s, field.sara, name="civici.csv", lines=better.splitlines(keepends=True)))
    assert field.work(lambda s: placed.anew(s, field.sara, ente_ids=[field.cast.empoli])) == (1, 1)
    assert field.practice(lucia).placed is Placed.CIVIC


def test_what_cannot_be_placed_is_placed_by_hand(field: Field) -> None:
    field.work(lambda s: reading.read(s, field.sara, name="civici.csv", lines=CIVICS.splitlines(keepends=True)))
    (lucia,) = field.open(field.lucia_at("Via Garibaldino 8"))
    found = field.practice(lucia)
    assert found.placed is Placed.NOWHERE
    (street,) = field.work(lambda s: placed.suggestions(s, "Via Giuseppe Garibaldo 8", "Empoli"))
    field.work(lambda s: placed.in_street(s, field.sara, practice_id=lucia, street_id=street.id))
    assert field.practice(lucia).placed is Placed.CIVIC
    with pytest.raises(FieldError) as raised:
        field.work(lambda s: placed.beside(s, field.sara, practice_id=lucia, street="Via Mazzini", civic="1"))
    assert [one.field for one in raised.value.parts] == ["street"]
    field.work(lambda s: placed.beside(s, field.sara, practice_id=lucia, street="via Giuseppe Garibaldi", civic="12"))
    assert (field.practice(lucia).placed, field.practice(lucia).latitude) == (Placed.BY_HAND, 43.72)
    with pytest.raises(FieldError):
        field.work(lambda s: placed.at(s, field.sara, practice_id=lucia, latitude="10,9", longitude="43,7"))
    field.work(lambda s: placed.at(s, field.sara, practice_id=lucia, latitude="43,71", longitude="10,94"))
    assert (field.practice(lucia).placed, field.practice(lucia).latitude) == (Placed.BY_HAND, 43.71)


def test_a_file_without_any_number_changes_nothing(field: Field) -> None:
    field.work(lambda s: reading.read(s, field.sara, name="civici.csv", lines=CIVICS.splitlines(keepends=True)))
    with pytest.raises(InvalidError, match="nessun numero"):
        field.work(lambda s: reading.read(s, field.sara, name="x.csv", lines=CIVICS.splitlines(keepends=True)[:1]))
    with pytest.raises(ForbiddenError):
        field.work(lambda s: reading.read(s, field.fabio, name="x.csv", lines=[]))


def test_practices_are_shared_out_looked_at_done_and_undone(field: Field) -> None:
    ids = field.open(field.cast.mario, field.lucia_at("Via Roma 3/A"))
    of = {"ente_id": field.cast.empoli, "limits": LIMITS, "most": 50}
    made = field.work(lambda s: assignments.propose(s, field.sara, **of))
    seen = field.work(lambda s: assignments.look(s, field.sara, assignment_id=made))
    assert {one.practice_id for one in seen.lines} == set(ids)
    assert [n for _, n, _ in seen.loads] == [1, 1]
    assert field.practice(ids[0]).state is State.OPEN
    assert field.work(lambda s: assignments.apply(s, field.sara, assignment_id=made)) == 2
    with pytest.raises(ConflictError):
        field.work(lambda s: assignments.apply(s, field.sara, assignment_id=made))
    agent = field.practice(ids[0]).agent_id
    who = field.fabio if agent == field.fabio_id else field.ferri
    (mandate,) = [
        one.id for one in field.work(lambda s: own.mine(s, agent)) if one.practice_id == ids[0]
    ]  # fmt: skip
    field.work(lambda s: service.accept(s, who, mandate_id=mandate, no_ties=True))
    assert field.work(lambda s: assignments.undo(s, field.sara, assignment_id=made)) == 1
    assert [field.practice(one).state for one in ids] == [State.ACCEPTED, State.OPEN]
    assert field.work(lambda s: assignments.look(s, field.sara, assignment_id=made)).state is AssignmentState.UNDONE


def test_what_changed_since_the_proposal_is_left_out(field: Field) -> None:
    (practice,) = field.open()
    made = field.work(lambda s: assignments.propose(s, field.sara, ente_id=field.cast.empoli, limits=LIMITS, most=50))
    field.work(lambda s: service.freeze(s, field.vera, practice_id=practice, why="si sente il legale"))
    assert field.work(lambda s: assignments.apply(s, field.sara, assignment_id=made)) == 0


def test_an_ente_s_own_hours_are_kept(field: Field) -> None:
    (practice,) = field.open()
    mornings = Settings(hours=(*("8:30-12:00",) * 5, "", ""))
    field.work(lambda s: settings.write(s, field.vera, ente_id=field.cast.empoli, new=mornings))
    afternoon = NOON + timedelta(hours=3)  # three in the afternoon, in Rome
    verdict = field.work(lambda s: judging.judge(s, [practice], afternoon))[practice]
    assert verdict.reasons == (Reason.WINDOW,)
    with pytest.raises(InvalidError):
        field.work(
            lambda s: settings.write(s, field.vera, ente_id=field.cast.empoli, new=replace(mornings, fresh_hours=0))
        )


def test_lists_are_by_state_agent_area_and_lateness(field: Field) -> None:
    (practice,) = field.open()
    field.offer(practice)

    def found(**which: Any) -> list[int]:
        return [one.id for one in field.work(lambda s: queries.practices(s, Filter(**which)))[0]]

    assert found(state=State.OFFERED) == found(agent_id=field.fabio_id) == found(area="empoli") == [practice]
    assert found(state=State.OPEN) == found(agent_id=field.ferri_id) == found(area="Vinci") == found(late=True) == []
    field.now += timedelta(days=4)
    assert found(late=True) == found(unplaced=True) == found(area="50053") == [practice]


def test_nobody_has_two_practices_at_once(field: Field) -> None:
    assert len(field.open(field.cast.mario, field.cast.mario)) == 1
    assert date(2026, 11, 24) == TODAY
    assert field.work(lambda s: s.scalar(select(Practice.contact_id))) == field.cast.mario
    assert field.work(lambda s: s.scalar(select(FieldMandate.id))) is None
    assert field.work(lambda s: s.get(Contact, field.cast.mario)) is not None
