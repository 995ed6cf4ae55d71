"""Proving the counters, and the waits that were announced, from the command line."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from crm.core import clock
from crm.core.clock import ROME
from crm.core.db import Database, Scope
from crm.enti.models import Contract
from crm.levels.metering import Spread
from crm.levels.verification import Difference, Verdict, correct, verify, whole_hours
from outbound.dialer import staffing
from telephony.agents import tally
from telephony.queues import queries as queues
from telephony.queues import waits

SHOWN = 20
EVER = datetime(1970, 1, 1, tzinfo=ROME)
ENOUGH = 0.7  # of the waits announced as ranges that four in five fall into
FEW = 20  # too few to tell
TRIES = 5  # a fold in between has it begun anew


class ContractError(Exception):
    """No contract has this name."""


def verify_levels(
    database: Database, *, contract: str | None, since: datetime | None, until: datetime | None, mend: bool
) -> bool:
    """Verify one contract's counters or all, print a line for each, and say whether all are equal to their facts.

    With all of them, also the sums of the agents' time, who may work for several. With `mend` those that differ are
    corrected, which is said as well. Raises `ContractError`.
    """
    contracts, now = contracts_named(database, contract)
    start, end = whole_hours(_instant(since) or EVER, _instant(until) or now)
    sound = contract is not None or _agents_proved(database, start, end, mend=mend)
    for name, contract_id in contracts.items():
        verdict = _verified(database, contract_id, start, end, mend=mend)
        _tell(name, verdict, mended=mend)
        sound = sound and not verdict.differences
        sound = _outbound_proved(database, name, contract_id, start, end, mend=mend) and sound
    return sound


def check_waits(
    database: Database, *, contract: str | None, since: datetime | None, until: datetime | None
) -> bool:  # fmt: skip
    """Print for each queue how many announced waits came true, and say whether enough did. Raises `ContractError`."""
    contracts, now = contracts_named(database, contract)
    enough = True
    for name, contract_id in contracts.items():
        with database.begin(Scope.of_contract(contract_id)) as session:
            kept = waits.kept_by_queue(session, contract_id, _instant(since) or EVER, _instant(until) or now)
            named = {one.id: one.name for one in queues.with_closed(session, frozenset({contract_id}))}
        for queue_id, one in kept.items():
            share = one.within / one.judged
            told = (
                f"{one.within} of {one.judged} as announced ({share:.0%}), {one.shorter} shorter, {one.longer} longer"
            )
            print(f"{name}  {named.get(queue_id, queue_id)}  {told}")  # noqa: T201
            enough = enough and (share >= ENOUGH or one.judged < FEW)
        if not kept:
            print(f"{name}  nothing was announced to anybody who was answered")  # noqa: T201
    return enough


def _agents_proved(database: Database, start: datetime, end: datetime, *, mend: bool) -> bool:
    """The sums of where the agents' time went; nobody is named, since the figures are of single workers."""
    with database.snapshot(Scope.nothing()) as session:
        proof = tally.verify(session, start, end)
        if mend:
            tally.correct(session, proof)
    wrong = len(proof.differences)
    what = "equal    " if not wrong else "CORRECTED" if mend else "DIFFERENT"
    told = f", {wrong} of them other than their facts" if wrong else ""
    print(f"agents  {what}  {proof.sums} quarter hours{told}")  # noqa: T201
    for key, (stored, true) in list(proof.differences.items())[:SHOWN]:
        print(f"  {key.quarter.astimezone(ROME):%Y-%m-%d %H:%M}: {_other(asdict(stored), asdict(true))}")  # noqa: T201
    return not wrong


def _outbound_proved(
    database: Database, name: str, contract_id: int, start: datetime, end: datetime, *, mend: bool
) -> bool:
    """The calls of campaigns, and the operators' time of them, by day."""
    with database.snapshot(Scope.of_contract(contract_id)) as session:
        days = staffing.verify(session, contract_id, start, end)
        wrong = [one for one in days if one.stored != one.true]
        if mend:
            staffing.correct(session, wrong)
    if days:
        what = "equal    " if not wrong else "CORRECTED" if mend else "DIFFERENT"
        print(f"{name}  {what}  {len(days)} days of campaigns, {len(wrong)} of them other than their rows")  # noqa: T201
    for one in wrong[:SHOWN]:
        told = _other(asdict(one.stored), asdict(one.true))
        print(f"  {one.day} campaign {one.campaign_id}: {told}")  # noqa: T201
    return not wrong


def contracts_named(database: Database, wanted: str | None) -> tuple[dict[str, int], datetime]:
    """The contract of this name, or all of them by name, and what time it is."""
    with database.begin(Scope.nothing()) as session:
        found = {name: id_ for id_, name in session.execute(select(Contract.id, Contract.name).order_by(Contract.name))}
        now = clock.now(session)
    if wanted is None:
        return found, now
    if wanted not in found:
        raise ContractError(f"{wanted}: no contract has this name.")
    return {wanted: found[wanted]}, now


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
    wrong = _other(
        asdict(one.stored) | _extremes(one.stored_spread), asdict(one.true) | _extremes(one.true_spread)
    )  # fmt: skip
    return f"{per} {one.key.at.astimezone(ROME):%Y-%m-%d %H:%M}, {where}: {wrong}"


def _extremes(spread: Spread) -> dict[str, int | None]:
    return {
        "shortest talk_ms": spread.talk.shortest_ms, "longest talk_ms": spread.talk.longest_ms,
        "shortest wait_ms": spread.wait.shortest_ms, "longest wait_ms": spread.wait.longest_ms,
    }  # fmt: skip


def _other(stored: Mapping[str, int | None], true: Mapping[str, int | None]) -> str:
    return "; ".join(f"{name} {stored[name]} instead of {true[name]}" for name in true if stored[name] != true[name])
