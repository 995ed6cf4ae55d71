"""Sending the messages of campaigns: whose turn it is, judged at the instant, written down, owed; or taken back.

In one transaction contacts are locked, judged, their attempts and messages written, and their step is over. What is
owed leaves within seconds by a job (`telephony.messages.delivery`), which asks `before_leaving` once more: a pause
stops it, and what a carrier held up is judged anew.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Row, exists, insert, select, update
from sqlalchemy.orm import Session

from crm.core import clock, jobs, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.each import total_of_each
from crm.enti.queries import coverage
from crm.messages import bulk
from crm.messages.bulk import Outgoing
from crm.messages.models import Message, MessageChannel, MessageState
from crm.messages.templates import MessageTemplate
from outbound.campaigns import claims, running, sequence, spending
from outbound.campaigns.judging import put_aside
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import DIGITAL, Channel
from outbound.campaigns.running import Running
from outbound.compliance import correspondence
from outbound.compliance.rules import Person, Reason, Verdict, Written
from outbound.compliance.writing import judge_written
from outbound.messages.cost import parts
from outbound.messages.people import Addressee, addressees, letterhead, words_of, written_rules
from outbound.messages.text import composed
from telephony.calls.addresses import Addresses
from telephony.standing.health import failing_since
from telephony.standing.pace import UNPACED, Pace, allowance

log = structlog.get_logger(__name__)
BATCH = 200  # contacts in a transaction
A_ROUND = 2_000  # messages owed at most each time that somebody looks
MOST_JOBS = 30  # owed and not yet sent, above which nothing more is owed
FRESH = timedelta(seconds=30)  # for which a verdict need not be asked for again
UNHEARD = timedelta(days=1)  # for which a receipt is waited for
AT_ONCE = 500
TROUBLE, MOST_STUCK = timedelta(minutes=5), 20  # so many messages of so long that were tried and have not left
_W, _CC, _CV, _M = table_of(WrittenAttempt), table_of(CampaignContact), table_of(Campaign), table_of(Message)
_AS = {Written.SMS: MessageChannel.SMS, Written.EMAIL: MessageChannel.EMAIL}
# By another means he may still be reached.
_OF_CHANNEL = frozenset({Reason.STOPPED, Reason.NO_ADDRESS, Reason.NO_CONSENT, Reason.DO_NOT_CALL})
PASSING = frozenset({Reason.WINDOW, Reason.WISH, Reason.WRITTEN, Reason.PROMISED})
NOBODY = Person(())  # of whom nothing is known: what stands against writing to him stands against all


@dataclass(frozen=True, slots=True)
class Sender:
    """Owes the messages of all campaigns that run, at the pace of the account and of the mail server."""

    database: Database
    addresses: Addresses
    texts: Pace = UNPACED
    mails: Pace = UNPACED

    def send_all(self) -> int:
        """Of every contract; how many were owed."""
        with self.database.begin(Scope.nothing()) as session:
            contracts = sorted(coverage(session))
        return total_of_each(contracts, self.send_of)

    def send_of(self, contract_id: int) -> int:
        """Of one contract."""
        scope = Scope.of_contract(contract_id)
        going = select(_CV.c.id).where(_CV.c.state == State.RUNNING, _CV.c.contract_id == contract_id)
        with self.database.begin(scope) as session:
            campaigns = sorted(session.scalars(going))
        return sum(self._send(scope, campaign_id, channel) for campaign_id in campaigns for channel in DIGITAL)

    def _send(self, scope: Scope, campaign_id: int, channel: Written) -> int:
        pace = self.texts if channel is Written.SMS else self.mails
        count = 0
        while count < A_ROUND:
            moved, owed = self.database.transact(
                scope,
                lambda session: owe(
                    session, campaign_id=campaign_id, channel=channel, addresses=self.addresses, pace=pace
                ),
            )
            count += owed
            if moved == 0:
                break
        return count


def owe(
    session: Session, *, campaign_id: int, channel: Written, addresses: Addresses, pace: Pace = UNPACED
) -> tuple[int, int]:  # fmt: skip
    """Owe the next messages of a campaign: how many contacts were dealt with, and how many of them are written to."""
    campaign = running.get(session, campaign_id)
    if campaign.state is not State.RUNNING or channel not in campaign.plan.written:
        return 0, 0
    now, rules = clock.now(session), written_rules(session, campaign)
    closed = Reason.WINDOW in judge_written(NOBODY, rules, now, channel).reasons
    if closed or _held_up(session, campaign, channel, now):
        return 0, 0
    spending.alone(session, campaign.id)
    ids = sequence.waiting(session, campaign=campaign, channel=Channel(channel.value), limit=BATCH, now=now)
    ids = ids[: allowance(session, pace, len(ids))] if ids else []
    if not ids:
        return 0, 0
    steps = _steps(session, campaign.id, ids)
    had = _written_to(session, campaign.id, steps)
    sequence.passed(session, campaign=campaign, contact_ids=had, now=now)
    ids = [one for one in ids if one not in had]
    claims.lock_all(session, ids)  # of two campaigns that would write to somebody the other sees that one has
    head = letterhead(session, campaign, public_url=addresses.public_url)
    found = addressees(
        session, campaign, ids, channel=channel, rules=rules, head=head, now=now, public_url=addresses.public_url
    )
    written = [
        _written(campaign, one, channel, steps[one.contact_id], addresses, now) for one in found if one.verdict.allowed
    ]
    go = _affordable(session, campaign, written)
    refused = [one for one in found if not one.verdict.allowed]
    _send(session, campaign, go, now)
    _refuse(session, campaign, refused, channel, steps, now)
    touch(session, topics.campaigns(campaign.ente_id))
    return len(go) + len(refused) + len(had), len(go)


def before_leaving(session: Session, message_ids: Collection[UUID]) -> None:
    """Withhold those of campaigns that must not leave any more; whoever surely got nothing is waiting again.

    A campaign that does not run stops them; what waited longer than half a minute is judged once more.
    """
    rows = session.execute(
        select(_W.c.id, _W.c.item_id, _W.c.campaign_id, _W.c.contact_id, _W.c.step, _W.c.channel, _W.c.at, _W.c.address)
        .where(_W.c.item_id.in_(bulk.owed(session, message_ids)), _W.c.begun)
    ).all()  # fmt: skip
    now, by_campaign = clock.now(session), defaultdict(list)
    for row in rows:
        by_campaign[row.campaign_id].append(row)
    for campaign_id, his in sorted(by_campaign.items()):
        campaign = running.get(session, campaign_id)
        old = [row for row in his if campaign.state is not State.RUNNING or now - row.at > FRESH]
        verdicts = _judged_again(session, campaign, old, now)
        against = [row for row in old if not verdicts[row.contact_id].allowed]
        never = set(bulk.unsent(session, [row.item_id for row in against]))
        bulk.take_back(session, [row.item_id for row in against])
        for row in against:
            if row.item_id in never:
                _undo(session, campaign, row.id, row.contact_id, row.step, verdicts[row.contact_id], now)


def ask_unheard(database: Database) -> int:
    """Have the carrier asked about SMS of which nobody said what became; how many."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(contracts, lambda one: database.transact(Scope.of_contract(one), _ask_unheard))


