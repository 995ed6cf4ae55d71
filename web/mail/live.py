"""The inbox as it changes: what comes, who is given what, who writes an answer. Each reader is an audience."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core import clock, topics
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.follow_ups import queries as follow_ups
from crm.messages.models import UNDER_WAY
from telephony.calls.choices import Topic
from telephony.mail import queries
from telephony.mail.queries import PAGE, Correspondence, Folder
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.live.hub import Render, Rendered
from web.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Which:
    """Which page of the inbox: a folder, of one mailbox or (empty) of all, and a correspondence beside it."""

    folder: Folder
    box: str = ""
    thread: UUID | None = None

    @property
    def socket(self) -> str:
        """The name of its live socket."""
        return f"mail-{self.folder.value}-{self.box or 0}-{self.thread.hex if self.thread else 0}"

    @classmethod
    def parse(cls, text: str) -> "Which":
        """Of a socket's name, without its first word. Raises `NotFoundError`."""
        folder, _, rest = text.partition("-")
        box, _, thread = rest.partition("-")
        try:
            return cls(Folder(folder), "" if box == "0" else box, None if thread == "0" else UUID(hex=thread))
        except ValueError:
            raise NotFoundError("Questa pagina non esiste.") from None


def join(runtime: Runtime, visit: Visit, text: str) -> list[tuple[str, Render]]:
    """His page of the inbox."""
    which = Which.parse(text)
    visit.principal.require(Permission.MAIL_ANSWER)
    key = f"{which.socket}:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render, runtime, visit, which))]


def render(runtime: Runtime, visit: Visit, which: Which) -> Rendered:
    """The list, and what stands in the correspondence."""
    by = visit.principal
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        said = listing(session, by, which)
        watched = {topics.mail(one.contract_id) for one in said["boxes"]}
        if which.thread is not None:
            found = queries.correspondence(session, by, which.thread)
            said |= {"found": found, "names": {one.id: one.name for one in colleagues(session, found)}}
            watched.add(topics.mail_thread(which.thread))
            leaving = (one.mail.outbox_id for one in found.pieces if one.state in UNDER_WAY)
            watched |= {topics.message(one) for one in leaving if one is not None}
    shown = {"visit": visit, "topics": Topic, **said}
    regions = {"mail-rows": fragment("mail/_rows.html", visit.language, **shown)}
    if which.thread is not None:
        regions["mail-live"] = fragment("mail/_pieces.html", visit.language, **shown)
    return Rendered(regions, frozenset(watched))


def listing(session: Session, by: Principal, which: Which, **page: Any) -> dict[str, Any]:
    """What the list shows of a folder; `page`: from where on."""
    boxes = queries.boxes_of(session, by)
    chosen = [one.id for one in boxes if not which.box or str(one.id) == which.box]
    rows, now = queries.listed(session, by, which.folder, boxes=chosen, **page), clock.now(session)
    return {
        "boxes": boxes, "rows": rows, "folder": which.folder, "box": which.box, "thread_id": which.thread,
        "next_one": next_of(rows, which.thread), "badges": enti.badges(session), "now": now,
        "today": clock.business_day(now), "more": len(rows) == PAGE, "asked": "",
    }  # fmt: skip


def colleagues(session: Session, found: Correspondence) -> list[follow_ups.Colleague]:
    """Who could look after it."""
    row = found.thread
    held = enti.contracts_of(session, row.ente_id) if row.ente_id is not None else frozenset({row.contract_id})
    ente_id = row.ente_id or min(enti.enti_of(session, row.contract_id), default=0)
    return follow_ups.colleagues(session, contract_ids=held, ente_id=ente_id)


def next_of(rows: list[queries.Row], thread: UUID | None) -> UUID | None:
    """Which one comes after this in the list."""
    ids = [one.id for one in rows]
    at = ids.index(thread) + 1 if thread in ids else 0
    return next((one for one in ids[at:] if one != thread), None)
