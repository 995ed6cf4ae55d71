"""What is said of a case: the request that comes in, what goes with a step; and whether it is whole."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.cases.instalments.plans import LEAST as LEAST_INSTALMENTS
from crm.cases.instalments.plans import MOST as MOST_INSTALMENTS
from crm.cases.lifecycle import CARRIED, Channel, Need, Outcome, Step, Topic
from crm.cases.models import Case
from crm.core.errors import FieldError, InvalidError
from crm.enti import details

MAX_REASONS, MAX_ASKED, MAX_WORDS = 4000, 400, 2000
EARLIEST = timedelta(days=730)  # before now that a request may have come in
UNREGISTERED = "Prima di rispondere serve il numero di protocollo: scrivilo in questa pagina."
OF_NOBODY = frozenset({Topic.PAPERS, Topic.LITIGATION, Topic.INSOLVENCY, Topic.RENOTIFICATION, Topic.COMPLAINT})


@dataclass(frozen=True, slots=True)
class Request:
    """What came in. `references`: the positions concerned; `surety`: it comes with one; `follow_up_id`: by which it was
    promised.
    """

    topic: Topic
    channel: Channel
    reasons: str
    asked: str = ""
    received_at: datetime | None = None  # none: now
    references: Collection[str] = ()
    surety: bool = False
    call_id: UUID | None = None
    follow_up_id: int | None = None
    instalments: int | None = None  # how many he asks for


@dataclass(frozen=True, slots=True)
class Said:
    """What goes with a step, where it needs it. `words`: the reason, or the answer."""

    words: str = ""
    outcome: Outcome | None = None
    office_id: int | None = None
    instalments: int | None = None  # how many are granted


def check(request: Request, contact_id: int | None, received: datetime, at: datetime) -> None:
    """Raises `InvalidError`, field by field, for a request that cannot be registered."""
    wrong = []
    if not request.reasons.strip() or len(request.reasons.strip()) > MAX_REASONS:
        wrong.append(InvalidError(f"Scrivi i motivi, in al massimo {MAX_REASONS} caratteri.", field="reasons"))
    if len(request.asked.strip()) > MAX_ASKED:
        wrong.append(InvalidError(f"Al massimo {MAX_ASKED} caratteri.", field="asked"))
    if request.instalments is not None and request.topic is not Topic.INSTALMENTS:
        wrong.append(InvalidError("Le rate si chiedono con una rateizzazione.", field="instalments"))
    elif request.instalments is not None and not LEAST_INSTALMENTS <= request.instalments <= MOST_INSTALMENTS:
        wrong += _how_many().parts
    if received > at:
        wrong.append(InvalidError("Il giorno di arrivo è nel futuro: ricontrollalo.", field="received_on"))
    elif received < at - EARLIEST:
        wrong.append(InvalidError("Il giorno di arrivo è troppo lontano: ricontrolla l'anno.", field="received_on"))
    if contact_id is None and request.topic not in OF_NOBODY:
        wrong.append(
            InvalidError("Questa richiesta è di un contribuente: aprila dal suo fascicolo.", field="topic")
        )  # fmt: skip
    if wrong:
        raise InvalidError("Qualcosa non va: guarda i campi segnati.", parts=wrong)


def needed(session: Session, row: Case, its: Step, said: Said) -> str:
    """What goes with a step, as it is kept. Raises `FieldError` for what it needs and has not."""
    words = said.words.strip()
    if len(words) > MAX_WORDS:
        raise FieldError(f"È troppo lungo: al massimo {MAX_WORDS} caratteri.", "words")
    if Need.REASON in its.needs and not words:
        raise FieldError("Scrivi perché, o che cosa si risponde.", "words")
    if Need.PROTOCOL in its.needs and not row.protocol_number:
        raise FieldError(UNREGISTERED, "protocol")
    if Need.OFFICE in its.needs:
        if said.office_id not in {one.id for one in details.offices(session, row.ente_id)}:
            raise FieldError("Scegli l'ufficio competente.", "office_id")
        row.office_id = said.office_id
    if Need.INSTALMENTS in its.needs:
        row.instalments_granted = _granted(said)
    return words


def _granted(said: Said) -> int | None:
    if said.outcome not in CARRIED:
        return None
    if said.instalments is None or not LEAST_INSTALMENTS <= said.instalments <= MOST_INSTALMENTS:
        raise _how_many()
    return said.instalments


def _how_many() -> FieldError:
    return FieldError(f"Quante rate: un numero da {LEAST_INSTALMENTS} a {MOST_INSTALMENTS}.", "instalments")
