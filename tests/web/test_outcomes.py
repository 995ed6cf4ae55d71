"""The agent says in one press how a campaign's conversation went; managers and the ente read what came of it all."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
from sqlalchemy import insert, select, update

from crm.access.models import Role, RoleGrant
from crm.collection.models import ImportRun
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Scope, table_of
from crm.timeline.models import TimelineEntry
from outbound.campaigns import contacts, counted
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, CampaignVersion
from outbound.campaigns.plan import parsed
from outbound.compliance import windows
from outbound.compliance.rules import Ended
from outbound.dialer import calling
from outbound.outcomes.catalogue import Said
from outbound.outcomes.models import OutcomeGiven
from outbound.promises.models import PaymentPromise
from outbound.results import watching
from telephony.calls import conversation
from telephony.calls.models import Call
from tests.cast import principal_of
from tests.outbound.test_calling import _runs
from tests.web.conftest import Desk, Play, csrf_of, let_in

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)


@pytest.fixture
def campaign(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> int:
    """It runs whatever the hour; Mario is in it."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    return int(desk.stage.work(lambda s: _runs(s, desk.stage)))


@pytest.fixture
def call(desk: Desk, campaign: int) -> UUID:
    """Anna has called Mario, who has answered."""
    stage = desk.stage
    stage.ready(stage.cast.anna)
    mario = {"campaign_id": campaign, "contact_id": stage.cast.mario}
    anna = stage.work(lambda s: principal_of(s, stage.cast.anna))
    assert stage.work(lambda s: contacts.next_contact(s, anna, campaign_id=campaign)) is not None
    made = stage.work(lambda s: calling.call(s, anna, **mario))[0]
    assert made is not None
    stage.run()
    stage.answers(made)
    stage.run()
    stage.joins(made)
    return UUID(str(made))


def gives(desk: Desk, call: UUID, said: str, **fields: Any) -> Any:
    return desk.client.post(f"/outcomes/{call}", data={"said": said, **fields}, headers=desk.headers)


def today(desk: Desk) -> Any:
    return desk.stage.work(lambda s: clock.business_day(clock.now(s)))


def test_until_it_is_he_only_what_needs_him_not_is_offered(desk: Desk, call: UUID) -> None:
    page = desk.page("talk")
    assert "non dire perché chiami" in page
    disabled = re.findall(r'id="said-(\w+)"[^>]* disabled', page)
    assert set(disabled) == {
        "informed", "promise", "instalments", "dispute", "already_paid", "refuses", "call_again"
    }  # fmt: skip
    assert 'name="disposition"' not in page  # nobody says it twice
    refused = gives(desk, call, "refuses")
    assert (refused.status_code, "accerta" in refused.text) == (422, True)
    desk.identify(call)
    assert " disabled" not in desk.page("talk")


def test_whoever_else_says_who_she_is_hears_nothing_and_promises_nothing_for_him(desk: Desk, call: UUID) -> None:
    """Gina answers Mario's telephone, and shows who she is: that is not Mario."""
    gina = desk.stage.cast.gina
    assert desk.press("propose", call=call, contact=gina).status_code == 204
    assert desk.press("identify", call=call, contact=gina).status_code == 204
    assert "812,00" not in desk.client.get(f"/outcomes/{call}/form?said=promise").text
    assert re.search(r'id="said-promise"[^>]* disabled', desk.page("talk"))
    refused = gives(desk, call, "promise", day=today(desk) + 3 * DAY)
    assert (refused.status_code, "accerta" in refused.text) == (422, True)
    assert desk.stage.work(lambda s: s.scalars(select(PaymentPromise)).all()) == []
    assert gives(desk, call, "third_party").status_code == 204
    desk.stage.caller_leaves(call)
    assert desk.press("wrap-up", call=call).status_code == 204
    assert desk.stage.work(lambda s: s.scalar(select(Call.disposition))) == "wrong_person"
    desk.stage.work(calling.settle)
    assert desk.stage.work(lambda s: s.scalar(select(Attempt.ended))) is Ended.ANSWERED


def test_a_promise_is_taken_changed_and_written_up_with_the_call(desk: Desk, call: UUID) -> None:
    desk.identify(call)
    form = desk.client.get(f"/outcomes/{call}/form?said=promise").text
    assert "812,00" in form
    assert gives(desk, call, "promise").json()["fields"].keys() == {"day"}
    assert gives(desk, call, "promise", day=today(desk), amount="mille").json()["fields"].keys() == {"amount"}
    late = gives(desk, call, "promise", day=today(desk) + 31 * DAY)
    assert late.json()["fields"].keys() == {"day"}
    desk.stage.caller_leaves(call)
    assert "Scegli com" in desk.press("wrap-up", call=call).text
    assert gives(desk, call, "promise", day=today(desk) + 3 * DAY, amount="1.00").status_code == 422
    assert gives(desk, call, "promise", day=today(desk) + 3 * DAY, amount="50,5").status_code == 204
    assert "50,50" in desk.page("talk")
    assert desk.client.post(f"/outcomes/{call}/undo", headers=desk.headers).status_code == 204
    assert gives(desk, call, "promise", day=today(desk) + 4 * DAY).status_code == 204
    assert desk.press("draft", call=call, note="Paga con F24").status_code == 204
    assert desk.press("wrap-up", call=call).status_code == 204
    kept = select(Call.topic, Call.disposition)
    assert desk.stage.work(lambda s: s.execute(kept).one()) == ("payment", "will_pay")
    rows = desk.stage.work(lambda s: s.execute(select(PaymentPromise.state, PaymentPromise.cents)).all())
    assert rows == [("withdrawn", 5_050), ("open", 81_200)]
    assert desk.client.post(f"/outcomes/{call}/undo", headers=desk.headers).status_code == 409


