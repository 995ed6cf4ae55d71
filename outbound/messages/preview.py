"""Looking before anything leaves: how long messages are, what they cost, to whom they go, five as they are read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import table_of
from crm.messages.segments import Length, measured
from outbound.campaigns import running
from outbound.campaigns.models import Campaign
from outbound.campaigns.plan import Phase
from outbound.compliance.rules import Reason, Written
from outbound.lists.models import ContactListMember
from outbound.messages.cost import Tally, tally
from outbound.messages.people import Addressee, addressees, letterhead, written_rules
from outbound.messages.sending import PASSING
from outbound.messages.text import Composed, composed

SAMPLE = 1_000  # people looked at, of a list that has more
SHOWN = 5
_MEMBER, _C = table_of(ContactListMember), table_of(Campaign)
STOP_EXAMPLE = "https://…"


@dataclass(frozen=True, slots=True)
class Example:
    """A message as somebody would get it."""

    contact_id: int
    name: str
    address: str
    text: Composed
    length: Length


@dataclass(frozen=True, slots=True)
class Preview:
    """Of a channel in a phase. `all_of_them`: everybody was looked at; else `looked` of `people`, evenly drawn, and
    `tally` is what the same shares of everybody would come to. `left_out`: of those looked at, by the first reason.
    """

    people: int
    looked: int
    reached: int
    tally: Tally
    left_out: dict[Reason, int]
    parts: dict[int, int]  # messages by how many segments each takes
    examples: tuple[Example, ...]

    @property
    def all_of_them(self) -> bool:
        """Whether nothing is estimated."""
        return self.looked == self.people


def preview(
    session: Session, by: Principal, *, campaign_id: int, channel: Written, phase: Phase, public_url: str
) -> Preview:  # fmt: skip
    """What would leave now, had everybody his turn; hours, which only delay a message, leave nobody out.

    Whoever runs campaigns for the ente, or decides for it, may look; the audit keeps whose messages were shown. Raises
    `ForbiddenError`, `NotFoundError`.
    """
    campaign = running.get(session, campaign_id)
    manages = by.can(Permission.CAMPAIGN_MANAGE)
    needed = Permission.CAMPAIGN_MANAGE if manages else Permission.CAMPAIGN_APPROVE
    require_on(session, by, needed, ente_id=campaign.ente_id)
    about = session.execute(select(_C.c.list_id, _C.c.name).where(_C.c.id == campaign_id)).one()
    people, ids = _some(session, about.list_id)
    found = addressees(
        session, campaign, ids, channel=channel, rules=written_rules(session, campaign),
        head=letterhead(session, campaign, public_url=public_url), now=clock.now(session),
        public_url=public_url, dry=True,
    )  # fmt: skip
    words = campaign.plan.words(channel, phase)
    out = {one.contact_id: why for one in found if (why := _left_out(one))}
    go = [
        (one, composed(words, channel, one.values, verified=one.verified, stop=STOP_EXAMPLE))
        for one in found
        if one.contact_id not in out
    ]
    counted = tally((text.body for _, text in go), channel, campaign.plan.prices.get(channel, 0))
    examples = _chosen(go)
    for one in examples:
        audit.note(
            session, by, kind="campaign.message_seen", ente_id=campaign.ente_id, contact_id=one.contact_id,
            subject=about.name,
        )  # fmt: skip
    return Preview(
        people, len(ids), len(go), counted.times(people / len(ids)) if ids else counted,
        dict(Counter(out.values()).most_common()),
        dict(sorted(Counter(measured(text.body).segments for _, text in go).items())), examples,
    )  # fmt: skip


def _some(session: Session, list_id: int) -> tuple[int, list[int]]:
    """How many are on the list, and those who are looked at: all, or every so manieth, spread over it."""
    on_it = _MEMBER.c.list_id == list_id
    people = session.execute(select(func.count()).select_from(_MEMBER).where(on_it)).scalar_one()
    his = select(_MEMBER.c.contact_id).where(on_it)
    if people > SAMPLE:
        numbered = select(
            _MEMBER.c.contact_id, func.row_number().over(order_by=_MEMBER.c.contact_id).label("n")
        ).where(on_it).subquery()  # fmt: skip
        his = select(numbered.c.contact_id).where(numbered.c.n % (people // SAMPLE) == 0).limit(SAMPLE)
    return people, list(session.scalars(his))


def _left_out(one: Addressee) -> Reason | None:
    return next((reason for reason in one.verdict.reasons if reason not in PASSING), None)


def _chosen(go: Sequence[tuple[Addressee, Composed]]) -> tuple[Example, ...]:
    """The shortest, the longest, and those between them at even distances; one that tells of the debt, if any does."""
    ordered = sorted(go, key=lambda one: (measured(one[1].body).units, one[0].contact_id))
    last = len(ordered) - 1
    places = {round(last * n / (SHOWN - 1)) for n in range(SHOWN)} if ordered else set()
    if telling := [place for place, (_, text) in enumerate(ordered) if text.tells]:
        places.add(telling[len(telling) // 2])
    return tuple(
        Example(who.contact_id, who.name, who.verdict.number or "", text, measured(text.body))
        for who, text in (ordered[place] for place in sorted(places))
    )
