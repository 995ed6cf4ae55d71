"""The living page of the design: every component in every state, in light and in dark."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from crm.enti.queries import Badge
from telephony.agents.models import AgentState
from web.edge.templating import page
from web.edge.visits import VisitDep

router = APIRouter(include_in_schema=False)
TOWNS = ("Filodiretto", "Empoli", "Livorno", "Scandicci", "Prato", "Lucca", "Arezzo")
AN_INSTANT = datetime(2026, 11, 21, 9, 42, 7, tzinfo=UTC)
TOKENS = (
    "blue", "blue-dark", "accent-soft", "ink", "text", "quiet", "ground", "paper", "on-strong", "line", "field-line",
    "good", "good-soft", "near", "near-soft", "broken", "broken-soft",
)  # fmt: skip


@router.get("/design")
def design(request: Request, visit: VisitDep) -> Response:
    """For whoever makes or changes a page. Nothing on it is anybody's."""
    enti = [Badge(number, f"Comune di {town}", town, number) for number, town in enumerate(TOWNS)]
    return page(
        request,
        "design/page.html",
        visit.language,
        visit=visit,
        enti=enti,
        states=list(AgentState),
        at=AN_INSTANT,
        tokens=TOKENS,
        queue="TARI",
        taxpayer="BNCMRA62E15D403X",
    )
