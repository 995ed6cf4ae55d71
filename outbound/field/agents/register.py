"""The register of field agents: who they are, their papers and photo, the badge, their last day.

An agent is of the company, and looked after by whoever manages visits for an ente that he holds, held or will hold the
role of field agent on.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Permission, Principal
from crm.access.service import contracts_watched, holders, scope_for
from crm.audit import service as audit
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.names import full_name
from crm.contacts.phone import typed_number
from crm.core import clock
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from outbound.field.agents import badges, company, files, photos
from outbound.field.agents.models import FieldAgent, FieldPaper
from outbound.field.agents.standing import REQUIRED, Paper

ADULT_YEARS, OLDEST_YEARS = 18, 100
LONGEST = {
    "surname": 80, "given_name": 80, "former_surnames": 160, "birthplace": 80, "street": 160, "postcode": 10,
    "town": 80, "province": 2,
}  # fmt: skip
MAY_BE_EMPTY = frozenset({"former_surnames"})
_NUMBERING = text("SELECT pg_advisory_xact_lock(hashtext('field.badge_number'))")


@dataclass(frozen=True, slots=True)
class Personal:
    """What is written of an agent, as typed."""

    surname: str
    given_name: str
    codice_fiscale: str
    born_on: date
    birthplace: str
    street: str
    postcode: str
    town: str
    province: str
    phone: str
    former_surnames: str = ""


@dataclass(frozen=True, slots=True)
class TypedPaper:
    """A paper as typed. `content`: its file, or nothing."""

    paper: Paper
    number: str
    issuer: str
    issued_on: date
    expires_on: date | None = None
    content: bytes = b""


def candidates(session: Session, by: Principal) -> dict[int, str]:
    """Whoever has the role and is no agent yet: the names, by user."""
    agents = select(FieldAgent.user_id)
    rows = session.execute(
        select(User.id, User.name)
        .where(User.id.in_(_workers(session, by)), User.id.not_in(agents), User.active)
        .order_by(User.name, User.id)
    )
    return {row.id: row.name for row in rows}


def managed(session: Session, by: Principal, agent_id: int, *, lock: bool = False) -> FieldAgent:
    """An agent whom `by` looks after. Raises `NotFoundError`, `ForbiddenError`."""
    by.require(Permission.FIELD_MANAGE)
    row = session.get(FieldAgent, agent_id, with_for_update=lock, populate_existing=lock)
    mine = select(User.id).where(User.id.in_(_workers(session, by)))
    if row is None or row.user_id not in session.scalars(mine.where(User.id == row.user_id)).all():
        raise NotFoundError("Questo agente non c'è.")
    return row


def of_manager(session: Session, by: Principal) -> list[FieldAgent]:
    """The agents whom `by` looks after, by name."""
    by.require(Permission.FIELD_MANAGE)
    its = select(FieldAgent).where(FieldAgent.user_id.in_(_workers(session, by)))
    return list(session.scalars(its.order_by(FieldAgent.surname, FieldAgent.given_name, FieldAgent.id)))


def enter(session: Session, by: Principal, *, user_id: int, told: Personal) -> int:
    """A user becomes an agent; his id. He may act for nobody yet."""
    if user_id not in candidates(session, by):
        raise FieldError("Scegli una persona che ha il ruolo di agente sul territorio.", "user_id")
    values = _checked(told, clock.business_day(clock.now(session)))
    session.execute(_NUMBERING)  # numbers are given in their order, two at once
    number = (session.scalar(select(func.max(FieldAgent.badge_number))) or 0) + 1
    row = FieldAgent(
        **values, user_id=user_id, badge_number=number, badge_code=_new_code(session), made_at=clock.now(session),
        made_by=by.user_id,
    )  # fmt: skip
    _added(session, row)
    _note(session, by, "field_agent.entered", row, number=number)
    return row.id


def edit(session: Session, by: Principal, *, agent_id: int, told: Personal) -> None:
    """Another address, telephone, name."""
    row = managed(session, by, agent_id, lock=True)
    values = _checked(told, clock.business_day(clock.now(session)))
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    if not changed:
        return
    try:
        with session.begin_nested():
            for name in changed:
                setattr(row, name, values[name])
            session.flush()
    except IntegrityError:
        raise FieldError("Un altro agente ha questo codice fiscale.", "codice_fiscale") from None
    _note(session, by, "field_agent.edited", row, corrected=changed)


def end(session: Session, by: Principal, *, agent_id: int, on: date | None) -> None:
    """His last day, which may be to come; none: he goes on after all."""
    row = managed(session, by, agent_id, lock=True)
    if on is not None and on < clock.business_day(row.made_at):
        raise FieldError("L'ultimo giorno non può venire prima di quello in cui è entrato nel registro.", "on")
    if row.ended_on == on:
        return
    row.ended_on = on
    session.flush()
    _note(session, by, "field_agent.ended", row, ends_on=on.isoformat() if on else None)


# -- papers and photo -------------------------------------------------------------------------------------------------


def bring_paper(session: Session, by: Principal, *, agent_id: int, told: TypedPaper) -> int:
    """A paper, in place of the one of its kind that he had (but of others he may have several). Its id."""
    row, now = managed(session, by, agent_id, lock=True), clock.now(session)
    today = clock.business_day(now)
    number, issuer = " ".join(told.number.split()), " ".join(told.issuer.split())
    checks = (
        (1 <= len(number) <= 60, InvalidError("Scrivi il numero, o il protocollo.", field="number")),
        (1 <= len(issuer) <= 120, InvalidError("Scrivi chi l'ha rilasciato.", field="issuer")),
        (
            told.issued_on <= today,
            InvalidError("Non può essere rilasciato in un giorno che deve ancora venire.", field="issued_on"),
        ),
        (
            told.expires_on is None or told.expires_on >= told.issued_on,
            InvalidError("La scadenza viene prima del rilascio.", field="expires_on"),
        ),
    )
    wrong = [what for good, what in checks if not good]
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    if told.paper is not Paper.OTHER:
        for before in _papers(session, agent_id, told.paper):
            before.withdrawn_at = now
        session.flush()
    paper = FieldPaper(
        agent_id=agent_id, paper=told.paper, number=number, issuer=issuer, issued_on=told.issued_on,
        expires_on=told.expires_on, written_at=now, written_by=by.user_id,
        sha256=files.keep(session, told.content) if told.content else None,
    )  # fmt: skip
    _added(session, paper)
    _note(session, by, "field_agent.paper_brought", row, paper=told.paper.value)
    return paper.id


def withdraw_paper(session: Session, by: Principal, *, paper_id: int) -> int:
    """A paper is no longer his, or was entered by mistake. The agent's id."""
    found = session.get(FieldPaper, paper_id)
    if found is None:
        raise NotFoundError("Questo documento non c'è.")
    row = managed(session, by, found.agent_id, lock=True)
    session.refresh(found)
    if found.withdrawn_at is None:
        found.withdrawn_at = clock.now(session)
        session.flush()
        _note(session, by, "field_agent.paper_withdrawn", row, paper=found.paper.value)
    return row.id


