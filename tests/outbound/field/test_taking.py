"""What Fabio's telephone tells: taken once, whatever is odd kept, and done what follows from it."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.cases.lifecycle import Channel
from crm.cases.models import Case
from crm.collection.models import ContactLookup
from crm.collection.simulator.app import Gestionale
from crm.collection.sources.lookups import Lookups
from crm.collection.sources.port import Lookup
from crm.contacts.models import AddressKind, ConditionKind, ContactAddress, ContactCondition, Verification
from crm.core import clock, jobs
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.follow_ups.models import FollowUp
from crm.messages.models import MessageChannel, Reason
from crm.positions.models import Position
from crm.proposals.models import Proposal
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.field.agents import unfit
from outbound.field.agents.models import FieldAgent, FieldCompany
from outbound.field.closing import settling as settling_quarters
from outbound.field.closing.chain import Operation
from outbound.field.closing.models import PracticeReport, RegisterEntry
from outbound.field.practices.lifecycle import Closed, MandateState, State
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.visits import alarms, asking, devices, packets, queries, settling, taking, wording
from outbound.field.visits.alarms import Raised
from outbound.field.visits.asking import Checked
from outbound.field.visits.entries import Checked as Checkin
from outbound.field.visits.models import AlarmKind, Apart, FieldDevice, FieldEntry, FieldFile, FieldPacket, Visit
from outbound.field.visits.taking import Taken
from outbound.field.visits.timing import Told, Touch
from outbound.field.visits.words import Words
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise
from tests.cast import Cast, principal_of
from tests.crm.collection.sources.conftest import serving
from tests.outbound.field.people import LINK, TELLING, a_device, a_mandate, a_practice, an_agent, approved
from tests.outbound.test_looked_up import held, source

pytestmark = pytest.mark.integration
RUN, GESTIONALE = "this-page", "a-token"


@dataclass
class Road:
    """Fabio (Anna plays him) with a telephone, and Mario's practice that he accepted."""

    session: Session
    cast: Cast
    agent: FieldAgent
    device: FieldDevice
    practice: Practice
    mandate: FieldMandate
    sequence: int = 0

    @property
    def now(self) -> datetime:
        return clock.now(self.session)

    def touch(self, off: timedelta = timedelta(), at: datetime | None = None) -> Touch:
        at = at or self.now
        return Touch(Told(at + off, RUN, 10**9), at)

    def tells(self, *deeds: dict[str, Any], ago: timedelta = timedelta(hours=1), off: timedelta = timedelta(),
              **more: Any) -> dict[str, Any]:  # fmt: skip
        """A visit as the telephone writes it, which another showing of its page made."""
        self.sequence += 1
        began = self.now + off - ago
        made = [
            {**one, "at": (began + timedelta(minutes=place)).isoformat(), "run": "earlier", "elapsed": place * 60_000}
            for place, one in enumerate(deeds)
        ]
        return {
            "id": str(uuid4()), "ente": self.practice.ente_id, "practice": self.practice.id,
            "mandate": str(self.mandate.id), "sequence": self.sequence, "deeds": made, "position": {"why": "denied"},
            "details": {}, "files": [], **made[-1], **more,
        }  # fmt: skip

    def sends(self, *sent: dict[str, Any], touch: Touch | None = None) -> list[Taken]:
        answers = taking.take(self.session, self.device, touch=touch or self.touch(), sent=sent)
        self.session.flush()
        return [one.taken for one in answers]

    def visit(self, sent: dict[str, Any]) -> Visit:
        return self.session.get_one(Visit, UUID(sent["id"]))

    def signs(self, sent: dict[str, Any]) -> list[str]:
        return [one["sign"] for one in self.visit(sent).signs]


@pytest.fixture
def road(everything: Session, cast: Cast) -> Road:
    agent = an_agent(everything, cast.anna, cast.sara)
    approved(everything, cast.empoli, agent, cast.sara)
    practice = a_practice(everything, cast.empoli, cast.mario, cast.sara)
    mandate = a_mandate(everything, practice, agent, cast.sara)
    today = clock.business_day(clock.now(everything))
    mandate.valid_from, mandate.valid_to = today - timedelta(days=9), today + timedelta(days=9)
    return Road(everything, cast, agent, a_device(everything, agent, [cast.empoli]), practice, mandate)


