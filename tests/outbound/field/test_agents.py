"""Fabio from the register to the door of Empoli's taxpayers; found unfit, removed, replaced; ties; who may do what."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.contacts.models import Contact
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.messages.models import Message
from outbound.field.agents import (
    accrediting,
    company,
    declaring,
    files,
    judged,
    overview,
    queries,
    register,
    unfit,
    verifying,
    warning,
)
from outbound.field.agents.company import Company
from outbound.field.agents.models import Accreditation, FieldAgent
from outbound.field.agents.register import Personal, TypedPaper
from outbound.field.agents.standing import REQUIRED, Decision, Obstacle, Paper
from outbound.field.agents.ties import Sign, Tie
from outbound.field.practices.lifecycle import MandateState, State
from outbound.field.practices.models import FieldMandate, Practice
from tests.cast import PASSWORD_HASH, Cast, principal_of
from tests.outbound.field.people import LINK, a_mandate, a_practice, approved
from tests.outbound.field.test_badges import picture

pytestmark = pytest.mark.integration
T = TypeVar("T")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)  # the 30th is Sant'Andrea, of Empoli and of Vinci
DAY = timedelta(days=1)
PDF = b"%PDF-1.7 paper"
FABIO = Personal(
    "Lotti", "Fabio", "LTTFBA80A01D403D", date(1980, 1, 1), "Empoli", "Via Lucca 9", "56100", "Pisa", "pi",
    "333 0000009",
)  # fmt: skip
ACME = Company(
    "Riscossioni Toscane S.r.l.", "12345670017", "Via Po 1, Firenze", "rt@pec.example.it", "0571 000 000",
    "Marco Dini", "12/2026", "Questura di Firenze", date(2026, 1, 12),
)  # fmt: skip


@dataclass
class Field:
    """The cast, with Fabio and Luca who have the role of field agents for the contract; at an instant."""

    database: Database
    cast: Cast
    fabio: int
    at: datetime = MONDAY

    def work(self, do: Callable[[Session], T]) -> T:
        """In the contract's scope."""
        return self._in(Scope.of_enti([self.cast.empoli, self.cast.vinci], [self.cast.contract]), do)

    def of(self, ente_id: int, do: Callable[[Session], T]) -> T:
        """In one ente's."""
        return self._in(Scope.of_enti([ente_id]), do)

    def _in(self, scope: Scope, do: Callable[[Session], T]) -> T:
        def then(session: Session) -> T:
            session.connection()
            session.info["now"] = self.at
            return do(session)

        return self.database.transact(scope, then)

    @property
    def sara(self) -> Principal:
        """She manages."""
        return self.work(lambda session: principal_of(session, self.cast.sara))

    def approver(self, ente_id: int) -> Principal:
        """Of an ente."""
        return Principal(self.cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))

    def why(self, agent_id: int) -> tuple[Obstacle, ...]:
        """What keeps him from acting for Empoli today."""
        return self.work(
            lambda s: queries.may_act(s, agent_id=agent_id, ente_id=self.cast.empoli, day=verifying.today(s))
        )

    def ready(self, told: Personal = FABIO, user_id: int | None = None) -> int:
        """An agent with photo and papers."""
        by = self.sara
        agent = self.work(lambda s: register.enter(s, by, user_id=user_id or self.fabio, told=told))
        self.work(lambda s: register.portray(s, by, agent_id=agent, content=picture(800, 800)))
        for paper in REQUIRED:
            self.brings(agent, paper)
        return agent

    def brings(self, agent: int, paper: Paper, expires: date | None = date(2027, 6, 30)) -> int:
        """A paper of his."""
        told = TypedPaper(paper, "1", "Questura di Firenze", date(2026, 1, 12), expires, PDF)
        return self.work(lambda s: register.bring_paper(s, self.sara, agent_id=agent, told=told))

    def active(self, told: Personal = FABIO, user_id: int | None = None) -> int:
        """One who may act for Empoli."""
        agent = self.ready(told, user_id)
        self.work(lambda s: company.write(s, self.sara, told=ACME))
        self.work(lambda s: register.issue_badge(s, self.sara, agent_id=agent))
        (asked,) = self.work(
            lambda s: accrediting.propose(s, self.sara, agent_id=agent, ente_ids=[self.cast.empoli])
        )  # fmt: skip
        decider = self.approver(self.cast.empoli)
        self.of(
            self.cast.empoli, lambda s: accrediting.decide(s, decider, accreditation_id=asked, approves=True)
        )  # fmt: skip
        self.work(lambda s: accrediting.keep_letter(s, self.sara, agent_id=agent, province="FI", content=PDF))
        self.work(
            lambda s: accrediting.prove(
                s, self.sara, accreditation_id=asked, on=self.at.date(), number="Prot. 7", content=PDF
            )
        )
        return agent


