"""How people of practices are judged before they are visited, and how each answer is kept."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import new_id
from outbound.campaigns.lifecycle import State as CampaignState
from outbound.campaigns.models import Campaign
from outbound.compliance import facts
from outbound.compliance.rules import Person, Reason, Verdict
from outbound.compliance.visits import judge_visit
from outbound.field.practices import settings
from outbound.field.practices.lifecycle import Occasion
from outbound.field.practices.models import FieldJudgement, Practice


def judge(session: Session, practice_ids: Collection[int], at: datetime) -> dict[int, Verdict]:
    """Whether each may be visited at an instant, and if not why, and from when. A few statements for each ente and
    campaign.
    """
    rows = session.scalars(select(Practice).where(Practice.id.in_(list(practice_ids)))).all()
    alike: dict[tuple[int, int | None], list[Practice]] = defaultdict(list)
    for one in rows:
        alike[one.ente_id, one.campaign_id].append(one)
    found: dict[int, Verdict] = {}
    for (ente_id, campaign_id), some in alike.items():
        verdicts = verdicts_of(
            session, ente_id=ente_id, campaign_id=campaign_id, contact_ids=[one.contact_id for one in some], at=at
        )
        found |= {one.id: _not_before(verdicts[one.contact_id], one.not_before, at) for one in some}
    return found


def verdicts_of(
    session: Session, *, ente_id: int, campaign_id: int | None, contact_ids: Collection[int], at: datetime
) -> dict[int, Verdict]:
    """The same of contacts of an ente, whether they have a practice or not. What is known of a debt when `at` comes is
    not older then than it is now: the ente's data go on arriving. Of an instant that is past, nothing counts that came
    after it.
    """
    people = facts.visitable(
        session, ente_id=ente_id, contact_ids=contact_ids, campaign_id=campaign_id,
        running=_runs(session, campaign_id),
    )  # fmt: skip
    rules = settings.rules(session, ente_id)
    now = clock.now(session)
    return {contact_id: judge_visit(_as_of(one, at, now), rules, at) for contact_id, one in people.items()}


def keep(
    session: Session, practice: Practice, occasion: Occasion, verdict: Verdict, at: datetime, *,
    mandate_id: UUID | None = None, visit_id: UUID | None = None,
) -> None:  # fmt: skip
    """Keep what was answered, as it was answered."""
    session.add(
        FieldJudgement(
            id=new_id(session), ente_id=practice.ente_id, practice_id=practice.id, mandate_id=mandate_id,
            visit_id=visit_id, occasion=occasion, at=at, reasons=[one.value for one in verdict.reasons],
            not_before=verdict.not_before, known_at=verdict.known_at,
        )
    )  # fmt: skip


def keep_all(
    session: Session, practices: Collection[Practice], occasion: Occasion, at: datetime,
    mandates: Mapping[int, UUID],
) -> None:  # fmt: skip
    """Judge these practices now, and keep each answer; `mandates` by practice."""
    verdicts = judge(session, [one.id for one in practices], at)
    for one in practices:
        keep(session, one, occasion, verdicts[one.id], at, mandate_id=mandates.get(one.id))


def _as_of(person: Person, at: datetime, now: datetime) -> Person:
    """Somebody as he is known now, at another instant."""
    if at < now:
        return replace(
            person, attempts=tuple(one for one in person.attempts if one.at < at),
            visits=tuple(one for one in person.visits if one.at < at),
        )  # fmt: skip
    return person if person.known_at is None else replace(person, known_at=person.known_at + (at - now))


def _not_before(verdict: Verdict, until: datetime | None, at: datetime) -> Verdict:
    """What was agreed, or decided, in the practice itself holds as well."""
    if until is None or until <= at:
        return verdict
    reasons = tuple(dict.fromkeys((*verdict.reasons, Reason.VISITED)))
    lasting = bool(verdict.reasons) and verdict.not_before is None
    return replace(verdict, reasons=reasons, not_before=None if lasting else max(until, verdict.not_before or until))


def _runs(session: Session, campaign_id: int | None) -> bool:
    if campaign_id is None:
        return True
    return session.scalar(select(Campaign.state).where(Campaign.id == campaign_id)) is CampaignState.RUNNING