def test_a_wrong_number_leaves_the_call_with_nobody_and_the_outcome_on_the_file(desk: Desk, call: UUID) -> None:
    assert gives(desk, call, "wrong_number", note="Officina").status_code == 204
    desk.stage.caller_leaves(call)
    assert desk.press("wrap-up", call=call).status_code == 204
    assert desk.stage.work(lambda s: s.scalar(select(Call.disposition))) == "wrong_person"
    kinds = desk.stage.work(lambda s: s.execute(select(TimelineEntry.kind, TimelineEntry.status)).all())
    assert kinds == [("outcome", "wrong_number")]


def test_when_the_time_for_the_notes_ran_out_the_outcome_is_still_given(desk: Desk, call: UUID) -> None:
    desk.stage.caller_leaves(call)
    desk.stage.passes(61)
    desk.stage.engine.fire_timers()
    assert "said-third_party" in desk.page("talk")
    assert "Scegli com" in desk.press("complete", call=call).text
    assert "Scegli com" in desk.press("leave", call=call).text
    assert gives(desk, call, "third_party").status_code == 204
    assert desk.press("complete", call=call).status_code == 204


def test_an_outcome_that_is_owed_stays_on_the_console_whatever_comes_between(desk: Desk, call: UUID) -> None:
    desk.stage.caller_leaves(call)
    desk.stage.passes(61)
    desk.stage.engine.fire_timers()
    anna = desk.stage.work(lambda s: principal_of(s, desk.stage.cast.anna))
    desk.stage.work(lambda s: conversation.leave(s, anna, call_id=call))
    page = desk.page("talk")
    assert "Manca l" in page
    assert "BIANCHI" in page.upper()
    assert desk.client.get(f"/outcomes/{call}/form?said=third_party").status_code == 200
    assert gives(desk, call, "third_party").status_code == 204
    assert "Manca l" not in desk.page("talk")


def test_nobody_gives_an_outcome_of_somebody_else_s_call(desk: Desk, call: UUID) -> None:
    desk.sit_down("luca")
    assert gives(desk, call, "third_party").status_code == 409
    assert desk.client.get(f"/outcomes/{call}/form?said=promise").status_code == 404
    assert desk.client.post(f"/outcomes/{call}/undo", headers=desk.headers).status_code == 409
    desk.sit_down("vera")
    assert gives(desk, call, "third_party").status_code == 403
    assert gives(desk, uuid4(), "third_party").status_code in {403, 409}
    assert desk.stage.work(lambda s: s.scalars(select(OutcomeGiven.id)).all()) == []


def test_the_file_shows_what_the_campaigns_brought(play: Play, campaign: int) -> None:
    desk, cast = play.desk, play.cast
    _lived(desk, campaign)
    opened = desk.client.post(
        f"/files/{cast.mario}/open", data={"purpose": "case_check", "reason": "verifica"}, headers=desk.headers
    )
    page = opened.text if "Campagne" in opened.text else desk.client.get(f"/files/{cast.mario}").text
    assert "Promette di pagare" in page
    assert "non mantenuta" in page


def test_results_live_as_files_and_as_a_report_that_stays(desk: Desk, campaign: int) -> None:
    _lived(desk, campaign)
    client = desk.client
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    at = f"/campaigns/{campaign}/results"
    page = client.get(at).text
    assert "Promette di pagare" in page
    assert "non mantenuta" in page
    assert f"{at}/collected?days=30" in page
    assert "outerMorph" in client.get(f"{at}/now").text
    deep = client.get(f"{at}/collected?days=7").text
    assert "Regole non rispettate" in deep
    assert "fuori dagli orari del codice" in deep
    assert "MARIO BIANCHI" in deep.upper()
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{at}/file.xlsx").content))
    assert book["Esiti delle conversazioni"]["B2"].value == 1
    lines = client.get(f"{at}/file.csv").content.decode("utf-8-sig").splitlines()
    assert "outcomes;Promette di pagare;Conversazioni;1" in lines
    assert "promises;non mantenuta;Promesso;500,00" in lines
    assert client.post(f"{at}/report", data={"days": "30"}, headers=headers).status_code == 204
    assert "versione 1" in client.get(at).text
    report = f"/campaigns/{campaign}/reports/1/file"
    pdf = client.get(f"{report}.pdf")
    assert (pdf.status_code, pdf.content[:5]) == (200, b"%PDF-")
    assert pdf.content == client.get(f"{report}.pdf").content
    assert client.get(f"{report}.csv").status_code == 200
    assert client.get(f"/campaigns/{campaign}/reports/2/file.pdf").status_code == 404

    let_in(client, "vera")  # she watches Empoli
    assert f'href="{at}"' in client.get("/ente").text
    assert "Prepara la relazione" not in client.get(at).text
    theirs = client.get(f"{at}/collected").text
    assert "fuori dagli orari del codice" in theirs
    assert "BIANCHI" not in theirs.upper()
    assert client.get(f"{report}.pdf").status_code == 200
    assert client.post(f"{at}/report", headers={**headers, "X-CSRF-Token": csrf_of(client)}).status_code == 403