ARRIVED, INTRODUCED, NOBODY = {"deed": "arrived"}, {"deed": "introduced"}, {"deed": "nobody"}
HIMSELF, TOLD, LEFT = {"deed": "who", "whom": "himself"}, {"deed": "told"}, {"deed": "left"}


def gave(outcome: str) -> dict[str, str]:
    return {"deed": "outcome", "outcome": outcome}


def spoke(outcome: str) -> tuple[dict[str, str], ...]:
    return ARRIVED, INTRODUCED, HIMSELF, TOLD, gave(outcome), LEFT


# -- taken once -------------------------------------------------------------------------------------------------------


def test_the_same_outbox_sent_thrice_counts_once(road: Road) -> None:
    absent = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT)
    assert [road.sends(absent) for _ in range(3)] == [[Taken.TAKEN], [Taken.ALREADY], [Taken.ALREADY]]
    assert road.session.scalar(select(func.count()).select_from(Visit)) == 1
    (told,) = road.session.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.FIELD_VISIT))
    assert (told.contact_id, told.status) == (road.cast.mario, "absent")


def test_after_two_days_without_a_network_all_visits_arrive_in_their_order(road: Road) -> None:
    sent = [road.tells(ARRIVED, NOBODY, gave("absent"), LEFT, ago=timedelta(hours=hours)) for hours in (47, 26, 1)]
    assert road.sends(*sent) == [Taken.TAKEN] * 3
    assert road.session.scalars(select(Visit.number).order_by(Visit.began_at)).all() == [1, 2, 3]
    assert (road.practice.state, road.practice.closed) == (State.CLOSED, Closed.NOT_FOUND)  # three were allowed
    assert road.mandate.state is MandateState.ENDED


def test_a_clock_wrong_by_a_day_is_measured_kept_and_shown(road: Road) -> None:
    off = timedelta(days=1)
    sent = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT, off=off)
    road.sends(sent, touch=road.touch(off))
    visit = road.visit(sent)
    assert visit.began_at == road.now - timedelta(hours=1)
    assert visit.device_began_at == visit.began_at + off
    assert (visit.off_s, road.device.off_s) == (86_400, 86_400)
    assert road.signs(sent) == ["clock_off"]


def test_two_telephones_at_one_door_at_one_time_are_both_taken_and_it_is_said(road: Road) -> None:
    first, second = (road.tells(ARRIVED, NOBODY, gave("absent"), LEFT) for _ in range(2))
    road.sends(first)
    another = a_device(road.session, road.agent, [road.cast.empoli], token="altro")
    another.last_sequence = 1
    taking.take(road.session, another, touch=road.touch(), sent=[second])
    assert (road.signs(first), road.signs(second)) == ([], ["twice"])


def test_what_has_not_arrived_is_missed(road: Road) -> None:
    road.tells(ARRIVED)  # it never leaves the telephone
    sent = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT)
    road.sends(sent)
    assert road.signs(sent) == ["missing"]


# -- what may not be --------------------------------------------------------------------------------------------------


def test_a_revoked_agent_s_visits_of_before_are_taken_and_later_ones_kept_apart(road: Road) -> None:
    assert devices.revoke_of(road.session, agent_id=road.agent.id, at=road.now - timedelta(minutes=30)) == 1
    before = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT, ago=timedelta(hours=1))
    later = road.tells(*spoke("refused"), ago=timedelta(minutes=10))
    assert road.sends(before, later) == [Taken.TAKEN, Taken.APART]
    assert devices.must_wipe(road.session, road.device.id)
    (kept,) = queries.apart(road.session, [road.cast.empoli])
    assert (kept.entry.apart, kept.entry.body["deeds"][4]["outcome"]) == (Apart.REVOKED, "refused")
    assert road.practice.state is State.ACCEPTED
    sara = principal_of(road.session, road.cast.sara)
    with pytest.raises(InvalidError):
        settling.settle(road.session, sara, entry_id=kept.entry.id, words=" ")
    settling.settle(road.session, sara, entry_id=kept.entry.id, words="Sentito: non vale.")
    assert queries.apart(road.session, [road.cast.empoli]) == []


