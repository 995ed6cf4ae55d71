"""Proposing what a case was granted, in the transaction of the decision; and hearing what the collection system says.

A case without debts has nothing that could be proposed: a person tells the collection system, as its supervisor closes
it by hand.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import having, rights, running, told
from crm.cases.carrying import TRACES
from crm.cases.gestionale.models import CaseProposal
from crm.cases.gestionale.standing import follows
from crm.cases.lifecycle import CARRIED, DECISIONS, Deed, Standing, State, Step, Who, after, possible
from crm.cases.models import Case, CasePosition
from crm.cases.terms import TermKind
from crm.core import clock
from crm.core.errors import ConflictError
from crm.proposals import lifecycle
from crm.proposals import service as proposals
from crm.proposals.models import Proposal
from crm.proposals.subjects import Decision

AT_ONCE, MOST_WORDS = 200, 2000


def decided(session: Session, by: Principal, row: Case, its: Step, words: str, at: datetime) -> None:
    """A step was taken: where it granted something, that is proposed of each debt about which nothing like it waits."""
    if its.deed not in DECISIONS or row.outcome not in CARRIED or row.topic not in TRACES or row.contact_id is None:
        return
    known = latest(session, [row.id])
    made = 0
    for debt in session.scalars(
        select(CasePosition).where(CasePosition.case_id == row.id).order_by(CasePosition.reference)
    ):
        before = known.get((row.id, debt.reference))
        if before is not None and _holds(before[1].state, same=before[0].outcome is row.outcome):
            continue
        proposal_id = proposals.propose_decision(
            session, by, right=rights.OF[its.who],
            granted=proposals.Granted(
                row.ente_id, row.contact_id, Decision(row.topic.value), row.outcome.value, told.label(row), row.asked,
                words, debt.reference, debt.act_number, row.instalments_granted,
            ),
        )  # fmt: skip
        session.add(
            CaseProposal(
                proposal_id=proposal_id, ente_id=row.ente_id, case_id=row.id, reference=debt.reference,
                outcome=row.outcome, heard=lifecycle.State.APPROVED,
            )
        )  # fmt: skip
        made += 1
    if made:
        running.done(session, row, Deed.PROPOSE, at)
        told.step(session, by, row, Deed.PROPOSE, at)


def hear(session: Session, *, ente_id: int) -> int:
    """What the collection system answered since the ente's cases last looked is taken into them; of how many."""
    changed = (
        select(CaseProposal.case_id)
        .join(Proposal, Proposal.id == CaseProposal.proposal_id)
        .where(CaseProposal.ente_id == ente_id, CaseProposal.heard != Proposal.state)
    )
    rows = session.scalars(
        select(Case)
        .where(Case.ente_id == ente_id, Case.state != State.CLOSED, Case.id.in_(changed))
        .order_by(Case.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    found = latest(session, [one.id for one in rows])
    for row in rows:
        _heard(session, row, [both for (case_id, _), both in found.items() if case_id == row.id])
    return len(rows)


def latest(session: Session, case_ids: list[int]) -> dict[tuple[int, str], tuple[CaseProposal, Proposal]]:
    """The last proposal of each debt of these cases, by case and reference."""
    rows = session.execute(
        select(CaseProposal, Proposal)
        .join(Proposal, Proposal.id == CaseProposal.proposal_id)
        .where(CaseProposal.case_id.in_(case_ids))
        .order_by(Proposal.made_at, Proposal.id)
        .execution_options(populate_existing=True)
    )
    return {(one.case_id, one.reference): (one, proposal) for one, proposal in rows}


def let_go(session: Session, row: Case, references: Collection[str]) -> None:
    """A case is not about these debts any more. Raises `ConflictError` for one of which the collection system has yet
    to do, or did, what was granted.
    """
    known = latest(session, [row.id])
    for reference in references:
        both = known.get((row.id, reference))
        if both is not None and _holds(both[1].state, same=True):
            raise ConflictError(f"Per l'atto {both[1].act_number} è già al gestionale una proposta: resta.")
    session.execute(
        delete(CaseProposal).where(CaseProposal.case_id == row.id, CaseProposal.reference.in_(list(references)))
    )


def _holds(state: lifecycle.State, *, same: bool) -> bool:
    """Whether what was proposed before is not to be proposed again."""
    return state in lifecycle.OPEN or (same and state is lifecycle.State.ACKNOWLEDGED)


def _heard(session: Session, row: Case, debts: list[tuple[CaseProposal, Proposal]]) -> None:
    news = [proposal for one, proposal in debts if one.heard is not proposal.state]
    for one, proposal in debts:
        one.heard = proposal.state
    deed = follows([one.state for one in news], [one.state for _, one in debts])
    if deed is None:
        session.flush()
        told.moved(session, row)
        return
    at = clock.now(session)
    words = ""
    if deed is Deed.ACCEPTED:
        running.done(session, row, deed, at)
    else:
        refused = (one for one in news if one.state is lifecycle.State.REJECTED)
        words = "; ".join(f"{one.act_number}: {one.reason}" for one in refused)[:MOST_WORDS]
        if any(step.deed is deed for step in possible(row.topic, row.state)):  # else it is being decided again already
            standing = after(row.topic, Standing(row.state, row.outcome), deed)
            row.state, row.outcome, row.instalments_granted = standing.state, standing.outcome, None
            running.done(session, row, deed, at)
            _tell(session, row, at)
    row.version += 1
    told.step(session, None, row, deed, at, words=words)


def _tell(session: Session, row: Case, at: datetime) -> None:
    """Whoever follows the case is told now that it is to be decided again; whoever shares cases out where nobody does,
    or where the ente has to."""
    waits = possible(row.topic, row.state)
    for term in running.open_of(session, row.id):
        if term.kind is TermKind.DECIDED_AGAIN:
            term.owner_told_at = at
            if not having.followers(session, row) or any(one.who is Who.ENTE for one in waits):
                term.supervisor_told_at = at
    session.flush()
