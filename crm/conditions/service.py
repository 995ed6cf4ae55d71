"""Writing what a contract agrees besides its levels."""

from dataclasses import replace

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.conditions import queries
from crm.conditions.agreed import Arrangement, Conditions, checked, stored
from crm.conditions.models import ContractCondition
from crm.core import clock
from crm.core.configuration import changed
from crm.core.errors import InvalidError
from crm.enti import administration, details, timetables
from crm.enti.hours import parse_week, written_week
from crm.enti.queries import contract_name, enti_of


def put(session: Session, *, contract_id: int, said: Conditions, preset: str = "", by: int | None = None) -> None:
    """Write a version that holds from today on. What held before stays as it was."""
    changed(session)
    now = clock.now(session)
    row = ContractCondition(
        contract_id=contract_id, valid_from=clock.business_day(now), preset=preset, kept=stored(said), written_by=by,
        written_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()


def write(session: Session, by: Principal, *, contract_id: int, wanted: Arrangement, preset: str = "") -> None:
    """What a contract agrees from today on, with the opening hours of its lines and the days of replacement.

    Raises `InvalidError`, a part for each field that is wrong: those of `checked`, `day-N`, `replacement_days`.
    """
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    wrong: list[InvalidError] = []
    said = wanted.conditions
    try:
        said = checked(wanted.conditions)
    except InvalidError as error:
        wrong += error.parts
    hours = wanted.hours
    try:
        hours = written_week(parse_week(dict(enumerate(wanted.hours))))
    except InvalidError as error:
        wrong += error.parts
    if not 1 <= wanted.replacement_days <= administration.MOST_REPLACEMENT_DAYS:
        wrong.append(InvalidError("Un numero intero di giorni, da 1 a 365.", field="replacement_days"))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    now = queries.arrangement(session, contract_id)
    wanted = replace(wanted, conditions=said, hours=hours)
    if wanted.hours != now.hours:
        timetables.save_hours(session, by, contract_id=contract_id, ente_id=None, week=dict(enumerate(wanted.hours)))
    if wanted.replacement_days != now.replacement_days:
        keyed = details.contract_days(session, contract_id).keyed
        administration.save_days(
            session, by, contract_id=contract_id, replacement=str(wanted.replacement_days), keyed=str(keyed)
        )
    if wanted.conditions == now.conditions:
        return
    put(session, contract_id=contract_id, said=wanted.conditions, preset=preset, by=by.user_id)
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(
            session, by, kind="contract.conditions", ente_id=ente_id, subject=contract_name(session, contract_id),
            before=stored(now.conditions), after=stored(wanted.conditions),
        )  # fmt: skip
