"""What Anna leaves in a form is in it when she comes back, in any tab and after any sign-in; sent, it is forgotten."""

import json
import re
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from crm.drafts.models import FormDraft
from crm.proposals import queries as proposals
from telephony.calls.models import Call
from tests.web.conftest import Desk

pytestmark = pytest.mark.integration


class Tab:
    """A form in a tab of hers: what she types, and what a tab opened afterwards shows."""

    def __init__(self, desk: Desk, form: str, place: str = "") -> None:
        self.desk, self.form, self.mario = desk, form, desk.stage.cast.mario
        self.place = place or f"{form}/{self.mario}"
        self.showing = str(uuid4())

    def headers(self) -> dict[str, str]:
        return {**self.desk.headers, "X-Draft": self.place, "X-Draft-Showing": self.showing}

    def types(self, **fields: Any) -> int:
        answer = self.desk.client.post("/drafts", data=fields, headers=self.headers())
        return int(answer.status_code)

    def sends(self, path: str, **fields: Any) -> Any:
        return self.desk.client.post(path, data=fields, headers=self.headers())

    def shows(self, path: str) -> dict[str, list[str]]:
        """What the form brings back."""
        html = self.desk.client.get(path).text
        found = re.search(rf'data-place="{re.escape(self.place)}" data-kept="([^"]+)"', html)
        kept: dict[str, list[str]] = json.loads(unescape(found[1])) if found else {}
        return kept


@pytest.fixture
def call(desk: Desk) -> UUID:
    """Mario is on the line, and his file is open."""
    call = desk.talks()
    assert desk.identify(call).status_code == 204
    return call


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "follow-up": ("/follow-ups/form?contact={}", {"kind": "send", "note": "Copia dell'atto"}),
    "message": ("/messages/form/{}", {"to": "sms:+393480000001", "language": "en"}),
    "card-reach": ("/contacts/{}/card", {"kind": "phone", "value": "0571 7"}),
    "card-address": ("/contacts/{}/card", {"street": "Via Nuova 1"}),
    "card-relation": ("/contacts/{}/card", {"name": "Studio Verdi"}),
    "card-wishes": ("/contacts/{}/card", {"weekdays": ["1", "3"]}),
    "card-no-calls": ("/contacts/{}/card", {"why": "Non vuole"}),
    "card-condition": ("/contacts/{}/card", {"note": "Certificato visto"}),
}


