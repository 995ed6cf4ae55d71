"""Making forecasts, planning shifts, deciding about extra operators."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti.queries import coverage, enti_of
from telephony.staffing import queries
from telephony.staffing.forecast import learn
from telephony.staffing.known_days import Kind
from telephony.staffing.models import ForecastDay, KnownDay, Reinforcement, RosterWeek, Shift, StaffingSetting
from telephony.staffing.reinforcement import Proposal
from telephony.staffing.shifts import read, written

HORIZON_DAYS = 45  # ahead: a due date within the month, and the twenty days after it
DAY, WEEK = timedelta(days=1), timedelta(days=7)
KEPT = timedelta(days=731)


def make_due(database: Database) -> int:
    """Make today's forecast of each contract that has none yet; how many were made."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(
        contracts, lambda one: database.transact(Scope.of_contract(one), partial(_make_due, contract_id=one))
    )


def _make_due(session: Session, *, contract_id: int) -> int:
    today = business_day(clock.now(session))
    these = ForecastDay.contract_id == contract_id, ForecastDay.made_on == today
    if session.scalar(select(ForecastDay.day).where(*these).limit(1)) is not None:
        return 0
    session.execute(delete(ForecastDay).where(ForecastDay.contract_id == contract_id, ForecastDay.day < today - KEPT))
    return make(session, contract_id=contract_id)


def make(session: Session, *, contract_id: int) -> int:
    """Forecast the days from today on, anew if that was done today; 0 where there is nothing to forecast from.

    What was made on other days stays as it was.
    """
    now = clock.now(session)
    today = business_day(now)
    model = learn(queries.history(session, contract_id, today - queries.HISTORY, today), today)
    if not model.days:
        return 0
    after = today + HORIZON_DAYS * DAY
    opens = queries.opens(session, contract_id, today, after)
    why = queries.drivers(session, contract_id, today, after)
    session.execute(delete(ForecastDay).where(ForecastDay.contract_id == contract_id, ForecastDay.made_on == today))
    rows = []
    for day, places in opens.items():
        told = model.expect(day, places, why[day])
        rows.append(
            {
                "contract_id": contract_id, "day": day, "made_on": today, "made_at": now,
                "expected": list(told.expected), "low": list(told.low), "high": list(told.high),
                "drivers": [one.value for one, _ in told.drivers], "effects": [effect for _, effect in told.drivers],
            }
        )  # fmt: skip
    session.execute(insert(ForecastDay), rows)
    return 1


def know_day(session: Session, by: Principal, *, contract_id: int, day: date, kind: Kind, name: str) -> None:
    """Write down a due date or the arrival of notices; the forecast is made anew with it."""
    by.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    name = name.strip()
    if not name or len(name) > 80:
        raise FieldError("Scrivi che cosa scade o arriva, in al massimo 80 caratteri.", "name")
    row = {
        "contract_id": contract_id, "day": day, "kind": kind, "name": name, "written_by": by.user_id,
        "written_at": clock.now(session),
    }  # fmt: skip
    session.execute(insert(KnownDay).values(**row).on_conflict_do_nothing())
    make(session, contract_id=contract_id)


def forget_day(session: Session, by: Principal, *, known_id: int) -> None:
    """Take it back."""
    row = session.get(KnownDay, known_id)
    if row is None or not by.can(Permission.STAFFING_PLAN, contract_id=row.contract_id):
        raise NotFoundError("Questo giorno non c'è.")
    contract_id = row.contract_id
    session.execute(delete(KnownDay).where(KnownDay.id == known_id))
    make(session, contract_id=contract_id)


def set_basis(
    session: Session, by: Principal, *, contract_id: int, shrinkage: Decimal, occupancy: Decimal, handling_s: int | None
) -> None:
    """By what the contract's need is reckoned from now on; shares from 0 to 1."""
    by.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    wrong = []
    if not 0 <= shrinkage <= Decimal("0.6"):
        wrong.append(InvalidError("Scrivi una percentuale da 0 a 60.", field="shrinkage"))
    if not Decimal("0.3") <= occupancy <= 1:
        wrong.append(InvalidError("Scrivi una percentuale da 30 a 100.", field="occupancy"))
    if handling_s is not None and not 10 <= handling_s <= 3600:
        wrong.append(InvalidError("Scrivi i secondi, da 10 a 3600, o lascia vuoto.", field="handling"))
    if wrong:
        raise InvalidError("Controlla i valori.", parts=wrong)
    values = {"shrinkage": shrinkage, "occupancy": occupancy, "handling_s": handling_s}
    row = insert(StaffingSetting).values(contract_id=contract_id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["contract_id"], set_=values))


