"""Writing, publishing and retiring what agents are given to say and to write; and what they think of it.

What was published once never changes: a correction is a new version, and going back publishes an older one.
"""

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti.queries import enti_of
from crm.knowledge import filling, queries
from crm.knowledge.asking import found_by
from crm.knowledge.models import KnowledgePiece, KnowledgeVersion, KnowledgeVote, PieceKind
from crm.knowledge.standing import KEEPS

LONGEST_TITLE, LONGEST_KEYWORDS, LONGEST_WHY = 120, 200, 200
LONGEST_BODY = {PieceKind.ARTICLE: 12_000, PieceKind.SCRIPT: 3_000, PieceKind.NOTE: 1_000, PieceKind.REPLY: 4_000}
TWICE = "Per questo argomento c'è già uno script: modifica quello."


def write(
    session: Session, by: Principal, *, contract_id: int, ente_id: int | None, kind: PieceKind, topic: str,
    title: str, body: str, keywords: str = "",
) -> int:  # fmt: skip
    """A new piece, as a draft; its id. Without an ente it is for all enti of the contract.

    Raises `InvalidError`, field by field, and `FieldError` for a second script of one topic.
    """
    require_on_place(session, by, contract_id, ente_id)
    row = KnowledgePiece(contract_id=contract_id, ente_id=ente_id, kind=kind, topic=topic)
    _check(kind, title, body, keywords)
    _put(session, row)
    _draft(session, by, row, 1, title, body, keywords)
    _note(session, by, "knowledge.written", row, title)
    return row.id


def revise(
    session: Session, by: Principal, *, piece_id: int, topic: str, title: str, body: str, keywords: str = "",
    based_on: int,
) -> int:  # fmt: skip
    """Write its draft, which begins where there is none; its number. `based_on`: the newest version its author saw.

    Raises `ConflictError` when a colleague has published or begun another meanwhile, and as `write`.
    """
    row = _written(session, by, piece_id)
    _check(row.kind, title, body, keywords)
    if row.topic != topic:
        row.topic = topic
        _put(session, row)
        _tell(session, row)
    newest = _newest(session, piece_id)
    if newest.number != based_on:
        raise ConflictError("Un collega ha cambiato questo testo nel frattempo: ricarica la pagina.")
    if newest.published_at is not None:
        return _draft(session, by, row, newest.number + 1, title, body, keywords).number
    _fill(session, by, newest, title, body, keywords)
    return newest.number


def discard(session: Session, by: Principal, *, piece_id: int) -> bool:
    """Throw its draft away; whether anything is left of it."""
    row = _written(session, by, piece_id)
    newest = _newest(session, piece_id)
    if newest.published_at is not None:
        raise ConflictError("Non c'è nessuna bozza da eliminare.")
    session.execute(delete(KnowledgeVersion).where(KnowledgeVersion.id == newest.id))
    if row.current is None:
        session.delete(row)
    session.flush()
    return row.current is not None


def publish(session: Session, by: Principal, *, piece_id: int, number: int) -> None:
    """Agents see this version from now on; an older one, too: that is how one goes back."""
    row = _written(session, by, piece_id)
    version = session.scalar(
        select(KnowledgeVersion).where(KnowledgeVersion.piece_id == piece_id, KnowledgeVersion.number == number)
    )
    if version is None:
        raise NotFoundError("Questa versione non esiste.")
    if not version.body:
        raise FieldError("Scrivi il testo.", "body")
    if strange := filling.unknown(version.body, more=filling.OF_REPLIES if row.kind is PieceKind.REPLY else ()):
        raise FieldError(f"Tra parentesi graffe non conosco «{strange[0]}».", "body")
    at, before = clock.now(session), row.current
    version.published_at = version.published_at or at
    row.current, row.published_at, row.review_by = number, at, clock.business_day(at) + KEEPS
    session.flush()
    _note(session, by, "knowledge.published", row, version.title, before=before, after=number)
    _tell(session, row)


def confirm(session: Session, by: Principal, *, piece_id: int) -> None:
    """An editor has looked at it again: it still holds."""
    row = _written(session, by, piece_id)
    if row.current is None or row.retired_at is not None:
        raise ConflictError("Questo testo non è in uso.")
    row.review_by = clock.business_day(clock.now(session)) + KEEPS
    session.flush()
    _note(session, by, "knowledge.confirmed", row, queries.whole(session, piece_id).title)


def retire(session: Session, by: Principal, *, piece_id: int) -> None:
    """Agents see it no more; its versions stay."""
    row = _written(session, by, piece_id)
    if row.retired_at is not None:
        return
    row.retired_at = clock.now(session)
    session.flush()
    _note(session, by, "knowledge.retired", row, queries.whole(session, piece_id).title)
    _tell(session, row)


