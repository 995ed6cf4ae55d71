"""Reading batches of letters, what they cost, and whom they are to."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.cases.posted import Fate
from crm.contacts import queries as contacts
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from outbound.campaigns.models import Campaign, CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance.rules import Reason, Written
from outbound.letters.codes import Code
from outbound.letters.models import (
    BatchState,
    Letter,
    LetterBatch,
    LetterOutcome,
    LetterReading,
    LetterReturn,
    LetterState,
    ReadingState,
)
from outbound.letters.postage import Envelope, Prices, Weight

PAGE = 200
ANSWERS = "Risposte alle richieste"
_L, _B, _CC, _W = table_of(Letter), table_of(LetterBatch), table_of(CampaignContact), table_of(WrittenAttempt)


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch as its page shows it. Amounts in cents. Of answers to requests there is no campaign."""

    id: int
    ente_id: int
    campaign_id: int | None
    campaign: str
    state: BatchState
    day: date
    expected: int
    most: int
    duplex: bool
    prices: Prices
    letters: int
    left_out: int
    pages: int
    sheets: int
    cents: int
    over_budget: bool
    made_by: str
    made_at: datetime
    ready_at: datetime | None
    checked_at: datetime | None
    taken_at: datetime | None
    withdrawn: int
    ended_by: str | None
    ended_at: datetime | None
    handed_to: str

    @property
    def done(self) -> int:
        """How many of those whose turn it was have been looked at."""
        return self.letters + self.left_out + self.withdrawn

    @property
    def title(self) -> str:
        """What its letters are, for the access log."""
        return self.campaign or ANSWERS


@dataclass(frozen=True, slots=True)
class LetterView:
    """One letter."""

    id: UUID
    ente_id: int
    batch_id: int
    number: int
    campaign_id: int | None
    contact_id: int
    state: LetterState
    lines: tuple[str, ...]
    asked_cents: int
    notices: int
    sha256: str | None
    size: int
    pages: int
    sheets: int
    grams: int
    envelope: Envelope | None
    cents: int
    outcome: LetterOutcome | None
    outcome_on: date | None
    withdrawn_at: datetime | None
    why: tuple[Reason | Fate, ...]

    @property
    def code(self) -> Code:
        """The number printed on it."""
        return Code(self.batch_id, self.number)


@dataclass(frozen=True, slots=True)
class ReadingView:
    """A file about letters, as it was read. `outcomes`: how many of each it tells that we did not know."""

    id: int
    ente_id: int
    state: ReadingState
    name: str
    read_by: str
    read_at: datetime
    rows: int
    known: int
    wrong: int
    mistakes: tuple[tuple[int, str], ...]
    outcomes: Mapping[LetterOutcome, int]
    applied: int


def batches(session: Session, campaign_id: int) -> list[BatchView]:
    """Those of a campaign, the newest first."""
    return _batches(session, LetterBatch.campaign_id == campaign_id)


def batches_of_answers(session: Session, ente_ids: Collection[int]) -> list[BatchView]:
    """Those of answers to requests of these enti, the newest first."""
    return _batches(session, LetterBatch.campaign_id.is_(None), LetterBatch.ente_id.in_(ente_ids))


def batch(session: Session, batch_id: int) -> BatchView:
    """One of the scope. Raises `NotFoundError`."""
    found = _batches(session, LetterBatch.id == batch_id)
    if not found:
        raise NotFoundError("Questo lotto di lettere non c'è.")
    return found[0]


def letter(session: Session, letter_id: UUID) -> LetterView:
    """One letter of the scope. Raises `NotFoundError`."""
    row = session.get(Letter, letter_id)
    if row is None:
        raise NotFoundError("Questa lettera non c'è.")
    return _view(row)


def letters(session: Session, batch_id: int, *, after: int = 0, limit: int = PAGE) -> list[LetterView]:
    """Letters of a batch whose files are made, by their number."""
    rows = session.scalars(
        select(Letter)
        .where(Letter.batch_id == batch_id, Letter.number > after, Letter.sha256.is_not(None))
        .order_by(Letter.number).limit(limit)
    )  # fmt: skip
    return [_view(row) for row in rows]


