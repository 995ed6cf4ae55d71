"""Pages of rounds: a day prepared, searched, changed, published; what is typed wrong; who sees it; on paper."""

import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from crm.core.settings import Settings, SettingsError, load_settings
from outbound.field.places.placing import Point
from outbound.field.places.queries import Line
from outbound.field.rounds import tasks
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.models import TravelMatrix
from outbound.field.rounds.places import Place
from tests.outbound.field.test_rounds import DOORS, Planning, planning
from tests.web.conftest import csrf_of, let_in, runtime_of
from web.field.schematic import HEIGHT, WIDTH, Way, drawn, letter_of
from web.field.town import town

__all__ = ("planning",)  # the fixture
pytestmark = pytest.mark.integration
FINE = {
    "seconds": "1", "home_hours": "9-19", "business_hours": "9-18", "home_minutes": "20", "business_minutes": "30",
    "detour": "1,3", "town_kmh": "20", "country_kmh": "45",
}  # fmt: skip


@pytest.fixture
def at(client: TestClient, planning: Planning) -> str:
    """The address of the day's plan, and Sara before it."""
    let_in(client, "sara")
    return f"/field/rounds/{planning.begun()}"


def post(client: TestClient, path: str, **data: Any) -> Any:
    files = data.pop("files", None)
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    return client.post(path, data=data, files=files, headers=headers)


def test_a_day_is_prepared_searched_and_published(client: TestClient, planning: Planning) -> None:
    let_in(client, "sara")
    day = planning.work(lambda s, _: planning.day(s))
    begun = post(client, "/field/rounds", contract=planning.cast.contract, day=str(day))
    where = begun.headers["hx-redirect"]
    assert re.fullmatch(r"/field/rounds/\d+/choose", where)
    planning.plan = int(where.split("/")[3])
    at = where.removesuffix("/choose")
    assert "Fabio Lotti" in client.get(where).text
    assert post(client, f"{at}/settings", **FINE).status_code == 204
    assert post(client, f"{at}/solve").headers["hx-redirect"] == at
    assert "Si cercano giri migliori" in client.get(at).text
    planning.job(tasks.run_solve)
    page = client.get(at).text
    assert "Calcolato, non pubblicato" in page
    assert page.count('id="pin-') == DOORS + 1
    assert "<svg" in page
    assert post(client, f"{at}/publish").status_code == 204
    assert "Pubblicato" in client.get("/field/rounds").text


def test_a_visit_is_moved_by_its_buttons_and_said_to_be_fixed(client: TestClient, planning: Planning, at: str) -> None:
    planning.searched()
    second = planning.orders()[planning.fabio][1]
    shown = post(client, f"{at}/stops/{second}/move", agent=planning.fabio, position="1").text
    assert planning.orders()[planning.fabio][0] == second
    assert "fissata alle" in shown
    assert f'id="up-{second}"' in shown
    refused = post(client, f"{at}/stops/{second}/fix", at="3:00")
    assert refused.status_code == 422
    assert "A quell'ora" in refused.text
    out = post(client, f"{at}/stops/{second}/take-out").text
    assert "non ancora calcolata" in out
    assert post(client, f"{at}/stops/{second}/insist", must="1").text.count("da fare") == 1
    assert str(second) not in re.findall(r"stops/(\d+)/", post(client, f"{at}/stops/{second}/remove").text)


def test_the_sheet_says_where_and_when_and_nothing_of_a_debt(client: TestClient, planning: Planning, at: str) -> None:
    planning.searched()
    sheet = client.get(f"{at}/sheet/{planning.fabio}").text
    assert sheet.count("Via Roma 1") == DOORS + 1
    assert "Pino 2 BIANCHI".casefold() in sheet.casefold()
    assert not re.search(r"812|€|euro|TARI|debito", sheet)
    assert client.get(f"{at}/sheet/{planning.lia}").status_code == 404


@pytest.mark.parametrize(
    ("path", "sent", "field"),
    [
        ("settings", {"seconds": "x", "home_hours": "9-13", "business_hours": "9-13"}, "seconds"),
        ("settings", {**FINE, "home_hours": "9:00-9:10, " * 9}, "home_hours"),
        ("settings", {**FINE, "seconds": "9999", "home_hours": "sempre"}, "home_hours"),
        ("agents/{fabio}", {"begins": "25:00", "ends": "18:00"}, "begins"),
        ("agents/{fabio}", {"begins": "18:00", "ends": "9:00"}, "ends"),
        ("agents/{fabio}", {"begins": "9:00", "ends": "18:00", "place": "Empoli"}, "place"),
        ("agents/{fabio}", {"begins": "9:00", "ends": "18:00", "place": "nan,nan"}, "place"),
        ("agents/{fabio}", {"begins": "9:00", "ends": "18:00", "pause_earliest": "12:00", "pause_latest": "12:30",
                            "pause_length": "60"}, "pause_length"),
        ("agents/{fabio}", {"begins": "9:00", "ends": "18:00", "most": "40000"}, "most"),
        ("agents", {"agent": ""}, "agent"),
        ("practices", {}, "practice"),
        ("matrix", {}, "file"),
    ],
)  # fmt: skip
def test_what_is_typed_wrong_is_said_at_its_field(
    client: TestClient, planning: Planning, at: str, path: str, sent: dict[str, str], field: str
) -> None:
    answer = post(client, f"{at}/{path.format(fabio=planning.fabio)}", **sent)
    assert answer.status_code == 422
    assert field in answer.text


