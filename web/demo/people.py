"""Invented taxpayers with valid codes. Phones are in ranges that no operator assigns to subscribers."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from codicefiscale import codicefiscale
from stdnum import luhn

from web.demo.places import BIRTHPLACES, Municipality

MEN = (
    "Alessio", "Andrea", "Cosimo", "Dario", "Duccio", "Enzo", "Fabio", "Filippo", "Francesco", "Giovanni",
    "Guido", "Iacopo", "Lapo", "Leonardo", "Lorenzo", "Luca", "Marco", "Mario", "Matteo", "Neri", "Niccolò",
    "Paolo", "Piero", "Renzo", "Riccardo", "Simone", "Stefano", "Tommaso", "Ugo", "Vasco",
)  # fmt: skip
WOMEN = (
    "Alessandra", "Anna", "Beatrice", "Bianca", "Chiara", "Cinzia", "Daniela", "Elena", "Elisa", "Fiorenza",
    "Francesca", "Gaia", "Ginevra", "Giulia", "Ilaria", "Laura", "Lucia", "Margherita", "Maria", "Marta",
    "Matilde", "Nicoletta", "Ornella", "Paola", "Rosanna", "Sara", "Serena", "Silvia", "Teresa", "Viola",
)  # fmt: skip
SURNAMES = (
    "Baldi", "Bandini", "Barsanti", "Bartoli", "Becattini", "Bellucci", "Benvenuti", "Bini", "Boldrini",
    "Brogi", "Cecchi", "Cei", "Ciampi", "Cioni", "Corsi", "D'Amico", "Del Bianco", "Degl'Innocenti", "Fabbri",
    "Falorni", "Fantozzi", "Ferrini", "Fiaschi", "Gabbrielli", "Galli", "Ghezzani", "Giannini", "Gori",
    "Guerrini", "Innocenti", "Lapi", "Lari", "Lippi", "Lombardi", "Magnani", "Mancini", "Mannucci",
    "Martelli", "Masini", "Matteucci", "Mazzoni", "Meucci", "Nannini", "Nencioni", "Nesi", "Orlandini",
    "Pagni", "Palmieri", "Pieri", "Pini", "Poggi", "Pucci", "Ricci", "Romagnoli", "Rossi", "Salvadori",
    "Santini", "Sarti", "Scarselli", "Signorini", "Taddei", "Tempesti", "Terreni", "Tognetti", "Vannini",
    "Vannucci", "Viviani", "Zini",
)  # fmt: skip
FOREIGN = {
    "Z100": (("Arben", "Dritan"), ("Elira", "Mirela"), ("Hoxha", "Shehu", "Gjoni"), "sq"),
    "Z129": (("Ion", "Mihai"), ("Elena", "Ioana"), ("Popescu", "Ionescu", "Dumitru"), "ro"),
    "Z210": (("Wei", "Jun"), ("Mei", "Lin"), ("Chen", "Hu", "Zhang"), "zh"),
    "Z330": (("Youssef", "Hamid"), ("Fatima", "Khadija"), ("El Amrani", "Benali", "Idrissi"), "ar"),
    "Z343": (("Mamadou", "Ousmane"), ("Awa", "Fatou"), ("Diop", "Ndiaye", "Fall"), "fr"),
}
TRADES = (
    "Autofficina", "Bar Pasticceria", "Carrozzeria", "Edilizia", "Ferramenta", "Forno", "Impianti",
    "Immobiliare", "Lavanderia", "Maglificio", "Panificio", "Pelletteria", "Ristorante", "Tabaccheria",
    "Trasporti", "Vetreria", "Vivai",
)  # fmt: skip
FORMS = ("S.r.l.", "S.r.l.", "S.n.c.", "S.a.s.", "S.p.A.")
LEGAL_SHARE, TRADER_SHARE, OMOCODIA_SHARE = 0.11, 0.06, 0.01
MOBILE_PREFIXES = ("314", "315", "316")
OMOCODIA = dict(zip("0123456789", "LMNPQRSTUV", strict=True))


@dataclass(frozen=True, slots=True)
class Person:
    """A taxpayer, as a record of the feed without its address."""

    record: dict[str, Any]
    is_company: bool
    name: str
    phones: tuple[str, ...] = field(default=())


class Registry:
    """Draws taxpayers from a seed; no two share a code."""

    def __init__(self, dice: random.Random, today: date) -> None:
        self._dice = dice
        self._today = today
        self._codes: set[str] = set()
        self._numbers: set[str] = set()

    def taxpayer(self, place: Municipality) -> Person:
        """Somebody new, known to this municipality."""
        return self._company(place) if self._dice.random() < LEGAL_SHARE else self.citizen(place)

    def doubles(self, people: list[Person]) -> list[Person]:
        """Some of these people once more, as two offices write one person twice: three of them."""
        plain = [one for one in people if not one.is_company and one.record["codice_fiscale"][12:15].isdigit()]
        trader = next(one for one in plain if "partita_iva" in one.record)
        first, second = [one for one in plain if "partita_iva" not in one.record][:2]
        partita_iva, surname = trader.record["partita_iva"], trader.record["surname"]
        business = {
            "record": "taxpayer", "codice_fiscale": partita_iva, "partita_iva": partita_iva,
            "business_name": f"{surname} di {surname} {trader.record['given_name']}",
        }  # fmt: skip
        return [
            self._again(first, _with_letter(first.record["codice_fiscale"], 14)),
            self._again(second, _with_place_slip(second.record["codice_fiscale"])),
            Person(business, is_company=True, name=business["business_name"]),
        ]

    def _again(self, one: Person, codice_fiscale: str) -> Person:
        self._codes.add(codice_fiscale)
        told = {name: value for name, value in one.record.items() if name not in {"phones", "emails"}}
        return Person(told | {"codice_fiscale": codice_fiscale}, is_company=False, name=one.name)

    def address(self, place: Municipality) -> dict[str, str]:
        """An address in the municipality."""
        street = f"{self._dice.choice(place.streets)} {self._dice.randint(1, 180)}"
        return {"address": street, "postcode": place.postcode, "town": place.short_name}

    def number(self, place: Municipality) -> str:
        """A phone in E.164 that nobody else here has."""
        while True:
            digits = f"{self._dice.randrange(10**5):05d}"
            mobile = f"+39{self._dice.choice(MOBILE_PREFIXES)}{self._dice.randrange(100):02d}{digits}"
            landline = f"+39{place.area_code}0{digits}"
            number = mobile if self._dice.random() < 0.7 else landline
            if number not in self._numbers:
                self._numbers.add(number)
                return number

    def citizen(self, place: Municipality) -> Person:
        """Somebody new, of flesh and blood."""
        dice = self._dice
        town, code, _ = dice.choices(BIRTHPLACES, weights=[weight for *_, weight in BIRTHPLACES])[0]
        woman = dice.random() < 0.5
        men, women, surnames, language = FOREIGN.get(code, (MEN, WOMEN, SURNAMES, "it"))
        surname, given = dice.choice(surnames), dice.choice(women if woman else men)
        born = self._today - timedelta(days=dice.randint(19 * 365, 92 * 365))
        record: dict[str, Any] = {
            "record": "taxpayer", "codice_fiscale": self._codice_fiscale(surname, given, born, code, woman=woman),
            "surname": surname, "given_name": given, "born_on": born.isoformat(), "birthplace": town,
        }  # fmt: skip
        if language != "it":
            record["language"] = language
        if dice.random() < TRADER_SHARE:
            record["partita_iva"] = self.partita_iva(place)
        return self._reachable(place, record, f"{given} {surname}", is_company=False)

    def _company(self, place: Municipality) -> Person:
        dice = self._dice
        code = self.partita_iva(place)
        owner = dice.choice(SURNAMES)
        name = f"{dice.choice(TRADES)} {owner}{dice.choice(('', '', ' & Figli'))} {dice.choice(FORMS)}"
        record: dict[str, Any] = {
            "record": "taxpayer", "codice_fiscale": code, "partita_iva": code, "business_name": name,
            "pecs": [f"ditta{code}@pec.example.it"],
            "relations": [{"kind": "legal_representative", "name": f"{dice.choice(MEN + WOMEN)} {owner}"}],
        }  # fmt: skip
        return self._reachable(place, record, name, is_company=True)

    def _reachable(self, place: Municipality, record: dict[str, Any], name: str, *, is_company: bool) -> Person:
        dice = self._dice
        phones = tuple(self.number(place) for _ in range(dice.choice((0, 1, 1, 1, 2))))
        if phones:
            record["phones"] = [_as_written(dice, number, place) for number in phones]
        if dice.random() < 0.45:
            mailbox = "".join(char for char in name.lower() if char.isascii() and char.isalpha())
            record["emails"] = [f"{mailbox}{dice.randint(1, 99)}@example.it"]
        return Person(record, is_company, name, phones)

    def _codice_fiscale(self, surname: str, given: str, born: date, code: str, *, woman: bool) -> str:
        day = born.day + 40 if woman else born.day
        stem = f"{_coded(surname, given)}{born:%y}{'ABCDEHLMPRST'[born.month - 1]}{day:02d}{code}"
        result = stem + codicefiscale.encode_cin(stem)
        positions = [14, 13, 12, 10, 9, 7, 6]
        if self._dice.random() < OMOCODIA_SHARE:
            result = _with_letter(result, positions.pop(0))
        while result in self._codes:
            result = _with_letter(result, positions.pop(0))
        self._codes.add(result)
        return result

    def partita_iva(self, place: Municipality) -> str:
        """A partita IVA that nobody else here has."""
        while True:
            stem = f"{self._dice.randrange(10**6, 2 * 10**6):07d}{place.vat_office}"
            code = stem + luhn.calc_check_digit(stem)
            if code not in self._codes:
                self._codes.add(code)
                return code


@lru_cache(maxsize=10_000)
def _coded(surname: str, given: str) -> str:
    return str(codicefiscale.encode_lastname(surname) + codicefiscale.encode_firstname(given))


def _with_letter(code: str, position: int) -> str:
    """The code with one digit turned into its letter of omocodia, and a new check character."""
    letter = OMOCODIA.get(code[position], code[position])
    stem = code[:position] + letter + code[position + 1 : 15]
    return stem + str(codicefiscale.encode_cin(stem))


def _with_place_slip(code: str) -> str:
    """The code with the last digit of the birthplace mistaken, and a check character that fits."""
    stem = f"{code[:14]}{(int(code[14]) + 1) % 10}"
    return stem + str(codicefiscale.encode_cin(stem))


def _as_written(dice: random.Random, number: str, place: Municipality) -> str:
    """The number as one of several offices would have typed it."""
    national = number.removeprefix("+39")
    cut = len(place.area_code) if national.startswith("0") else 3
    head, tail = national[:cut], national[cut:]
    return dice.choice((number, f"{head} {tail}", f"{head}/{tail}", f"0039 {head} {tail}", f"{head}.{tail}"))
