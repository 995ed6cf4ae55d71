"""Verifying settlements and the register of operations from the command line."""

from sqlalchemy import select

from crm.core.db import Database, Scope
from crm.enti.models import Ente
from outbound.field.closing import verification
from outbound.field.closing.verification import Verdict


class EnteError(Exception):
    """No ente has this code."""


def verify_settlements(database: Database, *, ente_code: str | None) -> bool:
    """Verify one ente's settlements or all, print a line for each, and say whether all are sound.

    Raises `EnteError`.
    """
    codes = _codes(database)
    if ente_code is not None and ente_code not in codes:
        raise EnteError(f"{ente_code}: no ente has this codice catastale.")
    sound = True
    for code in codes if ente_code is None else [ente_code]:
        with database.snapshot(Scope.of_enti([codes[code]])) as session:
            verdict = verification.settlements(session, ente_id=codes[code])
        erased = f", {verdict.erased} of who was erased" if verdict.erased else ""
        print(_line(code, verdict, f"{verdict.checked} quarters, {verdict.entries} lines{erased}"))  # noqa: T201  # for that it is
        sound = sound and verdict.broken is None
    return sound


def verify_register(database: Database) -> bool:
    """Verify the register, print a line, and say whether it is sound."""
    with database.snapshot(Scope.of_enti(_codes(database).values())) as session:
        verdict = verification.register(session)
    print(_line("register", verdict, f"{verdict.entries} entries"))  # noqa: T201  # it is what the command is for
    return verdict.broken is None


def _codes(database: Database) -> dict[str, int]:
    with database.begin(Scope.nothing()) as session:
        return dict(session.execute(select(Ente.cadastral_code, Ente.id).order_by(Ente.name)).all())


def _line(name: str, verdict: Verdict, counted: str) -> str:
    if verdict.broken is None:
        return f"{name}  sound   {counted}"
    return f"{name}  BROKEN  {verdict.broken.value}, {verdict.place}  (sound before it: {counted})"
