"""Drawing a survey's sample of its campaign's list: strata, cases, reserves; in the database, by a seed."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    update,
    values,
)
from sqlalchemy import String as Text
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.models import AddressKind, Contact, ContactAddress
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.positions.models import Position
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, ContactState
from outbound.cati import surveys
from outbound.cati.models import Interview, SurveyCase, SurveySample, SurveyStratum
from outbound.cati.sampling import Age, Allocation, By, allocated
from outbound.lists.models import ContactList, ContactListMember

MOST_STRATA, MOST_RESERVES, MOST_CASES = 60, 9, 1_000_000
LONGEST = 80  # of a stratum's name
_MEMBER, _CONTACT, _ADDRESS, _POSITION, _CASE, _STRATUM, _CC = (
    table_of(one)
    for one in (ContactListMember, Contact, ContactAddress, Position, SurveyCase, SurveyStratum, CampaignContact)
)


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum: of how many people, how many are cases by now, and for how many of them each stands."""

    name: str
    population: int
    drawn: int

    @property
    def weight(self) -> Fraction | None:
        """The base weight N/n; none where nobody was drawn."""
        return Fraction(self.population, self.drawn) if self.drawn else None


@dataclass(frozen=True, slots=True)
class Sample:
    """A survey's sample."""

    by: str
    allocation: Allocation
    size: int
    reserves: int
    released: int
    seed: int
    strata: tuple[Stratum, ...]


class Weighed(NamedTuple):
    """Of which survey an interview is, in which stratum its case was drawn, and its base weight."""

    survey: str
    stratum: str
    weight: float | None


NONE = Weighed("", "", None)


def of_interviews(session: Session, form_id: int) -> dict[UUID, Weighed]:
    """The same of each interview that is of a survey; also of whom nobody knows any more."""
    rows = session.execute(
        select(Interview.id, Campaign.name, Interview.stratum, SurveyStratum.population, SurveyStratum.drawn)
        .join(Campaign, Campaign.id == Interview.campaign_id)
        .outerjoin(
            SurveyStratum,
            (SurveyStratum.campaign_id == Interview.campaign_id) & (SurveyStratum.name == Interview.stratum),
        )
        .where(Interview.form_id == form_id)
    )
    return {
        interview_id: Weighed(name, stratum, population / drawn if drawn else None if stratum else 1.0)
        for interview_id, name, stratum, population, drawn in rows
    }


def columns(session: Session, campaign_id: int) -> tuple[str, ...]:
    """The columns of the list's own file, which may make strata too."""
    found = session.scalar(
        select(ContactList.headings)
        .join(Campaign, Campaign.list_id == ContactList.id)
        .where(Campaign.id == campaign_id)
    )
    return tuple(found or ())


def sample(session: Session, campaign_id: int) -> Sample | None:
    """What was drawn; none: everybody on the list is a case."""
    row = session.get(SurveySample, campaign_id, populate_existing=True)
    if row is None:
        return None
    strata = session.scalars(
        select(SurveyStratum)
        .where(SurveyStratum.campaign_id == campaign_id)
        .order_by(SurveyStratum.population.desc(), SurveyStratum.name)
        .execution_options(populate_existing=True)
    )
    return Sample(
        row.by, row.allocation, row.size, row.reserves, row.released, row.seed,
        tuple(Stratum(one.name, one.population, one.drawn) for one in strata),
    )  # fmt: skip


def populations(session: Session, by: Principal, *, campaign_id: int, strata: str) -> dict[str, int]:
    """How many of the list are in each stratum that this makes. Raises `FieldError` where they are too many."""
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    list_id = session.get_one(Campaign, campaign_id).list_id
    name = _name(session, campaign_id, strata)
    rows = session.execute(
        select(name, func.count()).where(_MEMBER.c.list_id == list_id).group_by(name).limit(MOST_STRATA + 1)
    ).all()
    if len(rows) > MOST_STRATA:
        raise FieldError(f"Gli strati sarebbero più di {MOST_STRATA}: scegli altro.", "by")
    return dict(sorted(((one or "—", count) for one, count in rows), key=lambda pair: (-pair[1], pair[0])))


