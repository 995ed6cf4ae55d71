"""Reading what agents are given to say and write. Row-level security bounds it to the reader's contracts and enti."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.core.errors import NotFoundError
from crm.knowledge import asking
from crm.knowledge.models import KnowledgePiece, KnowledgeVersion, KnowledgeVote, PieceKind
from crm.knowledge.standing import Opinions, Standing, standing

MOST_FOUND = 30
_MARKS = "StartSel=\x02, StopSel=\x03, MaxWords=24, MinWords=12, MaxFragments=1"  # no text of ours has these signs


@dataclass(frozen=True, slots=True)
class Where:
    """For whom something is looked for: a call's contract and, once known, its ente; or all that the reader may see."""

    contract_id: int | None = None
    ente_id: int | None = None
    topic: str = ""


@dataclass(frozen=True, slots=True)
class PieceView:
    """A piece as its readers see it: its current version."""

    id: int
    contract_id: int
    ente_id: int | None
    kind: PieceKind
    topic: str
    number: int
    title: str
    body: str
    published_at: datetime
    review_by: date | None
    excerpt: str = ""  # \\x02 and \\x03 stand around what was found


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version."""

    number: int
    title: str
    keywords: str
    body: str
    written_by: str | None
    written_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A piece with all of its versions, the newest first, as its editors see it."""

    id: int
    contract_id: int
    ente_id: int | None
    kind: PieceKind
    topic: str
    current: int | None
    published_at: datetime | None
    review_by: date | None
    retired_at: datetime | None
    versions: tuple[VersionView, ...]

    @property
    def draft(self) -> VersionView | None:
        """The version that nobody has published yet."""
        return next((one for one in self.versions if one.published_at is None), None)

    @property
    def shown(self) -> VersionView | None:
        """The version that agents see."""
        return next((one for one in self.versions if one.number == self.current), None)

    @property
    def title(self) -> str:
        return (self.shown or self.versions[0]).title


@dataclass(frozen=True, slots=True)
class Line:
    """A piece in the editors' list."""

    id: int
    contract_id: int
    ente_id: int | None
    kind: PieceKind
    topic: str
    title: str
    published_at: datetime | None
    review_by: date | None
    has_draft: bool
    opinions: Opinions
    standing: Standing


def articles(session: Session, where: Where, *, text: str = "") -> list[PieceView]:
    """Articles for somebody who looks for something: all words first, any of them where that finds nothing.

    Without words those of the call's topic, and when it has none, or there are none of it, all of them.
    """
    if asking.words_of(text):
        return _found(session, where, asking.all_of(text)) or _found(session, where, asking.any_of(text))
    ordered = (KnowledgePiece.ente_id.is_(None), KnowledgeVersion.title, KnowledgePiece.id)
    everything = _current(where, PieceKind.ARTICLE).order_by(*ordered).limit(MOST_FOUND)
    of_topic = everything.where(KnowledgePiece.topic == where.topic)
    rows = session.execute(of_topic).all() if where.topic else ()
    return [_view(*row) for row in rows or session.execute(everything).all()]


def piece(session: Session, piece_id: int) -> PieceView:
    """A published piece. Raises `NotFoundError`, also for one that was retired."""
    row = session.execute(_published().where(KnowledgePiece.id == piece_id)).one_or_none()
    if row is None:
        raise NotFoundError("Questo testo non c'è, o non è più in uso.")
    return _view(*row)


def scripts(session: Session, where: Where) -> tuple[PieceView | None, PieceView | None]:
    """How a call begins, and what its topic is talked through by. An ente's own come before its contract's."""
    statement = _current(where, PieceKind.SCRIPT).where(KnowledgePiece.topic.in_({"", where.topic}))
    found: dict[str, PieceView] = {}
    for row in session.execute(statement.order_by(KnowledgePiece.ente_id.is_(None))).all():
        found.setdefault(row[0].topic, _view(*row))
    return found.get(""), found.get(where.topic) if where.topic else None


def notes(session: Session, where: Where) -> list[PieceView]:
    """Note templates: the topic's, then those for whatever topic; an ente's own before its contract's."""
    return _templates(session, where, PieceKind.NOTE)


def replies(session: Session, where: Where) -> list[PieceView]:
    """Templates of replies to mails, in the same order."""
    return _templates(session, where, PieceKind.REPLY)


def _templates(session: Session, where: Where, kind: PieceKind) -> list[PieceView]:
    statement = _current(where, kind)
    if where.topic:
        statement = statement.where(KnowledgePiece.topic.in_({"", where.topic}))
    order = (KnowledgePiece.topic == "", KnowledgePiece.ente_id.is_(None), KnowledgeVersion.title, KnowledgePiece.id)
    return [_view(*row) for row in session.execute(statement.order_by(*order).limit(MOST_FOUND)).all()]


def whole(session: Session, piece_id: int) -> Whole:
    """A piece with all of its versions. Raises `NotFoundError`."""
    row = session.get(KnowledgePiece, piece_id)
    if row is None:
        raise NotFoundError("Questo testo non c'è.")
    rows = session.execute(
        select(KnowledgeVersion, User.name)
        .outerjoin(User, User.id == KnowledgeVersion.written_by)
        .where(KnowledgeVersion.piece_id == piece_id)
        .order_by(KnowledgeVersion.number.desc())
    ).all()
    versions = tuple(
        VersionView(one.number, one.title, one.keywords, one.body, name, one.written_at, one.published_at)
        for one, name in rows
    )
    return Whole(
        row.id, row.contract_id, row.ente_id, row.kind, row.topic, row.current, row.published_at, row.review_by,
        row.retired_at, versions,
    )  # fmt: skip


