"""Telling browsers: a notice is taken under lease, sent with no transaction open, and what came is written down.

Whoever dies between sending and writing has it sent again: the push service replaces a waiting message of one topic
(RFC 8030, 5.4), and the browser shows one notification for a tag, so nobody is told twice at a time.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import Counter
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission
from crm.access.queries import overseeing
from crm.core import clock
from crm.core.db import Database, Scope
from telephony.alerts import webpush
from telephony.alerts.models import Alert, AlertRule, PushNotice, PushState, PushSubscription

log = structlog.get_logger(__name__)
TOLD = Counter("filodiretto_pushes", "Notices to browsers, by what became of the attempt", ["outcome"])

AT_ONCE = 20
LEASE = timedelta(seconds=30)
TIMEOUT_S = 5.0
WAITS = (timedelta(seconds=5), timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=3))
MOST_ATTEMPTS = len(WAITS) + 1
SIGNED_FOR = timedelta(hours=1)  # RFC 8292 allows a day
GONE = frozenset({404, 410})
LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Due:
    """A notice under lease, with all that is needed to send it."""

    id: UUID
    attempt: int
    subscription_id: int
    endpoint: str
    p256dh: str
    auth: str
    alert_id: int
    text: str
    language: str
    expires_at: datetime
    now: datetime


Say = Callable[[Session, AlertRule, Decimal, str], str]


class PushServices:
    """Which push services may be written to: the address comes from a browser, and must not lead to somebody else.

    `allowed`: hosts, `*.` for those below one; an origin with its scheme for a stand-in.
    """

    def __init__(self, allowed: str) -> None:
        self._allowed = tuple(one.strip() for one in allowed.split(",") if one.strip())

    def takes(self, endpoint: str) -> bool:
        """Whether an endpoint is at one of them."""
        try:
            parts = urlsplit(endpoint)
            host, origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
            port = parts.port
        except ValueError:
            return False
        if origin in self._allowed:
            return True
        if parts.scheme != "https" or port not in {None, 443} or parts.username is not None:
            return False
        return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in self._allowed)


class Pusher:
    """Sends what is owed to browsers."""

    def __init__(
        self, database: Database, key: ec.EllipticCurvePrivateKey, services: PushServices, contact: str, say: Say
    ) -> None:  # fmt: skip
        """`contact`: `mailto:` or an address of ours, as RFC 8292 wants it."""
        self._database, self._key, self._services, self._contact, self._say = database, key, services, contact, say
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    def run(self) -> int:
        """Send what is due; how many were taken by their push services."""
        taken = self._database.transact(Scope.nothing(), self._take)
        return sum(self._send(one) for one in taken)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _take(self, session: Session) -> list[Due]:
        at = clock.now(session)
        rows = session.scalars(
            select(PushNotice)
            .where(PushNotice.state.in_([PushState.OWED, PushState.SENDING]), PushNotice.due_at <= at)
            .order_by(PushNotice.due_at)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        found = []
        for row in rows:
            if row.expires_at <= at or row.attempts >= MOST_ATTEMPTS:
                row.state = PushState.EXPIRED
                continue
            due = self._read(session, row, at)
            if due is None:
                row.state = PushState.FAILED
                continue
            row.state, row.attempts, row.due_at = PushState.SENDING, row.attempts + 1, at + LEASE
            found.append(due)
        session.flush()
        return found

    def _read(self, session: Session, row: PushNotice, at: datetime) -> Due | None:
        """None: the browser, or its user's right to be told, is gone meanwhile."""
        to = session.get_one(PushSubscription, row.subscription_id, populate_existing=True)
        alert = session.get_one(Alert, row.alert_id)
        rule = session.get_one(AlertRule, alert.rule_id)
        told = overseeing(session, Permission.BOARD_MANAGE, contract_id=alert.contract_id)
        if to.ended_at is not None or to.user_id not in told or not self._services.takes(to.endpoint):
            return None
        language = session.get_one(User, to.user_id).language
        return Due(
            row.id, row.attempts + 1, to.id, to.endpoint, to.p256dh, to.auth, alert.id,
            self._say(session, rule, alert.measured, language), language, row.expires_at, at,
        )  # fmt: skip

    def _send(self, one: Due) -> bool:
        body = {"text": one.text, "alert": one.alert_id, "language": one.language}
        try:
            sealed = webpush.encrypt(json.dumps(body).encode(), one.p256dh, one.auth)
            answer = self._client.post(
                one.endpoint, content=sealed,
                headers={
                    "content-encoding": "aes128gcm", "content-type": "application/octet-stream",
                    "ttl": str(max(0, int((one.expires_at - one.now).total_seconds()))), "urgency": "high",
                    "topic": f"alert-{one.alert_id}",
                    "authorization": webpush.authorization(
                        self._key, one.endpoint, contact=self._contact, expires_at=one.now + SIGNED_FOR
                    ),
                },
            )  # fmt: skip
            status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("push_not_taken", notice=str(one.id), error=type(error).__name__)
            status = 0
        except webpush.KeysError:
            status = 400
        self._database.transact(Scope.nothing(), lambda session: self._write(session, one, status))
        return 200 <= status < 300

    def _write(self, session: Session, one: Due, status: int) -> None:
        mine = PushNotice.id == one.id, PushNotice.attempts == one.attempt, PushNotice.state == PushState.SENDING
        subscription = update(PushSubscription).where(PushSubscription.id == one.subscription_id)
        at = clock.now(session)
        if 200 <= status < 300:
            values = {"state": PushState.SENT}
            session.execute(subscription.values(told_at=at))
        elif status in GONE:
            values = {"state": PushState.FAILED}
            session.execute(subscription.where(PushSubscription.ended_at.is_(None)).values(ended_at=at))
        elif status == 0 or status >= 500 or status in LATER:
            wait = WAITS[min(one.attempt, len(WAITS)) - 1]
            session.execute(update(PushNotice).where(*mine).values(state=PushState.OWED, due_at=at + wait))
            TOLD.labels("again").inc()
            return
        else:
            log.warning("push_refused", notice=str(one.id), status=status)
            values = {"state": PushState.FAILED}
        session.execute(update(PushNotice).where(*mine).values(**values))
        TOLD.labels(values["state"].value).inc()
