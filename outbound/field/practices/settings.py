"""How an ente has its people visited: its hours, how fresh its data have to be, what a mandate is if nobody says."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from crm.enti.calendar import Timetable
from crm.enti.hours import parse_week
from outbound.compliance.visits import VisitRules, visit_rules
from outbound.field.practices.models import VisitSetting
from outbound.field.practices.rights import require_deciding

RANGES = {"fresh_hours": (1, 720), "mandate_days": (1, 365), "most_visits": (1, 10)}


@dataclass(frozen=True, slots=True)
class Settings:
    """`hours`: Monday first, as people write them; law and code bound them anyway. `mandate_days`: of validity."""

    hours: tuple[str, ...] = (*("8:30-21:00",) * 5, "8:30-15:00", "")
    fresh_hours: int = 72
    mandate_days: int = 60
    most_visits: int = 3
    may_photograph: bool = False


def get(session: Session, ente_id: int) -> Settings:
    """Those of an ente; the usual ones while it has none of its own."""
    row = session.get(VisitSetting, ente_id)
    if row is None:
        return Settings()
    return Settings(tuple(row.hours), row.fresh_hours, row.mandate_days, row.most_visits, row.may_photograph)


def write(session: Session, by: Principal, *, ente_id: int, new: Settings) -> None:
    """Write them. Raises `InvalidError` by the field that is wrong."""
    require_deciding(session, by, ente_id)
    wrong = [
        InvalidError(f"Un numero da {least} a {most}.", field=name)
        for name, (least, most) in RANGES.items()
        if not least <= getattr(new, name) <= most
    ]
    try:
        if not parse_week(dict(enumerate(new.hours))):
            wrong.append(InvalidError("Scrivi in quali orari si va, almeno un giorno.", field="day-0"))
    except InvalidError as error:
        wrong += error.parts
    if wrong:
        raise InvalidError("Qualcosa non va: guarda i campi segnati.", parts=wrong)
    was = get(session, ente_id)
    if was == new:
        return
    row = session.get(VisitSetting, ente_id) or VisitSetting(ente_id=ente_id)
    row.hours, row.fresh_hours, row.mandate_days = list(new.hours), new.fresh_hours, new.mandate_days
    row.most_visits, row.may_photograph = new.most_visits, new.may_photograph
    row.changed_at, row.changed_by = clock.now(session), by.user_id
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="field_setting.changed", ente_id=ente_id, before=_told(was), after=_told(new)
    )  # fmt: skip


def rules(session: Session, ente_id: int) -> VisitRules:
    """By which visits to its people are judged."""
    own = get(session, ente_id)
    contract_id = min(enti.contracts_of(session, ente_id), default=None)
    hours = tuple(parse_week(dict(enumerate(own.hours))))
    if contract_id is None:  # nobody serves it: nobody is visited
        return VisitRules((Timetable(()),), own.fresh_hours)
    return visit_rules(enti.timetable(session, contract_id, ente_id), hours, own.fresh_hours)


def _told(one: Settings) -> dict[str, object]:
    return {
        "hours": " · ".join(one.hours), "fresh_hours": one.fresh_hours, "mandate_days": one.mandate_days,
        "most_visits": one.most_visits, "may_photograph": one.may_photograph,
    }  # fmt: skip