def save_week(
    session: Session, by: Principal, *, contract_id: int, monday: date, cells: Mapping[tuple[int, date], str],
    shown: Mapping[tuple[int, date], str] | None = None,
) -> int:  # fmt: skip
    """Write the shifts of a week as people wrote them, by agent and day; how many stretches were written.

    `shown`: what stood in each when the page was opened; what is so still is left as it is by now, so that two who
    plan one week do not undo each other's. Raises `InvalidError` field by field: `shift-AGENT-DAY`, the day in ISO
    8601.
    """
    by.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    _lock(session, contract_id)
    agents = queries.agents_of(session, contract_id)
    week = queries.roster(session, contract_id, monday, monday + 6 * DAY)
    stands = {key: written(those) for key, those in week.items()}
    wrong, rows, changed = [], [], []
    for (agent_id, day), text in cells.items():
        if agent_id not in agents or not monday <= day < monday + WEEK:
            raise NotFoundError("Questo turno non c'è.")
        was, now = (shown or {}).get((agent_id, day)), stands.get((agent_id, day), "")
        if text.strip() == was:
            continue
        field = f"shift-{agent_id}-{day.isoformat()}"
        try:
            stretches = read(text)
        except ValueError:
            wrong.append(InvalidError("Scrivi le ore a quarti, come 8:30-13:00, 14:00-17:00.", field=field))
            continue
        if was not in {None, now} and written(stretches) != now:
            wrong.append(_meanwhile(now, field))
            continue
        changed.append((agent_id, day))
        rows += [
            {"contract_id": contract_id, "agent_id": agent_id, "day": day, "begins": one.begins, "ends": one.ends}
            for one in stretches
        ]
    if wrong:
        raise InvalidError("Controlla i turni.", parts=wrong)
    session.execute(
        delete(Shift).where(Shift.contract_id == contract_id, tuple_(Shift.agent_id, Shift.day).in_(changed))
    )
    if rows:
        session.execute(insert(Shift), rows)
    return len(rows)


def _lock(session: Session, contract_id: int) -> None:
    """Nobody else writes the contract's shifts until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("roster", contract_id))))


def _meanwhile(now: str, field: str) -> InvalidError:
    if not now:
        return InvalidError("Nel frattempo un collega l'ha tolto: lascia vuoto, o ricarica la pagina.", field=field)
    return InvalidError(f"Nel frattempo un collega ha scritto «{now}»: scrivi lo stesso, o ricarica.", field=field)


def copy_week(session: Session, by: Principal, *, contract_id: int, monday: date) -> int:
    """Take over the week before, of the agents who still answer; a week that has shifts already is left alone."""
    by.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    _lock(session, contract_id)
    if queries.roster(session, contract_id, monday, monday + 6 * DAY):
        raise ConflictError("Questa settimana ha già dei turni.")
    agents = queries.agents_of(session, contract_id)
    before = queries.roster(session, contract_id, monday - WEEK, monday - DAY)
    rows = [
        {
            "contract_id": contract_id, "agent_id": agent_id, "day": day + WEEK, "begins": one.begins,
            "ends": one.ends,
        }
        for (agent_id, day), those in before.items()
        if agent_id in agents
        for one in those
    ]  # fmt: skip
    if not rows:
        raise ConflictError("La settimana prima non ha turni da copiare.")
    session.execute(insert(Shift), rows)
    return len(rows)


def publish(session: Session, by: Principal, *, contract_id: int, monday: date) -> None:
    """Let the agents see a week's shifts, from now on as they stand."""
    by.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    if not queries.roster(session, contract_id, monday, monday + 6 * DAY):
        raise ConflictError("Questa settimana non ha ancora turni.")
    row = insert(RosterWeek).values(
        contract_id=contract_id, monday=monday, published_by=by.user_id, published_at=clock.now(session)
    )
    session.execute(row.on_conflict_do_nothing())


def decide(
    session: Session, by: Principal, *, contract_id: int, proposal: Proposal, accepted: bool, reason: str
) -> None:
    """Accept extra operators, or refuse them with the reason. The enti see it in their access logs."""
    by.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    reason = reason.strip()
    if not accepted and not reason:
        raise FieldError("Scrivi il motivo del rifiuto.", f"reason-{proposal.due_on.isoformat()}")
    if len(reason) > 400:
        raise FieldError("Scrivi al massimo 400 caratteri.", f"reason-{proposal.due_on.isoformat()}")
    values = {
        "name": proposal.name, "first": proposal.first, "last": proposal.last, "operators": proposal.operators,
        "calls": proposal.calls, "accepted": accepted, "reason": reason, "decided_by": by.user_id,
        "decided_at": clock.now(session),
    }  # fmt: skip
    row = insert(Reinforcement).values(contract_id=contract_id, due_on=proposal.due_on, **values)
    session.execute(row.on_conflict_do_update(index_elements=["contract_id", "due_on"], set_=values))
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(
            session, by, kind="reinforcement.decided", ente_id=ente_id, subject=proposal.due_on.isoformat(),
            after={"operators": proposal.operators, "accepted": accepted}, reason=reason,
        )  # fmt: skip
