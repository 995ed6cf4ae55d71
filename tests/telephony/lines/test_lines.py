"""Numbers as administrators write them, as the carrier is told of them, and as callers find them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.enti import closure_queries, closures, downtime
from crm.enti import queries as enti
from crm.enti.closure_queries import ClosureView
from crm.enti.downtime import Spell
from crm.levels.metering import Counts
from telephony.calls import queries as calls
from telephony.calls.models import Outcome
from telephony.carriers.port import CarrierError, Gather, Say
from telephony.lines import queries, service
from telephony.lines.models import LineKind, PhoneLine
from telephony.lines.provisioning import Provisioner
from telephony.lines.service import Leads
from telephony.queues import queries as queues
from telephony.queues import service as queue_service
from tests.cast import EMPOLI_LINE, REGIONAL_LINE, STRANGER
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AGO = datetime(2026, 1, 1, tzinfo=UTC)
NEW = "0571 700 555"
E164 = "+390571700555"


@pytest.fixture
def ada(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, stage.cast.contract)}))


def add(stage: Stage, by: Principal, number: str = NEW, **more: Any) -> str:
    leads = Leads("Nuovo", LineKind.GEOGRAPHIC, **more)
    return stage.work(
        lambda session: service.add(session, by, contract_id=stage.cast.contract, number=number, leads=leads)
    )


def spoken(reply: Any) -> str:
    (first,) = (one for one in reply if isinstance(one, Gather))
    return " ".join(one.text for one in first.prompts if isinstance(one, Say))


def test_a_new_number_answers_at_once_and_its_ente_hears_of_it(stage: Stage, ada: Principal) -> None:
    assert add(stage, ada, ente_id=stage.cast.empoli) == E164
    assert "informazioni su un avviso" in spoken(stage.announced(STRANGER, E164, sid="CAnew"))
    logged = stage.work(lambda session: session.scalars(select(AuditEntry)).all())
    told = [(one.ente_id, one.kind, one.detail["subject"], one.detail["after"]["ente"]) for one in logged]
    assert told == [(stage.cast.empoli, "line.added", E164, "Comune di Empoli")]


def test_a_number_may_have_hours_of_its_own_and_the_figures_keep_those_of_the_contract(
    stage: Stage, ada: Principal
) -> None:
    """Requirement V2: hours per line and ente. contact-centre.md: *received* within the metering hours."""
    add(stage, ada, ente_id=stage.cast.empoli)
    other_day = (stage.work(lambda s: clock.in_rome(clock.now(s)).weekday()) + 3) % 7
    with pytest.raises(InvalidError, match="non si legge"):
        stage.work(lambda s: service.save_hours(s, ada, number=E164, week={1: "mai"}))
    stage.work(lambda s: service.save_hours(s, ada, number=E164, week={other_day: "9:00-12:00"}))
    closed = stage.arrives(STRANGER, E164, sid="CAclosed")
    told = spoken(stage.hears(closed))
    assert "gli uffici sono chiusi. Il servizio riapre" in told
    assert told.endswith("alle 9. Arrivederci.")
    assert stage.call(closed).metered
    stage.caller_leaves(closed)
    assert stage.call(closed).outcome is Outcome.CLOSED
    assert sum(stage.counts().values(), Counts()).received == 1
    assert "prema 1" in spoken(stage.announced(STRANGER, EMPOLI_LINE, sid="CAother")), "another number of the ente"
    stage.work(lambda s: service.save_hours(s, ada, number=E164, week={}))
    assert "prema 1" in spoken(stage.announced(STRANGER, E164, sid="CAopen"))
    noted = stage.work(lambda s: s.scalars(select(AuditEntry).where(AuditEntry.kind == "line.hours")).all())
    assert [one.detail["after"][str(other_day)] for one in noted] == ["09:00-12:00", ""]


def test_one_number_is_closed_by_itself_and_never_the_last_by_which_an_ente_is_reached(
    stage: Stage, ada: Principal
) -> None:
    cast = stage.cast
    add(stage, ada, ente_id=cast.empoli)
    sara = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    for _ in range(2):
        stage.work(lambda s: service.shut(s, sara, number=E164, reason="il numero cambia"))
    told = stage.announced(STRANGER, E164, sid="CAshut")
    assert "Il numero cambia." in spoken(told)
    assert "prema 1" in spoken(stage.announced(STRANGER, EMPOLI_LINE, sid="CAother"))
    assert stage.work(lambda s: enti.timetable(s, cast.contract, cast.empoli)).closures == ()  # the service goes on
    stage.work(lambda s: service.shut(s, sara, number=EMPOLI_LINE, reason=""))  # the regional number is left
    with pytest.raises(ConflictError, match="ultimo numero"):
        stage.work(lambda s: service.shut(s, sara, number=REGIONAL_LINE, reason=""))
    with pytest.raises(ConflictError, match="ultimo numero"):
        stage.work(lambda s: service.remove(s, ada, number=REGIONAL_LINE))
    for _ in range(2):
        stage.work(lambda s: service.reopen(s, sara, number=E164))
    assert "prema 1" in spoken(stage.announced(STRANGER, E164, sid="CAopen"))
    noted = stage.work(lambda s: s.scalars(select(AuditEntry.kind).where(AuditEntry.ente_id == cast.empoli)).all())
    assert sorted(noted) == ["line.added", "line.closed", "line.closed", "line.reopened"]


class ClosedNumber:
    """Sara closes a number, and the enti say whether they agree."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cast = stage, stage.cast
        self.sara = Principal(
            self.cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, self.cast.contract)})
        )

    def of(self, ente: int) -> ClosureView:
        (row,) = self.stage.work(lambda s: closure_queries.of_numbers(s, (), [ente]))
        return row

    def shut(self, number: str, reason: str = "guasto alla centrale") -> None:
        self.stage.work(lambda s: service.shut(s, self.sara, number=number, reason=reason))

    def reopen(self, number: str) -> None:
        self.stage.work(lambda s: service.reopen(s, self.sara, number=number))

    def decides(self, ente: int, *, approve: bool = True, reason: str = "", undo: bool = False) -> None:
        vera = Principal(self.cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, ente, None)}))
        row = self.of(ente)

        def work(session: Session) -> None:
            if undo:
                closures.undo_decision(session, vera, closure_id=row.id)
            else:
                closures.decide(session, vera, closure_id=row.id, approve=approve, reason=reason)

        self.stage.database.transact(Scope.of_enti([ente]), work)

    def failed(self, ente: int | None) -> timedelta:
        """Of the minutes of service of this month, those that failed, an hour from now."""

        def work(session: Session) -> timedelta:
            rows = closure_queries.closed(session, self.cast.contract, since=AGO, until=clock.now(session) + HOUR)
            its = closure_queries.concerning(rows, ente, enti.enti_of(session, self.cast.contract))
            stopped, agreed = closure_queries.stops(its, clock.now(session) + HOUR)
            hours = enti.timetable(session, self.cast.contract, ente)
            return downtime.lost(hours, stopped, agreed, period=Spell(AGO, clock.now(session) + HOUR))

        return self.stage.work(work)


