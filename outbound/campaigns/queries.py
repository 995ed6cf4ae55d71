"""Reading campaigns: how each stands, whom it has, and how far it has come."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Select, bindparam, func, literal_column, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from outbound.campaigns import plan as plans
from outbound.campaigns.counted import counted
from outbound.campaigns.lifecycle import OF_THE_ENTE, Deed, State, may
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, CampaignVersion, ContactState
from outbound.campaigns.plan import Plan
from outbound.compliance.rules import Ended, Reason, Verdict
from outbound.lists.models import ContactList

_CC, _A = table_of(CampaignContact), table_of(Attempt)
FIRST = 20
_ITS = select(_CC.c.contact_id).where(_CC.c.campaign_id == bindparam("campaign", type_=BigInteger))
# Each is read off an index: none has the whole of a large campaign sorted.
_LATER = _ITS.where(literal_column("state IN ('later', 'claimed')"))
_OVER = _ITS.where(_CC.c.state.in_([ContactState.OUT, ContactState.DONE]))


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a plan: who wrote it, and what the ente decided (none: nothing yet)."""

    number: int
    written_by: str
    written_at: datetime
    submitted_at: datetime | None
    approved: bool | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign as its page shows it. `members`: of its list, when that was made."""

    id: int
    ente_id: int
    contract_id: int
    name: str
    state: State
    list_id: int
    list_name: str
    members: int
    plan: Plan
    version: int
    made_by: str
    made_at: datetime
    started_at: datetime | None
    admitted_at: datetime | None
    ended_at: datetime | None

    def deeds(self, *, manages: bool, approves: bool) -> list[Deed]:
        """What somebody may do to it now, who runs campaigns for its ente, or decides for the ente."""
        return [one for one in Deed if may(self.state, one) and (approves if one in OF_THE_ENTE else manages)]


@dataclass(frozen=True, slots=True)
class Progress:
    """Contacts by where they stand, those who are out or wait by the reason, attempts by how they ended.

    `tried`: attempts that began; `at`: when all this was counted.
    """

    states: dict[ContactState, int]
    reasons: dict[Reason, int]
    ended: dict[Ended, int]
    tried: int
    at: datetime

    @property
    def contacts(self) -> int:
        """All of them."""
        return sum(self.states.values())

    @property
    def counted(self) -> int:
        """All the rows that it tells of."""
        return self.contacts + self.tried


_PROGRESS = TypeAdapter(Progress)


@dataclass(frozen=True, slots=True)
class Explained:
    """One of a campaign's, and whether he would be dialed now."""

    contact_id: int
    name: str
    verdict: Verdict


def campaigns(session: Session) -> list[CampaignView]:
    """Those of the scope: the ones that are under way first, then the newest."""
    rows = _rows(session, Campaign.id > 0)
    ended = State.ENDED
    return sorted(rows, key=lambda one: (one.state is ended, -one.made_at.timestamp()))


def one(session: Session, campaign_id: int) -> CampaignView:
    """One of the scope. Raises `NotFoundError`."""
    found = _rows(session, Campaign.id == campaign_id)
    if not found:
        raise NotFoundError("Questa campagna non c'è.")
    return found[0]


def versions(session: Session, campaign_id: int) -> list[VersionView]:
    """Its versions, the newest first."""
    writer, decider = User.__table__.alias(), User.__table__.alias()
    rows = session.execute(
        select(CampaignVersion, writer.c.name, decider.c.name)
        .join(writer, writer.c.id == CampaignVersion.written_by)
        .outerjoin(decider, decider.c.id == CampaignVersion.decided_by)
        .where(CampaignVersion.campaign_id == campaign_id)
        .order_by(CampaignVersion.number.desc())
    )
    return [
        VersionView(
            row.number, wrote, row.written_at, row.submitted_at, row.approved, decided, row.decided_at, row.reason
        )
        for row, wrote, decided in rows
    ]


def progress(session: Session, campaign_id: int) -> Progress:
    """How far it has come; a large one, as it was counted a moment ago."""
    now = partial(progress_now, session, campaign_id)
    return counted(session, campaign_id, "progress", _PROGRESS, now, rows=attrgetter("counted"))


def progress_now(session: Session, campaign_id: int) -> Progress:
    """The same as it is now, however long counting takes."""
    states, reasons, ended = Counter[ContactState](), Counter[Reason](), Counter[Ended]()
    tried = 0
    for state, why, number in session.execute(
        select(_CC.c.state, _CC.c.why, func.count()).where(_CC.c.campaign_id == campaign_id)
        .group_by(_CC.c.state, _CC.c.why)
    ):  # fmt: skip
        states[state] += number
        if why is not None:
            reasons[why] += number
    for begun, how, number in session.execute(
        select(_A.c.begun, _A.c.ended, func.count()).where(_A.c.campaign_id == campaign_id)
        .group_by(_A.c.begun, _A.c.ended)
    ):  # fmt: skip
        tried += number if begun else 0
        if how is not None:
            ended[how] += number
    most = Counter.most_common
    return Progress(dict(states), dict(most(reasons)), dict(most(ended)), tried, clock.now(session))


def first(session: Session, campaign_id: int, *, of: CampaignView) -> list[int]:
    """Those whom it would look at first; of one that has not started yet, some of its list."""
    if of.admitted_at is None:
        from outbound.lists.models import ContactListMember  # noqa: PLC0415

        member = table_of(ContactListMember)
        some = select(member.c.contact_id).where(member.c.list_id == of.list_id).order_by(member.c.contact_id)
        return list(session.scalars(some.limit(FIRST)))
    found: list[int] = []
    for some in (
        *(_ready_at(step) for step in reversed(range(len(of.plan.steps)))),
        _LATER.order_by(_CC.c.due_at),
        _OVER.order_by(_CC.c.contact_id),
    ):
        found += session.scalars(some.limit(FIRST - len(found)), {"campaign": campaign_id})
        if len(found) == FIRST:
            break
    return found


def _ready_at(step: int) -> Select[int]:
    """Those whose turn it is at a step, by their turn."""
    turn = (_CC.c.priority.desc(), _CC.c.due_at, _CC.c.contact_id)
    return _ITS.where(literal_column("state = 'ready'"), _CC.c.step == step).order_by(*turn)


def named(session: Session, verdicts: dict[int, Verdict]) -> list[Explained]:
    """Verdicts with the names of those whom they are about."""
    names = contacts.named(session, verdicts)
    return [Explained(key, names.get(key, ""), verdict) for key, verdict in verdicts.items()]


def _rows(session: Session, *which: object) -> list[CampaignView]:
    rows: Iterable[tuple[Campaign, CampaignVersion, ContactList, str]] = session.execute(
        select(Campaign, CampaignVersion, ContactList, User.name)
        .join(
            CampaignVersion,
            (CampaignVersion.campaign_id == Campaign.id) & (CampaignVersion.number == Campaign.version),
        )
        .join(ContactList, ContactList.id == Campaign.list_id)
        .join(User, User.id == Campaign.made_by)
        .where(*which)  # type: ignore[arg-type]
    ).all()
    return [
        CampaignView(
            row.id, row.ente_id, row.contract_id, row.name, row.state, row.list_id, its.name, its.members,
            plans.parsed(version.plan), row.version, made_by, row.made_at, row.started_at, row.admitted_at,
            row.ended_at,
        )
        for row, version, its, made_by in rows
    ]  # fmt: skip