def lines(session: Session, contracts: Collection[int], enti: Collection[int], *, today: date) -> list[Line]:
    """All pieces that somebody edits, those first that want looking at."""
    newest = (
        select(func.max(KnowledgeVersion.number))
        .where(KnowledgeVersion.piece_id == KnowledgePiece.id)
        .correlate(KnowledgePiece)
        .scalar_subquery()
    )
    shown = and_(
        KnowledgeVersion.piece_id == KnowledgePiece.id,
        KnowledgeVersion.number == func.coalesce(KnowledgePiece.current, newest),
    )
    drafts = set(session.scalars(select(KnowledgeVersion.piece_id).where(KnowledgeVersion.published_at.is_(None))))
    statement = select(KnowledgePiece, KnowledgeVersion.title).join(KnowledgeVersion, shown)
    statement = statement.where(or_(KnowledgePiece.contract_id.in_(contracts), KnowledgePiece.ente_id.in_(enti)))
    rows = session.execute(statement).all()
    said = opinions(session)
    order = [Standing.USELESS, Standing.OLD, Standing.DRAFT, Standing.GOOD, Standing.RETIRED]
    made = [_line(row, title, row.id in drafts, said.get((row.id, row.current or 0), Opinions()), today)
            for row, title in rows]  # fmt: skip
    return sorted(made, key=lambda one: (order.index(one.standing), one.kind, one.topic, one.title, one.id))


def opinions(session: Session) -> Mapping[tuple[int, int], Opinions]:
    """What was said of each version, by piece and number."""
    useful = func.count().filter(KnowledgeVote.useful)
    rows = session.execute(
        select(KnowledgeVote.piece_id, KnowledgeVote.number, useful, func.count() - useful).group_by(
            KnowledgeVote.piece_id, KnowledgeVote.number
        )
    )
    return {(piece_id, number): Opinions(yes, no) for piece_id, number, yes, no in rows}


def reasons(session: Session, piece_id: int) -> list[tuple[int, date, str]]:
    """Why it was not useful, in the words of those who said so: version, day, words; the latest first."""
    rows = session.execute(
        select(KnowledgeVote.number, KnowledgeVote.day, KnowledgeVote.why)
        .where(KnowledgeVote.piece_id == piece_id, KnowledgeVote.why != "")
        .order_by(KnowledgeVote.id.desc())
        .limit(50)
    )
    return [(number, day, why) for number, day, why in rows]


# -- parts ----------------------------------------------------------------------------------------------------------


def _published() -> Select[KnowledgePiece, KnowledgeVersion]:
    shown = and_(KnowledgeVersion.piece_id == KnowledgePiece.id, KnowledgeVersion.number == KnowledgePiece.current)
    return (
        select(KnowledgePiece, KnowledgeVersion)
        .join(KnowledgeVersion, shown)
        .where(KnowledgePiece.retired_at.is_(None))
    )


def _current(where: Where, kind: PieceKind) -> Select[KnowledgePiece, KnowledgeVersion]:
    """What holds there: of an ente that is not known yet, only what holds for all."""
    statement = _published().where(KnowledgePiece.kind == kind)
    if where.contract_id is None:
        return statement
    own: ColumnElement[bool] = KnowledgePiece.ente_id.is_(None)
    if where.ente_id is not None:
        own = or_(own, KnowledgePiece.ente_id == where.ente_id)
    return statement.where(KnowledgePiece.contract_id == where.contract_id, own)


def _found(session: Session, where: Where, question: str) -> list[PieceView]:
    asked = func.to_tsquery(asking.ITALIAN, question)
    rank = func.ts_rank(KnowledgeVersion.words, asked)
    excerpt = func.ts_headline(asking.ITALIAN, KnowledgeVersion.body, asked, _MARKS)
    of_topic = case((KnowledgePiece.topic == where.topic, 0), else_=1) if where.topic else rank
    statement = (
        _current(where, PieceKind.ARTICLE)
        .add_columns(excerpt)
        .where(KnowledgeVersion.words.op("@@")(asked))
        .order_by(rank.desc(), of_topic, KnowledgePiece.id)
        .limit(MOST_FOUND)
    )
    return [_view(row, version, excerpt=said) for row, version, said in session.execute(statement).all()]


def _view(row: KnowledgePiece, version: KnowledgeVersion, excerpt: str = "") -> PieceView:
    assert row.published_at is not None
    return PieceView(
        row.id, row.contract_id, row.ente_id, row.kind, row.topic, version.number, version.title, version.body,
        row.published_at, row.review_by, excerpt,
    )  # fmt: skip


def _line(row: KnowledgePiece, title: str, has_draft: bool, said: Opinions, today: date) -> Line:
    stands = standing(
        published=row.current is not None, retired=row.retired_at is not None, review_by=row.review_by, opinions=said,
        today=today,
    )  # fmt: skip
    return Line(
        row.id, row.contract_id, row.ente_id, row.kind, row.topic, title, row.published_at, row.review_by, has_draft,
        said, stands,
    )  # fmt: skip