def test_what_was_never_his_is_kept_apart_and_what_the_telephone_never_had_is_refused(road: Road) -> None:
    unknown = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT) | {"practice": 999_999}
    elsewhere = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT) | {"ente": road.cast.vinci}
    assert road.sends(unknown, elsewhere) == [Taken.APART, Taken.REFUSED]


@pytest.mark.parametrize(
    "spoilt", [{"deeds": []}, {"deeds": [{"deed": "danced"}]}, {"deeds": "x"}, {"practice": "y"}, {"at": "never"}]
)
def test_what_cannot_be_read_is_kept_as_it_came(road: Road, spoilt: dict[str, Any]) -> None:
    sent = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT, note_of_odd="\x00") | spoilt
    assert [road.sends(sent), road.sends(sent)] == [[Taken.APART], [Taken.ALREADY]]
    assert road.session.get_one(FieldEntry, UUID(sent["id"])).apart is Apart.UNREADABLE


def test_a_debt_told_to_a_neighbour_is_seen(road: Road) -> None:
    sent = road.tells(ARRIVED, INTRODUCED, {"deed": "who", "whom": "third_party"}, TOLD, gave("third_party"), LEFT)
    road.sends(sent)
    visit = road.visit(sent)
    assert visit.faults == [{"place": 3, "fault": "not_entitled"}]
    (odd,) = queries.odd(road.session, [road.cast.empoli])
    assert odd.visit.id == visit.id


def test_a_position_that_cannot_be_is_signed(road: Road) -> None:
    florence = {"latitude": 43.7696, "longitude": 11.2558, "accuracy": 0}
    sent = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT, position=florence)
    road.sends(sent)
    assert road.signs(sent) == ["too_exact", "far"]
    assert 25_000 < (road.visit(sent).distance_m or 0) < 26_500


def test_without_a_mandate_for_that_day_it_is_said(road: Road) -> None:
    road.mandate.valid_to = clock.business_day(road.now) - timedelta(days=3)
    sent = road.tells(ARRIVED, NOBODY, gave("absent"), LEFT)
    road.sends(sent)
    assert road.signs(sent) == ["no_mandate"]


def test_of_a_practice_that_is_closed_by_now_the_visit_is_kept_and_does_nothing(road: Road) -> None:
    first = road.tells(*spoke("refused"), ago=timedelta(hours=3))
    second = road.tells(*spoke("hardship"))
    assert road.sends(first, second) == [Taken.TAKEN] * 2
    assert road.practice.closed is Closed.REFUSED
    assert road.signs(second) == ["no_mandate", "over"]  # it ended with the first


# -- what follows -----------------------------------------------------------------------------------------------------


def test_a_promise_at_the_door_is_a_promise(road: Road) -> None:
    day = (clock.business_day(road.now) + timedelta(days=10)).isoformat()
    sent = road.tells(*spoke("promise"), details={"pay_on": day, "cents": 20_000, "note": "Lo stipendio arriva il 27"})
    road.sends(sent)
    (promise,) = road.session.scalars(select(PaymentPromise))
    assert (promise.cents, promise.state, promise.outcome_id) == (20_000, PromiseState.OPEN, UUID(sent["id"]))
    assert promise.campaign_id is None
    assert road.practice.closed is Closed.PROMISED


def test_a_promise_that_cannot_be_written_is_owed_to_the_office(road: Road) -> None:
    sent = road.tells(*spoke("promise"), details={"pay_on": "2020-01-01"})
    road.sends(sent)
    assert road.signs(sent) == ["not_done"]
    (owed,) = road.session.scalars(select(FollowUp))
    assert owed.note.startswith("Alla visita ha promesso di pagare")


