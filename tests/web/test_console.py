"""The agent's console: what its page shows as a call goes on, and what its buttons do."""

import re

import pytest
from sqlalchemy import update

from telephony.agents.models import AgentState, PauseReason
from telephony.calls.events import LegEnd
from telephony.calls.models import Call
from telephony.ivr.turns import RECORDING
from tests.cast import EMPOLI_LINE, MARIO_MOBILE
from tests.web.conftest import Desk

pytestmark = pytest.mark.integration


def test_a_file_that_was_opened_by_mistake_is_closed_again(desk: Desk) -> None:
    call, mario = desk.talks(), desk.stage.cast.mario
    assert desk.identify(call).status_code == 204
    assert "€" in desk.page("file")
    assert 'hx-post="/console/retract"' in desk.page("file")
    assert desk.press("retract", call=call, contact=mario).status_code == 204
    closed = desk.page("file")
    assert "€" not in closed
    assert "non era lui/lei" in closed
    assert 'hx-post="/console/search"' in closed

    desk.press("propose", call=call, contact=mario)  # it was him after all, and the mistake is told
    desk.identify(call)
    assert "Fascicolo aperto per errore" not in desk.page("file")  # this very call is his again
    again = desk.stage.queues(MARIO_MOBILE, EMPOLI_LINE, sid="CAagain")
    assert desk.press("retract", call=again, contact=mario).status_code == 409


def test_a_mistake_is_told_to_whoever_opens_the_file_later(desk: Desk) -> None:
    call, mario = desk.talks(), desk.stage.cast.mario
    desk.identify(call)
    desk.press("retract", call=call, contact=mario)
    desk.stage.caller_leaves(call)
    desk.press("wrap-up", call=call, topic="payment", disposition="answered", note="Segreto", next="ready")
    later = desk.stage.queues(sid="CAlater")
    desk.stage.talks(later)
    desk.identify(later)
    file = desk.page("file")
    assert "Fascicolo aperto per errore" in file
    assert "Segreto" not in file


def test_who_was_identified_before_the_line_dropped_is_no_stranger_to_whoever_writes_it_up(desk: Desk) -> None:
    call = desk.talks()
    desk.identify(call)
    desk.stage.leg_ends(call, LegEnd.COMPLETED, after=60)
    desk.stage.ready(desk.stage.cast.anna)
    desk.stage.matcher.match_now("main", found_by="test")
    desk.stage.talks(call)
    assert "Importi e atti restano nascosti" in desk.page("file")
    desk.stage.caller_leaves(call, after=90)
    written_up = desk.page("file")
    assert "questa persona era stata identificata" in written_up
    assert "€" not in written_up


def test_the_file_writes_telephones_as_the_rest_of_the_page_does(desk: Desk) -> None:
    call = desk.talks()
    desk.identify(call)
    assert "+39 348 000 0001" in desk.page("phone")
    assert "+39 348 000 0001" in desk.page("file")
    assert MARIO_MOBILE not in desk.page()


def test_what_the_menu_asked_for_is_on_the_telephone_card(desk: Desk) -> None:
    call = desk.talks()
    assert "Ha digitato" not in desk.page("phone")
    kept = {"numero_pratica": "48163", "self:notice": "301000000000012373", RECORDING: "agreed"}
    ivr = desk.stage.call(call).ivr | {"kept": kept}
    desk.stage.work(lambda s: s.execute(update(Call).where(Call.id == call).values(ivr=ivr)))
    card = desk.page("phone")
    assert re.search(r'Ha digitato: numero pratica</dt><dd class="num">48163<', card)
    assert card.count("Ha digitato") == 1


def test_a_pause_asked_for_in_mid_call_is_shown_with_its_reason_and_can_be_called_off(desk: Desk) -> None:
    desk.talks()
    assert "Pausa dopo la chiamata" in desk.page("band")
    desk.press("state", state="paused", reason="meeting")
    band = desk.page("band")
    assert re.search(r"Dopo questa chiamata: <strong>pausa</strong> \(Riunione\)", band)
    assert 'id="go-ready"' not in band  # a second way to say it would be read as a state of now
    desk.press("state", state="ready")
    assert 'id="later"' not in desk.page("band")


