"""One request of the carrier: genuine or refused, and answered even while the database is away.

The signature is checked against the configured public address and the raw path and query, never against what a
proxy says; blank fields are kept, because they are signed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog
from fastapi import Depends, Request, Response
from prometheus_client import Counter
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import Session

from crm.core.db import Scope
from telephony.calls.addresses import RETRIES
from telephony.calls.reception import Reply
from telephony.carriers.port import Pause, Redirect
from web.edge.visits import runtime_of
from web.wiring import Runtime

log = structlog.get_logger(__name__)
REFUSED = Counter("filodiretto_webhooks_refused", "Webhooks without a genuine signature")
HELD = Counter("filodiretto_callers_held", "Documents that asked a caller for patience, the database being away")

T = TypeVar("T")
TRIED, PAUSE_S, MOST_TRIED = "tried", 2, 15  # a caller is asked to hold on for half a minute; then comes the apology
ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})  # as the carrier says it of a call
# What a caller keyed is asked for again.
TOLD_AGAIN = ("QueueResult", "DialCallStatus", "DialCallDuration", "RecordingSid", "RecordingDuration")


class NotGenuineError(Exception):
    """A webhook that the carrier did not sign."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A genuine webhook: its fields, the address that was asked, and the parts that answer it."""

    runtime: Runtime
    fields: dict[str, str]
    asked: str

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def told_at(self) -> datetime | None:
        """When the carrier says that it happened, to the second."""
        return self.instant("Timestamp")

    def instant(self, name: str) -> datetime | None:
        """An instant that is told, if it is one."""
        try:
            return parsedate_to_datetime(self[name])
        except (TypeError, ValueError):
            return None

    def in_contract(self, contract_id: int, work: Callable[[Session], T]) -> T:
        """One transaction in the scope of a contract."""
        return self.runtime.database.transact(Scope.of_contract(contract_id), work)

    def answer(
        self, contract_id: int, work: Callable[[Session], Reply], *, meanwhile: Reply | None = None, **said: int
    ) -> Response:
        """One transaction that finds out what the caller hears next. `meanwhile`: see `held`."""

        def asked() -> Reply:
            reply = self.in_contract(contract_id, work)
            log.info("call_asked", instructions=[type(one).__name__ for one in reply], **said)
            return reply

        return self.held(asked, meanwhile)

    def held(self, work: Callable[[], Reply], meanwhile: Reply | None = None) -> Response:
        """What the caller hears next; while the database is away what needs none: he holds on, and is asked again.

        `meanwhile` is what he hears then, at an address that the carrier asks again by itself. Raises the database's
        error after `MOST_TRIED` times: the carrier then asks the address of last resort; and of a call that has ended:
        what was told of it is told again only if it was not answered.
        """
        try:
            return self.reply(work())
        except (OperationalError, NoConnectionError) as error:
            if self["CallStatus"] in ENDED:
                raise
            if meanwhile is None:
                meanwhile = self._again(error)
            HELD.inc()
            log.warning("caller_held", reason=type(error).__name__)
            return self.reply(meanwhile)

    def reply(self, reply: Reply) -> Response:
        """What the caller hears next."""
        return Response(self.runtime.carrier.render(reply), media_type="text/xml")

    def _again(self, error: Exception) -> Reply:
        parts = urlsplit(self.asked)
        query = dict(parse_qsl(parts.query))
        tried = int(query.get(TRIED, "0")) + 1
        if tried > MOST_TRIED:
            raise error
        told = {name: self[name] for name in TOLD_AGAIN if self[name]}
        address = urlunsplit(parts._replace(query=urlencode({**query, **told, TRIED: tried})))
        return (Pause(PAUSE_S), Redirect(address + RETRIES))


async def genuine(request: Request) -> Hook:
    """Read the raw body and check its signature. Raises `NotGenuineError`."""
    runtime = runtime_of(request)
    body = await request.body()
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    path = request.scope["raw_path"].decode("ascii")
    query = request.scope["query_string"].decode("ascii")
    url = runtime.settings.public_url + path + (f"?{query}" if query else "")
    if not runtime.carrier.is_genuine(url, fields, request.headers.get("x-twilio-signature", "")):
        REFUSED.inc()
        log.warning("webhook_not_genuine", path=path)
        raise NotGenuineError
    if call_id := request.path_params.get("call_id"):
        structlog.contextvars.bind_contextvars(call=call_id)  # from an address that we made: it was signed
    return hook_of(runtime, fields, url)


def hook_of(runtime: Runtime, fields: dict[str, str], url: str) -> Hook:
    """A request to an address of ours, which may repeat what was told before (`Hook.held`)."""
    told = {name: value for name, value in parse_qsl(urlsplit(url).query) if name in TOLD_AGAIN}
    return Hook(runtime, {**told, **fields}, url)


HookDep = Annotated[Hook, Depends(genuine)]
