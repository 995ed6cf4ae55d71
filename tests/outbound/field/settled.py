"""A row of each table of what stays of a practice: for the attacks on isolation."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from outbound.field.closing import register
from outbound.field.closing.agreed import Phase, TermsState
from outbound.field.closing.commission import Why
from outbound.field.closing.ledger import Change
from outbound.field.closing.models import (
    CommissionTerms,
    DebtHeard,
    OpenQuarter,
    PaymentEvent,
    PracticeReport,
    Settlement,
    SettlementLine,
)
from outbound.field.practices.models import FieldMandate
from tests.cast import AS_OF, Cast
from tests.outbound.field.people import DAY


def one_of_each(session: Session, cast: Cast) -> None:
    """Of the practice that is there."""
    of = {"ente_id": cast.empoli}
    mandate = session.scalars(select(FieldMandate)).one()
    its = {**of, "practice_id": mandate.practice_id}
    settlement = Settlement(
        **of, quarter="2026-1", closed_at=AS_OF, known_on=DAY, lines=1, collected_cents=1, earning_cents=1,
        commission_cents=1, seal="0" * 64,
    )  # fmt: skip
    session.add_all(
        [
            CommissionTerms(
                **of, valid_from=DAY, state=TermsState.PROPOSED, conditions={}, proposed_at=AS_OF, proposed_by=cast.sara
            ),
            DebtHeard(**its, reference="T-1", digest="x"),
            PaymentEvent(
                **its, reference="T-1", key="x", change=Change.TOLD, as_of=DAY, heard_at=AS_OF, paid_on=DAY, cents=1,
                registered_on=DAY, phase=Phase.REQUEST, tax_cents=1, sanctions_cents=0, interest_cents=0, costs_cents=0,
            ),
            PracticeReport(**its, edition=1, made_at=AS_OF, reason="", seal="0" * 64, kept={"x": 1}),
            OpenQuarter(**of, quarter="2026-2", agent_id=0, at=AS_OF, took_ms=0, value="{}"),
            settlement,
        ]
    )  # fmt: skip
    session.flush()
    session.add(
        SettlementLine(
            **its, settlement_id=settlement.id, number=1, reference="T-1", key="x", practice_number=1,
            mandate_id=mandate.id, agent_id=mandate.agent_id, paid_on=DAY, registered_on=DAY, why=Why.EARNED, cents=1,
            within_cents=1, counted_cents=1, per_mille=1, commission_cents=0, back=False, original="", digest=b"",
        )
    )  # fmt: skip
    register.mandate_given(session, mandate_id=mandate.id)
