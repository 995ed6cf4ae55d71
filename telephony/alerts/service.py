"""Writing thresholds, looking whether they are passed, taking notice, and the browsers to be told in."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.queries import overseeing
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import Database, Scope, touch
from crm.core.each import total_of_each
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti.queries import coverage, enti_of
from crm.levels import queries as levels
from crm.levels.closing import Days
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from telephony.alerts import measures
from telephony.alerts.judging import OF_A_LEVEL, OF_A_LINE, OF_A_QUEUE, TOO_FEW, AlertKind, State, Verdict, step
from telephony.alerts.measures import Threshold
from telephony.alerts.models import Alert, AlertRule, PushNotice, PushState, PushSubscription
from telephony.lines import queries as lines
from telephony.queues import queries as queues

MOST_RULES = 50  # of a contract: more would be read by nobody
MOST_BROWSERS = 10  # of a user
MAX_NOTE = 280
TOLD_WITHIN = timedelta(minutes=10)  # an alert that was told later would say what is over

Read = Callable[[Session, int, int | None], Days]  # of a contract, and of one of its enti alone
Say = Callable[[Session, AlertRule, Decimal, str], str]  # what was passed, in a language
LinkTo = Callable[[int], str]  # the address of an alert


def add_rule(
    session: Session, by: Principal, *, contract_id: int, of: Threshold, after_s: int, by_mail: bool, by_push: bool
) -> int:  # fmt: skip
    """A threshold from now on; its id. Raises `FieldError` for what is wrong with it."""
    by.require(Permission.BOARD_MANAGE, contract_id=contract_id)
    if of.kind in OF_A_LEVEL:
        promised = {(one.metric, one.callers or "") for one in levels.promises(session, frozenset({contract_id}))}
        if (of.metric, of.callers) not in promised:
            raise FieldError("Scegli un livello del contratto.", field="metric")
    if of.queue_id is not None and (
        of.kind not in OF_A_QUEUE or of.queue_id not in queues.open_ids(session, contract_id)
    ):
        raise FieldError("Scegli una coda del contratto, o tutte.", field="queue")
    if of.line and (
        of.kind not in OF_A_LINE
        or of.queue_id is not None
        or of.line not in {one.number for one in lines.of_contract(session, contract_id)}
    ):
        raise FieldError("Scegli un numero del contratto senza scegliere una coda, o nessuno.", field="line")
    if not (1 if of.kind in TOO_FEW else 0) <= of.threshold <= 1_000_000:
        raise FieldError("La soglia va da zero a un milione; per «meno di», da uno.", field="threshold")
    if not 0 <= after_s <= 3600:
        raise FieldError("I secondi vanno da 0 a 3600.", field="after")
    here = AlertRule.contract_id == contract_id, AlertRule.ended_at.is_(None)
    if len(session.scalars(select(AlertRule.id).where(*here).limit(MOST_RULES)).all()) == MOST_RULES:
        raise InvalidError("Ci sono già 50 soglie: togline una prima.")
    is_of_level = of.kind in OF_A_LEVEL
    row = AlertRule(
        contract_id=contract_id, queue_id=of.queue_id, line=of.line, kind=of.kind,
        metric=of.metric if is_of_level else "", callers=of.callers if is_of_level else "", threshold=of.threshold,
        after_s=after_s, by_mail=by_mail, by_push=by_push, made_by=by.user_id, made_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, by, "alert.rule_added", row)
    return row.id


def end_rule(session: Session, by: Principal, *, rule_id: int) -> None:
    """Look at a threshold no more; an alert of it that stands is over. Twice is once."""
    row = session.get(AlertRule, rule_id, with_for_update=True, populate_existing=True)
    if row is None or not by.can(Permission.BOARD_MANAGE, contract_id=row.contract_id):
        raise NotFoundError("Questa soglia non esiste.")
    if row.ended_at is not None:
        return
    row.ended_at = clock.now(session)
    standing = _standing(session, row.id)
    if standing is not None:
        standing.cleared_at = row.ended_at
    session.flush()
    _note(session, by, "alert.rule_ended", row)


def acknowledge(session: Session, by: Principal, *, alert_id: int, note: str) -> None:
    """Somebody has taken notice; the first who says so stands."""
    row = session.get(Alert, alert_id, with_for_update=True, populate_existing=True)
    if row is None or not by.can(Permission.BOARD_MANAGE, contract_id=row.contract_id):
        raise NotFoundError("Questa segnalazione non esiste.")
    note = " ".join(note.split())
    if len(note) > MAX_NOTE:
        raise FieldError("È troppo lunga: 280 caratteri al massimo.", field="note")
    if row.acknowledged_at is not None:
        return
    row.acknowledged_by, row.acknowledged_at, row.note = by.user_id, clock.now(session), note
    session.flush()
    for ente_id in sorted(enti_of(session, row.contract_id)):
        audit.note(session, by, kind="alert.acknowledged", ente_id=ente_id, subject=f"alert:{row.id}", reason=note)
    touch(session, topics.alerts(row.contract_id))


def look_at_all(database: Database, read: Read, say: Say, link_to: LinkTo) -> int:
    """Hold every contract against its thresholds, each in a transaction of its own; how many alerts were raised."""
    with database.begin(Scope.nothing()) as session:
        ruled = set(session.scalars(select(AlertRule.contract_id).where(AlertRule.ended_at.is_(None)).distinct()))
        contracts = sorted(ruled & coverage(session).keys())
    return total_of_each(
        contracts,
        lambda one: database.transact(
            Scope.of_contract(one), partial(look, contract_id=one, read=read, say=say, link_to=link_to)
        ),
    )


def look(session: Session, *, contract_id: int, read: Read, say: Say, link_to: LinkTo) -> int:
    """Hold a contract against its thresholds; how many alerts were raised."""
    at = clock.now(session)
    rules = session.scalars(
        select(AlertRule)
        .where(AlertRule.contract_id == contract_id, AlertRule.ended_at.is_(None))
        .order_by(AlertRule.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not rules:
        return 0
    of_levels = any(rule.kind in OF_A_LEVEL for rule in rules)
    facts = measures.read(
        session, contract_id, read(session, contract_id, None) if of_levels else None,
        by_line=any(rule.line for rule in rules), plan=any(rule.kind is AlertKind.UNSTAFFED for rule in rules),
    )  # fmt: skip
    made = 0
    for rule in rules:
        figure = measures.measured(threshold_of(rule), facts)
        standing = _standing(session, rule.id)
        before = State(standing is not None, rule.over_since, rule.calm_since)
        after, verdict = step(before, rule.kind, rule.threshold, timedelta(seconds=rule.after_s), figure, at)
        rule.over_since, rule.calm_since = after.over_since, after.calm_since
        if verdict is Verdict.CLEAR and standing is not None:
            standing.cleared_at = at
        elif verdict is Verdict.RAISE:
            _raise(session, rule, figure, say, link_to)
            made += 1
        if verdict is not Verdict.NOTHING:
            touch(session, topics.alerts(contract_id))
    session.flush()
    return made


def threshold_of(rule: AlertRule) -> Threshold:
    """What a rule is about."""
    return Threshold(rule.kind, rule.threshold, rule.queue_id, rule.metric, rule.callers, rule.line)


def subscribe(
    session: Session, by: Principal, *, endpoint: str, p256dh: str, auth: str, browser: str
) -> None:  # fmt: skip
    """Tell this user in this browser. Said again, by whoever sits at it now, it is his. `endpoint` was checked."""
    by.require(Permission.BOARD_MANAGE)
    at = clock.now(session)
    mine = PushSubscription.user_id == by.user_id, PushSubscription.ended_at.is_(None)
    others = session.scalars(select(PushSubscription).where(*mine).order_by(PushSubscription.id)).all()
    if len([one for one in others if one.endpoint != endpoint]) >= MOST_BROWSERS:
        raise InvalidError("Hai già dieci browser: togline uno prima.")
    values = {
        "user_id": by.user_id, "endpoint": endpoint, "p256dh": p256dh, "auth": auth, "browser": browser[:80],
        "made_at": at,
    }  # fmt: skip
    session.execute(
        upsert(PushSubscription)
        .values(values)
        .on_conflict_do_update(
            index_elements=["endpoint"], index_where=PushSubscription.ended_at.is_(None), set_=values
        )
    )  # fmt: skip


def unsubscribe(session: Session, by: Principal, *, subscription_id: int) -> None:
    """Tell him there no more. Twice is once; another's is none of his."""
    row = session.get(PushSubscription, subscription_id, with_for_update=True, populate_existing=True)
    if row is None or row.user_id != by.user_id:
        raise NotFoundError("Questo browser non c'è.")
    row.ended_at = row.ended_at or clock.now(session)
    session.flush()