@pytest.fixture
def closed(stage: Stage, ada: Principal) -> ClosedNumber:
    add(stage, ada)  # by which everybody is reached besides
    return ClosedNumber(stage)


def test_a_closed_number_is_a_fact_with_who_when_and_why_that_reopening_does_not_forget(closed: ClosedNumber) -> None:
    cast = closed.cast
    closed.shut(REGIONAL_LINE)
    for ente in (cast.empoli, cast.vinci):
        row = closed.of(ente)
        assert (row.number, row.reason, row.declared_by, row.ends_at) == (
            REGIONAL_LINE, "Guasto alla centrale.", "Sara", None,
        )  # fmt: skip
    (told,) = {one.message for one in closed.stage.work(closure_queries.published) if one.number == REGIONAL_LINE}
    assert told == "Guasto alla centrale."
    closed.reopen(REGIONAL_LINE)
    row = closed.of(cast.vinci)
    assert row.reopened_by == "Sara"
    assert row.ends_at is not None
    assert closed.stage.work(closure_queries.published) == []


def test_a_closed_number_counts_as_service_that_failed_unless_each_ente_agrees(closed: ClosedNumber) -> None:
    """V2, L6: what was closed without approval is downtime, of the enti that the number serves."""
    cast = closed.cast
    everybody = (cast.empoli, cast.vinci, None)
    closed.shut(REGIONAL_LINE)
    assert all(HOUR <= closed.failed(one) < HOUR + MINUTE for one in everybody)
    closed.decides(cast.empoli)
    assert closed.failed(cast.empoli) == timedelta()  # from its beginning: nobody could have asked before
    assert closed.failed(cast.vinci) >= HOUR
    assert closed.failed(None) >= HOUR  # the contract as a whole waits for all of them
    with pytest.raises(InvalidError):
        closed.decides(cast.vinci, approve=False)
    closed.decides(cast.vinci, approve=False, reason="Non ce lo avete detto.")
    assert closed.failed(cast.vinci) >= HOUR
    with pytest.raises(ConflictError):
        closed.decides(cast.vinci)
    closed.decides(cast.vinci, undo=True)
    closed.reopen(REGIONAL_LINE)
    closed.decides(cast.vinci)  # afterwards as well
    assert [closed.failed(one) for one in everybody] == [timedelta()] * 3


