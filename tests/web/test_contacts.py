"""Anna has Mario's card before her: she writes down what he tells, takes it back; others see nothing of it."""

import re
from datetime import date, datetime
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.contacts import conditions, merging, relations
from crm.contacts.disclosure import RelationKind
from crm.contacts.models import (
    ConditionKind,
    Contact,
    ContactCondition,
    ContactPreference,
    ContactReach,
    LastOutcome,
    PersonKind,
    Relation,
    Source,
    Verification,
)
from crm.contacts.recording import Telling
from crm.core import clock
from crm.core.db import Database, Scope
from crm.files import service as files
from crm.files.models import Interlocutor, Purpose
from tests.cast import AS_OF, MARIO_MOBILE, Cast, principal_of
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


class Reader:
    """Somebody with a browser before a card."""

    def __init__(self, client: TestClient, username: str, contact_id: int) -> None:
        let_in(client, username)
        self.client, self.path = client, f"/contacts/{contact_id}"
        self.headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}

    def card(self) -> str:
        """The card as it is now."""
        return self.client.get(f"{self.path}/card").text

    def post(self, path: str, **fields: Any) -> Any:
        """A form or button of the card."""
        path = path if path.startswith("/") else f"{self.path}/{path}"
        return self.client.post(path, data=fields, headers=self.headers)

    def undo(self, answer: Any) -> Any:
        """The way back that an answer offers."""
        path = re.search(r'hx-post="([^"]+)"', answer.text)
        assert path is not None, answer.text
        fields: dict[str, Any] = {}
        for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', answer.text):
            fields.setdefault(name, []).append(value)
        return self.post(path[1], **fields)


@pytest.fixture
def anna(client: TestClient, cast: Cast) -> Reader:
    return Reader(client, "anna", cast.mario)


def row_of(database: Database, cast: Cast, value: str) -> ContactReach | None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return session.scalars(select(ContactReach).where(ContactReach.value == value)).one_or_none()


def test_a_new_mobile_is_written_the_old_one_is_wrong_and_both_can_be_taken_back(
    anna: Reader, database: Database, cast: Cast
) -> None:
    assert "+39 348 000 0001" in anna.card()
    added = anna.post("reaches", kind="phone", value=" 347/000.0002 ", source="taxpayer")
    assert "Aggiunto." in added.text
    assert "+39 347 000 0002" in anna.card()
    old = row_of(database, cast, MARIO_MOBILE)
    assert old is not None
    wrong = anna.post(f"/contacts/details/reach/{old.id}/verification", to="wrong")
    assert "Segnato come errato." in wrong.text
    assert "check-wrong" in anna.card()
    assert 'value="unverified"' in anna.card()  # pressed again, it is neither
    anna.undo(wrong)
    assert "check-wrong" not in anna.card()
    anna.undo(added)
    assert "+39 347 000 0002" not in anna.card()


def test_nobody_answers_at_an_email_address(anna: Reader, database: Database, cast: Cast) -> None:
    anna.post("reaches", kind="email", value="mario@example.it", source="taxpayer")
    for value, offered in (("mario@example.it", False), (MARIO_MOBILE, True)):
        row = row_of(database, cast, value)
        assert row is not None
        outcomes = anna.card().split(f'id="outcome-reach-{row.id}"')[1].split("</select>")[0]
        assert ("wrong_person" in outcomes) == offered


def test_what_is_wrong_is_said_at_its_field(anna: Reader) -> None:
    answer = anna.post("reaches", kind="phone", value="1" * 400)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["value"])
    answer = anna.post("addresses", kind="domicile", street=" ", town="Empoli", postcode="5005", province="FIR")
    assert sorted(answer.json()["fields"]) == ["postcode", "province", "street"]
    answer = anna.post("preferences", hours_from="18:00", hours_to="09:00")
    assert list(answer.json()["fields"]) == ["hours_to"]
    assert anna.post("conditions", kind="deceased", since="2099-01-01").json()["fields"].keys() == {"since"}
    assert anna.post("consents", purpose="survey", given="true").json()["fields"].keys() == {"purpose"}
    assert anna.post("relations", kind="heir", name="").json()["fields"].keys() == {"name"}
    assert anna.post("reaches", kind="pigeon", value="x").status_code == 422
    assert anna.post("reaches", kind="phone", value="0571700123", source="gestionale").status_code == 422


