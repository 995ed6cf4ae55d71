"""Templates of replies, by mail or by post, filled from the file: what may be said to a verified address alone stays
out otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.cases.models import Case
from crm.cases.told import label
from crm.contacts import queries as contacts
from crm.contacts.disclosure import Matter
from crm.core import clock
from crm.enti import queries as enti
from crm.files import queries as files
from crm.knowledge import queries as knowledge
from crm.knowledge.filling import Situation, fill, places_in
from crm.knowledge.queries import PieceView, Where
from crm.messages.fields import Euro
from crm.positions import queries as positions
from telephony.mail import queries, requests
from telephony.mail.models import Matched
from telephony.mail.queries import Correspondence
from web.edge.words import word_for
from web.mail.holes import NotFilled


@dataclass(frozen=True, slots=True)
class Reply:
    """One, ready to be put into the answer; which places are not filled, and why."""

    title: str
    text: str
    holes: tuple[tuple[tuple[str, ...], NotFilled], ...]


def offered(session: Session, by: Principal, found: Correspondence) -> list[Reply]:
    """Those of the ente and the topic."""
    row = found.thread
    pieces = knowledge.replies(session, Where(row.contract_id, row.ente_id, row.topic or row.suggested or ""))
    if not pieces or row.ente_id is None:
        return []
    known, holes = _values(session, by, found, row.ente_id)
    return [_ready(one, known, holes) for one in pieces]


def for_letter(session: Session, by: Principal, row: Case) -> list[Reply]:
    """Those of the ente for an answer by post to a request, whose taxpayer is known."""
    assert row.contact_id is not None
    pieces = knowledge.replies(session, Where(row.contract_id, row.ente_id))
    who = contacts.get(session, row.contact_id).name
    situation = Situation(clock.now(session), by.name, enti.badges(session)[row.ente_id].name, who=who)
    known: dict[str, str] = {**situation.values, "richiesta": label(row)}
    holes = {"conversazione": NotFilled.NO_MAIL}
    told = _owed(session, by, row.contact_id)
    if isinstance(told, NotFilled):
        holes |= dict.fromkeys(("debiti", "totale"), told)
    else:
        known |= told
    return [_ready(one, known, holes) for one in pieces]


def _ready(piece: PieceView, known: Mapping[str, str], holes: Mapping[str, NotFilled]) -> Reply:
    open_ones = [name for name in places_in(piece.body) if name in holes]
    return Reply(piece.title, fill(piece.body, known), _by_reason(open_ones, holes))


def _by_reason(
    names: Sequence[str], holes: Mapping[str, NotFilled]
) -> tuple[tuple[tuple[str, ...], NotFilled], ...]:  # fmt: skip
    reasons = dict.fromkeys(holes[name] for name in names)
    return tuple((tuple(f"{{{name}}}" for name in names if holes[name] is why), why) for why in reasons)


def _values(
    session: Session, by: Principal, found: Correspondence, ente_id: int
) -> tuple[dict[str, str], dict[str, NotFilled]]:
    row = found.thread
    who = found.contact if row.matched in {Matched.VERIFIED, Matched.AGENT} else ""
    situation = Situation(clock.now(session), by.name, enti.badges(session)[ente_id].name, who=who)
    known: dict[str, str] = {**situation.values, "conversazione": row.code}
    holes: dict[str, NotFilled] = {}
    if not who:
        del known["chi"]
        holes["chi"] = NotFilled.NOT_KNOWN
    case = requests.of_thread(session, row)
    if case is not None:
        known["richiesta"] = case.label
    else:
        holes["richiesta"] = NotFilled.NO_CASE
    told = _debts(session, by, found)
    if isinstance(told, NotFilled):
        holes |= dict.fromkeys(("debiti", "totale"), told)
    else:
        known |= told
    return known, holes


def _debts(session: Session, by: Principal, found: Correspondence) -> Mapping[str, str] | NotFilled:
    row = found.thread
    if row.contact_id is None:
        return NotFilled.NOT_KNOWN
    if not queries.may_be_told(session, row):
        return NotFilled.NOT_VERIFIED
    return _owed(session, by, row.contact_id)


def _owed(session: Session, by: Principal, contact_id: int) -> Mapping[str, str] | NotFilled:
    opened = files.opening(session, by, contact_id=contact_id) if by.can(Permission.FILE_READ) else None
    if opened is None or Matter.AMOUNTS not in opened.told[contact_id]:
        return NotFilled.NOT_OPEN
    owed = [one for one in positions.of_contact(session, [contact_id], brief=True) if one.residual_cents > 0]
    if not owed:
        return NotFilled.NOTHING_OWED
    lines = [
        f"- {word_for(one.tax)} {one.year}, {word_for(one.act_kind)} {one.act_number}: {_euro(one.residual_cents)}"
        for one in owed
    ]
    return {"debiti": "\n".join(lines), "totale": _euro(sum(one.residual_cents for one in owed))}


def _euro(cents: int) -> str:
    return Euro().written(cents, "it")