def test_an_ente_s_own_number_is_its_own_and_no_other_ente_decides_it(closed: ClosedNumber) -> None:
    cast = closed.cast
    closed.shut(EMPOLI_LINE)
    assert closed.failed(cast.empoli) >= HOUR
    assert closed.failed(cast.vinci) == closed.failed(None) == timedelta()
    row = closed.of(cast.empoli)
    for role, ente in ((Role.ENTE_APPROVER, cast.vinci), (Role.ENTE_VIEWER, cast.empoli)):
        other = Principal(cast.vera, "", "it", frozenset({Held(role, ente, None)}))
        with pytest.raises((ForbiddenError, NotFoundError)):
            closed.stage.database.transact(
                Scope.of_enti([ente]),
                lambda s, by=other: closures.decide(s, by, closure_id=row.id, approve=True),  # type: ignore[misc]
            )
    with pytest.raises(NotFoundError):  # it was not planned, and is not taken back like that
        closed.stage.work(lambda s: closures.take_back(s, closed.sara, proposal=row.proposal))


def test_who_calls_a_closed_number_is_counted_apart(closed: ClosedNumber) -> None:
    """He could enter no queue: in the share of lost calls he would make it look better than it is."""
    stage = closed.stage
    closed.shut(EMPOLI_LINE)
    stage.announced(STRANGER, EMPOLI_LINE, sid="CAshut")
    stage.queues(STRANGER, REGIONAL_LINE, sid="CAother")
    closed.reopen(EMPOLI_LINE)
    stage.arrives(STRANGER, EMPOLI_LINE, sid="CAopen")
    assert sum(one.received for one in stage.counts().values()) == 2
    found = stage.work(lambda s: calls.found_shut(s, stage.cast.contract, AGO, clock.now(s) + HOUR))
    assert [(one.line, one.ente_id) for one in found] == [(EMPOLI_LINE, stage.cast.empoli)]
    contract, empoli, vinci = stage.cast.contract, stage.cast.empoli, stage.cast.vinci
    told = stage.work(
        lambda s: [
            calls.how_many_found_shut(s, contract, ente, AGO, clock.now(s) + HOUR) for ente in (None, empoli, vinci)
        ]
    )
    assert told == [1, 1, 0]


def test_a_closed_number_that_is_given_to_another_ente_or_taken_away(
    closed: ClosedNumber, stage: Stage, ada: Principal
) -> None:
    cast = closed.cast
    number = add(stage, ada, "0571 700 556", ente_id=cast.empoli)
    closed.shut(number)
    leads = Leads("Nuovo", LineKind.GEOGRAPHIC, ente_id=cast.vinci)
    stage.work(lambda session: service.save(session, ada, number=number, leads=leads))
    assert closed.of(cast.empoli).ends_at is not None
    assert closed.of(cast.vinci).ends_at is None
    stage.work(lambda session: service.remove(session, ada, number=number))
    assert closed.of(cast.vinci).ends_at is not None


def test_who_may_not_close_the_lines_closes_no_number(stage: Stage) -> None:
    other = Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.other_contract)}))
    for deed in (lambda s: service.shut(s, other, number=EMPOLI_LINE, reason=""),
                 lambda s: service.reopen(s, other, number=EMPOLI_LINE)):  # fmt: skip
        with pytest.raises(NotFoundError):
            stage.work(deed)


def test_toll_free_numbers_are_not_used_as_caller_id(stage: Stage, ada: Principal) -> None:
    """`reference/twilio.md`, Italy. The ente's own number before its contract's, and another ente's never."""
    cast = stage.cast

    def shown(ente_id: int | None, called: str = REGIONAL_LINE) -> str:
        return stage.work(lambda session: queries.caller_id_of(session, cast.contract, ente_id, called))

    assert (shown(cast.empoli), shown(cast.vinci)) == (EMPOLI_LINE, REGIONAL_LINE)
    assert stage.work(lambda session: queries.unshown(session, cast.contract)) == {REGIONAL_LINE}
    theirs = add(stage, ada)
    assert (shown(cast.empoli), shown(cast.vinci), shown(None)) == (EMPOLI_LINE, theirs, theirs)
    assert shown(cast.empoli, called=theirs) == theirs  # whoever is called knows the line that was called
    assert not stage.work(lambda session: queries.unshown(session, cast.contract))
    stage.work(lambda session: queue_service.ring_at(
        session, ada, contract_id=cast.contract, agent_id=cast.anna, number="0571 700777"
    ))  # fmt: skip
    stage.ready(cast.anna)
    stage.queues(STRANGER, REGIONAL_LINE)
    stage.run()
    (ring,) = stage.carrier.rings.values()
    assert (ring.number, ring.caller_id) == ("+390571700777", theirs)