def restore(session: Session, by: Principal, *, piece_id: int) -> None:
    """It is used again, as it was. Raises `FieldError` for a script whose topic has another one now."""
    row = _written(session, by, piece_id)
    if row.retired_at is None:
        return
    row.retired_at = None
    _put(session, row)
    _note(session, by, "knowledge.restored", row, queries.whole(session, piece_id).title)
    _tell(session, row)


def opine(session: Session, by: Principal, *, piece_id: int, number: int, useful: bool, why: str = "") -> None:
    """Whether this version was useful. Who says so is kept nowhere, so that everybody says what he thinks."""
    by.require(Permission.CONTACT_RECORD)
    found = queries.piece(session, piece_id)
    why = _tidy(why)
    if len(why) > LONGEST_WHY:
        raise FieldError(f"Al massimo {LONGEST_WHY} caratteri.", "why")
    if found.number != number:
        raise ConflictError("Il testo è cambiato nel frattempo: rileggilo.")
    session.add(
        KnowledgeVote(
            piece_id=piece_id, contract_id=found.contract_id, ente_id=found.ente_id, number=number, useful=useful,
            why="" if useful else why, day=clock.business_day(clock.now(session)),
        )
    )  # fmt: skip
    session.flush()


def require_on_place(session: Session, by: Principal, contract_id: int, ente_id: int | None) -> None:
    """Raise `ForbiddenError` unless `by` writes for this contract as a whole, or for this ente of it."""
    if ente_id is None:
        by.require(Permission.KNOWLEDGE_WRITE, contract_id=contract_id)
        return
    require_on(session, by, Permission.KNOWLEDGE_WRITE, ente_id=ente_id)
    if ente_id not in enti_of(session, contract_id):
        raise NotFoundError("Questo ente non è del contratto.")


# -- parts ----------------------------------------------------------------------------------------------------------


def _check(kind: PieceKind, title: str, body: str, keywords: str) -> None:
    wrong = []
    if not _tidy(title) or len(_tidy(title)) > LONGEST_TITLE:
        wrong.append(InvalidError("Scrivi un titolo, di al massimo 120 caratteri.", field="title"))
    if len(_tidy(keywords)) > LONGEST_KEYWORDS:
        wrong.append(InvalidError("Al massimo 200 caratteri.", field="keywords"))
    if len(body) > LONGEST_BODY[kind]:
        wrong.append(InvalidError(f"Il testo è troppo lungo: al massimo {LONGEST_BODY[kind]} caratteri.", field="body"))
    if wrong:
        raise InvalidError("Controlla il testo.", parts=wrong)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _plain_lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _put(session: Session, row: KnowledgePiece) -> None:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise FieldError(TWICE, "topic") from None


def _draft(
    session: Session, by: Principal, row: KnowledgePiece, number: int, title: str, body: str, keywords: str
) -> KnowledgeVersion:
    version = KnowledgeVersion(piece_id=row.id, contract_id=row.contract_id, ente_id=row.ente_id, number=number)
    session.add(version)
    _fill(session, by, version, title, body, keywords)
    return version


def _fill(session: Session, by: Principal, version: KnowledgeVersion, title: str, body: str, keywords: str) -> None:
    version.title, version.body, version.keywords = _tidy(title), _plain_lines(body), _tidy(keywords)
    version.words = found_by(version.title, version.keywords, version.body)  # as SQL
    version.written_by, version.written_at = by.user_id, clock.now(session)
    session.flush()


def _written(session: Session, by: Principal, piece_id: int) -> KnowledgePiece:
    """A piece that `by` may change, locked."""
    by.require(Permission.KNOWLEDGE_WRITE)
    row = session.get(KnowledgePiece, piece_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questo testo non c'è.")
    require_on_place(session, by, row.contract_id, row.ente_id)
    return row


def _newest(session: Session, piece_id: int) -> KnowledgeVersion:
    last = select(func.max(KnowledgeVersion.number)).where(KnowledgeVersion.piece_id == piece_id).scalar_subquery()
    statement = select(KnowledgeVersion).where(KnowledgeVersion.piece_id == piece_id, KnowledgeVersion.number == last)
    return session.execute(statement).scalar_one()


def _note(
    session: Session, by: Principal, kind: str, row: KnowledgePiece, title: str, *, before: int | None = None,
    after: int | None = None,
) -> None:  # fmt: skip
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, subject=title,
        before={"version": before} if before is not None else None,
        after={"version": after} if after is not None else None,
    )  # fmt: skip


def _tell(session: Session, row: KnowledgePiece) -> None:
    touch(session, topics.knowledge(row.contract_id))