@pytest.fixture
def field(database: Database, cast: Cast) -> Field:
    with database.begin(Scope.nothing()) as session:
        user = User(username="fabio", name="Fabio Lotti", password_hash=PASSWORD_HASH)
        session.add(user)
        session.flush()
        for one in (user.id, cast.luca):
            session.add(
                RoleGrant(
                    user_id=one, role=Role.FIELD_AGENT, contract_id=cast.contract,
                    valid_from=datetime(2020, 1, 1, tzinfo=UTC),
                )
            )  # fmt: skip
        return Field(database, cast, user.id)


LUCA = replace(FABIO, surname="Neri", given_name="Luca", codice_fiscale="NRELCU80A01D403R", phone="333 0000010")


def test_he_may_act_only_once_the_ente_approved_and_the_questura_knows(field: Field) -> None:
    agent, by, empoli = field.ready(), field.sara, field.cast.empoli
    assert field.why(agent) == (Obstacle.NOT_PROPOSED, Obstacle.BADGE_EXPIRED)
    field.work(lambda s: company.write(s, by, told=ACME))
    field.work(lambda s: register.issue_badge(s, by, agent_id=agent))
    (asked,) = field.work(lambda s: accrediting.propose(s, by, agent_id=agent, ente_ids=[empoli]))
    assert field.why(agent) == (Obstacle.WAITING,)
    decider = field.approver(empoli)
    field.of(empoli, lambda s: accrediting.decide(s, decider, accreditation_id=asked, approves=True))
    assert field.why(agent) == (Obstacle.NOT_NOTIFIED,)
    said = field.work(lambda s: accrediting.compose(s, by, agent_id=agent, province="FI", to="Questura di Firenze"))
    assert (said.enti, said.company.name) == (("Comune di Empoli",), ACME.name)
    field.work(lambda s: accrediting.keep_letter(s, by, agent_id=agent, province="FI", content=PDF))
    assert field.why(agent) == (Obstacle.NOT_NOTIFIED,)
    field.work(
        lambda s: accrediting.prove(s, by, accreditation_id=asked, on=MONDAY.date(), number="7", content=PDF)
    )  # fmt: skip
    assert field.why(agent) == ()
    acting = field.work(lambda s: queries.active(s, ente_id=empoli, day=MONDAY.date()))
    assert [(one.id, one.name, one.badge_number) for one in acting] == [(agent, "Fabio Lotti", 1)]
    assert field.work(lambda s: queries.active(s, ente_id=field.cast.vinci, day=MONDAY.date())) == []
    assert field.work(lambda s: files.read(s, s.get_one(Accreditation, asked).proof).content) == PDF


