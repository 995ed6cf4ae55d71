"""Writing what a campaign writes: texts, prices, and whom it may write to how often."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.errors import InvalidError
from outbound.campaigns import plan as plans
from outbound.campaigns import queries, running, service
from outbound.campaigns.plan import Phase, Plan
from outbound.compliance.rules import Written
from outbound.messages.people import letterhead
from outbound.messages.text import Field, Words, used


@dataclass(frozen=True, slots=True)
class Outreach:
    """What its form has. Prices in ten-thousandths of a euro."""

    messages: Mapping[Written, Mapping[Phase, Words]]
    prices: Mapping[Written, int]
    written_a_week: int
    consent_to_messages: bool


def write(session: Session, by: Principal, *, campaign_id: int, outreach: Outreach, public_url: str) -> None:
    """Write it, while the campaign is a draft. Raises `InvalidError` with what is wrong at each field, a name among it
    for which this ente has nothing: no pages to book at, no number to call.
    """
    campaign = running.get(session, campaign_id)
    missing = {Field.LINE, Field.BOOKING, Field.REQUESTS} - set(letterhead(session, campaign, public_url=public_url))
    if campaign.plan.form_id is None or not campaign.plan.by_web:
        missing.add(Field.SURVEY)
    if campaign.plan.form_id is None or not campaign.plan.by_ivr:
        missing.add(Field.CODE)
    wrong = [
        InvalidError(f"Questo ente non ha niente da mettere al posto di «{name}».", field=f"{channel}-{phase}-{part}")
        for channel, by_phase in outreach.messages.items()
        for phase, words in by_phase.items()
        for part in ("subject", "body", "telling")
        for name in sorted(used(getattr(words, part)) & missing)
    ]
    plan: Plan = replace(
        campaign.plan, messages=outreach.messages, prices=outreach.prices, written_a_week=outreach.written_a_week,
        consent_to_messages=outreach.consent_to_messages,
    )  # fmt: skip
    wrong += plans.faults(plan)
    if wrong:
        raise InvalidError("Il testo non va bene così.", parts=wrong)
    name = queries.one(session, campaign_id).name
    service.write(session, by, campaign_id=campaign_id, name=name, plan=plan)