def test_each_form_brings_back_what_was_typed_after_a_closed_tab_and_after_another_sign_in(
    desk: Desk, call: UUID
) -> None:
    expected = {}
    for form, (path, fields) in FORMS.items():
        tab = Tab(desk, form)
        assert tab.shows(path.format(tab.mario)) == {}, form
        assert tab.types(**fields) == 204
        expected[form] = {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    for _ in range(2):
        for form, (path, _) in FORMS.items():
            tab = Tab(desk, form)
            assert tab.shows(path.format(tab.mario)) == expected[form], form
        assert set(desk.client.get(f"/drafts/of/{tab.mario}").json()) == {f"{form}/{tab.mario}" for form in FORMS}
        desk.sit_down()  # the session was over
    desk.sit_down("luca")
    assert desk.client.get(f"/drafts/of/{tab.mario}").json() == []


def test_a_form_that_is_sent_or_given_up_is_forgotten_and_what_comes_late_of_it_too(desk: Desk, call: UUID) -> None:
    card = f"/contacts/{desk.stage.cast.mario}/card"
    tab = Tab(desk, "card-reach")
    tab.types(kind="phone", value="0571 700999")
    refused = tab.sends(f"/contacts/{tab.mario}/reaches", kind="phone", value="12")
    assert refused.status_code == 422
    assert tab.shows(card)["value"] == ["0571 700999"]  # nothing was done with it
    assert tab.sends(f"/contacts/{tab.mario}/reaches", kind="phone", value="0571 700999").status_code == 200
    assert tab.types(kind="phone", value="0571 700999") == 204  # on its way when the form was sent
    assert tab.shows(card) == {}
    other = Tab(desk, "card-reach")  # another tab, in which somebody goes on
    other.types(kind="email", value="m@")
    assert other.shows(card)["value"] == ["m@"]
    assert desk.client.post("/drafts/drop", headers=other.headers()).status_code == 204
    assert other.shows(card) == {}


def test_a_follow_up_made_in_one_tab_is_no_draft_in_the_other(desk: Desk, call: UUID) -> None:
    tab = Tab(desk, "follow-up")
    tab.types(note="Richiamare", kind="call_back")
    made = tab.sends("/follow-ups", contact=tab.mario, kind="call_back", day="tomorrow", note="Richiamare")
    assert made.status_code == 200
    assert tab.shows(f"/follow-ups/form?contact={tab.mario}") == {}


def test_who_is_on_the_line_and_what_he_answered_is_there_in_another_tab_and_in_no_other_call(
    desk: Desk,
) -> None:
    """What was answered in one conversation proves nothing in the next."""
    call = desk.talks()
    tab = Tab(desk, "gate", f"gate/{desk.stage.cast.mario}/{call.hex}")
    typed = {"speaker": ["new"], "kind": ["delegate"], "name": ["Ugo D'Amico «figlio»"], "right": ["name", "born"]}
    assert tab.types(call=call, contact=tab.mario, **typed) == 204
    assert tab.shows("/console") == typed
    desk.sit_down()  # the session was over; the call goes on
    assert tab.shows("/console") == typed
    refused = tab.sends("/console/identify", call=call, contact=tab.mario, speaker="new", kind="", name="Ugo")
    assert refused.status_code == 422
    assert tab.shows("/console") == typed
    assert tab.sends("/console/identify", call=call, contact=tab.mario, right=["name", "born"]).status_code == 204
    assert tab.types(**typed) == 204  # on its way when the file opened
    assert desk.client.get(f"/drafts/of/{tab.mario}").json() == []
    assert desk.press("retract", call=call, contact=tab.mario).status_code == 204
    assert desk.press("propose", call=call, contact=tab.mario).status_code == 204
    assert f'data-place="{tab.place}"' in desk.page("file")
    assert tab.shows("/console") == {}

    late = Tab(desk, "gate", f"gate/{tab.mario}/{UUID(int=7).hex}")
    assert late.types(**typed) == 204  # of a call of before
    assert tab.shows("/console") == {}
    stranger = Tab(desk, "gate", f"gate/{desk.stage.cast.stranger_in_siena}/{call.hex}")
    assert stranger.types(**typed) == 404


def test_nothing_but_whom_it_is_about_is_no_draft(desk: Desk) -> None:
    call = desk.talks()
    tab = Tab(desk, "gate", f"gate/{desk.stage.cast.mario}/{call.hex}")
    assert tab.types(call=call, contact=tab.mario, speaker="", kind="", name=" ") == 204
    assert tab.shows("/console") == {}


def test_a_broadcast_half_written_is_its_writers_until_it_is_sent(desk: Desk) -> None:
    place = f"broadcast/{desk.stage.cast.contract}"
    assert Tab(desk, "broadcast", place).types(words="Da Anna") == 403  # who writes to nobody
    desk.sit_down("sara")
    tab = Tab(desk, "broadcast", place)
    assert tab.types(words="Il sito è", queue="") == 204
    assert tab.shows("/broadcasts") == {"words": ["Il sito è"], "queue": [""]}
    sent = tab.sends(f"/broadcasts/{desk.stage.cast.contract}", words="Il sito è fermo")
    assert sent.status_code == 204
    assert tab.shows("/broadcasts") == {}


def test_a_correction_comes_back_with_the_fields_of_its_subject(desk: Desk, call: UUID) -> None:
    tab = Tab(desk, "correction")
    tab.types(what="email", value="mario@", note="Scritto male")
    shown = desk.client.get(f"/proposals/form/correction/{tab.mario}").text
    assert 'value="mario@"' in shown
    assert "Scritto male" in shown
    sent = tab.sends(f"/proposals/make/correction/{tab.mario}", what="email", value="mario@example.it")
    assert sent.status_code == 200
    assert len(desk.stage.work(lambda s: proposals.made_by(s, desk.stage.principal(desk.stage.cast.anna)))) == 1
    assert desk.client.get(f"/drafts/of/{tab.mario}").json() == []


def test_nobody_elses_form_and_no_other_entes_person(desk: Desk, call: UUID) -> None:
    stranger = Tab(desk, "card-reach")
    stranger.place = f"card-reach/{desk.stage.cast.stranger_in_siena}"
    assert stranger.types(value="1") == 404
    for place in ("", "card-reach", "nothing/1", "card-reach/1 OR 1=1"):
        stranger.place = place
        assert stranger.types(value="1") == 422
    assert desk.stage.work(lambda s: s.scalars(select(FormDraft)).all()) == []
    assert desk.client.post("/drafts", data={"value": "1"}).status_code == 403  # without the page's token


def test_a_session_that_is_over_says_so_to_a_page_that_waits_and_gives_its_token_to_the_next(desk: Desk) -> None:
    desk.client.cookies.clear()
    stays = {"X-Stays": "1", "HX-Request": "true"}
    answer = desk.client.post("/console/state", data={"state": "ready"}, headers=stays)
    assert (answer.status_code, "hx-redirect" in answer.headers) == (401, False)
    led = desk.client.post("/console/state", data={"state": "ready"}, headers={"HX-Request": "true"})
    assert led.headers["hx-redirect"].startswith("/sign-in")
    json_only = {"accept": "application/json"}
    assert desk.client.get("/session", headers=json_only).status_code == 401
    desk.sit_down()
    found = desk.client.get("/session", headers=json_only)
    assert found.json() == {"user": desk.stage.cast.anna, "csrf": desk.headers["X-CSRF-Token"]}
    assert found.headers["cache-control"] == "no-store"
    assert "Accesso fatto" in desk.client.get("/session/begun").text


def test_the_notes_of_a_call_stay_the_calls_own(desk: Desk, call: UUID) -> None:
    """Whoever it is passed on to finds them: they are no draft of one person's."""
    assert desk.press("draft", call=call, note="Chiede delle rate").status_code == 204
    assert desk.stage.work(lambda s: s.get_one(Call, call).note) == "Chiede delle rate"
    assert 'data-draft="/console/draft"' in desk.page("talk")
    assert desk.stage.work(lambda s: s.scalars(select(FormDraft)).all()) == []


def test_who_is_in_no_queue_is_told_what_practice_takes(desk: Desk) -> None:
    assert "Comincia la prova" in desk.client.get("/practice").text
    desk.sit_down("sara")
    page = desk.client.get("/practice").text
    assert "Comincia la prova" not in page
    assert 'href="/centre"' in page
