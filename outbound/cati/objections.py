"""Who wants no more surveys of an ente: a fact that each survey is judged by."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Exists, Select, exists, select
from sqlalchemy.orm import Session

from crm.contacts import consents
from crm.contacts.models import Purpose as Consented
from crm.core.db import table_of
from outbound.campaigns.models import CampaignVersion
from outbound.campaigns.plan import Purpose
from outbound.cati.aapor import Disposition
from outbound.cati.models import Interview, InterviewState, SurveyCase

ASKED_TWICE = 2  # refusals of one survey: it is over, and says nothing of the next one
_CASE, _I = table_of(SurveyCase), table_of(Interview)


def objecting(session: Session, campaign_id: int, persons: Mapping[int, Collection[int]]) -> set[int]:
    """Of these persons (each with the contacts that are his) whoever withdrew his consent to surveys, or refused one
    for good, and has not consented since. Of a campaign that is no survey, nobody.
    """
    if not persons or not session.scalar(select(_is_survey(campaign_id))):
        return set()
    said: dict[int, list[tuple[datetime, bool]]] = {}
    everyone = {row for his in persons.values() for row in his}
    for one in consents.of_contacts(session, everyone):
        if one.text.purpose is Consented.SURVEY and not one.annulled:
            said.setdefault(one.contact_id, []).append((one.occurred_at, not one.given))
    for contact_id, at in session.execute(_refused(everyone)):
        said.setdefault(contact_id, []).append((at, True))
    latest = {key: max((one for row in his for one in said.get(row, ())), default=None) for key, his in persons.items()}
    return {key for key, one in latest.items() if one is not None and one[1]}


def _is_survey(campaign_id: int) -> Exists:
    return exists().where(
        CampaignVersion.campaign_id == campaign_id, CampaignVersion.plan["purpose"].astext == Purpose.SURVEY
    )


def _refused(contact_ids: Collection[int]) -> Select[int, datetime]:
    """The person himself, at whatever interview of the ente's, so that nobody was to go on with it."""
    asked_twice = exists().where(
        _CASE.c.campaign_id == _I.c.campaign_id, _CASE.c.contact_id == _I.c.contact_id, _CASE.c.refusals >= ASKED_TWICE
    )
    return select(_I.c.contact_id, _I.c.ended_at).where(
        _I.c.contact_id.in_(contact_ids), _I.c.state == InterviewState.DONE,
        _I.c.disposition == Disposition.RESPONDENT_REFUSAL, ~asked_twice,
    )  # fmt: skip
