"""Who sent a case from the pages, for whoever works it: what he says of himself, whom we would take him for, and making
sure. Nobody is believed to be the taxpayer whose codice fiscale he types.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import concerning, rights, told
from crm.cases.lifecycle import Deed, Who
from crm.cases.models import Case
from crm.cases.service import locked
from crm.cases.submissions.models import CaseSender
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.errors import ConflictError, FieldError


class By(StrEnum):
    """What he has in common with somebody whom we know."""

    CODE = "code"  # codice fiscale
    EMAIL = "email"  # verified as that person's
    NUMBER = "number"  # of that person's notice or act: whoever has seen it can write it


@dataclass(frozen=True, slots=True)
class Proposed:
    """A taxpayer who he may be."""

    contact_id: int
    name: str
    by: By


@dataclass(frozen=True, slots=True)
class SenderView:
    """What he says of himself; all of it may be empty."""

    name: str
    codice_fiscale: str
    email: str
    phone: str
    proposed: tuple[Proposed, ...]


def of_case(session: Session, case_id: int) -> SenderView | None:
    """Who sent it; none: it did not come from the pages. Proposed is nobody once it is known whose it is."""
    one = session.get(CaseSender, case_id)
    if one is None:
        return None
    row = session.get_one(Case, case_id)
    proposed = () if row.contact_id is not None else _proposed(session, row, one)
    name = " ".join(filter(None, (one.given_name, one.surname)))
    return SenderView(name, one.codice_fiscale, one.email, one.phone, proposed)


def identify(session: Session, by: Principal, *, case_id: int, version: int, contact_id: int) -> None:
    """Somebody made sure that it is this taxpayer's. Raises `ConflictError` where it is known already."""
    row = locked(session, case_id, version)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    if row.contact_id is not None:
        raise ConflictError("Di questa richiesta si sa già di chi è.")
    if contacts.get(session, contact_id).ente_id != row.ente_id:
        raise FieldError("Questo contribuente non è dell'ente della richiesta.", "contact_id")
    row.contact_id, row.version = contact_id, row.version + 1
    told.step(session, by, row, Deed.IDENTIFY, clock.now(session))


def _proposed(session: Session, row: Case, one: CaseSender) -> tuple[Proposed, ...]:
    found: dict[int, By] = dict.fromkeys(concerning.named(session, row), By.NUMBER)
    if one.email:
        his = contacts.written_from(session, one.email)
        found.update((key.contact_id, By.EMAIL) for key, good in his if good and key.ente_id == one.ente_id)
    if one.codice_fiscale:
        same = contacts.with_code(session, ente_id=one.ente_id, codice_fiscale=one.codice_fiscale)
        found.update({same: By.CODE} if same is not None else {})
    names = contacts.named(session, list(found))
    return tuple(Proposed(contact_id, names[contact_id], how) for contact_id, how in found.items())