def _ask_unheard(session: Session) -> int:
    now = clock.now(session)
    rows = session.execute(
        select(_M.c.ente_id, _M.c.id)
        .join(_W, _W.c.item_id == _M.c.id)
        .join(_CV, _CV.c.id == _W.c.campaign_id)  # by whose index those of the last day are found
        .where(
            _W.c.at > now - UNHEARD, _W.c.begun,
            _W.c.channel == Written.SMS, _M.c.state == MessageState.SENT, _M.c.due_at <= now, _M.c.looks == 0,
        )
        .limit(AT_ONCE)
    ).all()  # fmt: skip
    by_ente = defaultdict(list)
    for ente_id, message_id in rows:
        by_ente[ente_id].append(message_id)
    for ente_id, ids in by_ente.items():
        if not jobs.live(session, ente_id=ente_id, kind=bulk.DELIVER):
            bulk.wake_unheard(session, ente_id=ente_id, message_ids=ids)
    return len(rows)


def _held_up(session: Session, campaign: Running, channel: Written, now: datetime) -> bool:
    """Nothing more is owed while the carrier is silent, those who send are behind, the money is spent, or what was owed
    does not leave.
    """
    if channel is Written.SMS and failing_since(session) is not None:
        return True
    if jobs.live(session, ente_id=campaign.ente_id, kind=bulk.DELIVER) >= MOST_JOBS:
        return True
    left = spending.left(session, campaign)
    if left is not None and left < campaign.plan.prices.get(channel, 0):
        return True
    stuck = (
        select(_W.c.id)
        .join(_M, _M.c.id == _W.c.item_id)
        .where(
            _W.c.campaign_id == campaign.id, _W.c.at > now - TROUBLE, _W.c.channel == channel,
            _M.c.state.in_([MessageState.OWED, MessageState.UNKNOWN]), _M.c.attempts > 0,
        )
        .limit(MOST_STUCK)
    )  # fmt: skip
    return len(session.scalars(stuck).all()) == MOST_STUCK


