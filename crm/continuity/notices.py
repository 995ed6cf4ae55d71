"""Telling users: what is published of the service, who wants to be told by e-mail, and telling them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.continuity.models import Interruption, ServiceFollower, ServiceNotice
from crm.continuity.spells import WORTH_A_MAIL
from crm.core import clock, topics
from crm.core.clock import in_rome
from crm.core.db import Database, Scope, touch
from crm.core.errors import ConflictError, FieldError
from crm.enti import queries as enti
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate

LONGEST = 400
FORGOTTEN = timedelta(days=7)  # of an interruption that was over so long ago nobody needs a message


def publish(session: Session, by: Principal, *, text: str, until: datetime | None = None) -> None:
    """Say how the service stands, to everybody; it takes the place of what was said before."""
    by.require(Permission.CENTRE_CLOSE)
    words = " ".join(text.split())
    if not words:
        raise FieldError("Scrivi che cosa succede.", "text")
    if len(words) > LONGEST:
        raise FieldError("È troppo lungo: abbrevialo.", "text")
    if until is not None and until <= clock.now(session):
        raise FieldError("La fine prevista è già passata.", "until")
    _say(session, by, words, until, over=False)


def take_down(session: Session, by: Principal) -> None:
    """It is over: nothing is said any more. Raises `ConflictError` when nothing was."""
    by.require(Permission.CENTRE_CLOSE)
    last = session.scalar(select(ServiceNotice).order_by(ServiceNotice.id.desc()).limit(1))
    if last is None or last.over:
        raise ConflictError("Non c'è nessun avviso pubblicato.")
    _say(session, by, last.words, None, over=True)


def follow(session: Session, by: Principal, *, wanted: bool) -> None:
    """Whether one wants an e-mail about interruptions, or does not."""
    if not wanted:
        session.execute(delete(ServiceFollower).where(ServiceFollower.user_id == by.user_id))
        return
    row = {"user_id": by.user_id, "since": clock.now(session)}
    session.execute(insert(ServiceFollower).values(row).on_conflict_do_nothing())


def follows(session: Session, user_id: int) -> bool:
    """Whether a user wants it."""
    return session.get(ServiceFollower, user_id) is not None


def tell(database: Database) -> int:
    """Owe an e-mail about what stopped, and about its end, to each user who wants one; how many.

    From the moment in which it is written down an interruption stands on the status page and on users' pages: that is
    when they are told. What is over within minutes is worth no e-mail.
    """
    with database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        waiting = session.scalars(
            select(Interruption)
            .where(or_(Interruption.told_at.is_(None), Interruption.end_told_at.is_(None)))
            .where(or_(Interruption.ended_at.is_(None), Interruption.ended_at > at - FORGOTTEN))
            .order_by(Interruption.began_at)
        ).all()
        followers = list(_followers(session, at)) if waiting else []
    return sum(_tell(database, one, followers) for one in waiting)


def _tell(database: Database, one: Interruption, followers: list[tuple[int, str, str, int]]) -> int:
    owed = 0
    lasted = None if one.ended_at is None else one.ended_at - one.began_at
    worth = lasted is None or lasted >= WORTH_A_MAIL
    key = "service_back" if one.ended_at is not None else "service_down"
    for user_id, address, language, ente_id in followers if worth else ():

        def work(
            session: Session, user_id: int = user_id, address: str = address, language: str = language,
            ente_id: int = ente_id,
        ) -> bool:  # fmt: skip
            if key == "service_down" and clock.now(session) - one.began_at < WORTH_A_MAIL:
                return False
            values = {"began": in_rome(one.began_at)} | ({"ended": in_rome(one.ended_at)} if one.ended_at else {})
            order = Order(
                ente_id, MessageTemplate(key), values, channel=MessageChannel.EMAIL, address=address, language=language
            )
            messages.owe(session, None, order, cause=f"{key}:{one.id}:{user_id}")
            return True

        owed += database.transact(Scope.of_enti([ente_id]), work)

    def told(session: Session) -> None:
        row = session.get_one(Interruption, one.id, with_for_update=True)
        row.told_at = row.told_at or clock.now(session)
        if one.ended_at is not None:
            row.end_told_at = clock.now(session)
        touch(session, topics.continuity())

    if one.told_at is None or one.ended_at is not None:
        database.transact(Scope.nothing(), told)
    return owed


def _followers(session: Session, at: datetime) -> Iterator[tuple[int, str, str, int]]:
    """User, address, language, and an ente in whose name he is written to: one that he serves, or that is his."""
    rows = session.execute(
        select(User.id, User.email, User.language, RoleGrant.ente_id, RoleGrant.contract_id)
        .join(ServiceFollower, ServiceFollower.user_id == User.id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(User.email.is_not(None), User.email != "", RoleGrant.valid_from <= at)
        .where(or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > at))
        .order_by(User.id, RoleGrant.id)
    )
    told: set[int] = set()
    for user_id, email, language, ente_id, contract_id in rows:
        covered = frozenset({ente_id}) if ente_id is not None else enti.enti_of(session, contract_id or 0)
        if user_id not in told and email and (mine := covered & enti.served(session)):
            told.add(user_id)
            yield user_id, email, language, min(mine)


def _say(session: Session, by: Principal, words: str, until: datetime | None, *, over: bool) -> None:
    session.add(
        ServiceNotice(words=words, until=until, over=over, published_by=by.user_id, published_at=clock.now(session))
    )
    session.flush()
    audit.note(
        session, by, kind="service.notice_ended" if over else "service.notice_published", ente_id=None, reason=words
    )
    touch(session, topics.continuity())
