"""Recording on the pages: what is set, what the agent and the supervisor see, and listening."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.access.models import Role
from crm.core.db import Database, Scope
from telephony.calls.models import Consent
from telephony.carriers.port import Taking
from telephony.recording import queries
from telephony.recording.keeping import RecordingKeeper
from telephony.recording.models import Recording
from tests.cast import Cast
from tests.telephony.fake_carrier import refused
from tests.telephony.recording.test_recordings import BEGAN, REASON, told, wants, wav
from tests.web.conftest import Desk, csrf_of, let_in
from tests.web.test_proposals import Browser, becomes
from web.recordings.routes import part
from web.wiring import Runtime

pytestmark = pytest.mark.integration
TYPED = {
    "is_on": "1",
    "purpose": "quality",
    "workers": "Accordo 3/2026",
    "share": "20",
    "keep_days": "60",
    "voicemail_days": "30",
    "pause_s": "90",
}


@pytest.fixture
def recording(desk: Desk) -> Desk:
    """Empoli records; Mario has agreed and speaks with Anna."""
    wants(desk.stage)
    return desk


def talks(desk: Desk, key: str = "1") -> UUID:
    desk.stage.ready(desk.stage.cast.anna)
    call = desk.stage.queues()
    desk.stage.presses(call, key)
    desk.stage.talks(call)
    return call


def kept(desk: Desk, runtime: Runtime) -> tuple[UUID, UUID]:
    """A call whose recording is here, and the recording."""
    call, stage = talks(desk), desk.stage
    stage.carrier.recordings["RE1"] = wav(3)
    told(stage, call)
    stage.work(lambda s: s.execute(update(Recording).values(keep_until=BEGAN + timedelta(days=3650))))
    RecordingKeeper(runtime.database, stage.carrier, runtime.documents).run()
    desk.identify(call)
    stage.caller_leaves(call)
    return call, stage.work(lambda s: s.scalars(select(Recording.id)).one())


def done(desk: Desk) -> None:
    """What the pages owe the carrier is done."""
    desk.stage.passes(20)
    desk.stage.dispatcher.sweep()


def as_(desk: Desk, name: str) -> dict[str, str]:
    """Somebody else at the same browser; the headers of his forms."""
    desk.client.cookies.clear()
    let_in(desk.client, name)
    return {"X-CSRF-Token": csrf_of(desk.client), "HX-Request": "true"}


# -- what is set ------------------------------------------------------------------------------------------------


def test_it_is_off_until_somebody_switches_it_on(client: TestClient, cast: Cast, database: Database) -> None:
    becomes(database, cast.sara, Role.ADMINISTRATOR, contract_id=cast.contract)
    admin, at = Browser(client, "sara", "/enti"), f"/enti/{cast.empoli}/recording"
    assert f'href="{at}"' in admin.get(f"/enti/{cast.empoli}")
    assert 'name="is_on" value="1">' in admin.get(at)
    status, said = admin.post(at, **{**TYPED, "workers": "", "share": "500"})
    assert status == 422
    assert "estremi" in said
    assert "da 1 a 100" in said
    assert admin.post(at, **TYPED)[0] == 204
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert queries.setting(session, cast.empoli).keep_days == 60
    assert admin.get(at).count(" checked") == 2
    assert admin.post(f"/enti/{cast.siena}/recording", **TYPED)[0] in {403, 404}


# -- what agent and supervisor see --------------------------------------------------------------------------------


def test_the_agent_sees_that_it_records_leaves_something_out_and_goes_on(recording: Desk) -> None:
    call = talks(recording)
    assert "Si sta registrando." in recording.page("phone")
    assert recording.press("recording/pause", call=call).status_code == 204
    assert "si sta fermando" in recording.page("phone"), "it is not said to be done before the carrier has done it"
    done(recording)
    phone = recording.page("phone")
    assert "la registrazione è ferma" in phone
    assert "data-until=" in phone
    assert 'hx-post="/console/recording/go-on"' in phone
    as_(recording, "sara")
    assert "la registrazione è ferma" in recording.client.get("/supervision").text
    recording.sit_down()
    assert recording.press("recording/go-on", call=call).status_code == 204
    done(recording)
    assert "Si sta registrando." in recording.page("phone")
    recording.press("hold", call=call)
    done(recording)
    assert "riprende con la conversazione" in recording.page("phone")


def test_the_agent_sees_who_did_not_agree_and_who_changed_his_mind(recording: Desk) -> None:
    call = talks(recording, key="2")
    phone = recording.page("phone")
    assert "non è d'accordo" in phone.replace("&#39;", "'")
    assert "recording/pause" not in phone
    assert recording.press("recording/pause", call=call).status_code == 409


def test_a_caller_changes_his_mind(recording: Desk) -> None:
    call = talks(recording)
    assert recording.press("recording/withdraw", call=call).status_code == 204
    done(recording)
    assert "ha cambiato idea" in recording.page("phone")
    assert recording.stage.call(call).consent is Consent.WITHDRAWN
    assert recording.stage.carrier.taken[-1].taking is Taking.OFF


def test_what_the_carrier_will_not_do_is_seen(recording: Desk) -> None:
    recording.stage.carrier.recording.append(refused())
    talks(recording)
    assert "non ci riesce" in recording.page("phone")


def test_where_nobody_is_asked_nothing_is_said_of_it(desk: Desk) -> None:
    desk.talks()
    assert "registra" not in desk.page("phone")


# -- listening --------------------------------------------------------------------------------------------------


def test_a_supervisor_says_why_and_listens(recording: Desk, runtime: Runtime) -> None:
    call, one = kept(recording, runtime)
    client, at = recording.client, f"/recordings/{call}"
    headers = as_(recording, "sara")
    assert at in client.get("/recordings").text
    assert "<audio" not in client.get(at).text
    assert client.get(f"{at}/{one}/sound").status_code == 403
    assert client.post(at, data={"heard_for": "complaint", "reason": "ok"}, headers=headers).status_code == 422
    assert client.post(at, data={"heard_for": "complaint", "reason": REASON}, headers=headers).status_code == 204
    page = client.get(at).text
    assert f'src="{at}/{one}/sound"' in page
    assert "download>" not in page
    whole = client.get(f"{at}/{one}/sound")
    assert (whole.status_code, whole.content) == (200, wav(3))
    assert whole.headers["cache-control"] == "no-store"
    some = client.get(f"{at}/{one}/sound", headers={"Range": "bytes=4-7"})
    assert (some.status_code, some.content) == (206, wav(3)[4:8])
    assert some.headers["content-range"] == f"bytes 4-7/{len(wav(3))}"
    assert client.get(f"{at}/{one}/sound", headers={"Range": "bytes=999999999-"}).status_code == 416
    assert client.get(f"{at}/{one}/sound?save=true").status_code == 403, "to take it away is another permission"
    log = client.get("/access-log").text
    assert "Ha ascoltato la registrazione" in log


def test_the_file_shows_it_to_whoever_may_listen(recording: Desk, runtime: Runtime) -> None:
    call, _ = kept(recording, runtime)
    cast = recording.stage.cast
    file = recording.page("file")
    assert "registrata" in file
    assert f'href="/recordings/{call}"' not in file, "Anna may not listen"
    headers = as_(recording, "sara")
    opened = {"purpose": "quality", "reason": REASON}
    recording.client.post(f"/files/{cast.mario}/open", data=opened, headers=headers)
    assert f'href="/recordings/{call}"' in recording.client.get(f"/files/{cast.mario}").text


def test_the_ente_may_take_it_away_and_that_is_noted(recording: Desk, runtime: Runtime) -> None:
    call, one = kept(recording, runtime)
    cast, at = recording.stage.cast, f"/recordings/{call}"
    becomes(runtime.database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.empoli)
    headers = as_(recording, "vera")
    recording.client.post(at, data={"heard_for": "complaint", "reason": REASON}, headers=headers)
    saved = recording.client.get(f"{at}/{one}/sound?save=true")
    assert (saved.status_code, saved.content) == (200, wav(3))
    assert saved.headers["content-disposition"].startswith("attachment")
    assert "Ha scaricato la registrazione" in recording.client.get("/access-log").text


def test_a_complaint_keeps_it_from_the_page(recording: Desk, runtime: Runtime) -> None:
    call, _ = kept(recording, runtime)
    headers, at = as_(recording, "sara"), f"/recordings/{call}"
    assert recording.client.post(f"{at}/hold", data={"because": ""}, headers=headers).status_code == 422
    assert recording.client.post(f"{at}/hold", data={"because": REASON}, headers=headers).status_code == 204
    assert "Trattenuta" in recording.client.get(at).text
    assert recording.client.post(f"{at}/release", headers=headers).status_code == 204
    assert "Trattieni" in recording.client.get(at).text


def test_agents_strangers_and_guessed_ids_hear_nothing(recording: Desk, runtime: Runtime) -> None:
    call, one = kept(recording, runtime)
    cast, client, at = recording.stage.cast, recording.client, f"/recordings/{call}"
    assert client.get(at).status_code == 403  # Anna, who was in it
    assert (
        client.post(at, data={"heard_for": "complaint", "reason": REASON}, headers=recording.headers).status_code == 403
    )
    assert client.get(f"{at}/{one}/sound").status_code == 403
    becomes(runtime.database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.vinci)
    headers = as_(recording, "vera")
    for path in (at, f"{at}/{one}/sound", f"/recordings/{uuid4()}", f"/recordings/{uuid4()}/{one}/sound"):
        assert client.get(path).status_code == 404, path
    assert client.post(at, data={"heard_for": "complaint", "reason": REASON}, headers=headers).status_code == 404
    assert client.post(f"{at}/hold", data={"because": REASON}, headers=headers).status_code == 404
    assert str(call) not in client.get("/recordings").text
    client.cookies.clear()
    assert client.get(f"{at}/{one}/sound").status_code in {303, 401}


def test_a_callback_that_nobody_signed_makes_no_recording(recording: Desk) -> None:
    call = talks(recording)
    path = f"/telephony/{recording.stage.cast.contract}/calls/{call}/taken"
    answer = recording.client.post(path, data={"RecordingSid": "RE" + "0" * 32, "RecordingStatus": "completed"})
    assert answer.status_code == 403
    assert recording.stage.work(lambda s: s.scalars(select(Recording)).all()) == []


@given(st.integers(1, 500), st.one_of(st.none(), st.integers(0, 600)), st.one_of(st.none(), st.integers(0, 600)))
def test_a_range_is_a_part_of_what_there_is(size: int, first: int | None, last: int | None) -> None:
    if first is None and last is None:
        return
    begins, ends = part(f"bytes={'' if first is None else first}-{'' if last is None else last}", size)
    there = set(range(size))
    got = set(range(begins, ends + 1))
    assert got <= there
    if first is None:
        assert got == set(range(max(size - (last or 0), 0), size) if last else ())
    else:
        assert got == there & set(range(first, (size if last is None else last + 1)))
