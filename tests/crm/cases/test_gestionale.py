"""What Mario was granted goes to the gestionale, a program that answers: it does it, refuses it, or takes too long."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.cases import service, views, warning, watching
from crm.cases.gestionale import patience
from crm.cases.gestionale.standing import Progress
from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic
from crm.cases.models import CaseTerm
from crm.cases.queries import waiting
from crm.cases.saying import Request, Said
from crm.cases.terms import TermKind
from crm.cases.views import CaseView
from crm.core.db import Database
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.positions.models import Position, PositionState
from crm.proposals import service as proposals
from crm.proposals.models import Proposal
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import Cast
from tests.crm.collection.sources.conftest import TOKEN, Served, served
from tests.crm.proposals.test_delivery import Wired

__all__ = ["served"]
pytestmark = pytest.mark.integration


class Desk(Wired):
    """An office that works on cases, too."""

    def opens(self, topic: Topic) -> int:
        """Mario asks for something about his debt."""
        request = Request(topic, Channel.DESK, "Ha perso il lavoro", "24 rate", references=["E-1"])
        made: int = self.do(
            lambda session: service.open_case(
                session, self.people["anna"], request=request, contact_id=self.cast.mario
            )
        )  # fmt: skip
        return made

    def does(
        self, case: int, deed: Deed, by: str = "anna", words: str = "", outcome: Outcome | None = None,
        instalments: int | None = None,
    ) -> None:  # fmt: skip
        """A step."""
        version = self.seen(case).version
        self.do(
            lambda session: service.step(
                session, self.people[by], case_id=case, version=version, deed=deed,
                said=Said(words, outcome, instalments=instalments),
            )
        )  # fmt: skip

    def seen(self, case: int) -> CaseView:
        """The case as it stands."""
        found: CaseView = self.do(lambda session: views.one(session, case))
        return found

    def progress(self, case: int) -> tuple[Progress | None, str]:
        """Where its debt stands at the gestionale, and why."""
        (debt,) = self.seen(case).debts
        return debt.progress, debt.said

    def looks(self) -> None:
        """The engine looks at what the gestionale did."""
        watching.look(self.database)

    def hands_over(self) -> None:
        """What waits goes to the gestionale, and its answers come."""
        self.export()
        self.works()
        self.looks()

    def relief(self) -> int:
        """A relief that the ente has to decide."""
        case = self.opens(Topic.RELIEF)
        self.does(case, Deed.TAKE)
        self.does(case, Deed.SEND_SHEET)
        return case


@pytest.fixture
def desk(database: Database, cast: Cast, served: Served, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_DEMO_URL", served.url)
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_DEMO_TOKEN", TOKEN)
    wired = Desk(database, cast)
    wired.served = served
    wired.inbox.at_once = True
    wired.people["sara"] = Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    wired.connects()
    return wired


def knows(desk: Desk, **more: Any) -> None:
    """The gestionale has Mario's debt."""
    position = next(one for (kind, _), one in desk.served.empoli.records.items() if kind == "position")
    desk.served.empoli.records["position", "E-1"] = {**position, "reference": "E-1", **more}