def test_a_refusal_has_its_reason_and_he_can_be_proposed_again(field: Field) -> None:
    agent, by, empoli = field.ready(), field.sara, field.cast.empoli
    decider = field.approver(empoli)

    def propose() -> int:
        return field.work(lambda s: accrediting.propose(s, by, agent_id=agent, ente_ids=[empoli]))[0]

    asked = propose()
    with pytest.raises(ConflictError):
        propose()
    with pytest.raises(FieldError):
        field.of(empoli, lambda s: accrediting.decide(s, decider, accreditation_id=asked, approves=False))
    field.of(empoli, lambda s: accrediting.decide(s, decider, accreditation_id=asked, approves=False, reason="Dubbi."))
    assert field.why(agent)[0] is Obstacle.REFUSED
    with pytest.raises(ConflictError):  # it was decided
        field.of(empoli, lambda s: accrediting.decide(s, decider, accreditation_id=asked, approves=True))
    again = propose()
    assert field.why(agent)[0] is Obstacle.WAITING
    field.work(lambda s: accrediting.withdraw(s, by, accreditation_id=again, reason="Cambia zona."))
    assert field.why(agent)[0] is Obstacle.WITHDRAWN


def test_nobody_is_proposed_without_photo_and_papers(field: Field) -> None:
    by = field.sara
    agent = field.work(lambda s: register.enter(s, by, user_id=field.fabio, told=FABIO))
    with pytest.raises(ConflictError):
        field.work(lambda s: accrediting.propose(s, by, agent_id=agent, ente_ids=[field.cast.empoli]))
    with pytest.raises(ConflictError):  # nobody said whose agents they are
        field.work(lambda s: register.issue_badge(s, by, agent_id=agent))


def test_a_paper_that_runs_out_stops_him_and_its_renewal_lets_him_go_on(field: Field) -> None:
    agent = field.active()
    field.brings(agent, Paper.LICENCE, date(2026, 11, 27))
    assert field.why(agent) == ()
    assert [one.paper for one in field.work(lambda s: overview.one_of_manager(s, field.sara, agent)).ending] == [
        Paper.LICENCE
    ]
    assert field.work(lambda s: overview.news(s, field.sara)).papers == 1
    field.at = MONDAY + 5 * DAY
    assert field.why(agent) == (Obstacle.PAPER_EXPIRED,)
    field.brings(agent, Paper.LICENCE, date(2027, 11, 27))
    assert field.why(agent) == ()


def test_who_works_no_more_may_not_act_from_the_day_after(field: Field) -> None:
    agent, by = field.active(), field.sara
    field.work(lambda s: register.end(s, by, agent_id=agent, on=MONDAY.date()))
    assert field.why(agent) == ()
    field.at = MONDAY + DAY
    assert Obstacle.ENDED in field.why(agent)
    field.work(lambda s: register.end(s, by, agent_id=agent, on=None))
    assert field.why(agent) == ()


def test_what_is_typed_wrong_is_said_field_by_field(field: Field) -> None:
    by = field.sara
    wrong = replace(FABIO, codice_fiscale="XXX", phone="12", surname=" ", born_on=date(2015, 1, 1))
    with pytest.raises(InvalidError) as error:
        field.work(lambda s: register.enter(s, by, user_id=field.fabio, told=wrong))
    assert {one.field for one in error.value.parts} == {"codice_fiscale", "phone", "surname", "born_on"}
    with pytest.raises(FieldError):  # she has no such role
        field.work(lambda s: register.enter(s, by, user_id=field.cast.anna, told=FABIO))
    agent = field.ready()
    with pytest.raises(FieldError):
        field.work(lambda s: register.portray(s, by, agent_id=agent, content=b"<svg/>"))
    told = TypedPaper(Paper.OTHER, "1", "x", MONDAY.date(), None, b"MZ program")
    with pytest.raises(FieldError):
        field.work(lambda s: register.bring_paper(s, by, agent_id=agent, told=told))
    field.ready(LUCA, field.cast.luca)
    with pytest.raises(FieldError):
        field.work(lambda s: register.edit(s, by, agent_id=agent, told=LUCA))


# -- the badge --------------------------------------------------------------------------------------------------------


def badge_of(field: Field, agent: int) -> str:
    return field.work(lambda s: s.get_one(FieldAgent, agent).badge_code)


def verify(field: Field, code: str) -> verifying.Valid | None:
    return field.work(lambda s: verifying.by_code(s, code, verifying.today(s)))


