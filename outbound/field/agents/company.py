"""The company whose agents visit: what badges, letters and registers say of it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.phone import takes_sms, typed_number
from crm.core import clock
from crm.core.errors import ConflictError, InvalidError
from outbound.field.agents.models import FieldCompany

ONE = 1
MINUTES, MOST_MINUTES = 3, 60  # that an alarm may stay unanswered: the usual, and the most
LONGEST = {
    "name": 120, "codice_fiscale": 20, "address": 240, "pec": 254, "phone": 40, "holder": 120, "licence": 60,
    "licence_issuer": 120,
}  # fmt: skip
USUAL_YEARS, MOST_YEARS = 5, 10  # see `leaving`
MISSING = "Prima va scritto qui chi è la società che manda gli agenti: il tesserino e le lettere lo dicono."


@dataclass(frozen=True, slots=True)
class Company:
    """As it is written. `phone`, and `alarm_phone` unless it is empty, in E.164."""

    name: str
    codice_fiscale: str
    address: str
    pec: str
    phone: str
    holder: str
    licence: str
    licence_issuer: str
    licence_on: date
    kept_years: int = USUAL_YEARS  # papers and photo of an agent after his last day
    alarm_phone: str = ""
    alarm_minutes: int = MINUTES


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is on call for agents in danger (a number, or nobody), and after how many minutes without an answer."""

    phone: str
    minutes: int


def of_installation(session: Session) -> Company | None:
    """As it stands; none until somebody has written it."""
    row = session.get(FieldCompany, ONE)
    if row is None:
        return None
    return Company(**{name: getattr(row, name) for name in Company.__dataclass_fields__})


def kept_years(session: Session) -> int:
    """For how many years papers and photo of an agent are kept after his last day."""
    found = of_installation(session)
    return found.kept_years if found else USUAL_YEARS


def watch(session: Session) -> Watch:
    """Who is on call, whether the company was written down or not."""
    row = session.get(FieldCompany, ONE)
    return Watch("", MINUTES) if row is None else Watch(row.alarm_phone, row.alarm_minutes)


def required(session: Session) -> Company:
    """The same. Raises `ConflictError` while nobody has written it."""
    found = of_installation(session)
    if found is None:
        raise ConflictError(MISSING)
    return found


def write(session: Session, by: Principal, *, told: Company) -> None:
    """Write what is said of it. Raises `InvalidError`, field by field."""
    by.require(Permission.FIELD_MANAGE)
    values = _checked(told, clock.business_day(clock.now(session)))
    row = session.get(FieldCompany, ONE, with_for_update=True)
    before = of_installation(session)
    if before == Company(**values):
        return
    signed = {"written_at": clock.now(session), "written_by": by.user_id}
    if row is None:
        session.add(FieldCompany(id=ONE, **values, **signed))
    else:
        for name, value in (values | signed).items():
            setattr(row, name, value)
    session.flush()
    audit.note(session, by, kind="field.company_written", ente_id=None, subject=values["name"])


def _checked(told: Company, today: date) -> dict[str, Any]:
    values: dict[str, Any] = {name: " ".join(str(getattr(told, name)).split()) for name in LONGEST}
    wrong = [
        InvalidError("Scrivilo.", field=name) if not values[name] else InvalidError("È troppo lungo.", field=name)
        for name, most in LONGEST.items()
        if not values[name] or len(values[name]) > most
    ]
    if not wrong:
        try:
            values["codice_fiscale"] = parse_codice_fiscale(values["codice_fiscale"])
        except InvalidError as error:
            wrong.append(InvalidError(str(error), field="codice_fiscale"))
        phone = typed_number(values["phone"])
        if phone is None:
            wrong.append(InvalidError("Questo non è un numero di telefono: ricontrollalo.", field="phone"))
        if "@" not in values["pec"]:
            wrong.append(InvalidError("Questo non è un indirizzo: ricontrollalo.", field="pec"))
        values["phone"] = phone
    on_call = typed_number(told.alarm_phone) if told.alarm_phone.strip() else ""
    if on_call is None or (on_call and not takes_sms(on_call)):
        wrong.append(InvalidError("Serve un cellulare: riceve un SMS.", field="alarm_phone"))
    if not 1 <= told.alarm_minutes <= MOST_MINUTES:
        wrong.append(InvalidError(f"Un numero da 1 a {MOST_MINUTES}.", field="alarm_minutes"))
    if told.licence_on > today:
        wrong.append(InvalidError("La licenza non può essere di un giorno che deve ancora venire.", field="licence_on"))
    if not 0 <= told.kept_years <= MOST_YEARS:
        wrong.append(InvalidError(f"Un numero da 0 a {MOST_YEARS}.", field="kept_years"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    return values | {
        "licence_on": told.licence_on, "kept_years": told.kept_years,
        "alarm_phone": on_call, "alarm_minutes": told.alarm_minutes,
    }  # fmt: skip
