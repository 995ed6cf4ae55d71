"""The demonstration's field agents: Fabio, who visits for Empoli and waits for Scandicci; Greta, who is new."""

from datetime import date, timedelta
from io import BytesIO

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.enti.models import Ente
from outbound.field.agents import accrediting, company, queries, register
from outbound.field.agents.company import Company
from outbound.field.agents.register import Personal, TypedPaper
from outbound.field.agents.standing import REQUIRED, Paper
from web.field.paper import questura_letter

VISITED, ASKED = "D403", "B962"  # the enti for which Fabio acts, and that which has to decide
SOON = timedelta(days=20)  # until his criminal record is to be asked for anew
RECEIPT = b"%PDF-1.4\n% ricevuta di consegna della PEC (dimostrazione)\n%%EOF\n"
OURS = Company(
    "Riscossioni Toscane S.r.l.", "12345670017", "Via del Pratello 12, 50129 Firenze",
    "riscossioni.toscane@pec.example.it", "+390571000000", "Marco Dini", "118/2024", "Questura di Firenze",
    date(2024, 3, 12),
)  # fmt: skip
PEOPLE = {
    "fabio": Personal(
        "Lotti", "Fabio", "LTTFBA80A01D403D", date(1980, 1, 1), "Empoli", "Via Lucca 9", "56100", "Pisa", "PI",
        "3330000009",
    ),
    "greta": Personal(
        "Sani", "Greta", "SNAGRT88S52D612C", date(1988, 11, 12), "Firenze", "Via Pistoiese 40", "59100", "Prato",
        "PO", "3330000010",
    ),
}  # fmt: skip


def enrol(session: Session, *, contract_id: int) -> None:
    """Once: a second time it does nothing. The session sees the contract's enti."""
    users = dict(session.execute(select(User.username, User.id)).all())
    fabio = users.get("fabio")
    if fabio is None or queries.agent_of(session, fabio) is not None:
        return
    manager = Principal(users["carla"], "", "it", frozenset({Held(Role.CAMPAIGN_MANAGER, None, contract_id)}))
    company.write(session, manager, told=OURS)
    today = clock.business_day(clock.now(session))
    agents = {
        name: register.enter(session, manager, user_id=users[name], told=told)
        for name, told in PEOPLE.items()
        if name in users
    }
    for name, colour in (("fabio", "#3d5a80"), ("greta", "#7a4b6b")):
        if name in agents:
            register.portray(session, manager, agent_id=agents[name], content=_portrait(colour))
    for paper in REQUIRED:
        until = today + (SOON if paper is Paper.RECORD else timedelta(days=500))
        told = TypedPaper(paper, "118/2024", OURS.licence_issuer, today - timedelta(days=160), until, RECEIPT)
        register.bring_paper(session, manager, agent_id=agents["fabio"], told=told)
    register.issue_badge(session, manager, agent_id=agents["fabio"])
    enti = dict(session.execute(select(Ente.cadastral_code, Ente.id)).all())
    whose = [enti[VISITED], enti[ASKED]]
    accrediting.propose(session, manager, agent_id=agents["fabio"], ente_ids=whose)
    approver = Principal(
        users["dirigente-empoli"], "", "it", frozenset({Held(Role.ENTE_APPROVER, enti[VISITED], None)})
    )
    row = next(one for one in queries.decisions(session, [agents["fabio"]], {enti[VISITED]}))
    accrediting.decide(session, approver, accreditation_id=row.id, approves=True)
    said = accrediting.compose(
        session, manager, agent_id=agents["fabio"], province="FI", to="Questura di Firenze"
    )  # fmt: skip
    accrediting.keep_letter(
        session, manager, agent_id=agents["fabio"], province="FI", content=questura_letter(said)
    )  # fmt: skip
    accrediting.prove(session, manager, accreditation_id=row.id, on=today, number="PEC 20871", content=RECEIPT)


def _portrait(colour: str) -> bytes:
    """Nobody's: a head and shoulders, drawn."""
    picture = Image.new("RGB", (600, 800), "#dfe7ee")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((190, 180, 410, 460), fill="#c9a384")
    pen.pieslice((180, 150, 420, 400), 180, 360, fill="#4a3728")
    pen.rounded_rectangle((90, 500, 510, 900), 120, fill=colour)
    pen.rectangle((260, 430, 340, 530), fill="#c9a384")
    written = BytesIO()
    picture.save(written, "JPEG")
    return written.getvalue()