@pytest.mark.parametrize("outcome", ["instalments", "dispute", "already_paid"])
def test_who_asks_for_something_is_answered_before_anybody_comes_again(road: Road, outcome: str) -> None:
    road.sends(road.tells(*spoke(outcome), details={"note": "Due rate"}))
    assert road.practice.state is State.FROZEN
    (case,) = road.session.scalars(select(Case))
    assert case.reasons.endswith("Due rate")
    assert case.channel is Channel.VISIT
    assert road.session.scalars(select(FollowUp)).all() == []


def test_a_death_is_written_down_so_that_nobody_calls(road: Road) -> None:
    road.sends(road.tells(ARRIVED, NOBODY, gave("deceased"), LEFT, details={"note": "Lo dice la vicina"}))
    (told,) = road.session.scalars(select(ContactCondition))
    assert (told.kind, told.contact_id) == (ConditionKind.DECEASED, road.cast.mario)
    assert road.practice.closed is Closed.DECEASED


def test_who_moved_is_looked_for_there_no_more_and_the_new_address_is_proposed(road: Road) -> None:
    address = {"street": "Via Pisana 3", "postcode": "50053", "town": "Empoli", "province": "FI"}
    road.sends(road.tells(ARRIVED, NOBODY, gave("moved"), LEFT, details={"address": address}))
    homes = {
        one.street: one.verification
        for one in road.session.scalars(select(ContactAddress).where(ContactAddress.kind == AddressKind.RESIDENCE))
        if one.contact_id == road.cast.mario
    }
    assert homes == {"Via Roma 1": Verification.WRONG, "Via Pisana 3": Verification.UNVERIFIED}
    assert road.session.scalars(select(Proposal)).one().contact_id == road.cast.mario


def test_pictures_are_kept_only_where_the_mandate_allows_them(road: Road) -> None:
    jpeg = b"\xff\xd8\xff\xda\x00\x04..picture\xff\xd9"
    files = [
        {"kind": "signature", "data": b64encode(b"\x89PNG\r\n\x1a\nx").decode()},
        {"kind": "photograph", "data": b64encode(jpeg).decode()},
        {"kind": "photograph", "data": "no picture"},
    ]
    road.sends(road.tells(*spoke("met"), files=files))
    road.mandate.may_photograph = False
    road.sends(road.tells(*spoke("met"), files=files))
    kinds = [one.kind.value for one in road.session.scalars(select(FieldFile))]
    assert sorted(kinds) == ["photograph", "signature", "signature"]
    (entry, _) = road.session.scalars(select(FieldEntry).order_by(FieldEntry.sequence)).all()
    assert entry.body["files"] == ["signature", "photograph", "photograph"]  # their contents are elsewhere


# -- the telephone ----------------------------------------------------------------------------------------------------


def fabio(road: Road) -> Principal:
    return Principal(road.cast.anna, "Fabio", "it", frozenset({Held(Role.FIELD_AGENT, None, road.cast.contract)}))


def test_a_telephone_gets_his_doors_and_it_is_written_down(road: Road) -> None:
    registered = devices.register(road.session, fabio(road), name=" Il mio  telefono ")
    given = packets.give(road.session, fabio(road), token=registered.token)
    (stop,) = given.stops
    assert (stop.practice.id, stop.person.id, stop.left, stop.company) == (
        road.practice.id, road.cast.mario, 3, False,
    )  # fmt: skip
    assert given.words == {road.cast.empoli: Words()}
    assert road.session.get_one(FieldDevice, registered.id).enti == [road.cast.empoli]
    (packet,) = road.session.scalars(select(FieldPacket))
    assert packet.practice_ids == [road.practice.id]


def test_a_revoked_or_another_s_telephone_gets_nothing(road: Road) -> None:
    registered = devices.register(road.session, fabio(road), name="Mio")
    luca = Principal(road.cast.luca, "Luca", "it", fabio(road).held)
    with pytest.raises(ConflictError):
        packets.give(road.session, luca, token=registered.token)
    devices.revoke(road.session, principal_of(road.session, road.cast.sara), device_id=registered.id)
    with pytest.raises(ConflictError):
        packets.give(road.session, fabio(road), token=registered.token)
    with pytest.raises(NotFoundError):
        packets.give(road.session, fabio(road), token="not a token")


