"""Proving the counters from the command line."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from crm.core import clock
from crm.core.clock import ROME
from crm.core.db import Database, Scope
from crm.enti.models import Contract
from crm.levels.metering import MEASURES
from crm.levels.verification import Difference, Verdict, correct, verify, whole_hours

SHOWN = 20
TRIES = 5  # a fold in between has it begun anew


class ContractError(Exception):
    """No contract has this name."""


def verify_levels(
    database: Database, *, contract: str | None, since: datetime | None, until: datetime | None, mend: bool
) -> bool:
    """Verify one contract's counters or all, print a line for each, and say whether all are equal to their facts.

    With `mend` those that differ are corrected, which is said as well. Raises `ContractError`.
    """
    with database.begin(Scope.nothing()) as session:
        contracts = {name: id_ for id_, name in session.execute(select(Contract.id, Contract.name))}
        now = clock.now(session)
    if contract is not None and contract not in contracts:
        raise ContractError(f"{contract}: no contract has this name.")
    start, end = whole_hours(_instant(since) or datetime(1970, 1, 1, tzinfo=ROME), _instant(until) or now)
    sound = True
    for name in sorted(contracts) if contract is None else [contract]:
        verdict = _verified(database, contracts[name], start, end, mend=mend)
        _tell(name, verdict, mended=mend)
        sound = sound and not verdict.differences
    return sound


def _verified(database: Database, contract_id: int, start: datetime, end: datetime, *, mend: bool) -> Verdict:
    for attempt in range(1, TRIES + 1):
        try:
            with database.snapshot(Scope.of_contract(contract_id)) as session:
                verdict = verify(session, contract_id, start, end)
                if mend:
                    correct(session, contract_id, verdict)
        except OperationalError:  # somebody else changed the same counter: PostgreSQL says 40001
            if attempt == TRIES:
                raise
        else:
            return verdict
    raise AssertionError("unreachable")


def _instant(told: datetime | None) -> datetime | None:
    return told.replace(tzinfo=ROME) if told and told.tzinfo is None else told


def _tell(name: str, verdict: Verdict, *, mended: bool) -> None:
    counted = f"{verdict.calls} calls, {verdict.counters} counters"
    if not verdict.differences:
        print(f"{name}  equal      {counted}")  # noqa: T201  # it is what the command is for
        return
    what = "CORRECTED" if mended else "DIFFERENT"
    print(f"{name}  {what}  {counted}, {len(verdict.differences)} of them other than their facts")  # noqa: T201
    for one in verdict.differences[:SHOWN]:
        print(f"  {_line(one)}")  # noqa: T201
    if len(verdict.differences) > SHOWN:
        print(f"  … and {len(verdict.differences) - SHOWN} more")  # noqa: T201


def _line(one: Difference) -> str:
    per = "hour" if one.by_hour else "quarter"
    where = f"ente {one.key.ente_id or '-'}, queue {one.key.queue_id or '-'}, {one.key.callers.value}"
    wrong = (
        f"{name} {stored} instead of {true}"
        for name, stored, true in zip(MEASURES, one.stored.values, one.true.values, strict=True)
        if stored != true
    )
    return f"{per} {one.key.at.astimezone(ROME):%Y-%m-%d %H:%M}, {where}: {'; '.join(wrong)}"
