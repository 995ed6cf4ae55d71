"""The demonstration's articles, scripts and note templates. The laws are real; what they say is in our own words."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.enti.models import Ente
from crm.knowledge import service
from crm.knowledge.models import KnowledgePiece, PieceKind
from telephony.calls.choices import Topic
from web.demo.accounts import SUPERVISOR
from web.demo.places import OVERSEEN

TEXTS = Path(__file__).with_suffix(".md")  # each begins with: === kind | topic | title | other words | for whom


@dataclass(frozen=True, slots=True)
class Text:
    """Something to be published. `of_ente`: for the one whose supervisors are the demonstration's."""

    kind: PieceKind
    topic: str
    title: str
    keywords: str
    of_ente: bool
    body: str


def texts() -> list[Text]:
    """What is in the file."""
    found = []
    for part in TEXTS.read_text(encoding="utf-8").split("=== ")[1:]:
        head, body = part.split("\n", 1)
        kind, topic, title, keywords, whose = ("" if one == "-" else one for one in head.split(" | "))
        code = Topic(topic).value if topic else ""
        found.append(Text(PieceKind(kind), code, title, keywords, whose == "ente", body.strip()))
    return found


OLD, USELESS = "Chiedere copia degli atti", "Ipoteca: da quale importo"  # so that editors see what they look like
USEFUL = ("Quante rate si possono chiedere", "Quando un atto si considera notificato")
WHY = ("Non dice che cosa succede dopo il preavviso", "Manca quanto costa cancellarla", "")


def teach(session: Session, *, contract_id: int, today: date) -> None:
    """Publish them, unless there are some already."""
    if session.execute(select(KnowledgePiece.id).where(KnowledgePiece.contract_id == contract_id).limit(1)).first():
        return
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()
    user = session.scalars(select(User).where(User.username == SUPERVISOR.username)).one()
    sara = Principal(user.id, user.name, "it", frozenset({Held(Role.SUPERVISOR, None, contract_id)}))
    ids = {}
    for text in texts():
        ids[text.title] = service.write(
            session, sara, contract_id=contract_id, ente_id=ente_id if text.of_ente else None, kind=text.kind,
            topic=text.topic, title=text.title, body=text.body, keywords=text.keywords,
        )  # fmt: skip
        service.publish(session, sara, piece_id=ids[text.title], number=1)
    session.execute(
        update(KnowledgePiece)
        .where(KnowledgePiece.id == ids[OLD])
        .values(review_by=today - timedelta(days=20), published_at=KnowledgePiece.published_at - timedelta(days=385))
    )
    for why in WHY:
        service.opine(session, sara, piece_id=ids[USELESS], number=1, useful=False, why=why)
    for title in USEFUL:
        for _ in range(4):
            service.opine(session, sara, piece_id=ids[title], number=1, useful=True)
