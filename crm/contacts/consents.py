"""Consents, given and withdrawn, each to one version of a text; rows are added, never altered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, any_, bindparam, func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.models import Collected, Consent, ConsentText, Purpose
from crm.contacts.recording import as_json, recordable, trace, wrong
from crm.core import clock
from crm.core.errors import NotFoundError

MAX_TEXT = 4000
EARLIEST = 1990  # the year of the oldest consent on paper


@dataclass(frozen=True, slots=True)
class TextView:
    """A wording that people of an ente are asked to consent to."""

    id: int
    ente_id: int
    purpose: Purpose
    version: int
    text: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent given or withdrawn, with the words it was about. `annulled`: it was written by mistake."""

    id: int
    contact_id: int
    given: bool
    collected: Collected
    occurred_at: datetime
    recorded_by: str | None
    annulled: bool
    text: TextView


# -- reading ------------------------------------------------------------------------------------------------------


def texts(session: Session, ente_id: int) -> dict[Purpose, TextView]:
    """The wording in force for each purpose that an ente has one for."""
    rows = session.scalars(select(ConsentText).where(ConsentText.ente_id == ente_id).order_by(ConsentText.version))
    return {row.purpose: _text(row) for row in rows}  # the last one stands


def every_text(session: Session, ente_ids: Collection[int]) -> dict[tuple[int, Purpose], list[TextView]]:
    """Every wording of these enti by ente and purpose, the latest first."""
    found: dict[tuple[int, Purpose], list[TextView]] = {}
    rows = session.scalars(
        select(ConsentText).where(ConsentText.ente_id.in_(ente_ids)).order_by(ConsentText.version.desc())
    )
    for row in rows:
        found.setdefault((row.ente_id, row.purpose), []).append(_text(row))
    return found


_CONSENTS = (
    select(Consent, ConsentText, User.name)
    .join(ConsentText, ConsentText.id == Consent.text_id)
    .outerjoin(User, User.id == Consent.recorded_by)
    .where(Consent.contact_id == any_(bindparam("contacts", type_=ARRAY(BigInteger))))
    .order_by(Consent.occurred_at.desc(), Consent.id.desc())
)


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[ConsentView]:
    """Every consent of these contacts, the latest first; what annulled another is not told by itself."""
    rows = session.execute(_CONSENTS, {"contacts": list(contact_ids)}).all()
    annulled = {consent.annuls_id for consent, _, _ in rows}
    return [
        ConsentView(
            row.id, row.contact_id, row.given, row.collected, row.occurred_at, name, row.id in annulled, _text(text)
        )
        for row, text, name in rows
        if row.annuls_id is None
    ]


def said(contact_ids: ColumnElement[Any], purpose: Purpose) -> Select[int]:
    """Selects those of these contacts who ever consented to this, or withdrew it."""
    return (
        select(Consent.contact_id)
        .join(ConsentText, ConsentText.id == Consent.text_id)
        .where(Consent.contact_id == contact_ids, ConsentText.purpose == purpose)
    )


def standing(consents: Collection[ConsentView]) -> dict[Purpose, ConsentView]:
    """For each purpose the consent that stands, of those of one person, the latest first. Pure."""
    return {one.text.purpose: one for one in reversed(list(consents)) if not one.annulled}


# -- writing ------------------------------------------------------------------------------------------------------


def record(
    session: Session, by: Principal, *, contact_id: int, purpose: Purpose, given: bool, collected: Collected,
    on: date | None = None, call_id: UUID | None = None,
) -> int:  # fmt: skip
    """Somebody consents to the wording in force, or withdraws what he consented to. `on`: another day than today, as
    a signed form has. Returns the consent's id.
    """
    contact = recordable(session, by, contact_id)
    text = texts(session, contact.ente_id).get(purpose)
    if text is None:
        raise wrong("L'ente non ha ancora un testo per questo consenso: va pubblicato prima.", field="purpose")
    at = clock.now(session)
    today = clock.business_day(at)
    if on is not None and on.year < EARLIEST:
        raise wrong("La data è troppo lontana: ricontrollala.", field="on")
    if on is not None and on > today:
        raise wrong("La data è nel futuro: ricontrollala.", field="on")
    row = Consent(
        ente_id=contact.ente_id, contact_id=contact_id, text_id=text.id, given=given, collected=collected,
        occurred_at=at if on in {None, today} else clock.start_of_day(on), recorded_by=by.user_id, call_id=call_id,
        annuls_id=None,
    )  # fmt: skip
    return _add(session, by, row, text, "consent.given" if given else "consent.withdrawn")


def annul(session: Session, by: Principal, *, consent_id: int) -> None:
    """It was written by mistake: what stood before it stands again. Annulled twice, it is no error."""
    by.require(Permission.CONTACT_RECORD)
    row = session.get(Consent, consent_id)
    if row is None or row.annuls_id is not None:
        raise NotFoundError("Consenso non trovato.")
    recordable(session, by, row.contact_id)
    if session.execute(select(Consent.id).where(Consent.annuls_id == consent_id)).first():
        return
    text = session.get(ConsentText, row.text_id)
    assert text is not None
    mistake = Consent(
        ente_id=row.ente_id, contact_id=row.contact_id, text_id=row.text_id, given=row.given, collected=row.collected,
        occurred_at=clock.now(session), recorded_by=by.user_id, call_id=None, annuls_id=row.id,
    )  # fmt: skip
    _add(session, by, mistake, _text(text), "consent.annulled")


def publish(session: Session, by: Principal, *, ente_id: int, purpose: Purpose, text: str) -> int:
    """A new wording, from now on. Who consented to an older one consented to that. Returns its version."""
    require_on(session, by, Permission.ENTE_MANAGE, ente_id=ente_id)
    text = "\n".join(line.strip() for line in text.strip().splitlines())
    if not text or len(text) > MAX_TEXT:
        raise wrong(f"Scrivi il testo che si chiede di accettare, in al massimo {MAX_TEXT} caratteri.", field="text")
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"consent-text:{ente_id}", 0))))
    before = texts(session, ente_id).get(purpose)
    row = ConsentText(
        ente_id=ente_id, purpose=purpose, version=before.version + 1 if before else 1, text=text,
        published_at=clock.now(session), published_by=by.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="consent_text.published", ente_id=ente_id, subject=f"{purpose.value} {row.version}",
        before={"text": before.text} if before else None, after={"text": text},
    )  # fmt: skip
    return row.version


def _add(session: Session, by: Principal, row: Consent, text: TextView, kind: str) -> int:
    session.add(row)
    session.flush()
    trace(
        session, by, kind, ente_id=row.ente_id, contact_id=row.contact_id, call_id=row.call_id,
        after={"purpose": text.purpose, "version": text.version, **as_json(row, ("given", "collected", "occurred_at"))},
    )  # fmt: skip
    return row.id


def _text(row: ConsentText) -> TextView:
    return TextView(row.id, row.ente_id, row.purpose, row.version, row.text, row.published_at)
