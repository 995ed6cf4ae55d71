"""By which rules an ente's instalments are tried out, and writing its own; and what of a case's debts is parted."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.cases import rights
from crm.cases.instalments.models import InstalmentRules
from crm.cases.instalments.plans import LOCAL, Band, Rules, Scheme, agency, allowed, checked
from crm.cases.lifecycle import Who
from crm.cases.models import CasePosition
from crm.core import clock
from crm.positions.models import Position


@dataclass(frozen=True, slots=True)
class Owed:
    """What is still owed on a case's debts, how much of it is tax, and when the oldest of them was stated."""

    cents: int
    taxed: int
    as_of: datetime | None


def own(session: Session, ente_id: int) -> Rules | None:
    """The ente's; none: it goes by the law."""
    row = session.get(InstalmentRules, ente_id)
    return None if row is None else read(row.kept)


def of_scheme(session: Session, ente_id: int, scheme: Scheme, *, proven: bool) -> Rules:
    """The rules of a scheme, today; the ente's own are the law's where it has none."""
    if scheme is Scheme.AGENCY:
        return agency(clock.in_rome(clock.now(session)).year, proven=proven)
    return (own(session, ente_id) or LOCAL) if scheme is Scheme.ENTE else LOCAL


def write(session: Session, by: Principal, *, ente_id: int, new: Rules | None) -> None:
    """The ente's rules from now on; none: the law's again. Raises `InvalidError` as `checked`."""
    rights.require(session, by, Who.SUPERVISOR, ente_id)
    was, row = own(session, ente_id), session.get(InstalmentRules, ente_id)
    if new is not None:
        kept = stored(checked(new))
        row = row or InstalmentRules(ente_id=ente_id)
        row.kept, row.changed_at, row.changed_by = kept, clock.now(session), by.user_id
        session.add(row)
    elif row is not None:
        session.delete(row)
    session.flush()
    audit.note(
        session, by, kind="case.instalment_rules", ente_id=ente_id, before=stored(was) if was else None,
        after=stored(new) if new else None,
    )  # fmt: skip


def owed(session: Session, case_id: int) -> Owed:
    """What a case's debts come to now."""
    same = and_(Position.ente_id == CasePosition.ente_id, Position.reference == CasePosition.reference)
    rows = session.execute(
        select(Position.residual_cents, Position.tax_cents, Position.as_of)
        .join(CasePosition, same)
        .where(CasePosition.case_id == case_id, Position.withdrawn_as_of.is_(None))
    ).all()
    return Owed(
        sum(row.residual_cents for row in rows), sum(min(row.tax_cents, row.residual_cents) for row in rows),
        min((row.as_of for row in rows), default=None),
    )  # fmt: skip


def possible(session: Session, ente_id: int, case_id: int) -> Band | None:
    """How many there may be by the ente's rules for what a case's debts come to now; none where nothing is owed."""
    cents = owed(session, case_id).cents
    return allowed(own(session, ente_id) or LOCAL, cents) if cents else None


def stored(rules: Rules) -> dict[str, Any]:
    """As JSON."""
    return {
        "bands": [[one.up_to, one.least, one.most] for one in rules.bands], "rate": str(rules.rate),
        "smallest": rules.smallest,
    }  # fmt: skip


def read(kept: dict[str, Any]) -> Rules:
    """What `stored` wrote."""
    return Rules(tuple(Band(*one) for one in kept["bands"]), Decimal(kept["rate"]), kept["smallest"])