def test_what_takes_long_to_count_is_said_to_be_on_its_way(
    desk: Desk, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted, "LARGE", 1)
    let_in(desk.client, "vera")
    at = f"/campaigns/{campaign}/results/collected?days=7"
    before = desk.client.get(at).text
    assert "Sto contando" in before
    assert f'hx-get="{at}"' in before
    desk.stage.work(lambda s: watching.count(s, campaign))
    after = desk.client.get(at).text
    assert "Sto contando" not in after
    assert "contati il" in after
    assert "Niente da confrontare" in after


def test_another_ente_s_officers_and_agents_see_no_results(desk: Desk, campaign: int) -> None:
    client, cast = desk.client, desk.stage.cast
    let_in(client, "anna")
    at = f"/campaigns/{campaign}/results"
    assert {client.get(one).status_code for one in (at, f"{at}/now", f"{at}/collected", f"{at}/file.csv")} == {403}
    with desk.stage.database.begin(Scope.nothing()) as session:
        changed(session)
        grant = update(RoleGrant).where(RoleGrant.user_id == cast.vera)
        session.execute(grant.values(role=Role.ENTE_APPROVER, ente_id=cast.siena))
    let_in(client, "vera")
    assert {client.get(one).status_code for one in (at, f"{at}/now", f"{at}/collected", f"{at}/file.csv")} == {404}


def test_what_a_campaign_sets_of_its_outcomes_is_written_with_its_plan(desk: Desk, campaign: int) -> None:
    client, stage = desk.client, desk.stage
    stage.work(lambda s: s.execute(update(Campaign).values(state=State.DRAFT)))
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert "Prezzo di un minuto" in client.get(f"/campaigns/{campaign}/edit").text
    fields = {
        "name": "x", "day-0": "9-12", "promise_days": "20", "grace_days": "5", "minute_price": "0,085",
        "wait-informed": "9", "said-promise": "1", "channel-0": "call", "step-0": "0",
    }  # fmt: skip
    wrong = client.post(f"/campaigns/{campaign}/edit", data={**fields, "minute_price": "caro"}, headers=headers)
    assert wrong.json()["fields"].keys() == {"minute_price"}
    far = client.post(f"/campaigns/{campaign}/edit", data={**fields, "promise_days": "400"}, headers=headers)
    assert far.json()["fields"].keys() == {"promise_days"}
    assert client.post(f"/campaigns/{campaign}/edit", data=fields, headers=headers).status_code == 204
    found = parsed(stage.work(lambda s: s.scalar(select(CampaignVersion.plan)))).outcomes
    assert (found.promise_days, found.grace_days, found.minute_mills, dict(found.waits)) == (20, 5, 85, {"informed": 9})
    assert Said.REFUSES in found.off
    assert Said.PROMISE not in found.off


def _lived(desk: Desk, campaign: int) -> None:
    """Mario was tried on a Sunday, promised, and did not pay."""
    cast = desk.stage.cast

    def write(session: Any) -> None:
        of = {"ente_id": cast.empoli, "campaign_id": campaign, "contact_id": cast.mario}
        at, attempt, outcome = datetime(2026, 11, 1, 11, tzinfo=UTC), uuid4(), uuid4()
        session.execute(
            insert(table_of(Attempt)).values(
                **of, id=attempt, contract_id=cast.contract, version=1, number="+393480000001", at=at, begun=True,
                reasons=[], operator=True, ended=Ended.SPOKEN,
            )
        )  # fmt: skip
        session.execute(
            insert(table_of(OutcomeGiven)).values(
                **of, id=outcome, attempt_id=attempt, call_id=uuid4(), said=Said.PROMISE, given_at=at,
                given_by=cast.anna, note="", deeds={},
            )
        )  # fmt: skip
        session.execute(
            insert(table_of(PaymentPromise)).values(
                **of, outcome_id=outcome, made_on=at.date(), due_on=at.date() + DAY, grace_days=0, cents=50_000,
                state="broken", paid_cents=0, made_by=cast.anna,
            )
        )  # fmt: skip
        session.execute(update(Campaign).values(started_at=at - 9 * DAY))
        session.execute(update(ImportRun).values(as_of=clock.now(session)))
        session.execute(update(CampaignContact).values(due_at=at))

    desk.stage.work(write)
