"""Reports on campaigns to the ente: made when somebody asks, kept as they were."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, NotFoundError
from outbound.campaigns.models import Campaign
from outbound.results import reading
from outbound.results.models import CampaignReport
from outbound.results.results import Results, of_nobody, restored, seal, stored


@dataclass(frozen=True, slots=True)
class Made:
    """A version of a report."""

    version: int
    made_at: datetime
    made_by: str
    seal: str


def make(session: Session, by: Principal, *, campaign_id: int, days: int) -> int:
    """Make a report of what the campaign has brought until now; its version. The ente sees it at once.

    Raises `ConflictError` for a campaign that has not begun, `NotFoundError`, `ForbiddenError`.
    """
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFoundError("Questa campagna non c'è.")
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=campaign.ente_id)
    if campaign.started_at is None:
        raise ConflictError("La campagna non è ancora cominciata: non c'è nulla da riferire.")
    found = of_nobody(reading.read(session, campaign_id=campaign_id, days=days))
    last = session.scalar(select(func.max(CampaignReport.version)).where(CampaignReport.campaign_id == campaign_id))
    version = (last or 0) + 1
    session.add(
        CampaignReport(
            ente_id=campaign.ente_id, campaign_id=campaign_id, version=version, made_at=clock.now(session),
            made_by=by.user_id, seal=seal(found), kept=stored(found),
        )
    )  # fmt: skip
    session.flush()
    audit.note(
        session, by, kind="campaign.reported", ente_id=campaign.ente_id, subject=campaign.name,
        after={"campaign": campaign_id, "version": version},
    )  # fmt: skip
    touch(session, topics.campaigns(campaign.ente_id), topics.ente(campaign.ente_id))
    return version


def versions(session: Session, campaign_id: int) -> list[Made]:
    """Those that were made, the newest first."""
    rows = session.execute(
        select(CampaignReport.version, CampaignReport.made_at, User.name, CampaignReport.seal)
        .join(User, User.id == CampaignReport.made_by)
        .where(CampaignReport.campaign_id == campaign_id)
        .order_by(CampaignReport.version.desc())
    )
    return [Made(*row) for row in rows]


def report(session: Session, *, campaign_id: int, version: int) -> tuple[Made, Results]:
    """One of them. Raises `NotFoundError`."""
    row = session.execute(
        select(CampaignReport, User.name)
        .join(User, User.id == CampaignReport.made_by)
        .where(CampaignReport.campaign_id == campaign_id, CampaignReport.version == version)
    ).one_or_none()
    if row is None:
        raise NotFoundError("Questa relazione non c'è.")
    found, name = row
    return Made(found.version, found.made_at, name, found.seal), restored(found.kept)