def test_a_badge_says_who_he_is_and_for_whom_and_nothing_else(field: Field) -> None:
    agent = field.active()
    said = verify(field, badge_of(field, agent))
    assert said is not None
    assert (said.name, said.badge_number, said.enti, said.company, said.until) == (
        "Fabio Lotti", 1, ("Comune di Empoli",), ACME.name, date(2027, 6, 30),
    )  # fmt: skip
    assert field.work(lambda s: verifying.by_number(s, 1, verifying.today(s))) == said
    heard = field.work(lambda s: verifying.by_voice(s, badge_of(field, agent)))
    assert heard is not None
    assert (heard.name, heard.number, heard.until) == ("Fabio Lotti", 1, date(2027, 6, 30))
    assert field.work(lambda s: verifying.by_voice(s, "00000000")) is None


def test_a_lost_badge_is_none_any_more_and_the_new_one_is(field: Field) -> None:
    agent, by = field.active(), field.sara
    lost = badge_of(field, agent)
    field.work(lambda s: register.issue_badge(s, by, agent_id=agent))
    assert verify(field, lost) is None
    assert verify(field, badge_of(field, agent)) is not None
    field.work(lambda s: register.revoke_badge(s, by, agent_id=agent))
    assert verify(field, badge_of(field, agent)) is None
    assert Obstacle.BADGE_EXPIRED in field.why(agent)


def test_expired_unfit_and_unknown_are_answered_alike(field: Field) -> None:
    agent = field.active()
    code = badge_of(field, agent)
    assert verify(field, "00000000") is None
    assert verify(field, "'; DROP TABLE") is None
    field.at = datetime(2027, 7, 1, 9, tzinfo=UTC)
    assert verify(field, code) is None
    field.at = MONDAY
    decider = field.approver(field.cast.empoli)
    field.of(
        field.cast.empoli,
        lambda s: unfit.find(
            s, decider, agent_id=agent, ente_id=field.cast.empoli, grounds="Ha preso contanti.", link_to=LINK
        ),
    )
    assert verify(field, code) is None


def test_codes_cannot_be_tried_one_after_the_other(field: Field) -> None:
    asked = [field.work(lambda s: verifying.allowed(s, "192.0.2.1")) for _ in range(verifying.MOST_IN_STRETCH + 2)]
    assert asked == [True] * verifying.MOST_IN_STRETCH + [False] * 2
    assert field.work(lambda s: verifying.allowed(s, "192.0.2.2"))
    field.at += verifying.STRETCH
    assert field.work(lambda s: verifying.allowed(s, "192.0.2.1"))


# -- unfit ------------------------------------------------------------------------------------------------------------


def found_unfit(field: Field, agent: int) -> int:
    empoli, decider = field.cast.empoli, field.approver(field.cast.empoli)
    grounds = "Due cittadini segnalano minacce."
    return field.of(
        empoli, lambda s: unfit.find(s, decider, agent_id=agent, ente_id=empoli, grounds=grounds, link_to=LINK)
    )


def practice(field: Field, agent: int, state: MandateState = MandateState.ACCEPTED) -> int:
    def work(session: Session) -> int:
        one = a_practice(session, field.cast.empoli, field.cast.mario, field.cast.sara)
        a_mandate(session, one, session.get_one(FieldAgent, agent), field.cast.sara, state)
        return one.id

    return field.work(work)


def state_of(field: Field, practice_id: int) -> tuple[State, int | None]:
    def work(session: Session) -> tuple[State, int | None]:
        one = session.get_one(Practice, practice_id)
        return one.state, one.agent_id

    return field.work(work)