def portray(session: Session, by: Principal, *, agent_id: int, content: bytes) -> None:
    """His photo, cut as badges have it. A badge that was printed before still has the other one."""
    row = managed(session, by, agent_id, lock=True)
    row.photo = files.keep(session, photos.made(content), field="photo")
    session.flush()
    _note(session, by, "field_agent.portrayed", row)


# -- badge ------------------------------------------------------------------------------------------------------------


def issue_badge(session: Session, by: Principal, *, agent_id: int, wish: date | None = None) -> date:
    """A badge with a new code: the one before is good for nothing from now on. Its last day.

    Raises `ConflictError` while something is missing without which no badge is printed.
    """
    row, today = managed(session, by, agent_id, lock=True), clock.business_day(clock.now(session))
    company.required(session)
    papers = {one.paper: one.expires_on for one in _papers(session, agent_id)}
    if row.photo is None:
        raise ConflictError("Manca la foto: il tesserino la porta.")
    if any(one not in papers for one in REQUIRED):
        raise ConflictError("Mancano dei documenti: il tesserino si fa quando ci sono tutti.")
    last = badges.until(today, wish, (row.ended_on, *(papers[one] for one in REQUIRED)))
    if last is None and wish is None:
        raise ConflictError("Un documento è scaduto: prima va rinnovato.")
    if last is None:
        raise FieldError("Scegli un giorno da oggi in poi, non oltre la scadenza dei suoi documenti.", "until")
    row.badge_code, row.badge_until = _new_code(session), last
    session.flush()
    _note(session, by, "field_agent.badge_issued", row, valid_until=last.isoformat())
    return last


