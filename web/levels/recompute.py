"""Judging closed periods again, from the command line."""

from datetime import date
from functools import partial

from sqlalchemy.orm import Session

from crm.core.clock import in_rome
from crm.core.db import Database, Scope
from crm.enti import queries as enti
from crm.levels.recomputing import Moved, Recomputed, Stood, periods, recompute, write_version
from web.levels.terminal import ContractError, contracts_named
from web.levels.view import days_of

SHOWN = 40  # lines of figures


def recompute_levels(
    database: Database, *, contract: str | None, ente: str | None, begins: date | None, reason: str | None
) -> bool:
    """Judge the closed periods again, print what differs, and say whether nothing does.

    With a `reason` those that differ are kept as they are known now, as a further version; else nothing is written.
    Raises `ContractError`.
    """
    same = True
    for name, contract_id in contracts_named(database, contract)[0].items():
        for ente_id in _whose(database, contract_id, ente):
            with database.begin(Scope.of_contract(contract_id)) as session:
                found = periods(session, contract_id, ente_id=ente_id, begins=begins)
            for first, last in found:
                work = partial(
                    _recompute, contract_id=contract_id, ente_id=ente_id, first=first, last=last, reason=reason
                )
                one, version, about = database.transact(Scope.of_contract(contract_id), work)
                _tell(f"{name}{about}", one, version)
                same = same and one.is_sound and one.is_the_same
    return same


def _whose(database: Database, contract_id: int, ente: str | None) -> list[int | None]:
    """The whole contract and each of its enti; or one ente alone, by its codice catastale."""
    with database.begin(Scope.of_contract(contract_id)) as session:
        codes = {enti.cadastral_code(session, one): one for one in sorted(enti.enti_of(session, contract_id))}
    if ente is None:
        return [None, *codes.values()]
    if ente not in codes:
        raise ContractError(f"--ente: one of {', '.join(sorted(codes))}.")
    return [codes[ente]]


def _recompute(
    session: Session, *, contract_id: int, ente_id: int | None, first: date, last: date, reason: str | None
) -> tuple[Recomputed, int | None, str]:
    found = recompute(session, contract_id, ente_id, first, last, days_of(session, contract_id, ente_id))
    about = "" if ente_id is None else f", {enti.badges(session)[ente_id].name}"
    if reason is None or found.is_the_same:
        return found, None, about
    return found, write_version(session, contract_id, ente_id, found, reason=reason), about


def _tell(about: str, one: Recomputed, version: int | None) -> None:
    kept = one.kept
    when = f"{kept.first} – {kept.last}, closed {in_rome(kept.closed_at):%Y-%m-%d %H:%M}, version {kept.version}"
    differ = "equal" if one.is_the_same else f"{len(one.changes)} figures and {len(one.moved)} levels differ"
    print(f"{about}, {when}: {differ}")  # noqa: T201  # it is what the command is for
    if not one.is_sound:
        print("  NOT SOUND: what was kept is judged otherwise than it was, or its seal is another")  # noqa: T201
    lines = [*map(_level, one.moved), *_figures(one)]
    for line in lines[:SHOWN]:
        print(f"  {line}")  # noqa: T201
    if len(lines) > SHOWN:
        print(f"  … and {len(lines) - SHOWN} more")  # noqa: T201
    if version is not None:
        print(f"  written as version {version}")  # noqa: T201


def _level(one: Moved) -> str:
    (metric, callers, service), span = one.key
    name = " ".join(part for part in (metric, callers, service, f"{span[0]} – {span[1]}" if span else "") if part)
    return f"{name}: {_stood(one.was)} → {_stood(one.now)} ({', '.join(one.causes)})"


def _stood(one: Stood | None) -> str:
    if one is None:
        return "not promised"
    figure = "-" if one.measured is None else f"{round(one.measured, 6).normalize():f}"
    return f"{figure} {one.standing.value}" + ("" if one.euro is None else f" {one.euro} €")


def _figures(one: Recomputed) -> list[str]:
    days = [
        f"{each.day} {each.counted.value} {each.callers.value}: {each.was} → {each.now} ({', '.join(each.causes)})"
        for each in one.changes.of_days
    ]
    whole = [
        f"{each.day or 'period'} {each.figure.value}: {_or_none(each.was)} → {_or_none(each.now)}"
        f" ({', '.join(each.causes)})"
        for each in one.changes.of_period
    ]
    return [*days, *whole]


def _or_none(value: object) -> str:
    return "-" if value is None else str(value)
