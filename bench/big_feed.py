"""A feed as large as wanted, invented and the same every time: so many taxpayers, each with two positions.

Names are as unequal as real ones: a few families are everywhere, and most surnames are rare.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stdnum import luhn
from stdnum.it.codicefiscale import calc_check_digit

from crm.positions.notice import check_digits

POSITIONS_EACH = 2
HEADER = {
    "record": "feed", "version": 1, "mode": "full", "as_of": "2026-11-20T06:00:00+01:00", "source": "Misura",
}  # fmt: skip
FREQUENT = (
    "Rossi", "Russo", "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino", "Greco",
    "Bruno", "Gallo", "Conti", "Mancini", "Costa", "Giordano", "Rizzo", "Lombardi", "Moretti", "Barbieri",
    "Fontana", "Santoro", "Mariani", "Rinaldi", "Caruso", "Ferrara", "Galli", "Martini", "Leone", "Longo",
    "Gentile", "Martinelli", "Vitale", "Lombardo", "Serra", "Coppola", "Marchetti", "Parisi", "Villa", "Conte",
    "Ferri", "Fabbri", "Bianco", "Marini", "Grasso", "Valentini",
)  # fmt: skip
GIVEN = (
    "Mario", "Anna", "Giuseppe", "Maria", "Luca", "Giulia", "Marco", "Francesca", "Paolo", "Laura", "Andrea",
    "Sara", "Giovanni", "Chiara", "Roberto", "Paola", "Stefano", "Elena", "Antonio", "Rosa", "Francesco",
    "Lucia", "Alessandro", "Silvia", "Davide", "Martina", "Simone", "Valentina", "Pietro", "Teresa", "Carlo",
)  # fmt: skip
SYLLABLES = (
    "ba", "be", "bi", "bo", "ca", "ce", "co", "cu", "da", "de", "di", "do", "fa", "fe", "fi", "ga", "gi", "la",
    "le", "li", "lo", "ma", "mi", "mo", "na", "ne", "ni", "pa", "pe", "ra", "re", "ri", "sa",
)  # fmt: skip
STREETS = ("Via Roma", "Via Garibaldi", "Piazza della Vittoria", "Via Dante Alighieri", "Viale Petrarca", "Via Pisana")
TAXES = ("tari", "tari", "tari", "imu", "imu", "sanzioni_cds", "servizi_scolastici", "canone_unico")
STATES = ("to_pay", "overdue", "overdue", "paid", "paid", "in_instalments", "suspended", "fermo")
MONTHS = "ABCDEHLMPRST"
RARE = 40_000  # surnames beside the frequent ones


def write(path: Path, *, ente: str, taxpayers: int) -> None:
    """Write the feed of an ente (codice catastale)."""
    with path.open("w", encoding="utf-8") as file:
        for record in _records(ente, taxpayers):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _records(ente: str, taxpayers: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(1861)
    yield HEADER | {"ente": ente}
    for number in range(taxpayers):
        person = _taxpayer(dice, number)
        yield person
        for debt in range(POSITIONS_EACH):
            yield _position(dice, number * POSITIONS_EACH + debt, person["codice_fiscale"])
    yield {"record": "end", "taxpayers": taxpayers, "positions": taxpayers * POSITIONS_EACH}


def _taxpayer(dice: random.Random, number: int) -> dict[str, Any]:
    where = {
        "address": f"{dice.choice(STREETS)} {dice.randint(1, 180)}", "postcode": "50053", "town": "Empoli",
        "phones": [f"+3933{number:08d}"] if dice.random() < 0.6 else [],
    }  # fmt: skip
    if number % 12 == 0:
        stem = f"{number + 1:07d}048"
        code = stem + luhn.calc_check_digit(stem)
        name = f"{_surname(dice)} {dice.choice(('Srl', 'Snc', 'Spa'))}"
        return {"record": "taxpayer", "codice_fiscale": code, "partita_iva": code, "business_name": name, **where}
    day, letter = 1 + number // 12 % 28, MONTHS[number % 12]
    year, rest = 40 + number // 336 % 60, number // 20_160
    stem = f"RSSM{chr(65 + rest // 26 % 26)}{chr(65 + rest % 26)}{year:02d}{letter}{day:02d}D403"
    return {
        "record": "taxpayer", "codice_fiscale": stem + calc_check_digit(stem), "surname": _surname(dice),
        "given_name": dice.choice(GIVEN), "born_on": f"19{year:02d}-{number % 12 + 1:02d}-{day:02d}",
        "birthplace": "Empoli", "emails": [f"m{number}@example.it"] if dice.random() < 0.3 else [], **where,
    }  # fmt: skip


def _surname(dice: random.Random) -> str:
    if dice.random() < 0.5:
        return FREQUENT[min(int(dice.expovariate(0.12)), len(FREQUENT) - 1)]
    rare = int(RARE * dice.random() ** 2)
    parts = (rare % 33, rare // 33 % 33, rare // 1089 % 33)
    return "".join(SYLLABLES[part] for part in parts).capitalize() + "tti"


def _position(dice: random.Random, number: int, codice_fiscale: str) -> dict[str, Any]:
    tax, state = dice.choice(TAXES), dice.choice(STATES)
    base, year = dice.randint(40, 900), dice.randint(2016, 2025)
    paid = base if state == "paid" else 0
    stem = f"30048{number:011d}"
    record: dict[str, Any] = {
        "record": "position", "reference": f"{tax}-{year}-{number}", "codice_fiscale": codice_fiscale,
        "notice_number": stem + check_digits(stem), "tax": tax, "year": year, "act_kind": "ingiunzione",
        "act_number": f"{year}/{number}", "state": state,
        "amounts": {
            "tax": f"{base}.00", "sanctions": "18.00", "interest": "2.50", "costs": "9.50", "paid": f"{paid}.00",
            "residual": f"{base - paid + 30}.00",
        },
        "issued_on": f"{year}-03-20", "due_on": f"{year}-06-16", "notification": "notified",
        "notified_on": f"{year}-04-10",
    }  # fmt: skip
    if paid:
        record["payments"] = [{"paid_on": f"{year}-06-10", "amount": f"{paid}.00", "channel": "pagoPA"}]
    if state == "in_instalments":
        record["instalments"] = [
            {"number": rate + 1, "due_on": f"{year}-{7 + rate:02d}-28", "amount": "40.00"} for rate in range(5)
        ]
    return record