def withdrawn(session: Session, batch_id: int, *, limit: int = PAGE) -> list[LetterView]:
    """Those of a batch that were taken out, the last first."""
    rows = session.scalars(
        select(Letter).where(Letter.batch_id == batch_id, Letter.state == LetterState.WITHDRAWN)
        .order_by(Letter.withdrawn_at.desc(), Letter.number).limit(limit)
    )  # fmt: skip
    return [_view(row) for row in rows]


def to_pull(session: Session, found: BatchView) -> list[LetterView]:
    """Those among them that were in an archive which somebody has downloaded: to be pulled out by whoever prints."""
    if found.taken_at is None:
        return []
    rows = session.scalars(
        select(Letter)
        .where(
            Letter.batch_id == found.id, Letter.state == LetterState.WITHDRAWN, Letter.withdrawn_at > found.taken_at
        )
        .order_by(Letter.number)
    )  # fmt: skip
    return [_view(row) for row in rows]


def why_withdrawn(session: Session, batch_id: int) -> dict[Reason | Fate, int]:
    """Why letters of a batch were taken out, the commonest reason first; what has two counts at both."""
    reason = func.unnest(_L.c.why).label("reason")
    rows = session.execute(
        select(reason, func.count()).where(_L.c.batch_id == batch_id, _L.c.state == LetterState.WITHDRAWN)
        .group_by(reason).order_by(func.count().desc())
    )  # fmt: skip
    return {_reason(one): n for one, n in rows}


def named(session: Session, found: Collection[LetterView]) -> dict[int, str]:
    """The names of those to whom letters are, by contact."""
    return contacts.named(session, {one.contact_id for one in found})


def states(session: Session, batch_id: int) -> tuple[dict[LetterState, int], dict[LetterOutcome, int]]:
    """How many letters of a batch stand how, and what the post said of them."""
    by_state = session.execute(select(_L.c.state, func.count()).where(_L.c.batch_id == batch_id).group_by(_L.c.state))
    told = session.execute(
        select(_L.c.outcome, func.count()).where(_L.c.batch_id == batch_id, _L.c.outcome.is_not(None))
        .group_by(_L.c.outcome).order_by(func.count().desc())
    )  # fmt: skip
    return dict(by_state.all()), dict(told.all())


def why_left_out(session: Session, found: BatchView) -> dict[Reason, int]:
    """Why people got no letter of a batch, the commonest reason first; who has two counts at both."""
    reason = func.unnest(_W.c.reasons).label("reason")
    rows = session.execute(
        select(reason, func.count())
        .where(
            _W.c.campaign_id == found.campaign_id, _W.c.channel == Written.LETTER, ~_W.c.begun, _W.c.item_id.is_(None),
            _W.c.at >= found.made_at, _W.c.at <= (found.ready_at or datetime.max.replace(tzinfo=found.made_at.tzinfo)),
        )
        .group_by(reason).order_by(func.count().desc())
    )  # fmt: skip
    return {Reason(one): n for one, n in rows}


def waiting(session: Session, campaign: Running, now: datetime) -> int:
    """Whose turn it is at a letter."""
    at = select(func.count()).where(
        _CC.c.campaign_id == campaign.id, _CC.c.state == ContactState.READY, _CC.c.due_at <= now,
        _CC.c.step.in_(campaign.plan.steps_of(Channel.LETTER)),
    )  # fmt: skip
    return session.execute(at).scalar_one()


def steps(session: Session, *, campaign_id: int, contact_ids: Collection[int]) -> dict[int, int]:
    """At which step of a campaign these contacts are."""
    rows = select(_CC.c.contact_id, _CC.c.step).where(
        _CC.c.campaign_id == campaign_id, _CC.c.contact_id.in_(contact_ids)
    )  # fmt: skip
    return dict(session.execute(rows).all())


def written_to(session: Session, *, campaign_id: int, steps: Mapping[int, int]) -> set[int]:
    """Those of them who were written to at the step where they are."""
    rows = select(_W.c.contact_id, _W.c.step).where(
        _W.c.campaign_id == campaign_id, _W.c.begun, _W.c.contact_id.in_(list(steps))
    )  # fmt: skip
    return {contact_id for contact_id, step in session.execute(rows) if steps[contact_id] == step}


