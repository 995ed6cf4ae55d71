"""Italian addresses as they are compared, and civic numbers as files write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from outbound.field.places.civic_file import Row, Wrong, rows
from outbound.field.places.placing import Place, Placed, Point, Street, Town, metres, place
from outbound.field.places.streets import Civic, Located, alike, located, street_key

HERE = Point(43.72, 10.95)
ROMA = Street(1, "VIA ROMA", "Via Roma", HERE)


@pytest.mark.parametrize(
    ("line", "key", "civic"),
    [
        ("Via Roma 1", "VIA ROMA", "1"),
        ("V. Roma, 12/A", "VIA ROMA", "12/A"),
        ("V.le Italia n. 5 bis", "VIALE ITALIA", "5/BIS"),
        ("P.zza Garibaldi 12a", "PIAZZA GARIBALDI", "12/A"),
        ("P.za del Popolo, 3", "PIAZZA DEL POPOLO", "3"),
        ("PIAZZA DELLA VITTORIA 10/r", "PIAZZA DELLA VITTORIA", "10/R"),
        ("Via Roma 10 rosso", "VIA ROMA", "10/R"),
        ("Via Roma snc", "VIA ROMA", ""),
        ("Via Roma S.N.C.", "VIA ROMA", ""),
        ("S.S. 67 km 12,300", "STRADA STATALE 67", "12300/KM"),
        ("Strada Statale 67 KM 12+300", "STRADA STATALE 67", "12300/KM"),
        ("C.so V. Emanuele II 4", "CORSO V EMANUELE 2", "4"),
        ("Via XX Settembre 20", "VIA 20 SETTEMBRE", "20"),
        ("Via 20 settembre, 20", "VIA 20 SETTEMBRE", "20"),
        ("Via I Maggio 3", "VIA 1 MAGGIO", "3"),
        ("Via S. Andrea 3", "VIA SAN ANDREA", "3"),
        ("Via Sant'Andrea 3", "VIA SAN ANDREA", "3"),
        ("Via F.lli Rosselli 8", "VIA FRATELLI ROSSELLI", "8"),
        ("Via dei Mille n° 44", "VIA DEI MILLE", "44"),
        ("Via G. Garibaldi 7/B int. 4", "VIA G GARIBALDI", "7/B"),
        ("L.go Dante, 1 - Sc. B", "LARGO DANTE", "1"),
        ("Via 25 Aprile", "VIA 25 APRILE", ""),
        ("", "", ""),
    ],
)
def test_an_address_in_any_writing_is_the_same_address(line: str, key: str, civic: str) -> None:
    found = located(line)
    assert (found.key, found.civic.written) == (key, civic)


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_somehow(line: str) -> None:
    found = located(line)
    assert len(found.key) <= 160
    assert street_key(found.key) == found.key or found.key


@pytest.mark.parametrize(
    ("key", "other", "same"),
    [
        ("VIA G GARIBALDI", "VIA GIUSEPPE GARIBALDI", True),
        ("VIA GARIBALDI", "VIA GIUSEPPE GARIBALDI", True),
        ("VIA G GARIBALDI", "VIA ANITA GARIBALDI", False),
        ("PIAZZA GARIBALDI", "VIA GARIBALDI", False),
        ("VIA ROMA", "VIA ROMAGNA", False),
    ],
)
def test_a_shorter_writing_may_be_the_same_street(key: str, other: str, same: bool) -> None:
    assert alike(key, other) is alike(other, key) is same


def test_a_street_that_may_be_two_is_none() -> None:
    town = Town([Street(1, "VIA GIUSEPPE GARIBALDI", "", HERE), Street(2, "VIA GIACOMO GARIBALDI", "", HERE)])
    assert town.street("VIA G GARIBALDI") is None
    assert [one.id for one in town.suggestions("VIA G GARIBALDI")] == [2, 1]


def test_it_is_placed_at_its_number_else_near_it_else_in_the_middle_of_the_street() -> None:
    at = {(n, ""): Point(43.72 + n / 10_000, 10.95) for n in (1, 3, 8, 20)} | {(3, "A"): Point(43.8, 10.95)}

    def found(number: int | None, suffix: str = "") -> Place:
        return place(Located(ROMA.key, Civic(number, suffix)), ROMA, at)

    assert (found(3, "A").placed, found(3, "A").at) == (Placed.CIVIC, Point(43.8, 10.95))
    assert (found(8, "B").placed, found(8, "B").civic.written) == (Placed.NEAR, "8")
    assert found(5).civic.written == "3"  # the same side, as near
    assert found(22).civic.written == "20"
    assert (found(99).placed, found(99).at) == (Placed.STREET, HERE)
    assert found(None).placed is Placed.STREET
    assert place(Located("", Civic(1)), None, {}).placed is Placed.NOWHERE


def test_metres_are_as_the_crow_flies() -> None:
    assert round(metres(Point(43.7186, 10.9455), Point(43.7696, 11.2558)) / 1000) == 26  # Empoli to Florence


HEAD = "COMUNE;ODONIMO;CIVICO;ESPONENTE;CAP;COORD_X_COMUNE;COORD_Y_COMUNE\n"


def test_columns_of_the_national_register_and_decimal_commas_are_read() -> None:
    found = list(
        rows([HEAD, "EMPOLI;VIA ROMA;1;;50053;10,9455;43,7189\n", "EMPOLI;VIA ROMA;1;A;50053;10,9456;43,7189"])
    )
    assert found == [
        Row("EMPOLI", "VIA ROMA", "VIA ROMA", 1, "", "50053", Point(43.7189, 10.9455)),
        Row("EMPOLI", "VIA ROMA", "VIA ROMA", 1, "A", "50053", Point(43.7189, 10.9456)),
    ]


def test_openaddresses_writes_suffix_and_number_in_one() -> None:
    found = list(rows(["LON,LAT,NUMBER,STREET,CITY,POSTCODE", "10.9455,43.7189,12/A,Via Roma,,50053"], town="Empoli"))
    assert found == [Row("EMPOLI", "VIA ROMA", "Via Roma", 12, "A", "50053", Point(43.7189, 10.9455))]


def test_metres_of_another_system_are_refused_with_the_reason() -> None:
    with pytest.raises(InvalidError, match="EPSG:4326"):
        list(rows([HEAD, "EMPOLI;VIA ROMA;1;;50053;1656789,1;4842345,2"]))


def test_a_file_without_its_columns_says_which_are_missing() -> None:
    with pytest.raises(InvalidError, match="«LAT»"):
        list(rows(["STREET,NUMBER\n", "Via Roma,1"]))
    with pytest.raises(InvalidError, match="comune"):
        list(rows(["STREET,NUMBER,LAT,LON\n", "Via Roma,1,43,10"]))


def test_a_line_that_cannot_be_read_is_left_out_and_told() -> None:
    found = list(
        rows([HEAD, "EMPOLI;VIA ROMA;x;;50053;10,9;43,7", "EMPOLI;VIA ROMA;2;;50053;43,7;10,9", "EMPOLI;VIA", ""])
    )
    assert [one.line for one in found if isinstance(one, Wrong)] == [2, 3, 4]
    assert "scambiate" in found[1].why  # type: ignore[union-attr]