def test_what_is_granted_goes_with_the_decision_is_done_and_closes_the_case(desk: Desk) -> None:
    knows(desk)
    case = desk.relief()
    desk.does(case, Deed.AUTHORISE, by="ada", outcome=Outcome.GRANTED)
    assert desk.progress(case) == (Progress.OWED, "")
    assert TermKind.GESTIONALE_ANSWERS in {one.kind for one in desk.seen(case).running}
    (made,) = desk.do(lambda session: session.scalars(select(Proposal)).all())
    assert (made.what, made.reference, made.decided_as) == ("relief", "E-1", "ente_approver")
    with pytest.raises(ConflictError):  # it is changed in the request
        desk.do(lambda session: proposals.undo_decision(session, desk.people["ada"], proposal_id=made.id))
    kinds = desk.do(lambda session: session.scalars(select(TimelineEntry.kind)).all())
    assert EntryKind.PROPOSAL not in kinds  # the case is there, and is the one thing
    desk.export()
    assert desk.progress(case) == (Progress.SENT, "")
    desk.works()
    desk.looks()
    assert desk.progress(case) == (Progress.ACCEPTED, "")
    assert desk.served.empoli.records["position", "E-1"]["state"] == "relieved"
    assert {one.kind for one in desk.seen(case).running} >= {TermKind.CARRIED}
    desk.do(
        lambda session: service.register(
            session, desk.people["anna"], case_id=case, version=desk.seen(case).version, number="7",
            day=desk.seen(case).received_at.date(),
        )
    )  # fmt: skip
    desk.do(
        lambda session: session.execute(
            update(Position).where(Position.reference == "E-1").values(state=PositionState.RELIEVED)
        )
    )
    desk.looks()
    one = desk.seen(case)
    assert one.state is State.DECIDED  # he is still to be told, and nobody waits for the gestionale
    assert TermKind.CARRIED not in {each.kind for each in one.running}
    desk.does(case, Deed.REPLY, words="Lo sgravio è concesso")
    assert desk.seen(case).state is State.AT_GESTIONALE
    desk.looks()
    assert desk.seen(case).state is State.CLOSED
    assert desk.progress(case)[0] is Progress.SEEN


def test_what_is_refused_is_open_again_where_it_was_decided_and_its_owner_is_told_why(desk: Desk) -> None:
    knows(desk, state="paid")
    case = desk.opens(Topic.INSTALMENTS)
    desk.does(case, Deed.TAKE)
    with pytest.raises(InvalidError):  # in how many?
        desk.does(case, Deed.DECIDE, words="Ha i requisiti", outcome=Outcome.GRANTED)
    desk.does(case, Deed.DECIDE, words="Ha i requisiti", outcome=Outcome.GRANTED, instalments=12)
    assert desk.seen(case).instalments_granted == 12
    desk.hands_over()
    (told,) = desk.inbox.proposals.values()
    assert (told["instalments"], told["asked"]) == (12, "24 rate")
    one = desk.seen(case)
    assert (one.state, one.outcome, one.instalments_granted) == (State.WORKING, None, None)
    assert desk.progress(case) == (Progress.REFUSED, "La posizione è già pagata")
    assert (one.steps[0].deed, "già pagata" in one.steps[0].words) == (Deed.REJECTED, True)
    assert desk.do(lambda session: waiting(session, user_id=desk.cast.anna, manages=False, decides=False)) == 1
    desk.looks()
    assert desk.seen(case).version == one.version  # heard once
    desk.does(case, Deed.DECIDE, words="Ha i requisiti", outcome=Outcome.GRANTED, instalments=6)
    assert desk.progress(case) == (Progress.OWED, "")
    with pytest.raises(ForbiddenError):  # it is nobody's step here
        desk.does(case, Deed.REJECTED)


def test_what_was_accepted_and_is_not_seen_is_told_before_the_days_of_the_ente_are_over(desk: Desk) -> None:
    knows(desk)
    sara = desk.people["sara"]
    with pytest.raises(InvalidError):
        desk.do(lambda session: patience.write(session, sara, ente_id=desk.cast.empoli, new=0))
    desk.do(lambda session: patience.write(session, sara, ente_id=desk.cast.empoli, new=4))
    case = desk.relief()
    desk.does(case, Deed.AUTHORISE, by="ada", outcome=Outcome.PARTLY)
    desk.hands_over()
    term = next(one for one in desk.seen(case).running if one.kind is TermKind.CARRIED)
    assert term.days == 4
    back = timedelta(days=3, hours=20)
    desk.do(
        lambda session: session.execute(
            update(CaseTerm)
            .where(CaseTerm.id == term.id)
            .values(since_at=CaseTerm.since_at - back, due_at=CaseTerm.due_at - back)
        )
    )
    desk.do(lambda session: warning.warn(session, ente_id=desk.cast.empoli))
    warned = [one.said for one in desk.seen(case).steps if one.deed is Deed.WARN]
    assert {one.value for one in warned if one} == {"owner", "supervisor"}