def _steps(session: Session, campaign_id: int, contact_ids: Collection[int]) -> dict[int, int]:
    his = (_CC.c.campaign_id == campaign_id, _CC.c.contact_id.in_(contact_ids))
    return {row.contact_id: row.step for row in session.execute(select(_CC.c.contact_id, _CC.c.step).where(*his))}


def _written_to(session: Session, campaign_id: int, steps: Mapping[int, int]) -> set[int]:
    """Those who were written to at the step at which they are: an outcome that was taken back leads there again."""
    its = select(_W.c.contact_id, _W.c.step).where(
        _W.c.campaign_id == campaign_id, _W.c.begun, _W.c.contact_id.in_(steps)
    )  # fmt: skip
    return {contact_id for contact_id, step in session.execute(its) if steps[contact_id] == step}


def _written(
    campaign: Running, one: Addressee, channel: Written, step: int, addresses: Addresses, now: datetime
) -> tuple[dict[str, Any], Outgoing]:  # fmt: skip
    """The attempt, and the message, to somebody who may be written to."""
    assert one.verdict.number is not None
    message_id = uuid4()
    stop = addresses.stop_mail(campaign.ente_id, message_id) if channel is Written.EMAIL else ""
    text = composed(words_of(campaign, channel, now), channel, one.values, verified=one.verified, stop=stop)
    count = parts(text.body, channel)
    row = _row(campaign, one, channel, step, now)
    row |= {"item_id": message_id, "parts": count, "cost": count * campaign.plan.prices.get(channel, 0)}
    return row, Outgoing(message_id, one.contact_id, _AS[channel], one.verdict.number, text.subject, text.body)


def _affordable(
    session: Session, campaign: Running, written: list[tuple[dict[str, Any], Outgoing]]
) -> list[tuple[dict[str, Any], Outgoing]]:  # fmt: skip
    """The first of them, as many as the budget still pays; the others go on waiting."""
    if (left := spending.left(session, campaign)) is None:
        return written
    costs = accumulate(row["cost"] for row, _ in written)
    return [one for one, cost in zip(written, costs, strict=True) if cost <= left]


def _send(
    session: Session, campaign: Running, written: list[tuple[dict[str, Any], Outgoing]], now: datetime
) -> None:  # fmt: skip
    if not written:
        return
    session.execute(insert(_W), [row for row, _ in written])
    spending.wrote(session, campaign_id=campaign.id, cost=sum(row["cost"] for row, _ in written))
    outgoing = [one for _, one in written]
    bulk.owe(session, ente_id=campaign.ente_id, template=MessageTemplate.CAMPAIGN, outgoing=outgoing)
    sequence.passed(session, campaign=campaign, contact_ids=[one.contact_id for one in outgoing], now=now)