def _raise(session: Session, rule: AlertRule, figure: Decimal, say: Say, link_to: LinkTo) -> None:
    """Write the alert with whom it is told to, in the transaction in which it is found."""
    at = clock.now(session)
    row = Alert(rule_id=rule.id, contract_id=rule.contract_id, measured=figure, raised_at=at)
    session.add(row)
    session.flush()
    told = overseeing(session, Permission.BOARD_MANAGE, contract_id=rule.contract_id)
    people = session.execute(select(User.id, User.email, User.language).where(User.id.in_(told)).order_by(User.id))
    ente_id = min(enti_of(session, rule.contract_id), default=None)
    for user_id, email, language in people:
        if rule.by_mail and email and ente_id is not None:
            values = {"what": say(session, rule, figure, language), "link": link_to(row.id)}
            order = Order(
                ente_id, MessageTemplate.ALERT, values, channel=MessageChannel.EMAIL, address=email, language=language
            )
            messages.owe(session, None, order, cause=f"alert:{row.id}:{user_id}")
    if rule.by_push:
        of = PushSubscription.user_id.in_(told), PushSubscription.ended_at.is_(None)
        rows = [
            {
                "id": uuid4(), "alert_id": row.id, "subscription_id": one, "state": PushState.OWED, "attempts": 0,
                "due_at": at, "expires_at": at + TOLD_WITHIN,
            }
            for one in session.scalars(select(PushSubscription.id).where(*of).order_by(PushSubscription.id))
        ]  # fmt: skip
        if rows:
            session.execute(insert(PushNotice), rows)


def _standing(session: Session, rule_id: int) -> Alert | None:
    return session.scalar(
        select(Alert)
        .where(Alert.rule_id == rule_id, Alert.cleared_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _note(session: Session, by: Principal, kind: str, row: AlertRule) -> None:
    told = {"kind": row.kind.value, "threshold": str(row.threshold.normalize()), "after_s": row.after_s}
    for ente_id in sorted(enti_of(session, row.contract_id)):
        audit.note(session, by, kind=kind, ente_id=ente_id, subject=f"alert_rule:{row.id}", after=told)
    touch(session, topics.alerts(row.contract_id))
