"""How a campaign is dialed just now, who of the operators is on it, and each line on which somebody is called."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.campaigns.plan import Mode
from outbound.dialer.pacing import FIRST_PRICE


class DialerSetting(Base):
    """What a supervisor chooses while a campaign runs, within what its ente approved; and the price of its pace.

    `price` is that of `pacing`, moved by whoever answered until `folded_at`.
    """

    __tablename__ = "dialer_setting"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    mode: Mapped[Mode] = mapped_column(choice(Mode))
    stopped: Mapped[bool] = mapped_column(default=False)  # nobody is dialed, whatever the campaign's state
    inbound_first: Mapped[bool] = mapped_column(default=True)  # who phones us goes before whom we phone
    inbound_s: Mapped[int] = mapped_column(SmallInteger, default=10)  # once he has waited for so many seconds
    least: Mapped[int] = mapped_column(SmallInteger, default=10)  # operators for whom lines are dialed ahead
    hears_machines: Mapped[bool] = mapped_column(default=False)  # the carrier tells answering machines apart
    price: Mapped[float] = mapped_column(default=FIRST_PRICE)
    folded_at: Mapped[datetime]
    refusals: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")  # of the carrier's, in a row
    refused_code: Mapped[int | None]  # the last one's
    held_until: Mapped[datetime | None]  # nobody is dialed before: it refused

    __table_args__ = (ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),)


class DialerStay(Base):
    """An operator is on a campaign, from when to when. `call_id`: the seat in which he waits, or its conversation."""

    __tablename__ = "dialer_stay"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    campaign_id: Mapped[int]
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    joined_at: Mapped[datetime]
    leaving: Mapped[bool] = mapped_column(default=False)  # he is let out of his seat first
    left_at: Mapped[datetime | None]
    call_id: Mapped[UUID | None]
    opened_at: Mapped[datetime | None]  # when that seat was

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        Index("uq_dialer_stay_agent_id", "agent_id", unique=True, postgresql_where=text("left_at IS NULL")),
        Index("ix_dialer_stay_campaign_id", "campaign_id", "joined_at"),
    )


class Gap(StrEnum):
    """Why nobody can be called."""

    LIST = "list"  # nobody of the list may be
    HOURS = "hours"  # in none of the hours of law, code, ente and campaign
    STOPPED = "stopped"  # the campaign does not run, or a supervisor stopped it


class DialerGap(Base):
    """From when to when nobody could be called while operators took part: time that no level counts."""

    __tablename__ = "dialer_gap"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    campaign_id: Mapped[int]
    why: Mapped[Gap] = mapped_column(choice(Gap))
    since: Mapped[datetime]
    until: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        Index("uq_dialer_gap_campaign_id", "campaign_id", unique=True, postgresql_where=text("until IS NULL")),
        Index("ix_dialer_gap_campaign_id", "campaign_id", "since"),
    )


class OutboundDay(Base):
    """A campaign's day, summed up from the rows of its calls and its operators: calls that began, and for how long its
    operators worked for it while somebody could be called. Counted anew until the day is over.
    """

    __tablename__ = "outbound_day"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    attempts: Mapped[int]
    staffed_ms: Mapped[int]
    counted_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        Index("ix_outbound_day_contract_id", "contract_id", "day"),
    )


class LineState(StrEnum):
    OWED = "owed"  # the carrier is to be told, by whoever wrote it, until `lease_until`
    RINGING = "ringing"
    ANSWERED = "answered"
    OVER = "over"


class DialerLine(Base):
    """A line on which somebody is called before an operator is chosen; its id is its attempt's.

    `for_agent`: he alone gets who answers, if he is there. `call_id`: the conversation; answered without one, nobody
    was there.
    """

    __tablename__ = "dialer_line"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    campaign_id: Mapped[int]
    for_agent: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    state: Mapped[LineState] = mapped_column(choice(LineState))
    carrier_sid: Mapped[str | None] = mapped_column(String(34))
    at: Mapped[datetime]
    lease_until: Mapped[datetime]
    dropped: Mapped[bool] = mapped_column(default=False)  # it is to ring no more: nobody could take it
    answered_at: Mapped[datetime | None]
    machine: Mapped[bool] = mapped_column(default=False)  # no person answered
    call_id: Mapped[UUID | None]
    leg_id: Mapped[UUID | None]  # of the operator
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        Index("ix_dialer_line_live", "campaign_id", postgresql_where=text("state <> 'over'")),
        Index("ix_dialer_line_campaign_id", "campaign_id", "at"),
        Index(
            "ix_dialer_line_answered", "campaign_id", "answered_at", postgresql_where=text("answered_at IS NOT NULL")
        ),
        Index("ix_dialer_line_call_id", "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )


class DialerRecall(Base):
    """Somebody asked to be called at an instant: by the operator to whom he said so, if he is there."""

    __tablename__ = "dialer_recall"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    wanted_at: Mapped[datetime]
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_dialer_recall_agent_id", "agent_id", "wanted_at"),
        Index("ix_dialer_recall_contact_id", "contact_id"),
    )


RINGS_S = 25  # so long somebody's telephone rings
LEASE = timedelta(seconds=8)
GRACE = timedelta(minutes=10)  # for so long somebody is kept for whom he spoke with
