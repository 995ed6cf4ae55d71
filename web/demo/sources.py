"""The demonstration's sources of feeds: the stand-in over HTTP for the first ente and for the one that has requests, a
folder for each of the others.

The stand-in takes their proposals, too, and answers about one taxpayer.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.collection.models import CollectionSource, SourceKind
from crm.core import clock
from crm.enti.models import Ente
from web.demo.places import MUNICIPALITIES, OVERSEEN

ENDPOINT = "DEMO"
EVERY_MIN = 1


def settle_sources(session: Session) -> None:
    """Make them, unless there are any."""
    if session.scalar(select(CollectionSource.id).limit(1)) is not None:
        return
    ids = {row.cadastral_code: row.id for row in session.execute(select(Ente.cadastral_code, Ente.id))}
    for number, place in enumerate(MUNICIPALITIES):
        by_http = number == 0 or place.cadastral_code == OVERSEEN
        session.add(
            CollectionSource(
                ente_id=ids[place.cadastral_code], kind=SourceKind.HTTP if by_http else SourceKind.FOLDER,
                name="Gestionale dimostrativo" if by_http else "Cartella dei flussi",
                endpoint=ENDPOINT if by_http else None, every_min=EVERY_MIN if by_http else 60, failures=0,
                takes_proposals=by_http, answers_one=by_http, due_at=clock.now(session),
            )
        )  # fmt: skip
    session.flush()