def test_a_number_may_lead_straight_to_a_queue_without_a_menu(stage: Stage, ada: Principal) -> None:
    add(stage, ada, queue_id=stage.cast.notices)
    heard = spoken(stage.announced(STRANGER, E164, sid="CAdirect"))
    assert "prema 1" not in heard
    assert "diciotto cifre" in heard  # that queue asks whom it does not know
    call = stage.arrives(STRANGER, E164, sid="CAother")
    stage.presses(call, "0")
    assert stage.entry(call).queue_id == stage.cast.notices
    leads = Leads("Nuovo", LineKind.GEOGRAPHIC, queue_id=stage.cast.operator)
    stage.work(lambda session: service.save(session, ada, number=E164, leads=leads))
    last = stage.arrives(STRANGER, E164, sid="CAlast")
    assert stage.entry(last).queue_id == stage.cast.operator  # nothing to ask: he waits already


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": "12"}, "number"), ({"number": EMPOLI_LINE}, "number"), ({"ente_id": 3}, "ente"),
        ({"queue_id": 99}, "queue"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_number_is_said_at_its_field(
    stage: Stage, ada: Principal, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(FieldError) as refused:
        add(stage, ada, **wrong)
    assert [one.field for one in refused.value.parts] == [field]


def test_numbers_are_their_administrators_alone(stage: Stage, ada: Principal) -> None:
    sara = Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))
    other = Principal(stage.cast.vera, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, stage.cast.other_contract)}))
    for somebody in (sara, other):
        with pytest.raises(ForbiddenError):
            add(stage, somebody)
        with pytest.raises(NotFoundError):
            stage.work(lambda session, by=somebody: service.remove(session, by, number=EMPOLI_LINE))
    stage.work(lambda session: service.remove(session, ada, number=EMPOLI_LINE))
    assert stage.work(lambda session: queries.in_use(session, EMPOLI_LINE)) is None


def test_without_a_queue_there_is_no_number(stage: Stage) -> None:
    zoe = Principal(stage.cast.vera, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, stage.cast.other_contract)}))
    leads = Leads("Siena", LineKind.FREEPHONE)
    with pytest.raises(ConflictError, match="non ha ancora una coda"):
        stage.work(
            lambda s: service.add(s, zoe, contract_id=stage.cast.other_contract, number="800 123 456", leads=leads)
        )


class Refusing:
    """A carrier that has only some numbers."""

    def __init__(self, *owned: str) -> None:
        self.owned, self.told = owned, list[str]()

    def provision(self, number: str, **_: str) -> None:
        if number not in self.owned:
            raise CarrierError(f"Il numero {number} non è nell'account.", permanent=True)
        self.told.append(number)


def test_the_carrier_is_told_of_new_numbers_once_and_why_it_refuses_one_is_kept(stage: Stage, ada: Principal) -> None:
    carrier = Refusing(EMPOLI_LINE)
    provisioner = Provisioner(stage.database, carrier, TO)  # type: ignore[arg-type]
    add(stage, ada)
    for _ in range(2):
        provisioner.catch_up()
    assert carrier.told == [EMPOLI_LINE]
    told = stage.work(lambda session: queries.told(session, stage.cast.contract))
    assert (told[EMPOLI_LINE].done, told[E164].done, told[E164].trouble) == (
        True, False, f"Il numero {E164} non è nell'account.",
    )  # fmt: skip
    carrier.owned = (E164,)
    assert provisioner.catch_up() == 0
    leads = Leads("Nuovo", LineKind.GEOGRAPHIC)
    stage.work(lambda session: service.save(session, ada, number=E164, leads=leads))  # it was bought meanwhile
    provisioner.catch_up()
    assert carrier.told == [EMPOLI_LINE, E164]
    assert stage.work(lambda session: session.get_one(PhoneLine, E164).trouble) is None


def test_the_last_queue_stays_while_numbers_lead_to_it(stage: Stage, ada: Principal) -> None:
    add(stage, ada, queue_id=stage.cast.notices)
    with pytest.raises(ConflictError, match="porta direttamente"):
        stage.work(lambda session: queue_service.close(session, ada, queue_id=stage.cast.notices))
    stage.work(lambda session: service.remove(session, ada, number=E164))
    stage.work(lambda session: queue_service.close(session, ada, queue_id=stage.cast.notices))
    with pytest.raises(ConflictError, match="ultima coda"):
        stage.work(lambda session: queue_service.close(session, ada, queue_id=stage.cast.operator))
    assert stage.work(lambda s: queues.open_ids(s, stage.cast.contract)) == {stage.cast.operator}