def test_who_is_found_unfit_is_out_at_once_with_his_practices(field: Field) -> None:
    agent = field.active()
    one = practice(field, agent)
    finding = found_unfit(field, agent)
    assert field.why(agent) == (Obstacle.UNFIT,)
    assert state_of(field, one) == (State.FROZEN, None)
    states = field.work(lambda s: s.scalars(select(FieldMandate.state)).all())
    assert states == [MandateState.REVOKED]
    (view,) = field.work(lambda s: unfit.findings(s, {field.cast.empoli}, owed=True))
    assert (view.id, view.removal.due, view.substitution.due) == (finding, date(2026, 11, 24), date(2026, 11, 26))
    assert (view.removal.days, view.substitution.days, view.frozen) == (1, 3, 1)
    with pytest.raises(ConflictError):
        found_unfit(field, agent)
    assert not field.work(lambda s: overview.news(s, field.sara)).terms
    field.at = MONDAY + DAY
    assert field.work(lambda s: overview.news(s, field.sara)).terms == 1


def test_the_substitute_is_offered_what_was_frozen_and_it_can_be_undone(field: Field) -> None:
    fabio, luca = field.active(), field.active(LUCA, field.cast.luca)
    one = practice(field, fabio)
    finding, by = found_unfit(field, fabio), field.sara
    with pytest.raises(FieldError):
        field.work(lambda s: unfit.replace(s, by, finding_id=finding, substitute_id=fabio))
    handed = field.work(lambda s: unfit.replace(s, by, finding_id=finding, substitute_id=luca))
    assert (handed.offered, handed.left) == ((one,), ())
    assert state_of(field, one) == (State.OFFERED, luca)
    assert field.work(lambda s: unfit.undo_replacement(s, by, finding_id=finding)) == 1
    assert state_of(field, one) == (State.FROZEN, None)
    field.work(lambda s: unfit.replace(s, by, finding_id=finding, substitute_id=luca))
    field.work(lambda s: unfit.remove(s, by, finding_id=finding))
    assert field.work(lambda s: unfit.findings(s, {field.cast.empoli}, owed=True)) == []


def test_a_substitute_who_is_tied_to_the_taxpayer_is_not_offered_him(field: Field) -> None:
    fabio = field.active()
    luca = field.active(
        replace(LUCA, street="Via Roma 1", postcode="50053", town="Empoli", province="FI"), field.cast.luca
    )
    one = practice(field, fabio)
    finding, by = found_unfit(field, fabio), field.sara
    handed = field.work(lambda s: unfit.replace(s, by, finding_id=finding, substitute_id=luca))
    assert (handed.offered, handed.left) == ((), (one,))
    assert state_of(field, one)[0] is State.FROZEN


def test_the_ente_takes_a_finding_back(field: Field) -> None:
    agent = field.active()
    one, finding = practice(field, agent), found_unfit(field, agent)
    with pytest.raises(ForbiddenError):  # the company does not
        field.work(lambda s: unfit.withdraw(s, field.sara, finding_id=finding, reason="No."))
    decider = field.approver(field.cast.empoli)
    field.of(field.cast.empoli, lambda s: unfit.withdraw(s, decider, finding_id=finding, reason="Era un altro."))
    assert field.why(agent) == ()
    assert state_of(field, one) == (State.OPEN, None)
    assert field.work(lambda s: judged.of_period(s, field.cast.contract, date(2026, 11, 1), date(2026, 12, 1))) == ()
    with pytest.raises(ConflictError):
        field.work(lambda s: unfit.remove(s, field.sara, finding_id=finding))


def test_who_has_to_remove_and_replace_him_is_written_to_at_once_and_on_the_last_day(field: Field) -> None:
    empoli, agent = field.cast.empoli, field.active()

    def email(session: Session) -> None:
        session.get_one(User, field.cast.sara).email = "sara@filodiretto.example"

    def written() -> list[str]:
        return field.work(lambda s: list(s.scalars(select(Message.template).order_by(Message.made_at))))

    field.work(email)
    finding = found_unfit(field, agent)
    assert written() == ["field_unfit"]
    field.at = MONDAY + DAY - timedelta(hours=3)  # six in the morning, UTC: seven in Rome
    assert field.of(empoli, lambda s: warning.warn(s, ente_id=empoli, link_to=LINK)) == 0
    field.at = MONDAY + DAY
    for _ in range(2):
        assert field.of(empoli, lambda s: warning.warn(s, ente_id=empoli, link_to=LINK)) == 1
    assert written() == ["field_unfit", "field_removal_due"]
    field.work(lambda s: unfit.remove(s, field.sara, finding_id=finding))
    field.at = MONDAY + 3 * DAY
    field.of(empoli, lambda s: warning.warn(s, ente_id=empoli, link_to=LINK))
    assert written() == ["field_unfit", "field_removal_due", "field_substitute_due"]