def test_what_is_not_accepted_or_not_of_these_days_is_not_on_it(road: Road) -> None:
    registered = devices.register(road.session, fabio(road), name="Mio")
    road.mandate.valid_from = clock.business_day(road.now) + timedelta(days=2)
    assert packets.give(road.session, fabio(road), token=registered.token).stops == ()
    road.mandate.valid_from = clock.business_day(road.now)
    road.practice.state = State.FROZEN
    assert packets.give(road.session, fabio(road), token=registered.token).stops == ()


def test_an_alarm_is_raised_once_answered_and_its_place_forgotten(road: Road) -> None:
    of_company = {"name": "SORI", "address": "Via Roma 1", "pec": "s@pec.it", "holder": "M", "licence": "1"}
    road.session.add(
        FieldCompany(
            id=1, **of_company, codice_fiscale="01234567890", phone="+390571000001", licence_issuer="Q",
            licence_on=date(2026, 1, 1), alarm_phone="+393481112223", alarm_minutes=5, written_at=road.now,
            written_by=road.cast.sara,
        )
    )  # fmt: skip
    road.session.get_one(User, road.cast.sara).email = "sara@filodiretto.example"
    raised = Raised(uuid4(), AlarmKind.PANIC, Told(road.now, RUN, 10**9), None, Checkin(43.7, 10.9, 15))
    for _ in range(2):
        alarms.raise_(road.session, road.device, touch=road.touch(), raised=raised, telling=TELLING)
    (seen,) = alarms.of_enti(road.session, [road.cast.empoli])
    assert (seen.agent, seen.row.latitude) == ("Fabio Lotti", 43.7)
    assert [(one.channel, one.whom, one.due_at > road.now) for one in seen.told] == [
        (MessageChannel.EMAIL, "Sara", False), (MessageChannel.SMS, "+39 348 111 2223", False),
        (MessageChannel.EMAIL, "Sara", True), (MessageChannel.SMS, "+39 348 111 2223", True),
    ]  # fmt: skip
    sara = principal_of(road.session, road.cast.sara)
    alarms.acknowledge(road.session, sara, alarm_id=raised.id, answer="Arrivo, resta in auto")
    (after,) = alarms.of_enti(road.session, [road.cast.empoli])
    assert {one.reason for one in after.told if one.due_at > road.now} == {Reason.CANCELLED}
    (told,) = alarms.answered(road.session, road.device, [raised.id])
    assert (told.by, told.answer) == ("Sara", "Arrivo, resta in auto")
    assert seen.row.latitude is None


def test_the_gestionale_is_asked_about_those_whom_he_goes_to_today_and_the_packet_says_when(road: Road) -> None:
    token = devices.register(road.session, fabio(road), name="Il suo").token
    given = packets.give(road.session, fabio(road), token=token)
    assert (given.asking, given.stops[0].checked) == (False, None)  # of nobody alone it answers
    road.session.add(source(road.cast.empoli))
    road.session.flush()
    given = packets.give(road.session, fabio(road), token=token)
    assert (given.asking, given.stops[0].checked) == (True, Checked())
    row = {"contact_id": road.cast.mario, "ente_id": road.cast.empoli, "asked_at": road.now}
    road.session.add(ContactLookup(**row, outcome=Lookup.ANSWERED, as_of=road.now))
    road.session.flush()
    given = packets.give(road.session, fabio(road), token=token)
    assert (given.asking, given.stops[0].checked) == (False, Checked(road.now, Lookup.ANSWERED))


