"""Before somebody is called the gestionale is asked whether he has paid: nobody is called who, as it knows, has."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from crm.collection.models import CollectionSource, ContactLookup, ImportRefusal, ImportRun, Of, SourceKind
from crm.collection.simulator.app import Gestionale
from crm.collection.simulator.state import EnteState
from crm.collection.sources.lookups import Lookups
from crm.collection.sources.port import Lookup
from crm.contacts.models import Contact, ContactPreference, ContactReach
from crm.core import clock
from crm.core.errors import ConflictError
from crm.enti.models import Ente
from crm.positions.models import Position
from outbound.campaigns import contacts
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Mode
from outbound.compliance import calls, windows
from outbound.compliance.calls import judge
from outbound.compliance.rules import Person, Reason, Rules, Written
from outbound.compliance.writing import judge_written
from outbound.dialer import calling, driving
from outbound.dialer.driving import Dialer
from tests.cast import principal_of
from tests.crm.collection.sources.conftest import serving
from tests.outbound.dialing import Dialing
from tests.telephony.conftest import stage
from tests.telephony.stage import TO, Stage

__all__ = ["stage"]
TOKEN = "a-token"  # of the stand-in
DAYS = timedelta(days=1)


class Asked(Dialing):
    """The campaign of an ente whose gestionale, the stand-in, answers about one taxpayer."""

    def __init__(self, stage: Stage, *, mode: Mode = Mode.PROGRESSIVE, others: int = 0) -> None:
        super().__init__(stage, mode=mode, others=others)
        self.gestionale = Gestionale(TOKEN, {"D403": stage.work(lambda s: held(s, stage.cast.empoli))})
        now = stage.work(clock.now)
        self.gestionale.now = lambda: now
        self.empoli = self.gestionale.enti["D403"]
        stage.work(lambda s: s.add(source(stage.cast.empoli)))
        self.lookups = Lookups(stage.database)
        self.dialer = Dialer(stage.database, stage.carrier, TO, threads=1, lookups=self.lookups)

    def turn(self) -> int:
        """The gestionale has answered what was asked at a turn before the next one begins."""
        placed = super().turn()
        self.dialer.asked()
        return placed

    def of(self, contact: int) -> Any:
        row = select(CampaignContact.state, CampaignContact.why).where(CampaignContact.contact_id == contact)
        return self.stage.work(lambda s: s.execute(row).one())

    def last(self) -> int:
        """Who comes last."""
        row = select(CampaignContact.contact_id).order_by(CampaignContact.priority).limit(1)
        found: int = self.stage.work(lambda s: s.execute(row).scalar_one())
        return found

    def goes_stale(self) -> None:
        """The last feed came days ago."""
        ago = {"as_of": ImportRun.as_of - 3 * DAYS}
        self.stage.work(lambda s: s.execute(update(ImportRun).values(ago)))

    def pays(self, contact: int) -> None:
        """He pays all that he owes, and the gestionale knows."""
        rows = select(Position.reference).where(Position.contact_id == contact)
        for reference in self.stage.work(lambda s: s.scalars(rows).all()):
            self.empoli.pay(reference, self.gestionale.now())


def source(ente_id: int) -> CollectionSource:
    return CollectionSource(
        ente_id=ente_id, kind=SourceKind.HTTP, name="g", endpoint="EMPOLI", active=True, answers_one=True, failures=0
    )


def held(session: Any, ente_id: int) -> EnteState:
    """What the gestionale holds of those whom the ente has, as its feed would say it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    people = {one.id: one for one in session.scalars(select(Contact).where(Contact.ente_id == ente_id))}
    phones = session.execute(select(ContactReach.contact_id, ContactReach.value)).all()
    for one in people.values():
        found["taxpayer", one.codice_fiscale] = {
            "record": "taxpayer", "codice_fiscale": one.codice_fiscale, "surname": one.surname,
            "given_name": one.given_name, "phones": [phone for whose, phone in phones if whose == one.id],
        }  # fmt: skip
    for row in session.scalars(select(Position).where(Position.ente_id == ente_id)):
        found["position", row.reference] = {
            "record": "position", "reference": row.reference, "tax": "tari", "year": row.year,
            "codice_fiscale": people[row.contact_id].codice_fiscale, "act_kind": row.act_kind.value,
            "act_number": row.act_number, "state": row.state.value, "issued_on": "2024-09-01", "due_on": "2024-11-03",
            "amounts": {"tax": "800.00", "sanctions": "12.00", "residual": "812.00"}, "notification": "notified",
        }  # fmt: skip
    code = session.execute(select(Ente.cadastral_code).where(Ente.id == ente_id)).scalar_one()
    return EnteState(code, clock.now(session) - DAYS, found)


