"""What is printed about agents: the badge, as a card, and the letter to the Questura; laid out by Typst."""

from datetime import datetime
from io import BytesIO
from pathlib import Path

import segno

from crm.contacts.names import full_name
from crm.contacts.phone import spaced
from crm.core import clock
from outbound.field.agents.accrediting import Notice
from outbound.field.agents.badges import grouped
from outbound.field.agents.company import Company
from outbound.field.agents.models import FieldAgent
from web.edge import paper
from web.edge.templating import environment
from web.edge.words import word_for

HERE = Path(__file__).parent


def badge_card(agent: FieldAgent, photo: bytes, company: Company, at: datetime, *, url: str) -> bytes:
    """Both faces of a badge, each a page of 85.6 by 54 mm (ISO/IEC 7810, ID-1)."""
    day = environment("it").filters["day"]
    address = f"{url}/badge"
    return paper.pdf(
        HERE / "badge.typ",
        {
            "name": full_name(agent.surname, agent.given_name), "number": f"{agent.badge_number:04}",
            "code": grouped(agent.badge_code), "company": company.name, "until": day(agent.badge_until),
            "licence": f"Licenza {company.licence}, {company.licence_issuer}, del {day(company.licence_on)}",
            "holder": company.holder, "phone": spaced(company.phone), "where": address.partition("://")[2],
            "photo": list(photo), "qr": _qr(f"{address}?code={agent.badge_code}"),
        },
        at,
    )  # fmt: skip


def questura_letter(said: Notice) -> bytes:
    """The letter, as PDF/A-2a to be kept and PDF/UA-1 to be read aloud. The same words make the same bytes."""
    filters = environment("it").filters
    day, agent, company = filters["day"], said.agent, said.company
    return paper.pdf(
        HERE / "questura.typ",
        {
            "company": company.name, "sender": [company.address, f"Codice fiscale {company.codice_fiscale}",
                                                f"PEC {company.pec}"],
            "to": said.to, "day": day(clock.business_day(said.at)),
            "holder": company.holder, "licence": company.licence, "issuer": company.licence_issuer,
            "licence_on": day(company.licence_on),
            "facts": [
                ["Cognome e nome", f"{agent.surname} {agent.given_name}"],
                ["Nascita", f"{agent.birthplace}, {day(agent.born_on)}"],
                ["Codice fiscale", agent.codice_fiscale],
                ["Residenza", f"{agent.street}, {agent.postcode} {agent.town} ({agent.province})"],
                ["Tesserino", f"n. {agent.badge_number:04}"],
            ],
            "papers": [
                f"{word_for(one.paper)} n. {one.number}, {one.issuer}, {day(one.issued_on)}" for one in said.papers
            ],
            "enti": list(said.enti),
        },
        said.at, standards=("a-2a", "ua-1"),
    )  # fmt: skip


def _qr(content: str) -> str:
    drawn = BytesIO()
    code = segno.make_qr(content, error="m", boost_error=False)
    code.save(drawn, kind="svg", border=2, omitsize=True, light="#fff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
