"""What whoever gets a message finds without signing in: how an ente is paid, and how to get no more e-mails."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.agendas import sites
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import details
from crm.enti import queries as enti
from crm.messages import queries, service
from crm.messages.models import MessageChannel
from web.edge.i18n import DEFAULT, chosen
from web.edge.templating import page
from web.edge.visits import RuntimeDep

router = APIRouter(include_in_schema=False)
CHECKOUT = "https://checkout.pagopa.it/"  # pagoPA's own page, for whoever has a notice
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


def _language(request: Request) -> str:
    return chosen((request.headers.get("accept-language") or DEFAULT)[:2])


@router.get("/info/{ente_id}")
def info(request: Request, runtime: RuntimeDep, ente_id: int) -> Response:
    """How an ente is paid; it says of nobody. Its address tells nothing either: it stands in SMS."""
    with runtime.database.begin(Scope.nothing()) as session:
        ente = enti.badges(session).get(ente_id)
        if ente is None:
            raise NotFoundError("Questa pagina non esiste.")
        ways, site = details.payment_ways(session, ente_id), sites.of_ente(session, ente_id)
    return page(request, "messages/info.html", _language(request), ente=ente, ways=ways, site=site, checkout=CHECKOUT)


@router.get("/messages/{ente_id}/{message_id}/stop")
def ask_stop(request: Request, runtime: RuntimeDep, ente_id: int, message_id: UUID) -> Response:
    """Asks; programs that follow every link in an e-mail stop nothing."""
    with runtime.database.begin(Scope.of_enti([ente_id])) as session:
        _require(session, message_id)
        ente = enti.badges(session)[ente_id]
    answer = page(request, "messages/stop.html", _language(request), ente=ente, stopped=False)
    answer.headers.update(PRIVATE)
    return answer


@router.post("/messages/{ente_id}/{message_id}/stop")
def stop(request: Request, runtime: RuntimeDep, ente_id: int, message_id: UUID) -> Response:
    """No more e-mails to the address that got this one (RFC 8058: mail programs post here by themselves)."""

    def work(session: Session) -> None:
        service.stop(session, ente_id=ente_id, channel=MessageChannel.EMAIL, address=_require(session, message_id))

    runtime.database.transact(Scope.of_enti([ente_id]), work)
    with runtime.database.begin(Scope.nothing()) as session:
        ente = enti.badges(session)[ente_id]
    answer = page(request, "messages/stop.html", _language(request), ente=ente, stopped=True)
    answer.headers.update(PRIVATE)
    return answer


def _require(session: Session, message_id: UUID) -> str:
    """The address that an e-mail went to; its id is known to whoever got it."""
    found = queries.get(session, message_id)
    if found.channel is not MessageChannel.EMAIL or not found.address:
        raise NotFoundError("Questo messaggio non esiste.")
    return found.address