def _refuse(
    session: Session, campaign: Running, people: list[Addressee], channel: Written, steps: dict[int, int], now: datetime
) -> None:
    """Whom this channel cannot reach is at the next step, if there is one, and it is written why; others wait, or are
    out of the campaign.
    """
    unreachable = [one for one in people if _only_by_others(one.verdict)]
    if unreachable:
        nothing = {"item_id": None, "parts": 0, "cost": 0}
        session.execute(
            insert(_W), [_row(campaign, one, channel, steps[one.contact_id], now) | nothing for one in unreachable]
        )
    for one in people:
        if not _only_by_others(one.verdict):
            put_aside(session, campaign, one.contact_id, one.verdict, now)
        elif campaign.plan.step_after(steps[one.contact_id]) is None:
            session.execute(
                update(_CC).where(_CC.c.campaign_id == campaign.id, _CC.c.contact_id == one.contact_id)
                .values(state=ContactState.OUT, why=one.verdict.reasons[0], due_at=now)
            )  # fmt: skip
    on = [one.contact_id for one in unreachable if campaign.plan.step_after(steps[one.contact_id]) is not None]
    sequence.passed(session, campaign=campaign, contact_ids=on, now=now)


def _only_by_others(verdict: Verdict) -> bool:
    """Whether what stands against it for good concerns this channel alone."""
    for_good = set(verdict.reasons) - PASSING
    return bool(for_good) and for_good <= _OF_CHANNEL


def _row(campaign: Running, one: Addressee, channel: Written, step: int, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid4(), "ente_id": campaign.ente_id, "contract_id": campaign.contract_id, "campaign_id": campaign.id,
        "version": campaign.version, "contact_id": one.contact_id, "step": step, "channel": channel,
        "address": one.verdict.number, "at": now, "begun": one.verdict.allowed,
        "reasons": [reason.value for reason in one.verdict.reasons], "not_before": one.verdict.not_before,
    }  # fmt: skip


def _judged_again(
    session: Session, campaign: Running, rows: Sequence[Row[*tuple[Any, ...]]], now: datetime
) -> dict[int, Verdict]:
    """By contact, as if this attempt were not: whoever would now be written to elsewhere is not written to here."""
    rules = written_rules(session, campaign)
    ids = [row.contact_id for row in rows]
    found = correspondence.writable(session, campaign, ids, running=campaign.state is State.RUNNING)
    verdicts = {}
    for row in rows:
        person, _ = found[row.contact_id]
        before = replace(person, written=tuple(one for one in person.written if one.at != row.at))
        verdict = judge_written(before, rules, now, row.channel)
        moved = verdict.allowed and verdict.number != row.address
        verdicts[row.contact_id] = Verdict(verdict.number, (Reason.STOPPED,), now) if moved else verdict
    return verdicts


def _undo(
    session: Session, campaign: Running, attempt_id: UUID, contact_id: int, step: int, verdict: Verdict, now: datetime
) -> None:
    """He was never written to: at the step at which he was he waits again, or is out of it. Unless a later step has
    begun for him by now: then he stays there.
    """
    cost = session.execute(select(_W.c.cost).where(_W.c.id == attempt_id)).scalar_one()
    spending.wrote(session, campaign_id=campaign.id, cost=-cost)
    session.execute(
        update(_W).where(_W.c.id == attempt_id)
        .values(
            begun=False, cost=0, reasons=[one.value for one in verdict.reasons], not_before=verdict.not_before
        )
    )  # fmt: skip
    later = exists().where(_W.c.campaign_id == campaign.id, _W.c.contact_id == contact_id, _W.c.step > step, _W.c.begun)
    back = session.execute(
        update(_CC)
        .where(
            _CC.c.campaign_id == campaign.id, _CC.c.contact_id == contact_id, _CC.c.step.in_([step, step + 1]),
            _CC.c.state != ContactState.CLAIMED, ~later,
        )
        .values(step=step, state=ContactState.READY, due_at=now, why=None)
        .returning(_CC.c.contact_id)
    ).all()  # fmt: skip
    if back and campaign.state is State.RUNNING:
        put_aside(session, campaign, contact_id, verdict, now)