def test_the_contract_judges_how_long_it_took(field: Field) -> None:
    fabio = field.active()
    luca = field.active(LUCA, field.cast.luca)
    finding, by = found_unfit(field, fabio), field.sara

    def known() -> tuple[int | None, int | None]:
        (one,) = field.work(
            lambda s: judged.of_period(s, field.cast.contract, date(2026, 11, 1), date(2026, 12, 1))
        )  # fmt: skip
        return one.removed, one.replaced

    assert known() == (None, None)
    field.at = MONDAY + 2 * DAY  # Wednesday: late by a day
    assert known() == (2, None)
    field.work(lambda s: unfit.remove(s, by, finding_id=finding))
    field.at = MONDAY + 3 * DAY
    field.work(lambda s: unfit.replace(s, by, finding_id=finding, substitute_id=luca))
    field.at = MONDAY + 30 * DAY
    assert known() == (2, 3)


# -- ties -------------------------------------------------------------------------------------------------------------


def test_whom_he_declares_is_never_his_and_he_learns_nothing_by_it(field: Field) -> None:
    agent = field.active()
    by = field.work(lambda s: principal_of(s, field.fabio))
    mario = field.work(lambda s: s.get_one(Contact, field.cast.mario).codice_fiscale)
    assert signs(field, agent) == ()
    for code in (mario, "RSSMRA70A01D403R", mario):  # twice the same, and somebody who is no taxpayer
        field.work(lambda s, code=code: declaring.declare(s, by, codice_fiscale=code, tie=Tie.FAMILY, past=True))
    assert signs(field, agent) == (Sign.DECLARED,)
    (tie,) = field.work(
        lambda s: declaring.of_agent(s, field.sara, agent_id=agent, ente_ids=[field.cast.empoli])
    )  # fmt: skip
    assert (tie.contact_id, tie.tie, tie.past) == (field.cast.mario, Tie.FAMILY, True)
    with pytest.raises(FieldError):
        field.work(lambda s: declaring.declare(s, by, codice_fiscale="MARIO", tie=Tie.FAMILY, past=False))
    with pytest.raises(ForbiddenError):  # nobody does it for him
        field.work(lambda s: declaring.declare(s, field.sara, codice_fiscale=mario, tie=Tie.FAMILY, past=False))


def signs(field: Field, agent: int) -> tuple[Sign, ...]:
    mario = field.cast.mario
    return field.work(lambda s: queries.signs_of(s, agent_id=agent, contact_ids=[mario]))[mario]


# -- who may --------------------------------------------------------------------------------------------------------


def test_an_approver_of_empoli_decides_nothing_of_vinci(field: Field) -> None:
    agent, by, vinci = field.ready(), field.sara, field.cast.vinci
    (asked,) = field.work(lambda s: accrediting.propose(s, by, agent_id=agent, ente_ids=[vinci]))
    stranger = field.approver(field.cast.empoli)
    with pytest.raises(NotFoundError):  # he does not see it
        field.of(
            field.cast.empoli, lambda s: accrediting.decide(s, stranger, accreditation_id=asked, approves=True)
        )  # fmt: skip
    with pytest.raises(ForbiddenError):  # nor may he where it is seen
        field.work(lambda s: accrediting.decide(s, stranger, accreditation_id=asked, approves=True))
    with pytest.raises(ForbiddenError):
        field.work(
            lambda s: unfit.find(
                s, stranger, agent_id=agent, ente_id=vinci, grounds="Non mi piace affatto.", link_to=LINK
            )
        )
    with pytest.raises(NotFoundError):
        field.work(lambda s: overview.of_accreditation(s, stranger, asked))
    with pytest.raises(NotFoundError):
        field.work(lambda s: overview.seen(s, stranger, agent))
    with pytest.raises(NotFoundError):  # to Empoli he was never proposed
        field.work(
            lambda s: unfit.find(
                s, stranger, agent_id=agent, ente_id=field.cast.empoli, grounds="Non mi piace.", link_to=LINK
            )
        )  # fmt: skip