def test_measured_ways_are_taken_from_a_file_and_forgotten(client: TestClient, planning: Planning, at: str) -> None:
    places = client.get(f"{at}/places.csv").text.splitlines()
    assert len(places) == 1 + DOORS + 1
    one, other = planning.doors[:2]
    wrong = {"file": ("m.csv", f"da;a;secondi;metri\nP{one};P{other};presto;1\n".encode(), "text/csv")}
    assert "riga 2" in post(client, f"{at}/matrix", files=wrong).text
    right = {"file": ("m.csv", f"da;a;secondi;metri\nP{one};P{other};77;990\n".encode(), "text/csv")}
    assert post(client, f"{at}/matrix", files=right).status_code == 204
    problem = planning.shown().problem
    nodes = {stop.key: problem.node(i) for i, stop in enumerate(problem.stops)}
    assert problem.travel[nodes[one]][nodes[other]].seconds == 77
    post(client, f"{at}/matrix", forget="1")
    assert planning.work(lambda s, _: s.get(TravelMatrix, planning.plan)) is None


def test_who_does_not_plan_sees_no_plan(client: TestClient, planning: Planning, at: str) -> None:
    for who in ("anna", "vera"):
        client.cookies.clear()
        let_in(client, who)
        assert client.get(at).status_code in {403, 404}
        assert post(client, f"{at}/solve").status_code in {403, 404}
    assert planning.shown().plan.state is PlanState.DRAFT


def test_a_map_is_there_where_tiles_are_named_and_their_server_alone_is_allowed(
    client: TestClient, planning: Planning, at: str
) -> None:
    assert 'id="map"' not in client.get(at).text
    runtime = runtime_of(client)
    tiles = {"map_tiles": "https://tiles.example.it/{z}/{x}/{y}.png", "map_attribution": "© OpenStreetMap contributors"}
    object.__setattr__(runtime, "settings", runtime.settings.model_copy(update=tiles))
    answer = client.get(at)
    assert 'data-tiles="https://tiles.example.it/{z}/{x}/{y}.png"' in answer.text
    assert "img-src 'self' data: https://tiles.example.it;" in answer.headers["content-security-policy"]
    assert "tiles.example.it" not in client.get("/field/rounds").headers["content-security-policy"]


@pytest.mark.parametrize("wrong", ["tiles/{z}/{x}/{y}", "https://a.it/tiles", "https://{s}.a.it/{z}/{x}/{y}.png"])
def test_tiles_are_an_address_with_places_in_it(environ: dict[str, str], wrong: str) -> None:
    with pytest.raises(SettingsError, match="MAP_TILES"):
        load_settings({**environ, "FILODIRETTO_MAP_TILES": wrong})
    assert isinstance(load_settings(environ), Settings)


def test_the_drawing_keeps_everything_within_its_edges() -> None:
    empoli, vinci = Place(43.7189, 10.9455), Place(43.7835, 10.9228)
    found = drawn([Way("A", "Fabio", 9, empoli, None, [(vinci, "A1", "Vinci")])], [(empoli, "–", "fuori")])
    assert found is not None
    points = [*found.lines[0].points, *found.left]
    assert all(0 < one.x < WIDTH and 0 < one.y < HEIGHT for one in points)
    assert found.lines[0].kind == 1
    assert found.km == pytest.approx(1.4, abs=0.4)
    assert drawn([], []) is None
    assert drawn([], [(empoli, "–", "")]) is not None, "a single place has no width"
    roma = Line("Via Roma", Point(43.72, 10.95), Point(43.71, 10.94), Point(43.73, 10.96))
    seen = town([roma, replace(roma, name="Via di Roma Antica"), replace(roma, name="Via Nuova")])
    assert seen is not None
    assert town([]) is None
    named = [one.at for one in seen.streets]
    assert None not in named
    assert len(set(named)) == 3, "each name where there is room along its street"
    x, y = seen.scale.at(roma.centre)
    assert (f"{x},{y}" in seen.streets[0].path, 0 < x < WIDTH, 0 < y < HEIGHT) == (True, True, True)
    assert [letter_of(n) for n in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]