def last_prices(session: Session, contract_id: int) -> Prices | None:
    """Those of the newest batch under a contract."""
    row = session.scalars(
        select(LetterBatch).outerjoin(Campaign, Campaign.id == LetterBatch.campaign_id)
        .where(func.coalesce(Campaign.contract_id, LetterBatch.contract_id) == contract_id)
        .order_by(LetterBatch.id.desc()).limit(1)
    ).one_or_none()  # fmt: skip
    return prices_of(row) if row else None


def prices_of(row: LetterBatch) -> Prices:
    """The prices of a batch."""
    kept = row.prices
    return Prices(
        kept["sheet_cents"], kept["letter_cents"], {Weight(int(g)): cents for g, cents in kept["postage"].items()}
    )


def readings(session: Session, ente_id: int) -> list[ReadingView]:
    """The files about letters of an ente, the newest first."""
    return _readings(session, LetterReading.ente_id == ente_id)


def reading(session: Session, reading_id: int) -> ReadingView:
    """One of the scope. Raises `NotFoundError`."""
    found = _readings(session, LetterReading.id == reading_id)
    if not found:
        raise NotFoundError("Questo file di esiti non c'è.")
    return found[0]


def _readings(session: Session, *which: object) -> list[ReadingView]:
    rows = session.execute(
        select(LetterReading, User.name).join(User, User.id == LetterReading.read_by)
        .where(*which).order_by(LetterReading.id.desc()).limit(PAGE)  # type: ignore[arg-type]
    ).all()  # fmt: skip
    ids = [row.id for row, _ in rows]
    counts: dict[int, dict[LetterOutcome, int]] = {one: {} for one in ids}
    applied = dict.fromkeys(ids, 0)
    told = select(
        LetterReturn.reading_id, LetterReturn.outcome, func.count(), func.count().filter(LetterReturn.applied)
    ).where(LetterReturn.reading_id.in_(ids)).group_by(LetterReturn.reading_id, LetterReturn.outcome)  # fmt: skip
    for reading_id, outcome, n, done in session.execute(told):
        counts[reading_id][outcome] = n
        applied[reading_id] += done
    return [
        ReadingView(
            row.id, row.ente_id, row.state, row.name, name, row.read_at, row.rows, row.known, row.wrong,
            tuple((one["line"], one["reason"]) for one in row.mistakes), counts[row.id], applied[row.id],
        )
        for row, name in rows
    ]  # fmt: skip


def _batches(session: Session, *which: object) -> list[BatchView]:
    maker, ender = User.__table__.alias(), User.__table__.alias()
    rows = session.execute(
        select(LetterBatch, Campaign.name, maker.c.name, ender.c.name)
        .outerjoin(Campaign, Campaign.id == LetterBatch.campaign_id)
        .join(maker, maker.c.id == LetterBatch.made_by)
        .outerjoin(ender, ender.c.id == LetterBatch.ended_by)
        .where(*which)  # type: ignore[arg-type]
        .order_by(LetterBatch.id.desc())
    )
    return [
        BatchView(
            row.id, row.ente_id, row.campaign_id, campaign or "", row.state, row.day, row.expected, row.most,
            row.duplex, prices_of(row), row.letters, row.left_out, row.pages, row.sheets, row.cents, row.over_budget,
            made_by, row.made_at, row.ready_at, row.checked_at, row.taken_at, row.withdrawn, ended_by, row.ended_at,
            row.handed_to,
        )
        for row, campaign, made_by, ended_by in rows
    ]  # fmt: skip


def _view(row: Letter) -> LetterView:
    names = LetterView.__dataclass_fields__
    values = {name: getattr(row, name) for name in names}
    why = tuple(_reason(one) for one in row.why or ())
    return LetterView(**{**values, "lines": tuple(row.lines), "why": why})


def _reason(kept: str) -> Reason | Fate:
    return Fate(kept) if kept in set(Fate) else Reason(kept)


def every(session: Session, batch_id: int) -> Iterator[LetterView]:
    """All letters of a batch whose files are made, some at a time."""
    after = 0
    while found := letters(session, batch_id, after=after):
        yield from found
        after = found[-1].number