def test_a_viewer_and_the_agent_himself_decide_nothing(field: Field) -> None:
    agent, by, empoli = field.ready(), field.sara, field.cast.empoli
    (asked,) = field.work(lambda s: accrediting.propose(s, by, agent_id=agent, ente_ids=[empoli]))
    for user_id in (field.cast.vera, field.fabio, field.cast.sara, field.cast.anna):
        who = field.work(lambda s, user_id=user_id: principal_of(s, user_id))
        with pytest.raises(ForbiddenError):
            field.work(lambda s, who=who: accrediting.decide(s, who, accreditation_id=asked, approves=True))
        if user_id != field.cast.sara:
            with pytest.raises(ForbiddenError):
                field.work(lambda s, who=who: register.issue_badge(s, who, agent_id=agent))
            with pytest.raises(ForbiddenError):
                field.work(
                    lambda s, who=who: unfit.find(
                        s, who, agent_id=agent, ente_id=empoli, grounds="Lo dico io, basta.", link_to=LINK
                    )
                )
    assert field.work(lambda s: s.get_one(Accreditation, asked).decision) is Decision.PROPOSED


def test_who_manages_for_another_contract_knows_him_not(field: Field) -> None:
    agent = field.ready()
    sieneses = Principal(
        field.cast.marta, "", "it", frozenset({Held(Role.SUPERVISOR, None, field.cast.other_contract)})
    )  # fmt: skip
    scope = Scope.of_enti([field.cast.siena], [field.cast.other_contract])
    for do in (
        lambda s: register.managed(s, sieneses, agent),
        lambda s: register.issue_badge(s, sieneses, agent_id=agent),
        lambda s: register.edit(s, sieneses, agent_id=agent, told=FABIO),
        lambda s: accrediting.propose(s, sieneses, agent_id=agent, ente_ids=[field.cast.siena]),
        lambda s: overview.seen(s, sieneses, agent),
    ):
        with pytest.raises(NotFoundError):
            field._in(scope, do)
    assert field._in(scope, lambda s: overview.of_manager(s, sieneses)) == []
    with pytest.raises(ForbiddenError):  # nor may Sara propose him where she manages nothing
        field.work(lambda s: accrediting.propose(s, field.sara, agent_id=agent, ente_ids=[field.cast.siena]))


def test_everything_is_in_the_access_log(field: Field) -> None:
    agent = field.active()
    found_unfit(field, agent)
    kinds = set(field.work(lambda s: s.scalars(select(AuditEntry.kind)).all()))
    assert {
        "field_agent.entered", "field_agent.portrayed", "field_agent.paper_brought", "field_agent.badge_issued",
        "field_agent.proposed", "field_agent.approved", "field_agent.letter_made", "field_agent.notified",
        "field_agent.unfit", "field.company_written",
    } <= kinds  # fmt: skip


def test_the_fixture_of_the_other_parts_is_an_agent_who_may_act(field: Field) -> None:
    """`people.an_agent` and `approved`, by which the tests of practices and visits begin."""
    from tests.outbound.field.people import an_agent  # noqa: PLC0415

    def work(session: Session) -> tuple[Obstacle, ...]:
        agent = an_agent(session, field.fabio, field.cast.sara)
        approved(session, field.cast.empoli, agent, field.cast.sara)
        return queries.may_act(session, agent_id=agent.id, ente_id=field.cast.empoli, day=MONDAY.date())

    assert field.work(work) == ()
