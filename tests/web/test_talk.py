"""Conversations on the pages: what the console shows of each state in words, and what a supervisor sees."""

from uuid import UUID

import pytest
from sqlalchemy import update

from crm.core.configuration import changed
from crm.files.models import FileSetting
from telephony.calls.events import AgentAnswered
from telephony.calls.models import Phase
from telephony.calls.supervision import watchers
from tests.cast import MARIO_MOBILE
from tests.web.conftest import Desk

pytestmark = pytest.mark.integration


def consults(desk: Desk) -> UUID:
    """Anna asks Luca, who has answered."""
    call, stage = desk.talks(), desk.stage
    stage.ready(stage.cast.luca)
    assert desk.press("consult", call=call, agent=stage.cast.luca).status_code == 204
    stage.run()
    leg = stage.call(call).party_leg_id
    assert leg is not None
    stage.hear(call, AgentAnswered(stage.after(call, 20), leg))
    stage.run()
    return call


def test_a_caller_on_hold_is_said_to_be(desk: Desk) -> None:
    call = desk.talks()
    assert 'hx-post="/console/hold"' in desk.page("phone")
    assert desk.press("hold", call=call).status_code == 204
    phone, band = desk.page("phone"), desk.page("band")
    assert "sente la musica, non ti sente" in phone
    assert 'hx-post="/console/back"' in phone
    assert "In attesa" in band
    desk.press("back", call=call)
    assert "Siete in linea" in desk.page("phone")


def test_whom_one_may_choose_is_read_anew_each_time(desk: Desk) -> None:
    call, stage = desk.talks(), desk.stage
    assert "Nessun altro collega" in desk.client.get(f"/console/whom/{call}").text
    stage.ready(stage.cast.luca)
    found = desk.client.get(f"/console/whom/{call}").text
    assert "Luca" in found
    assert f'"agent": "{stage.cast.luca}"' in found
    assert 'id="number"' not in found  # no offices, and no permission for any other number
    stage.caller_leaves(call)
    desk.press("wrap-up", call=call, topic="payment", disposition="answered", note="", next="ready")
    assert desk.client.get(f"/console/whom/{call}").status_code == 409


def test_the_one_who_is_asked_is_shown_nothing_of_the_caller_and_has_one_button(desk: Desk) -> None:
    call = consults(desk)
    desk.identify(call)
    assert "Parli con Luca" in desk.page("phone")
    assert "Chiudi la chiamata" not in desk.page("phone")  # it would cut the caller off by mistake
    desk.sit_down("luca")
    page = desk.page()
    assert "Parli con Anna" in page
    assert MARIO_MOBILE not in page
    assert "BIANCHI" not in page
    for path in ("hang-up", "hold", "pass", "draft"):
        assert desk.press(path, call=call, note="Mio").status_code == 409
    assert desk.press("leave-consultation", call=call).status_code == 204
    assert "Parli con Anna" not in desk.page()


def test_who_takes_over_opens_the_file_without_asking_again(desk: Desk) -> None:
    cast, stage = desk.stage.cast, desk.stage
    one_answer = update(FileSetting).where(FileSetting.ente_id == cast.empoli).values(answers_needed=1)
    stage.work(lambda s: (changed(s), s.execute(one_answer)))
    call = consults(desk)
    desk.identify(call, right=["name"])
    assert desk.press("pass", call=call, topic="payment", disposition="", note="Chiede le rate").status_code == 204
    assert stage.call(call).agent_id == cast.luca
    desk.sit_down("luca")
    assert "Anna ha già accertato chi è" in desk.page("file")
    assert "€" not in desk.page("file")
    assert 'name="right"' not in desk.page("file")
    assert "Chiede le rate" in desk.page("talk")
    assert desk.identify(call).status_code == 204
    assert "€" in desk.page("file")


def test_passed_outside_the_agent_completes_his_notes(desk: Desk) -> None:
    call, stage = desk.talks(), desk.stage
    wrong = desk.press("pass", call=call, number="0571 757000")
    assert wrong.status_code == 422
    assert wrong.json()["fields"] == {
        "number": "Si può passare la chiamata solo agli uffici di questo ente: chiedi a un supervisore."
    }
    assert stage.call(call).phase is Phase.TALKING
    assert stage.call(call).held_since is None  # nothing of it was done


def test_a_supervisor_sees_who_asks_for_help_and_anna_sees_who_whispers(desk: Desk) -> None:
    call, stage = desk.talks(), desk.stage
    desk.press("help", call=call)
    assert "Aiuto chiesto" in desk.page("phone")
    desk.sit_down("sara")
    page = desk.client.get("/supervision").text
    assert "Chiede aiuto da" in page
    assert "Anna" in page
    assert MARIO_MOBILE not in page
    watch = desk.client.post("/supervision/watch", data={"call": call, "mode": "whisper"}, headers=desk.headers)
    assert watch.status_code == 204
    stage.run()
    assert "sta entrando" in desk.client.get("/supervision").text
    row = stage.call(call)
    assert len(stage.work(lambda s: watchers(s, row))) == 1
    desk.sit_down("luca")
    assert desk.client.get("/supervision").status_code == 403
