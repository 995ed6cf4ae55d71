"""How contacts of a campaign are judged before they are called, and where those are put who may not be."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns import sequence, spending
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance import facts
from outbound.compliance.calls import judge
from outbound.compliance.rules import Reason, Verdict

ELSEWHERE = timedelta(minutes=15)  # after which somebody is looked at again with whom another campaign had to do
_CC, _BIGINTS = table_of(CampaignContact), ARRAY(BigInteger)
_MINE = (Reason.NOT_RUNNING, Reason.CLAIMED, Reason.UNCHECKED)  # which say nothing of the person
# What an answer about him may put right: he is asked about first, and keeps his place meanwhile.
_ANSWERED = frozenset({Reason.UNCHECKED, Reason.STALE})
# What neither time nor the campaign changes: he is out of it until somebody looks again.
_OUT = frozenset(
    {
        Reason.DECEASED, Reason.INSOLVENT, Reason.NO_CONSENT, Reason.NOTHING_DUE, Reason.PAID, Reason.SUSPENDED,
        Reason.COMPLAINT, Reason.SAME_PERSON,
    }
)  # fmt: skip
# By this means: another step may. Whoever wants no calls is reached by none of the means that ring.
_UNREACHABLE = frozenset(
    {
        Reason.NO_NUMBER, Reason.EXHAUSTED, Reason.STOPPED, Reason.NO_ADDRESS, Reason.DO_NOT_CALL, Reason.DO_NOT_VISIT,
    }
)  # fmt: skip
_RINGING, _NONE = frozenset({Channel.CALL, Channel.SMS}), frozenset[Channel]()


def waits_for_answer(verdict: Verdict) -> bool:
    """Whether he may be called as soon as the gestionale has answered about him, as far as is known."""
    return Reason.UNCHECKED in verdict.reasons and _ANSWERED.issuperset(verdict.reasons)


def verdicts(
    session: Session, campaign: Running, contact_ids: Collection[int], now: datetime, *, dry: bool = False,
    asked: bool = False,
) -> dict[int, Verdict]:  # fmt: skip
    """How each is judged now. `dry`: as if the campaign ran. `asked`: as at the instant of dialing; else whoever waits
    for the gestionale's answer alone may be looked at.
    """
    people = facts.people(
        session, campaign, contact_ids,
        running=dry or (campaign.state is State.RUNNING and spending.pays_a_call(session, campaign)),
    )  # fmt: skip
    if dry:  # as if the gestionale had answered about each: it is asked just before he is called
        people = {
            contact_id: one if one.ask_within is None else replace(one, ask_within=None, known_at=now)
            for contact_id, one in people.items()
        }
    found = {contact_id: judge(one, campaign.rules, now) for contact_id, one in people.items()}
    if asked:
        return found
    return {
        contact_id: replace(one, reasons=(), not_before=None) if waits_for_answer(one) else one
        for contact_id, one in found.items()
    }


def put_aside(session: Session, campaign: Running, contact_id: int, verdict: Verdict, now: datetime) -> None:
    """He is not dialed now: out of the campaign, at its next step, or to be looked at again when that changes."""
    put_all_aside(session, campaign, {contact_id: verdict}, now)


def put_all_aside(session: Session, campaign: Running, these: Mapping[int, Verdict], now: datetime) -> None:
    """The same of each of them; a statement for all who go to the same place."""
    lost = [one for one, verdict in these.items() if _lost(verdict)]
    steps = _steps(session, campaign.id, lost) if lost else {}
    further: dict[frozenset[Channel], list[int]] = defaultdict(list)
    for one in lost:
        over = _RINGING if Reason.DO_NOT_CALL in these[one].reasons else _NONE
        if campaign.plan.step_after(steps[one], over=over) is not None:
            further[over].append(one)
    for over, whose in further.items():
        sequence.passed(session, campaign=campaign, contact_ids=whose, now=now, over=over)
    alike: dict[tuple[ContactState, Reason | None, datetime], list[int]] = defaultdict(list)
    for contact_id in these.keys() - {one for whose in further.values() for one in whose}:
        alike[_place(these[contact_id], now)].append(contact_id)
    for (state, why, due_at), whose in alike.items():
        session.execute(
            update(_CC)
            .where(
                _CC.c.campaign_id == campaign.id, _CC.c.contact_id == any_(bindparam("whose", whose, _BIGINTS)),
                _CC.c.state != ContactState.DONE,
            )
            .values(state=state, why=why, due_at=due_at, claimed_by=None)
        )  # fmt: skip


def _lost(verdict: Verdict) -> bool:
    """He is not reached by this means, as far as is known, and nothing keeps another from trying."""
    return not _OUT.intersection(verdict.reasons) and bool(_UNREACHABLE.intersection(verdict.reasons))


def _place(verdict: Verdict, now: datetime) -> tuple[ContactState, Reason | None, datetime]:
    """Where he goes who stays at his step, for which reason, and until when."""
    why = next((one for one in verdict.reasons if one not in _MINE), None)
    if out := [one for one in verdict.reasons if one in _OUT]:  # which of them says when somebody looks again
        return ContactState.OUT, out[0], now
    if _lost(verdict):
        return ContactState.OUT, why, now
    if set(verdict.reasons) <= {Reason.UNCHECKED}:
        return ContactState.READY, why, now
    return ContactState.LATER, why, verdict.not_before or now + ELSEWHERE


def _steps(session: Session, campaign_id: int, contact_ids: Collection[int]) -> dict[int, int]:
    its = select(_CC.c.contact_id, _CC.c.step).where(
        _CC.c.campaign_id == campaign_id, _CC.c.contact_id.in_(contact_ids)
    )  # fmt: skip
    return {row.contact_id: row.step for row in session.execute(its)}
