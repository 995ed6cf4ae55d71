"""Surveys that are ready to be made: the satisfaction of whoever a service was rendered to, twice a year (A 4.2.1)."""

from dataclasses import replace
from datetime import date

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.enti import queries as enti
from outbound.campaigns import service as campaigns
from outbound.campaigns.plan import Plan, Purpose
from outbound.cati import drawing, queries, service
from outbound.cati.questionnaire.xlsform import compiled
from outbound.cati.sampling import Allocation, By
from outbound.cati.templates import template
from outbound.lists import queries as lists

TEMPLATE = "satisfaction"
CASES = 1_000  # of whom four in ten answering leave a margin of five points, at 95 per cent
PLAN = Plan(purpose=Purpose.SURVEY, attempts=8, attempts_a_day=2)


def half_of(day: date) -> tuple[int, int]:
    """In which half of which year a day is."""
    return (1 if day.month <= 6 else 2), day.year


def satisfaction(session: Session, by: Principal, *, list_id: int) -> int:
    """A draft of the half-year's survey of those on a list; its campaign.

    With the ready-made questionnaire, put to use if none like it is, and with a sample where the list is large. Raises
    `ForbiddenError` unless `by` makes lists and writes questionnaires and campaigns for the ente.
    """
    found = lists.one(session, by, list_id)
    contract_id = min(enti.contracts_of(session, found.ente_id))
    half, year = half_of(clock.business_day(clock.now(session)))
    form_id = _form(session, by, contract_id, found.ente_id)
    campaign_id = campaigns.begin(
        session, by, ente_id=found.ente_id, contract_id=contract_id, list_id=list_id,
        name=f"Soddisfazione, {half}° semestre {year}", plan=replace(PLAN, form_id=form_id),
    )  # fmt: skip
    if found.members > CASES:
        drawing.draw(
            session, by, campaign_id=campaign_id, strata=By.NOTHING.value, allocation=Allocation.PROPORTIONAL,
            size=CASES, reserves=min(2, found.members // CASES - 1),
        )  # fmt: skip
    return campaign_id


def _form(session: Session, by: Principal, contract_id: int, ente_id: int) -> int:
    """The questionnaire in use that was made of the template; else that, as it is."""
    for one in queries.usable(session, contract_id=contract_id, ente_id=ente_id):
        assert one.current is not None
        if queries.questionnaire(session, queries.version_id(session, one.id, one.current)).code == TEMPLATE:
            return one.id
    content = template(TEMPLATE)
    form = compiled(content).form
    assert form is not None
    form_id = service.upload(
        session, by, contract_id=contract_id, ente_id=ente_id, file_name=f"{TEMPLATE}.xlsx", content=content, form=form
    )
    service.publish(session, by, form_id=form_id, number=1)
    return form_id