def revoke_badge(session: Session, by: Principal, *, agent_id: int) -> None:
    """A badge was lost, or taken back: its code answers as one that never was."""
    row = managed(session, by, agent_id, lock=True)
    if row.badge_until is None:
        return
    row.badge_code, row.badge_until = _new_code(session), None
    session.flush()
    _note(session, by, "field_agent.badge_revoked", row)


# -- parts ------------------------------------------------------------------------------------------------------------


def _workers(session: Session, by: Principal) -> Select[int]:
    scope = scope_for(session, by, Permission.FIELD_MANAGE)
    return holders(scope.enti or frozenset(), contracts_watched(session, scope)).where(
        RoleGrant.role == Role.FIELD_AGENT
    )


def _papers(session: Session, agent_id: int, paper: Paper | None = None) -> list[FieldPaper]:
    its = select(FieldPaper).where(FieldPaper.agent_id == agent_id, FieldPaper.withdrawn_at.is_(None))
    return list(session.scalars(its if paper is None else its.where(FieldPaper.paper == paper)))


def _new_code(session: Session) -> str:
    while True:
        code = badges.drawn(secrets.randbelow)
        if session.scalar(select(FieldAgent.id).where(FieldAgent.badge_code == code)) is None:
            return code


def _added(session: Session, row: FieldAgent | FieldPaper) -> None:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise ConflictError("È già nel registro, o qualcuno l'ha cambiato adesso: ricarica la pagina.") from None


def _checked(told: Personal, today: date) -> dict[str, object]:
    told = replace(told, province=told.province.upper())
    values: dict[str, object] = {name: " ".join(getattr(told, name).split()) for name in LONGEST}
    wrong = [
        InvalidError("Scrivilo." if not values[name] else f"Al massimo {most} caratteri.", field=name)
        for name, most in LONGEST.items()
        if len(str(values[name])) > most or not (values[name] or name in MAY_BE_EMPTY)
    ]
    try:
        values["codice_fiscale"] = code = parse_codice_fiscale(told.codice_fiscale)
        if len(code) == 11:
            raise InvalidError("Serve il codice fiscale di una persona.")
    except InvalidError as error:
        wrong.append(InvalidError(str(error), field="codice_fiscale"))
    values["phone"] = typed_number(told.phone)
    if values["phone"] is None:
        wrong.append(InvalidError("Questo non è un numero di telefono: ricontrollalo.", field="phone"))
    if not ADULT_YEARS <= (today - told.born_on).days / 365.2425 < OLDEST_YEARS:
        wrong.append(InvalidError("Ricontrolla la data di nascita: un agente è maggiorenne.", field="born_on"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    return values | {"born_on": told.born_on}


def _note(session: Session, by: Principal, kind: str, row: FieldAgent, **what: object) -> None:
    name = full_name(row.surname, row.given_name)
    audit.note(session, by, kind=kind, ente_id=None, subject=name, after={"agent": row.id, **what})