def test_he_asks_not_to_be_called_and_is_asked_for_a_better_time(anna: Reader) -> None:
    asked = anna.post("do-not-call", why="Lavora di notte")
    assert "Lavora di notte" in anna.card()
    anna.undo(asked)
    assert 'id="no-calls"' not in anna.card()
    first = {"language": "ro", "channel": "phone", "weekdays": [0, 2], "hours_from": "17:00", "hours_to": "19:00"}
    anna.post("preferences", **first)
    second = anna.post("preferences", language="it")
    assert "17:00" not in anna.card()
    anna.undo(second)
    html = anna.card()
    assert "lunedì, mercoledì" in html
    assert "17:00–19:00" in html
    assert "rumeno" in html


def test_a_death_is_told_and_was_a_mistake(anna: Reader) -> None:
    told = anna.post("conditions", kind="deceased", since="2026-01-02", note="<b>certificato</b>", source="related")
    assert "sign-deceased" in anna.card()
    assert "&lt;b&gt;certificato" in anna.card()
    withdrawn = anna.undo(told)
    assert "sign-deceased" not in anna.card()
    anna.undo(withdrawn)
    assert "sign-deceased" in anna.card()


def standing(database: Database, cast: Cast) -> list[tuple[date | None, str]]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        found = session.execute(
            select(ContactCondition.since, ContactCondition.note).where(ContactCondition.withdrawn_at.is_(None))
        )
        return [(since, note) for since, note in found]


def test_a_wrong_date_taken_back_leaves_the_death_as_it_was_told_first(
    anna: Reader, database: Database, cast: Cast
) -> None:
    anna.post("conditions", kind="deceased", since="2026-01-02", note="certificato", source="related")
    again = anna.post("conditions", kind="deceased", since="2026-02-01", source="related")
    assert standing(database, cast) == [(date(2026, 2, 1), "")]
    anna.undo(again)
    assert standing(database, cast) == [(date(2026, 1, 2), "certificato")]


def test_a_number_told_again_is_not_taken_away_by_taking_that_back(
    anna: Reader, database: Database, cast: Cast
) -> None:
    anna.post("reaches", kind="phone", value="347 000 0002", source="taxpayer")
    row = row_of(database, cast, "+393470000002")
    assert row is not None
    anna.post(f"/contacts/details/reach/{row.id}/verification", to="verified")
    again = anna.post("reaches", kind="phone", value="347 000 0002", source="related")
    assert "Aggiunto." in again.text
    assert "hx-post" not in again.text
    anna.post(f"/contacts/details/reach/{row.id}/outcome", outcome="wrong_person")
    anna.post(f"/contacts/details/reach/{row.id}/verification", to="wrong")
    anna.undo(anna.post("reaches", kind="phone", value="347 000 0002", source="related"))
    found = row_of(database, cast, "+393470000002")
    assert found is not None
    assert (found.verification, found.outcome) == (Verification.WRONG, LastOutcome.WRONG_PERSON)


@pytest.mark.parametrize("stated", [True, False])
def test_a_relation_told_anew_and_taken_back_is_what_it_was(
    anna: Reader, database: Database, cast: Cast, stated: bool
) -> None:
    who = {"kind": "delegate", "name": "Studio Verdi", "codice_fiscale": "00975370487"}
    first = anna.post("relations", **who, phone="0571 700123", valid_to="2026-06-30", source="ente")
    assert "/remove" in first.text
    assert "ma è già finita" in first.text
    with database.begin(Scope.of_contract(cast.contract)) as session:
        source = Source.GESTIONALE if stated else Source.ENTE
        session.execute(update(Relation).values(stated=stated, source=source))
    again = anna.post("relations", **{**who, "name": "Studio Verde"}, source="taxpayer")
    assert "/remove" not in again.text
    assert "30 giu 2026" not in anna.card()
    anna.undo(again)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        (row,) = session.scalars(select(Relation))
    assert (row.name, row.phone, row.valid_to) == ("Studio Verdi", "+390571700123", date(2026, 6, 30))
    assert (row.source, row.stated) == (source, stated)


def test_nobody_makes_up_the_collection_systems_word(anna: Reader, database: Database, cast: Cast) -> None:
    anna.post("relations", kind="delegate", name="Studio Verdi", source="ente")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        (row,) = session.scalars(select(Relation))
    forged = anna.post(f"/contacts/relations/{row.id}/restore", name="Studio Verdi", source="gestionale")
    assert forged.status_code == 422
    assert anna.post("/contacts/relations/99999/restore", name="X", source="ente").status_code == 404


