"""A million invented taxpayers: names as skewed as real ones, valid codes, phones and notice numbers.

The same seed gives the same people. Few surnames are very common and most are rare (a Zipf law): that is what makes
the search by name hard at its head and typical in its tail.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from stdnum.it.codicefiscale import calc_check_digit

from crm.positions.notice import check_digits
from web.demo.people import MEN, SURNAMES, WOMEN

SURNAME_COUNT, GIVEN_COUNT = 60_000, 1_500
SKEW = 0.85  # the exponent of the law: the commonest surname has about half a hundredth of the people
STEMS = (
    "bal", "ban", "bar", "bel", "ben", "ber", "bia", "bor", "bra", "bru", "cal", "cam", "can", "cap", "car", "cas",
    "cec", "cer", "cia", "col", "con", "cor", "cos", "cre", "dal", "dan", "del", "den", "don", "fab", "fal", "fan",
    "far", "fer", "fia", "fon", "for", "fra", "gal", "gam", "gar", "gen", "gia", "gor", "gra", "gua", "lan", "lav",
    "leo", "lom", "lor", "luc", "mag", "mal", "man", "mar", "mas", "maz", "mel", "men", "mol", "mon", "mor", "nan",
    "nar", "neg", "nic", "oli", "orl", "pal", "pan", "pas", "pel", "per", "pet", "pia", "pin", "poz", "pre", "qua",
    "ram", "ric", "riz", "roc", "ron", "ros", "rug", "sal", "san", "sar", "sca", "ser", "sil", "sim", "spa", "ste",
    "tad", "tar", "ted", "tes", "tom", "tor", "tra", "tur", "val", "van", "ven", "ver", "vil", "vit", "zan", "zec",
)  # fmt: skip
MIDDLES = ("a", "e", "i", "o", "ac", "ad", "al", "am", "an", "ar", "at", "ed", "el", "en", "er", "et", "ic", "il", "in",
           "ol", "on", "or", "ov", "uc", "un")  # fmt: skip
ENDINGS = ("ani", "ari", "ati", "elli", "eri", "etti", "ini", "ielli", "iero", "isi", "oli", "oni", "osi", "otti",
           "ucci", "ussi", "accio", "ata", "azzi", "igo", "ò", "à")  # fmt: skip
SECOND_GIVEN = 0.12  # the share of people with two given names
DOUBLE_SURNAME = 0.03
CADASTRAL = tuple(f"{letter}{number:03d}" for letter in "ABCDEFGHIL" for number in range(101, 900, 7))
FIRST_BORN, DAYS = date(1930, 1, 1), 27_000
_MONTHS = "ABCDEHLMPRST"


@dataclass(frozen=True, slots=True)
class Person:
    """A taxpayer of one ente, by its number among the enti."""

    ente: int
    codice_fiscale: str
    surname: str
    given_name: str
    born_on: date
    phone: str
    notice_number: str


def people(count: int, *, enti: int, seed: int = 1) -> Iterator[Person]:
    """So many people, in an order that says nothing; the first ente is the largest."""
    dice = random.Random(seed)
    surnames, given = _surnames(dice), _given(dice)
    by_surname, by_given = _weights(len(surnames)), _weights(len(given))
    by_ente = list(itertools.accumulate(1 / (n + 1) for n in range(enti)))
    codes: set[str] = set()
    for number in range(count):
        surname = dice.choices(surnames, cum_weights=by_surname)[0]
        if dice.random() < DOUBLE_SURNAME:
            surname = f"{surname} {dice.choices(surnames, cum_weights=by_surname)[0]}"
        name = dice.choices(given, cum_weights=by_given)[0]
        if dice.random() < SECOND_GIVEN:
            name = f"{name} {dice.choices(given, cum_weights=by_given)[0]}"
        born = FIRST_BORN + timedelta(days=dice.randrange(DAYS))
        code = _code(dice, surname, name, born)
        while code in codes:
            code = _code(dice, surname, name, born)
        codes.add(code)
        yield Person(
            ente=dice.choices(range(enti), cum_weights=by_ente)[0], codice_fiscale=code, surname=surname,
            given_name=name, born_on=born, phone=f"+3931{4 + number % 3}{number:07d}", notice_number=_notice(number),
        )  # fmt: skip


def _surnames(dice: random.Random) -> list[str]:
    made = {"".join(parts).capitalize() for parts in itertools.product(STEMS, MIDDLES, ENDINGS)}
    rare = dice.sample(sorted(made - set(SURNAMES)), SURNAME_COUNT - len(SURNAMES))
    return [*SURNAMES, *rare]


def _given(dice: random.Random) -> list[str]:
    common = [*MEN, *WOMEN]
    made = sorted({"".join(parts).capitalize() for parts in itertools.product(STEMS, ("el", "in", "ald", "i"), "ao")})
    rare = dice.sample([name for name in made if name not in common], min(len(made), GIVEN_COUNT) - len(common))
    return [*common, *rare]


def _weights(count: int) -> list[float]:
    return list(itertools.accumulate((rank + 8) ** -SKEW for rank in range(count)))


def _code(dice: random.Random, surname: str, given_name: str, born: date) -> str:
    """A codice fiscale with a valid check character. Its letters follow the name loosely: nothing here reads them."""
    letters = "".join(char for char in f"{surname}{given_name}".upper() if "A" <= char <= "Z")
    name = (letters[0] + letters[2] + letters[-1] + dice.choice(letters) + dice.choice(letters) + letters[1])[:6]
    day = born.day + (40 if dice.random() < 0.5 else 0)
    first = f"{name}{born.year % 100:02d}{_MONTHS[born.month - 1]}{day:02d}{dice.choice(CADASTRAL)}"
    return first + calc_check_digit(first)


def _notice(number: int) -> str:
    first = f"301{number:013d}"
    return first + check_digits(first)