def test_whom_the_gestionale_says_has_paid_nobody_visits(
    road: Road, database: Database, loopback: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job asks the stand-in over HTTP, and takes in its answer."""
    road.session.add(source(road.cast.empoli))
    gestionale = Gestionale(GESTIONALE, {"D403": held(road.session, road.cast.empoli)})
    reference = road.session.scalars(select(Position.reference).where(Position.contact_id == road.cast.mario)).one()
    gestionale.enti["D403"].pay(reference, road.now)
    token = devices.register(road.session, fabio(road), name="Il suo").token
    assert packets.give(road.session, fabio(road), token=token).asking
    scope, lookups = Scope.of_contract(road.cast.contract), Lookups(database)
    road.session.commit()
    with serving(gestionale) as port, database.begin(scope) as session:
        monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_TOKEN", GESTIONALE)
        asks = [one.id for one in session.scalars(select(jobs.Job).where(jobs.Job.kind == asking.ASK))]
        assert [
            jobs.run(database, {asking.ASK: asking.runner(lookups)}, job_id=one, ente_id=road.cast.empoli)
            for one in asks
        ] == [True]  # however often the telephone asked
    lookups.close()
    with database.begin(scope) as session:
        practice = session.get_one(Practice, road.practice.id)
        assert (practice.state, practice.closed) == (State.CLOSED, Closed.PAID)
        given = packets.give(session, fabio(road), token=token)
        assert (given.asking, given.stops) == (False, ())


def test_the_words_of_an_ente_have_versions(road: Road) -> None:
    sara = principal_of(road.session, road.cast.sara)
    words = Words(notice="Siamo passati. Ci chiami al numero qui sotto.")
    assert wording.of_ente(road.session, road.cast.empoli)[0] == 0
    assert [wording.write(road.session, sara, ente_id=road.cast.empoli, words=words) for _ in range(2)] == [1, 1]
    assert wording.of_ente(road.session, road.cast.empoli) == (1, words)
    with pytest.raises(InvalidError):
        wording.write(road.session, sara, ente_id=road.cast.empoli, words=Words(reason="Chiamo la polizia."))
    vera = Principal(road.cast.vera, "Vera", "it", frozenset({Held(Role.ENTE_APPROVER, road.cast.empoli, None)}))
    assert wording.write(road.session, vera, ente_id=road.cast.empoli, words=Words()) == 2, "they are the ente's"
    with pytest.raises(ForbiddenError):
        wording.write(road.session, fabio(road), ente_id=road.cast.empoli, words=words)


def test_another_contract_sees_nothing_of_it(road: Road, database: Database) -> None:
    road.session.commit()
    with database.begin(Scope.of_contract(road.cast.other_contract)) as session:
        assert session.scalars(select(FieldEntry)).all() == []


def test_a_refusal_closes_the_practice_with_its_report_and_its_place_in_the_register(road: Road) -> None:
    road.sends(road.tells(*spoke("refused")))
    assert (road.practice.state, road.practice.closed) == (State.CLOSED, Closed.REFUSED)
    told = road.session.scalars(select(RegisterEntry).order_by(RegisterEntry.number)).all()
    assert [one.operation for one in told] == [Operation.VISIT, Operation.PRACTICE_CLOSED]
    (report,) = road.session.scalars(select(PracticeReport)).all()
    assert report.practice_id == road.practice.id


def test_who_asks_for_instalments_ends_the_mandate_and_what_he_pays_in_its_days_still_earns(road: Road) -> None:
    road.sends(road.tells(*spoke("instalments")))
    assert (road.practice.state, road.mandate.state) == (State.FROZEN, MandateState.ENDED)
    (mandate,) = settling_quarters.mandates(road.session, ente_id=road.cast.empoli, by=road.now)
    assert mandate.last == road.mandate.valid_to


def test_who_is_found_unfit_has_his_telephones_revoked_in_the_same_transaction(road: Road) -> None:
    sara = Principal(road.cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, road.cast.contract)}))
    grounds = "Ha preso denaro da un contribuente."
    unfit.find(road.session, sara, agent_id=road.agent.id, ente_id=road.cast.empoli, grounds=grounds, link_to=LINK)
    assert (road.device.revoked_at, road.practice.state) == (road.now, State.FROZEN)