def refusals(database: Database, cast: Cast) -> dict[int, tuple[datetime | None, str]]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return {one.contact_id: (one.do_not_call_since, one.do_not_call_why)
                for one in session.scalars(select(ContactPreference))}  # fmt: skip


def test_taking_back_that_he_may_be_called_leaves_since_when_he_may_not(
    anna: Reader, database: Database, cast: Cast
) -> None:
    anna.post("do-not-call", why="Lavora di notte")
    before = refusals(database, cast)
    anna.undo(anna.post("call-again"))
    assert refusals(database, cast) == before
    anna.undo(anna.post("do-not-call", why="Altro"))  # said twice, and the second was a slip
    assert refusals(database, cast) == before
    late = {"row": cast.mario, "since": "2099-01-01T00:00:00+00:00", "why": ""}
    assert anna.post("/contacts/calls-as-before", **late).status_code == 422
    for wrong in ("ieri", "0001-01-01T00:00:00+00:00", "2026-01-01T00:00:00"):
        assert anna.post("/contacts/calls-as-before", **late | {"since": wrong}).status_code == 422
    theirs = {"row": cast.stranger_in_siena, "since": "", "why": ""}
    assert anna.post("/contacts/calls-as-before", **theirs).status_code == 404


def test_whoever_was_merged_may_be_called_again_with_all_his_rows(anna: Reader, database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        double = Contact(
            ente_id=cast.empoli, codice_fiscale="BNCMRA62A01D403Y", kind=PersonKind.NATURAL, surname="BIANCHI",
            given_name="MARIO", name_key="BIANCHI MARIO", as_of=AS_OF, digest="x",
        )  # fmt: skip
        session.add(double)
        session.flush()
        other = double.id
        sara = principal_of(session, cast.sara)
        merging.merge(session, sara, kept_id=cast.mario, merged_id=other, reason="Stesso telefono")
    anna.post(f"/contacts/{other}/do-not-call", why="Lavora di notte")
    before = refusals(database, cast)
    assert "Lavora di notte" in anna.card()
    again = anna.post("call-again")
    assert 'id="no-calls"' not in anna.card()
    anna.undo(again)
    assert refusals(database, cast) == before


def test_a_name_with_markup_is_a_name(anna: Reader) -> None:
    anna.post("relations", kind="delegate", name="<script>alert(1)</script>", phone="0571 700123")
    assert "<script>alert" not in anna.card()
    assert "&lt;script&gt;alert(1)" in anna.card()


def test_a_delegate_hears_what_his_mandate_covers(anna: Reader, database: Database, cast: Cast) -> None:
    anna.post("relations", kind="delegate", name="Studio Verdi", codice_fiscale="00975370487", source="related")
    relation = re.search(r'id="relation-(\d+)"', anna.card())
    assert relation is not None
    assert "Manca il mandato scritto" in anna.card()
    path = f"/contacts/relations/{relation[1]}/mandate"
    assert sorted(anna.post(path, document=" ").json()["fields"]) == ["document"]
    anna.post(path, document="Prot. 12", covers=["acts", "amounts"], valid_to="2099-12-31")
    assert "Puoi parlare di importi, atti e informazioni generali" in anna.card()
    listed = anna.client.get("/mandates").text
    assert "Prot. 12" in listed
    assert "in vigore" in listed
    mandate = re.search(r'id="mandate-(\d+)"', listed)
    assert mandate is not None
    ended = anna.post(f"/mandates/{mandate[1]}/end", on="2000-01-01")
    assert list(ended.json()["fields"]) == ["on"] or ended.status_code == 422
    assert list(anna.post(f"/mandates/{mandate[1]}/end", on="").json()["fields"]) == ["on"]
    with database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    ended = anna.post(f"/mandates/{mandate[1]}/end", on=today.isoformat())
    assert "oggi è l'ultimo giorno" in unescape(ended.text)
    assert "31 dic 2099" in anna.undo(ended).text
    anna.undo(anna.post(f"/contacts/relations/{relation[1]}/end", on="2099-01-01"))


def test_who_reads_the_card_is_recorded(anna: Reader, database: Database, cast: Cast) -> None:
    anna.client.get(anna.path)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        read = session.execute(
            select(AuditEntry.actor_id, AuditEntry.contact_id).where(AuditEntry.kind == "contact.opened")
        )
        assert read.all() == [(cast.anna, cast.mario)]


def test_beside_a_file_the_card_does_not_say_again_whose_it_is(anna: Reader) -> None:
    for told in ("MARIO BIANCHI", "BNCMRA62A01D403X", "nato/a il"):
        assert told in anna.client.get(anna.path).text
        assert told not in anna.card()


def test_the_ente_reads_and_cannot_write(client: TestClient, cast: Cast, database: Database) -> None:
    let_in(client, "vera")
    html = client.get(f"/contacts/{cast.mario}").text
    assert "+39 348 000 0001" in html
    assert "hx-post" not in html
    headers = {"X-CSRF-Token": html.split('X-CSRF-Token": "')[1].split('"')[0], "HX-Request": "true"}
    answer = client.post(f"/contacts/{cast.mario}/do-not-call", headers=headers)
    assert answer.status_code == 403


def test_another_contracts_contact_does_not_exist(anna: Reader, cast: Cast) -> None:
    for path in ("", "/card"):
        assert anna.client.get(f"/contacts/{cast.stranger_in_siena}{path}").status_code == 404


def test_nothing_is_written_of_another_contracts_contact(anna: Reader, cast: Cast) -> None:
    kinds = {
        "reaches": "phone", "addresses": "domicile", "conditions": "ceased", "preferences": "", "do-not-call": "",
        "relations": "heir",
    }  # fmt: skip
    more = {"value": "0571700123", "street": "Via Roma 1", "town": "Siena", "name": "Ugo"}
    for what, kind in kinds.items():
        assert anna.post(f"/contacts/{cast.stranger_in_siena}/{what}", kind=kind, **more).status_code == 404
    assert anna.post("/contacts/conditions/999/withdraw").status_code == 404
    assert anna.post("/contacts/details/reach/999/verification", to="wrong").status_code == 404


def test_without_the_pages_token_nothing_is_written(anna: Reader) -> None:
    anna.headers.pop("X-CSRF-Token")
    assert anna.post("do-not-call").status_code == 403


def test_the_live_page_shows_what_a_colleague_writes(anna: Reader, cast: Cast) -> None:
    with anna.client.websocket_connect(f"/ws/contact-{cast.mario}", headers={"origin": "http://testserver"}) as socket:
        assert "+39 348 000 0001" in socket.receive_text()
        anna.post("reaches", kind="phone", value="0571 700123")
        while "+39 0571 700123" not in (said := socket.receive_text()):
            assert '"now"' in said or "card" in said


def test_before_an_heir_the_numbers_of_the_dead_stay_on_the_server(
    anna: Reader, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        by = principal_of(session, cast.anna)
        conditions.report(
            session, by, contact_id=cast.mario, kind=ConditionKind.DECEASED, telling=Telling(Source.RELATED)
        )
        heir = relations.relate(
            session, by, contact_id=cast.mario, kind=RelationKind.HEIR, name="Paolo Bianchi", phone="0571 700123"
        ).id
        files.open_file(
            session, by, contact_id=cast.mario, purpose=Purpose.DESK, reason="",
            spoken=files.Spoken(Interlocutor.RELATED, heir, ("name", "born")),
        )  # fmt: skip
    html = anna.card()
    assert "Recapiti e indirizzi non si dicono" in html
    assert "Paolo Bianchi" in html
    for kept_back in ("348 000 0001", "Via Roma 1", "0571 700123"):
        assert kept_back not in html


def test_the_administrator_publishes_what_people_consent_to(client: TestClient, database: Database, cast: Cast) -> None:
    with database.begin(Scope.nothing()) as session:
        session.add(RoleGrant(user_id=cast.luca, role=Role.ADMINISTRATOR, contract_id=cast.contract, valid_from=AS_OF))
    admin = Reader(client, "luca", cast.mario)
    asked = {"ente": cast.empoli, "purpose": "survey"}
    assert admin.post("/consent-texts", text=" ", **asked).json()["fields"].keys() == {"text"}
    assert admin.post("/consent-texts", **asked | {"ente": cast.siena}, text="Sì").status_code in {403, 404}
    for text in ("Acconsento.", "Acconsento <b>volentieri</b>."):
        assert admin.post("/consent-texts", text=text, **asked).status_code == 204
    html = client.get("/consent-texts").text
    assert "Acconsento &lt;b&gt;volentieri" in html
    assert "Testi precedenti" in html
    admin.post("consents", purpose="survey", given="true", collected="written", on="2026-01-05")
    assert "5 gen 2026, per iscritto, testo 2" in admin.card()
    anna = Reader(client, "anna", cast.mario)
    assert anna.post("/consent-texts", text="Altro", **asked).status_code == 403