def test_saving_goes_on_the_pause_that_was_asked_for_and_says_so(desk: Desk) -> None:
    call = desk.talks()
    desk.press("state", state="paused", reason="meeting")
    desk.stage.caller_leaves(call)
    (primary,) = re.findall(r'<button id="save-(\w+)" class="primary"[^>]*>([^<]+)', desk.page("talk"))
    assert primary == ("paused", "Salva e vai in pausa ")
    desk.press("wrap-up", call=call, topic="payment", disposition="answered")
    anna = desk.stage.presence(desk.stage.cast.anna)
    assert (anna.state, anna.pause_reason) == (AgentState.PAUSED, PauseReason.MEETING)


@pytest.mark.parametrize(("said", "state", "reason"), [
    ("paused", AgentState.PAUSED, PauseReason.MEETING),
    ("ready", AgentState.READY, None),
])  # fmt: skip
def test_saying_it_once_more_changes_nothing_and_saying_otherwise_does(
    desk: Desk, said: str, state: AgentState, reason: PauseReason | None
) -> None:
    call = desk.talks()
    desk.press("state", state="paused", reason="meeting")
    desk.stage.caller_leaves(call)
    desk.press("wrap-up", call=call, topic="payment", disposition="answered", next=said)
    anna = desk.stage.presence(desk.stage.cast.anna)
    assert (anna.state, anna.pause_reason) == (state, reason)


def test_what_is_missing_is_said_field_by_field_in_the_agents_language(desk: Desk) -> None:
    call = desk.talks()
    desk.stage.caller_leaves(call)
    refused = desk.press("wrap-up", call=call, topic="payment")
    assert refused.status_code == 422
    assert refused.json()["fields"] == {"disposition": "Scegli l'esito."}
    desk.client.post("/language", data={"language": "en", "back": "/console"}, headers=desk.headers)
    assert desk.press("wrap-up", call=call).json()["fields"] == {
        "topic": "Choose the topic.",
        "disposition": "Choose the outcome.",
    }
    for name in ("topic", "disposition"):
        assert f'id="{name}-error"' in desk.page("talk")


def test_when_the_time_runs_out_the_page_says_what_was_saved_and_how_to_complete_it(desk: Desk) -> None:
    call = desk.talks()
    desk.stage.caller_leaves(call)
    writing = desk.page("talk")
    assert "Il tempo sta per finire" in writing
    assert desk.press("draft", call=call, note="Stavo scrivendo").status_code == 204
    desk.stage.passes(61)
    desk.stage.engine.fire_timers()
    over = desk.page("talk")
    assert "senza argomento e senza esito" in over
    form = f'<form id="notes-{call}"'  # the same one: what is being typed stays where it is
    assert form in writing
    assert form in over
    assert "Stavo scrivendo</textarea>" in over
    assert desk.press("complete", call=call, topic="payment", note="Scritto").status_code == 422
    assert desk.press("complete", call=call, topic="payment", disposition="answered", note="Scritto").status_code == 204
    assert "<form" not in desk.page("talk")


def test_a_call_that_ran_out_may_be_left_and_makes_room_for_the_next_one(desk: Desk) -> None:
    call = desk.talks()
    desk.stage.caller_leaves(call)
    desk.stage.passes(61)
    desk.stage.engine.fire_timers()
    later = desk.stage.queues(sid="CAlater")
    desk.stage.talks(later)
    assert f'id="notes-{later}"' in desk.page("talk")
    desk.stage.caller_leaves(later)
    desk.press("wrap-up", call=later, topic="payment", disposition="answered")
    assert f'id="notes-{call}"' in desk.page("talk")
    desk.press("leave", call=call)
    assert "<form" not in desk.page("talk")


def test_a_microphone_has_words_for_both_its_states_wherever_it_is_shown(desk: Desk) -> None:
    desk.talks()
    assert 'data-phone="mute" data-key="m"' in desk.page("phone")
    assert "Spegni il microfono" in desk.page("phone")
    assert "chi è in linea non ti sente" in desk.page()


def test_whoever_was_asked_and_is_not_there_is_named_while_the_citizen_is_on_hold(desk: Desk) -> None:
    call, stage = desk.talks(), desk.stage
    stage.ready(stage.cast.luca)
    assert desk.press("consult", call=call, agent=stage.cast.luca).status_code == 204
    stage.run()
    assert "Squilla da" in desk.page("phone")
    stage.leg_ends(call, LegEnd.NO_ANSWER, stage.call(call).party_leg_id, after=30)
    phone = desk.page("phone")
    assert "data-tell" in phone
    assert "non ha risposto." in phone
    assert "In attesa: sente la musica" in phone
    assert desk.press("back", call=call).status_code == 204
    assert "non ha risposto." not in desk.page("phone")
