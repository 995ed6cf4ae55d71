"""Looking into a campaign's list, however long: whoever is looked for, whom it puts aside and why, a sample."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.contacts.search import search
from crm.core.db import table_of
from outbound.campaigns import contacts, queries
from outbound.campaigns.models import CampaignContact
from outbound.campaigns.queries import CampaignView, Explained
from outbound.compliance.rules import Reason
from outbound.lists.models import ContactListMember

PAGE, LOOKED_FOR, SAMPLE = 20, 50, 300
_CC, _MEMBER = table_of(CampaignContact), table_of(ContactListMember)


@dataclass(frozen=True, slots=True)
class Some:
    """A page of people, by their ids; `more`: the id after which the next one begins."""

    people: list[Explained]
    more: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of those on the list, judged as if they were called now: how many of each reason were among so many (`of`)."""

    of: int
    called: int
    reasons: dict[Reason, int]

    def about(self, n: int, members: int) -> int:
        """How many of all members that may be."""
        return round(n * members / self.of) if self.of else 0


def looked_for(session: Session, by: Principal, *, campaign: CampaignView, typed: str) -> Some:
    """Those of its list who are meant, by name, codice fiscale or telephone, and whether they would be called now."""
    _entitled(session, by, campaign)
    found = [one.id for one in search(session, typed, among=[campaign.ente_id], limit=LOOKED_FOR).people]
    which = _MEMBER.c.list_id == campaign.list_id, _MEMBER.c.contact_id.in_(found)
    its = set(session.scalars(select(_MEMBER.c.contact_id).where(*which)))
    return Some(_explained(session, by, campaign, [one for one in found if one in its][:PAGE]))


def put_aside(session: Session, by: Principal, *, campaign: CampaignView, why: Reason, after: int = 0) -> Some:
    """A page of those who are put aside for a reason: what holds of each of them now."""
    _entitled(session, by, campaign)
    page = (
        select(_CC.c.contact_id)
        .where(_CC.c.campaign_id == campaign.id, _CC.c.why == why, _CC.c.contact_id > after)
        .order_by(_CC.c.contact_id).limit(PAGE + 1)
    )  # fmt: skip
    found = list(session.scalars(page))
    return Some(
        _explained(session, by, campaign, found[:PAGE]), found[PAGE - 1] if len(found) > PAGE else None
    )  # fmt: skip


def estimate(session: Session, by: Principal, *, campaign: CampaignView) -> Estimate:
    """A sample of the list, everywhere in it, as the rules see it now."""
    every = max(1, campaign.members // SAMPLE)
    some = (
        select(_MEMBER.c.contact_id)
        .where(_MEMBER.c.list_id == campaign.list_id, func.mod(_MEMBER.c.contact_id, every) == 0)
        .order_by(_MEMBER.c.contact_id).limit(2 * SAMPLE)
    )  # fmt: skip
    verdicts = contacts.explain(
        session, by, campaign_id=campaign.id, contact_ids=list(session.scalars(some))
    ).values()  # fmt: skip
    first = Counter(one.reasons[0] for one in verdicts if not one.allowed)
    return Estimate(len(verdicts), len(verdicts) - first.total(), dict(first.most_common()))


def _entitled(session: Session, by: Principal, campaign: CampaignView) -> None:
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=campaign.ente_id)


def _explained(session: Session, by: Principal, campaign: CampaignView, ids: Collection[int]) -> list[Explained]:
    verdicts = contacts.explain(session, by, campaign_id=campaign.id, contact_ids=ids) if ids else {}
    return queries.named(session, verdicts)