@pytest.fixture
def asked(stage: Stage, loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    found = Asked(stage, others=2)
    with serving(found.gestionale) as port:
        monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_TOKEN", TOKEN)
        yield found
    found.lookups.close()


@pytest.mark.integration
def test_nobody_is_dialed_before_the_gestionale_was_asked_about_him(stage: Stage, asked: Asked) -> None:
    asked.seated(stage.cast.anna)
    assert asked.turn() == 1
    (attempt,) = asked.attempts()
    assert (attempt.contact_id, attempt.lookup) == (stage.cast.mario, Lookup.ANSWERED)
    assert attempt.known_at is not None


@pytest.mark.integration
def test_whom_nobody_has_asked_about_yet_would_be_called_as_far_as_is_known(stage: Stage, asked: Asked) -> None:
    """A dry run says what would come of it at another hour, too: nobody is asked about before his turn."""
    asked.goes_stale()
    sara = stage.work(lambda s: principal_of(s, stage.cast.sara))
    of = {"campaign_id": asked.campaign, "contact_ids": [stage.cast.mario]}
    assert stage.work(lambda s: contacts.explain(s, sara, **of))[stage.cast.mario].allowed
    wish = {"ente_id": stage.cast.empoli, "contact_id": stage.cast.mario, "do_not_call_why": "", "weekdays": []}
    now = stage.work(clock.now)
    row = ContactPreference(**wish, do_not_call_since=now, written_at=now, written_by=stage.cast.anna)
    stage.work(lambda s: s.add(row))
    assert stage.work(lambda s: contacts.explain(s, sara, **of))[stage.cast.mario].reasons == (Reason.DO_NOT_CALL,)


@pytest.mark.integration
def test_who_has_paid_meanwhile_is_out_and_the_next_one_is_dialed(stage: Stage, asked: Asked) -> None:
    asked.pays(stage.cast.mario)
    asked.seated(stage.cast.anna)
    assert asked.turn() == 1
    (attempt,) = asked.attempts()
    assert attempt.contact_id != stage.cast.mario
    assert asked.of(stage.cast.mario) == (ContactState.OUT, Reason.PAID)


@pytest.mark.integration
def test_an_answer_of_minutes_ago_makes_up_for_a_feed_that_is_too_old(stage: Stage, asked: Asked) -> None:
    asked.goes_stale()
    asked.seated(stage.cast.anna)
    assert asked.turn() == 1


@pytest.mark.integration
@pytest.mark.parametrize(("stale", "dialed"), [(False, 1), (True, 0)])
def test_a_gestionale_that_does_not_answer_leaves_it_to_the_age_of_the_feed(
    stage: Stage, asked: Asked, stale: bool, dialed: int
) -> None:
    asked.gestionale.faults = ["error"] * 50
    if stale:
        asked.goes_stale()
    asked.seated(stage.cast.anna)
    assert asked.turn() == dialed
    if dialed:
        (attempt,) = asked.attempts()
        assert attempt.lookup in {Lookup.SILENT, Lookup.LET_ALONE}
    else:
        assert asked.of(stage.cast.mario).why is Reason.STALE


@pytest.mark.integration
def test_an_answer_that_has_grown_old_will_not_do(stage: Stage, asked: Asked) -> None:
    asked.seated(stage.cast.anna)
    old = update(ContactLookup).values(asked_at=ContactLookup.asked_at - timedelta(minutes=6))
    stage.work(lambda s: s.execute(old))
    asked.pays(stage.cast.mario)
    assert asked.turn() == 0
    assert asked.turn() == 1
    assert {one.contact_id for one in asked.attempts()}.isdisjoint({stage.cast.mario})


@pytest.mark.integration
def test_an_operator_looks_at_somebody_while_the_gestionale_is_asked(stage: Stage, asked: Asked) -> None:
    asked.goes_stale()
    asked.pays(stage.cast.mario)
    stage.ready(stage.cast.anna, stage.cast.luca)
    anna, luca = (stage.work(lambda s, one=one: principal_of(s, one)) for one in (stage.cast.anna, stage.cast.luca))
    mario = {"campaign_id": asked.campaign, "contact_id": stage.cast.mario}
    assert (
        stage.work(lambda s: contacts.next_contact(s, anna, campaign_id=asked.campaign)).contact_id
        == mario["contact_id"]
    )
    with pytest.raises(ConflictError):
        stage.work(lambda s: contacts.unasked(s, luca, **mario))
    ente_id = stage.work(lambda s: contacts.unasked(s, anna, **mario))
    assert ente_id == stage.cast.empoli
    asked.lookups.ask(ente_id=ente_id, contact_id=stage.cast.mario)
    assert stage.work(lambda s: contacts.look(s, anna, **mario)).verdict.reasons == (Reason.PAID,)
    with pytest.raises(ConflictError):
        stage.work(lambda s: calling.call(s, anna, **mario))
    assert asked.attempts() == []


@pytest.mark.integration
def test_whoever_calls_without_having_asked_does_not_get_through(stage: Stage, asked: Asked) -> None:
    stage.ready(stage.cast.anna)
    anna = stage.work(lambda s: principal_of(s, stage.cast.anna))
    mario = {"campaign_id": asked.campaign, "contact_id": stage.cast.mario}
    stage.work(lambda s: contacts.next_contact(s, anna, campaign_id=asked.campaign))
    call, verdict = stage.work(lambda s: calling.call(s, anna, **mario))
    assert (call, verdict.reasons) == (None, (Reason.UNCHECKED,))
    assert asked.of(stage.cast.mario).state is ContactState.READY


minutes = st.integers(0, 3 * 24 * 60).map(lambda n: timedelta(minutes=n))
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)


