"""Verifying the audit from the command line."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from crm.audit.models import NOBODYS
from crm.audit.sealing import scope_of
from crm.audit.verification import Head, Verdict, verify
from crm.core.clock import ROME
from crm.core.db import Database, Scope
from crm.enti.models import Ente

NOBODY = "-"  # stands for the code of no ente


class HeadError(Exception):
    """A head given by hand, or a code, is none."""


def verify_chains(
    database: Database, *, ente_code: str | None, since: datetime | None, heads: Sequence[str]
) -> bool:  # fmt: skip
    """Verify one ente's chain or all, print a line for each, and say whether all are sound. Raises `HeadError`."""
    with database.begin(Scope.nothing()) as session:
        codes = {code: id_ for id_, code in session.execute(select(Ente.id, Ente.cadastral_code).order_by(Ente.name))}
    codes[NOBODY] = NOBODYS
    known = dict(_head(written, codes) for written in heads)
    if ente_code is not None and ente_code not in codes:
        raise HeadError(f"{ente_code}: no ente has this codice catastale.")
    start = since.replace(tzinfo=ROME) if since and since.tzinfo is None else since
    sound = True
    for code in codes if ente_code is None else [ente_code]:
        with database.begin(scope_of(codes[code])) as session:
            verdict = verify(session, codes[code], since=start, head=known.get(code))
        print(_line(code, verdict))  # noqa: T201  # it is what the command is for
        sound = sound and verdict.broken is None
    return sound


def _head(written: str, codes: dict[str, int]) -> tuple[str, Head]:
    code, _, rest = written.partition(":")
    number, _, digest = rest.partition(":")
    try:
        head = Head(int(number), bytes.fromhex(digest))
    except ValueError:
        head = None
    if head is None or code not in codes or len(head.digest) != 32:
        raise HeadError(f"{written}: a head is written CODE:NUMBER:DIGEST, as this command prints it.")
    return code, head


def _line(code: str, verdict: Verdict) -> str:
    head = f"{code}:{verdict.head.number}:{verdict.head.digest.hex()}" if verdict.head else "nothing sealed yet"
    counted = f"{verdict.seals} seals, {verdict.entries} entries"
    if verdict.broken is None:
        return f"{code}  sound   {counted}  head {head}"
    where = "".join(
        f", {name} {number}"
        for name, number in (("seal", verdict.seal), ("entry", verdict.entry))
        if number is not None
    )
    return f"{code}  BROKEN  {verdict.broken.value}{where}  (sound before it: {counted})"
