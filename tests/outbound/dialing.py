"""A campaign that is dialed on a stage: operators join it, lines ring, people answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.db import new_id
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, CampaignVersion, ContactState
from outbound.campaigns.plan import Mode, Plan, kept, parsed
from outbound.compliance.rules import Ended
from outbound.dialer import calling, lines, service
from outbound.dialer.driving import Dialer
from outbound.dialer.models import DialerLine, DialerStay
from outbound.lists.models import ContactList, ListState, Origin
from telephony.calls.reception import Reply
from telephony.calls.service import Heard
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, add_contact, add_position, principal_of
from tests.telephony.stage import TO, Stage

ALWAYS = ("0:00-24:00",) * 7


class Dialing:
    """A campaign of Empoli's that runs, with Mario in it and so many others."""

    def __init__(self, stage: Stage, *, mode: Mode = Mode.PROGRESSIVE, others: int = 0) -> None:
        self.stage, self.told = stage, 0
        self.campaign: int = stage.work(lambda s: runs(s, stage, mode, others))
        self.dialer = Dialer(stage.database, stage.carrier, TO, threads=1)

    def joins(self, *agents: int) -> None:
        """These operators are ready, and take part."""
        self.stage.ready(*agents)
        for one in agents:
            me = self.stage.work(lambda s, one=one: principal_of(s, one))
            self.stage.work(lambda s, me=me: service.join(s, me, campaign_id=self.campaign))

    def leaves(self, agent: int) -> None:
        me = self.stage.work(lambda s: principal_of(s, agent))
        self.stage.work(lambda s: service.leave(s, me))

    def calls_back(self, agent: int) -> UUID:
        """Mario, whom the campaign did not find three days ago, phones us, and speaks with this operator."""
        cast, stage = self.stage.cast, self.stage

        def tried(session: Session) -> None:
            at = clock.now(session) - timedelta(days=3)
            session.add(
                Attempt(
                    id=new_id(session), ente_id=cast.empoli, contract_id=cast.contract, campaign_id=self.campaign,
                    version=1, contact_id=cast.mario, number=MARIO_MOBILE, at=at, begun=True, reasons=[],
                    ended=Ended.NO_ANSWER, ended_at=at,
                )
            )  # fmt: skip

        stage.work(tried)
        stage.ready(agent)
        call = stage.queues()
        stage.talks(call)
        return call

    def turn(self) -> int:
        """The engine's chore, and what follows from it; how many calls it placed."""
        placed = self.dialer.run()
        self.stage.run()
        return placed

    def seated(self, *agents: int) -> list[UUID]:
        """They join, their telephones ring, they answer: each waits in his seat. The calls."""
        self.joins(*agents)
        self.turn()
        seats = [self.seat(one) for one in agents]
        for seat in seats:
            self.stage.answers(seat)
        self.stage.run()
        return seats

    def seat(self, agent: int) -> UUID:
        row = select(DialerStay.call_id).where(DialerStay.agent_id == agent, DialerStay.left_at.is_(None))
        found: UUID = self.stage.work(lambda s: s.execute(row).scalar_one())
        return found

    def stay(self, agent: int) -> Any:
        rows = select(DialerStay).where(DialerStay.agent_id == agent).order_by(DialerStay.id.desc()).limit(1)
        return self.stage.work(lambda s: s.scalars(rows).one())

    def lines(self) -> list[DialerLine]:
        """The lines in their order."""
        return self.stage.work(lambda s: list(s.scalars(select(DialerLine).order_by(DialerLine.at, DialerLine.id))))

    def answers(self, line: DialerLine) -> Reply:
        """The carrier asks what somebody hears who has answered."""
        sid = line.carrier_sid or "CAunknown"
        return self.stage.work(lambda s: lines.answered(s, line.id, sid, TO))

    def ends(self, line: DialerLine, status: str) -> None:
        """The carrier says that a line is over."""
        self.told += 1
        sid = line.carrier_sid or "CAunknown"
        self.stage.carrier.loses(sid)
        heard = Heard(f"line:{self.told}", self.stage.work(clock.now), detail=(("status", status),))
        self.stage.work(lambda s: lines.told(s, line.id, sid, status, heard))
        self.stage.run()

    def attempts(self) -> list[Any]:
        rows = select(Attempt).order_by(Attempt.at, Attempt.id)
        return self.stage.work(lambda s: list(s.scalars(rows)))

    def settle(self) -> None:
        """What came of conversations that are over is written."""
        self.stage.engine.fire_timers()
        self.stage.work(calling.settle)

    def passes(self, seconds: float) -> None:
        """Time passes for the dialer's rows."""
        by = {"s": seconds}
        moved = {"dialer_line": ("at", "lease_until"), "dialer_stay": ("opened_at",)}
        for table, columns in moved.items():
            sets = ", ".join(f"{one} = {one} - make_interval(secs => :s)" for one in columns)
            self.stage.work(lambda s, table=table, sets=sets: s.execute(text(f"UPDATE {table} SET {sets}"), by))

    def nobody_left(self) -> None:
        """Everybody else of the list has been reached."""
        done = update(CampaignContact).where(CampaignContact.state == ContactState.READY)
        self.stage.work(lambda s: s.execute(done.values(state=ContactState.DONE)))


def planned(stage: Stage, campaign: int, **changes: Any) -> None:
    """Its plan is another."""

    def work(session: Session) -> None:
        row = session.scalars(select(CampaignVersion).where(CampaignVersion.campaign_id == campaign)).one()
        row.plan = kept(replace(parsed(row.plan), **changes))

    stage.work(work)


def runs(session: Session, stage: Stage, mode: Mode, others: int) -> int:
    """A campaign that runs, with Mario in it first and so many others; everybody owes something known a minute ago."""
    cast, now = stage.cast, clock.now(session)
    of = {"ente_id": cast.empoli}
    when: dict[str, datetime] = dict.fromkeys(
        ("as_of", "started_at", "moved_at", "ended_at"), now - timedelta(minutes=1)
    )
    session.add(ImportRun(**of, file_name="f", file_bytes=1, totals=[], state=ImportState.DONE, **when))
    made = ContactList(**of, name="x", origin=Origin.FILE, state=ListState.READY, made_by=cast.sara, made_at=now)
    session.add(made)
    session.flush()
    found = Campaign(
        **of, contract_id=cast.contract, list_id=made.id, name="Solleciti", state=State.RUNNING, version=1,
        made_by=cast.sara, made_at=now, changed_at=now, started_at=now, admitted_at=now,
    )  # fmt: skip
    session.add(found)
    session.flush()
    plan = Plan(mode=mode, queue_id=cast.operator, line=EMPOLI_LINE, hours=ALWAYS)
    its = {**of, "campaign_id": found.id}
    session.add(CampaignVersion(**its, number=1, plan=kept(plan), written_by=cast.sara, written_at=now))
    people = [cast.mario]
    for n in range(others):
        one = add_contact(
            session, cast.empoli, f"RSSLGU70A{n // 100 + 10}D{n % 100:02}3X", "ROSSI", f"P{n}", f"+39348100{n:04}"
        )
        add_position(session, cast.empoli, one, f"D-{n}", None)
        people.append(one)
    for n, one in enumerate(people):
        session.add(
            CampaignContact(**its, contact_id=one, state=ContactState.READY, due_at=now, priority=len(people) - n)
        )
    return found.id