@given(
    heard=st.none() | minutes, asked_ago=st.none() | minutes, answered=st.booleans(), within=st.none() | minutes,
    state=st.sampled_from(["owes", "paid", "suspended"]), changed=minutes,
)  # fmt: skip
def test_nobody_is_dialed_of_whom_the_gestionale_has_said_by_then_that_he_has_paid(
    heard: timedelta | None, asked_ago: timedelta | None, answered: bool, within: timedelta | None, state: str,
    changed: timedelta,
) -> None:  # fmt: skip
    """He owes until `changed` ago; what is known of him is as of the last feed or answer, whichever is later."""
    known = [ago for ago in (heard, asked_ago if answered else None) if ago is not None]
    as_of = AT - min(known) if known else None
    knows = as_of is not None and as_of >= AT - changed
    person = Person(
        numbers=("+393481112223",), known_at=as_of, ask_within=within, paid=knows and state == "paid",
        asked_at=None if asked_ago is None else AT - asked_ago, suspended=knows and state == "suspended",
        due_cents=0 if knows and state != "owes" else 100,
    )  # fmt: skip
    verdict = judge(person, Rules(windows=()), AT)
    if verdict.allowed:
        assert not (knows and state != "owes")
        assert as_of is not None
        assert AT - as_of <= timedelta(hours=24)
        assert within is None or (asked_ago is not None and asked_ago <= within)


def test_only_calls_wait_for_an_answer() -> None:
    unasked = Person(numbers=("+393481112223",), known_at=AT, ask_within=timedelta(minutes=5), due_cents=100)
    assert judge(unasked, Rules(windows=()), AT).reasons == (Reason.UNCHECKED,)
    about_nothing = Rules(windows=(), about_debt=False)
    assert judge(unasked, about_nothing, AT).allowed
    to_write = replace(unasked, addresses={Written.LETTER: ("1",)})
    assert judge_written(to_write, Rules(windows=()), AT, Written.LETTER).allowed


def refuses(asked: Asked, contact: int) -> None:
    """The last feed tells of somebody what nobody could take."""

    def work(session: Any) -> None:
        of = session.get_one(Contact, contact)
        run = session.execute(select(ImportRun.id).where(ImportRun.ente_id == of.ente_id)).scalar_one()
        session.add(
            ImportRefusal(
                ente_id=of.ente_id, run_id=run, line=7, reason="x", of=Of.TAXPAYER, key=of.codice_fiscale,
                codice_fiscale=of.codice_fiscale,
            )
        )  # fmt: skip

    asked.stage.work(work)


@pytest.mark.integration
@pytest.mark.parametrize("offered", [False, True])
def test_of_whom_a_feed_told_what_was_not_taken_an_answer_alone_says_enough(
    stage: Stage, asked: Asked, offered: bool
) -> None:
    refuses(asked, stage.cast.mario)
    if not offered:
        stage.work(lambda s: s.execute(update(CollectionSource).values(answers_one=False)))
    asked.seated(stage.cast.anna)
    assert asked.turn() == 1
    (attempt,) = asked.attempts()
    assert (attempt.contact_id == stage.cast.mario) == offered
    if not offered:
        assert asked.of(stage.cast.mario) == (ContactState.LATER, Reason.STALE)


@pytest.mark.integration
def test_an_answer_of_before_the_refused_feed_says_nothing_of_it(stage: Stage, asked: Asked) -> None:
    asked.lookups.ask(ente_id=stage.cast.empoli, contact_id=stage.cast.mario)
    refuses(asked, stage.cast.mario)
    for one in (ContactLookup, Contact):
        before = update(one).values(as_of=one.as_of - DAYS)
        stage.work(lambda s, before=before: s.execute(before))
    asked.seated(stage.cast.anna)
    assert asked.turn() == 1
    assert asked.attempts()[0].contact_id != stage.cast.mario
    assert asked.of(stage.cast.mario).why is Reason.STALE


@pytest.mark.integration
def test_in_the_hours_of_businesses_alone_the_gestionale_is_asked_about_those_and_not_about_homes_before_them(
    stage: Stage, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_opens", lambda _rules, at, *, business: at if business else None)
    monkeypatch.setattr(driving, "AHEAD", (1, 0, 60))
    last = asked.last()
    stage.work(lambda s: s.execute(update(Contact).where(Contact.id == last).values(residential=False)))
    asked.seated(stage.cast.anna)
    assert asked.turn() == 1
    (attempt,) = asked.attempts()
    assert attempt.contact_id == last