def draw(
    session: Session, by: Principal, *, campaign_id: int, strata: str, allocation: Allocation, size: int,
    reserves: int = 0, spread: Mapping[str, Fraction] | None = None, seed: int | None = None,
) -> Sample:  # fmt: skip
    """Draw the cases of a survey that has not begun: `size` of them, and as many again in each reserve.

    Drawn once more, it is drawn anew. The same seed draws the same people of the same list. Raises `FieldError`,
    `ConflictError` once the survey has its cases.
    """
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    campaign = session.get_one(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign.state not in {State.DRAFT, State.SUBMITTED, State.APPROVED} or campaign.started_at is not None:
        raise ConflictError("Il campione si estrae prima di avviare l'indagine.")
    people = populations(session, by, campaign_id=campaign_id, strata=strata)
    if not 1 <= size <= min(MOST_CASES, max(sum(people.values()), 1)):
        raise FieldError("Scrivi quante persone, al massimo quante ne ha la lista.", "size")
    if not 0 <= reserves <= MOST_RESERVES:
        raise FieldError(f"Da 0 a {MOST_RESERVES}.", "reserves")
    forget(session, campaign_id)
    shares = {name: one for name, one in allocated(people, size, allocation, spread).items() if one}
    seed = secrets.randbelow(2**31) if seed is None else seed
    session.add(
        SurveySample(
            campaign_id=campaign_id, ente_id=found.ente_id, by=strata, allocation=allocation, size=size,
            reserves=reserves, released=0, seed=seed, drawn_by=by.user_id, drawn_at=clock.now(session),
        )
    )  # fmt: skip
    session.add_all(
        SurveyStratum(
            campaign_id=campaign_id, name=name, ente_id=found.ente_id, population=count, drawn=shares.get(name, 0)
        )
        for name, count in people.items()
    )
    session.flush()
    _insert(session, campaign, strata, seed, shares, reserves)
    audit.note(
        session, by, kind="survey.drawn", ente_id=found.ente_id, subject=campaign.name,
        after={"cases": size, "seed": seed},
    )  # fmt: skip
    touch(session, topics.campaigns(found.ente_id))
    drawn = sample(session, campaign_id)
    assert drawn is not None
    return drawn


def forget(session: Session, campaign_id: int) -> None:
    """What was drawn before."""
    for table in (_CASE, _STRATUM, table_of(SurveySample)):
        session.execute(table.delete().where(table.c.campaign_id == campaign_id))
    session.expire_all()


def release(session: Session, by: Principal, *, campaign_id: int) -> int:
    """The next reserve becomes cases, everybody in it at once, so that the weights stay true; how many they are.

    Raises `ConflictError` where there is none left.
    """
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    row = session.get(SurveySample, campaign_id, with_for_update=True, populate_existing=True)
    if row is None or row.released >= row.reserves:
        raise ConflictError("Non ci sono altre riserve.")
    row.released += 1
    session.flush()
    its = (_CASE.c.campaign_id == campaign_id, _CASE.c.replicate == row.released)
    counted = select(_CASE.c.stratum, func.count().label("n")).where(*its).group_by(_CASE.c.stratum).subquery()
    session.execute(
        update(_STRATUM)
        .where(_STRATUM.c.campaign_id == campaign_id, _STRATUM.c.name == counted.c.stratum)
        .values(drawn=_STRATUM.c.drawn + counted.c.n)
    )
    campaign, now = session.get_one(Campaign, campaign_id), clock.now(session)
    if campaign.admitted_at is not None:
        rows = select(
            _CASE.c.campaign_id, _CASE.c.contact_id, _CASE.c.ente_id, literal(ContactState.READY.value), literal(now),
            literal(1), literal(0),
        ).where(*its)  # fmt: skip
        names = ["campaign_id", "contact_id", "ente_id", "state", "due_at", "priority", "step"]
        session.execute(insert(_CC).from_select(names, rows))
    count = session.execute(select(func.count()).select_from(_CASE).where(*its)).scalar_one()
    audit.note(
        session, by, kind="survey.released", ente_id=found.ente_id, subject=campaign.name,
        after={"reserve": row.released},
    )  # fmt: skip
    touch(session, topics.campaigns(found.ente_id))
    return int(count)


def _insert(
    session: Session, campaign: Campaign, strata: str, seed: int, shares: Mapping[str, int], reserves: int
) -> None:
    """In one statement: in each stratum everybody gets a place by a digest of the seed and who he is."""
    if not shares:
        return
    wanted = values(column("name", Text), column("share", Integer), name="wanted").data(sorted(shares.items()))
    name = func.coalesce(_name(session, campaign.id, strata), literal("—"))
    chance = func.md5(func.concat(str(seed), ":", _MEMBER.c.contact_id))
    placed = (
        select(
            _MEMBER.c.contact_id, _MEMBER.c.ente_id, name.label("stratum"),
            func.row_number().over(partition_by=name, order_by=(chance, _MEMBER.c.contact_id)).label("place"),
        )
        .where(_MEMBER.c.list_id == campaign.list_id)
        .subquery()
    )  # fmt: skip
    replicate = (placed.c.place - 1) // wanted.c.share
    rows = (
        select(
            literal(campaign.id), placed.c.contact_id, placed.c.ente_id, placed.c.stratum, cast(replicate, Integer),
            literal(0),
        )
        .join(wanted, wanted.c.name == placed.c.stratum)
        .where(placed.c.place <= wanted.c.share * (reserves + 1))
    )  # fmt: skip
    names = ["campaign_id", "contact_id", "ente_id", "stratum", "replicate", "refusals"]
    session.execute(insert(_CASE).from_select(names, rows))


def _name(session: Session, campaign_id: int, strata: str) -> ColumnElement[str]:
    """The stratum of a member, as SQL. Raises `NotFoundError` for what makes none."""
    if strata in columns(session, campaign_id):
        return func.nullif(func.left(func.btrim(_MEMBER.c.given[strata].astext), LONGEST), "")
    if strata not in {one.value for one in By}:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    match By(strata):
        case By.NOTHING:
            return cast(literal("—"), Text)
        case By.KIND:
            return _one_of(_CONTACT, select(cast(_CONTACT.c.kind, Text)).where(_CONTACT.c.id == _MEMBER.c.contact_id))
        case By.TOWN:
            return _one_of(
                _ADDRESS,
                select(func.left(func.upper(_ADDRESS.c.town), LONGEST))
                .where(_ADDRESS.c.contact_id == _MEMBER.c.contact_id, _ADDRESS.c.kind == AddressKind.RESIDENCE)
                .order_by(_ADDRESS.c.id)
                .limit(1),
            )
        case By.TAX:
            return _one_of(
                _POSITION,
                select(cast(_POSITION.c.tax, Text))
                .where(_POSITION.c.contact_id == _MEMBER.c.contact_id, _POSITION.c.withdrawn_as_of.is_(None))
                .order_by(_POSITION.c.residual_cents.desc(), _POSITION.c.id)
                .limit(1),
            )
        case By.AGE:
            oldest = (
                select(func.min(_POSITION.c.due_on))
                .where(
                    _POSITION.c.contact_id == _MEMBER.c.contact_id, _POSITION.c.withdrawn_as_of.is_(None),
                    _POSITION.c.residual_cents > 0,
                )
                .correlate(_MEMBER)
                .scalar_subquery()
            )  # fmt: skip
            today = clock.business_day(clock.now(session))
            year = timedelta(days=365)
            return case(
                (oldest.is_(None), Age.NONE.value), (oldest > today - year, Age.BELOW_ONE.value),
                (oldest > today - 3 * year, Age.BELOW_THREE.value), (oldest > today - 5 * year, Age.BELOW_FIVE.value),
                else_=Age.OLDER.value,
            )  # fmt: skip


def _one_of(table: Table, found: object) -> ColumnElement[str]:
    ente = table.c.ente_id == _MEMBER.c.ente_id
    return found.where(ente).correlate(_MEMBER).scalar_subquery()  # type: ignore[attr-defined,no-any-return]
