"""What identifies an ente, checked. Pure.

Codes: ISTAT's six digits; the cadastral code of the Agenzia delle Entrate, a letter and three digits; the codice
fiscale of a body, eleven digits with a check digit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from stdnum.exceptions import ValidationError
from stdnum.it import iva

from crm.core.errors import InvalidError

BANDS = range(1, 7)
_LONGEST = {"name": 120, "short_name": 40, "patron_name": 80}
_ISTAT = re.compile(r"\d{6}", re.ASCII)
_CADASTRAL = re.compile(r"[A-Z]\d{3}", re.ASCII)
_PROVINCE = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an ente is called and known by."""

    name: str
    short_name: str
    istat_code: str
    cadastral_code: str
    codice_fiscale: str
    province: str
    band: int
    patron_name: str
    patron_month: int
    patron_day: int
    observes_holidays: bool


def parse(fields: Mapping[str, str]) -> Identity:
    """An identity as it was typed. Raises `InvalidError` with what to do about each field."""
    typed = {name: " ".join(text.split()) for name, text in fields.items()}
    typed |= {name: typed.get(name, "").upper() for name in ("cadastral_code", "province")}
    wrong: list[InvalidError] = []

    for name, longest in _LONGEST.items():
        if not 0 < len(typed.get(name, "")) <= longest:
            wrong.append(InvalidError("Scrivilo, e non troppo lungo.", field=name))
    if not _ISTAT.fullmatch(typed.get("istat_code", "")):
        wrong.append(InvalidError("Il codice ISTAT ha sei cifre.", field="istat_code"))
    if not _CADASTRAL.fullmatch(typed["cadastral_code"]):
        wrong.append(InvalidError("Una lettera e tre cifre, come D403.", field="cadastral_code"))
    if not _PROVINCE.fullmatch(typed["province"]):
        wrong.append(InvalidError("La sigla della provincia ha due lettere.", field="province"))
    try:
        code = iva.validate(typed.get("codice_fiscale", ""))
    except ValidationError:
        code = ""
        message = InvalidError("Ha undici cifre, e l'ultima è di controllo: ricontrollale.", field="codice_fiscale")
        wrong.append(message)
    band = _number(typed.get("band", ""))
    if band not in BANDS:
        wrong.append(InvalidError("Scegli un colore.", field="band"))
    month, day = _number(typed.get("patron_month", "")), _number(typed.get("patron_day", ""))
    if not _is_day(month, day):
        wrong.append(InvalidError("Non è un giorno dell'anno.", field="patron_day"))
    if wrong:
        raise InvalidError("Qualche dato dell'ente non va bene.", parts=wrong)
    return Identity(
        name=typed["name"], short_name=typed["short_name"], istat_code=typed["istat_code"],
        cadastral_code=typed["cadastral_code"], codice_fiscale=code, province=typed["province"], band=band,
        patron_name=typed["patron_name"], patron_month=month, patron_day=day,
        observes_holidays=bool(typed.get("observes_holidays")),
    )  # fmt: skip


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _is_day(month: int, day: int) -> bool:
    try:
        date(2024, month, day)  # a leap year: somebody's saint may be of 29 February
    except ValueError:
        return False
    return True
