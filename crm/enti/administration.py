"""What administrators write about enti: identity, hours, special days, topics, ways to pay, offices, logo.

Each change is audited with what was there before, and raises the configuration's version (decision 0011).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.enti import logo
from crm.enti.hours import parse_week, written, written_week
from crm.enti.identity import Identity, parse
from crm.enti.models import (
    Contract,
    ContractEnte,
    Ente,
    EnteLogo,
    HolidayChange,
    Office,
    PaymentWay,
    ServiceTopic,
    SpecialDay,
)
from crm.enti.queries import contract_name, coverage, enti_of, served
from crm.staff import notices
from crm.staff import queries as staff
from crm.staff.models import StaffChange

MAX_WAYS, LONGEST_WAY = 12, 200
MOST_DIGITS = 4  # of a number of days
MOST_REPLACEMENT_DAYS = 365
_HOLIDAYS = ("observes_holidays", "patron_month", "patron_day")
_OFFICE = {"name": 120, "address": 200, "competent_for": 400, "accessibility": 400}


def save_identity(session: Session, by: Principal, *, ente_id: int, fields: Mapping[str, str]) -> None:
    """Change what an ente is called and known by. Raises `InvalidError` with what is wrong with each field."""
    ente = managed(session, by, ente_id)
    new = parse(fields)
    _refuse_taken(session, new, besides=ente_id)
    before = {name: getattr(ente, name) for name in Identity.__dataclass_fields__}
    changed(session)
    if any(getattr(new, name) != before[name] for name in _HOLIDAYS):
        session.add(HolidayChange(ente_id=ente_id, until=clock.now(session), **{one: before[one] for one in _HOLIDAYS}))
    for name, value in asdict(new).items():
        setattr(ente, name, value)
    record(session, by, "ente.changed", ente_id, before, asdict(new))


def add_ente(session: Session, by: Principal, *, contract_id: int, fields: Mapping[str, str]) -> int:
    """An ente joins a contract; its id."""
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    new = parse(fields)
    _refuse_taken(session, new, besides=None)
    changed(session)
    ente = Ente(**asdict(new))
    session.add(ente)
    session.flush()
    session.add(ContractEnte(contract_id=contract_id, ente_id=ente.id))
    session.flush()
    audit.note(session, by, kind="ente.added", ente_id=None, subject=f"contract:{contract_id}", after=asdict(new))
    return ente.id


def cover(session: Session, by: Principal, *, contract_id: int, ente_id: int) -> None:
    """A contract covers an ente that another covers already. The ente is told who serves it by that (X1).

    Whoever administers the contract alone cannot help himself to others' enti: he administers the ente, too.
    """
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    managed(session, by, ente_id)
    if ente_id not in served(session):
        raise ConflictError("Il contratto di questo ente è finito: non se ne può aggiungere un altro.")
    if ente_id in enti_of(session, contract_id):
        raise FieldError("Questo contratto comprende già l'ente.", field="ente")
    before = {one.user_id for one in staff.serving(session, ente_id)}
    changed(session)
    session.add(ContractEnte(contract_id=contract_id, ente_id=ente_id))
    session.flush()
    for one in staff.serving(session, ente_id):
        if one.user_id not in before:
            notices.add(
                session, by, ente_id=ente_id, user=session.get_one(User, one.user_id), change=StaffChange.JOINED,
                role=one.role, starts_on=one.starts_on, ends_on=one.ends_on,
            )  # fmt: skip
    after = {"contract": contract_name(session, contract_id)}
    record(session, by, "ente.covered", ente_id, {}, after, contract_id=contract_id)


def save_topics(
    session: Session, by: Principal, *, contract_id: int, ente_id: int | None, chosen: Collection[str],
    known: Collection[str],
) -> None:  # fmt: skip
    """Say which topics the lines are for; none chosen for an ente: its contract's. `known` are those there are."""
    require_under(session, by, contract_id, ente_id)
    if not set(chosen) <= set(known):
        raise InvalidError("Uno degli argomenti non esiste: ricarica la pagina.")
    own = own_rows(ServiceTopic, contract_id, ente_id)
    before = sorted(session.scalars(select(ServiceTopic.topic).where(*own)))
    changed(session)
    session.execute(delete(ServiceTopic).where(*own))
    session.add_all(ServiceTopic(contract_id=contract_id, ente_id=ente_id, topic=one) for one in sorted(set(chosen)))
    record(
        session, by, "topics.changed", ente_id, {"topics": before}, {"topics": sorted(set(chosen))},
        contract_id=contract_id,
    )  # fmt: skip


def save_days(session: Session, by: Principal, *, contract_id: int, replacement: str, keyed: str) -> None:
    """Within how many days somebody is replaced when an ente asks, and for how many what callers key in is kept."""
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    row = session.get(Contract, contract_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questo contratto non esiste.")
    after, wrong = {}, []
    for name, text, least, most in (
        ("replacement_days", replacement, 1, MOST_REPLACEMENT_DAYS),
        ("keyed_days", keyed, 0, 3650),
    ):
        if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS and least <= int(text) <= most:
            after[name] = int(text)
        else:
            wrong.append(InvalidError(f"Un numero intero di giorni, da {least} a {most}.", field=name))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    before = {name: getattr(row, name) for name in after}
    changed(session)
    for name, days in after.items():
        setattr(row, name, days)
    record(session, by, "contract.days", None, before, after, contract_id=contract_id)


def save_called_back(session: Session, by: Principal, *, contract_id: int, week: Mapping[int, str]) -> None:
    """Write when people are called back under a contract; an empty week is the usual one, `calendar.CALLED_BACK`."""
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    row = session.get(Contract, contract_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questo contratto non esiste.")
    hours, old = parse_week(week), parse_week(dict(enumerate(row.called_back)))
    changed(session)
    row.called_back = list(written_week(hours)) if hours else []
    before, after = ({str(day): written(rows, day) for day in range(7)} for rows in (old, hours))
    record(session, by, "contract.called_back", None, before, after, contract_id=contract_id)


def save_payment_ways(session: Session, by: Principal, *, ente_id: int, words: str) -> None:
    """The ways to pay, one a line, in their order."""
    managed(session, by, ente_id)
    ways = [" ".join(line.split()) for line in words.splitlines() if line.strip()]
    if len(ways) > MAX_WAYS or any(len(way) > LONGEST_WAY for way in ways):
        raise FieldError("Al massimo dodici modi, di duecento caratteri l'uno.", field="ways")
    before = list(
        session.scalars(select(PaymentWay.words).where(PaymentWay.ente_id == ente_id).order_by(PaymentWay.place))
    )
    changed(session)
    session.execute(delete(PaymentWay).where(PaymentWay.ente_id == ente_id))
    session.add_all(PaymentWay(ente_id=ente_id, place=place, words=way) for place, way in enumerate(ways))
    record(session, by, "payment_ways.changed", ente_id, {"ways": before}, {"ways": ways})


def save_office(
    session: Session, by: Principal, *, ente_id: int, office_id: int | None, fields: Mapping[str, str],
    phone: str | None, email: str | None, week: Mapping[int, str],
) -> int:  # fmt: skip
    """Add an office, or change one; its id. `phone` and `email` are normalised already."""
    managed(session, by, ente_id)
    values: dict[str, Any] = {name: " ".join(fields.get(name, "").split()) for name in _OFFICE}
    wrong = [
        InvalidError("È troppo lungo: abbrevialo.", field=name)
        for name, longest in _OFFICE.items()
        if len(values[name]) > longest
    ]
    wrong += [InvalidError("Scrivilo.", field=name) for name in ("name", "address") if not values[name]]
    if wrong:
        raise InvalidError("Manca qualcosa dell'ufficio.", parts=wrong)
    hours = [
        {"weekday": one.weekday, "opens": f"{one.opens:%H:%M}", "closes": f"{one.closes:%H:%M}"}
        for one in parse_week(week)
    ]
    values |= {"phone": phone, "email": email, "hours": hours}
    same = select(Office.id).where(Office.ente_id == ente_id, Office.name == values["name"], Office.id != office_id)
    if office_id is None:
        same = select(Office.id).where(Office.ente_id == ente_id, Office.name == values["name"])
    if session.execute(same).first() is not None:
        raise FieldError("C'è già un ufficio con questo nome.", field="name")
    row = Office(ente_id=ente_id) if office_id is None else _office(session, ente_id, office_id)
    before = {} if office_id is None else {name: getattr(row, name) for name in values}
    changed(session)
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    record(session, by, "office.changed", ente_id, before, values)
    return row.id


def remove_office(session: Session, by: Principal, *, ente_id: int, office_id: int) -> None:
    """An office is no more."""
    managed(session, by, ente_id)
    row = _office(session, ente_id, office_id)
    changed(session)
    try:
        with session.begin_nested():
            session.delete(row)
    except IntegrityError:
        raise ConflictError("Questo ufficio ha sportelli, servizi o appuntamenti: non si può togliere.") from None
    record(session, by, "office.removed", ente_id, {"name": row.name, "address": row.address}, {})


def save_logo(session: Session, by: Principal, *, ente_id: int, content: bytes) -> None:
    """Set the picture at the head of an ente's pages."""
    managed(session, by, ente_id)
    media_type, digest = logo.check(content), sha256(content).hexdigest()
    old = session.get(EnteLogo, ente_id)
    changed(session)
    session.merge(EnteLogo(ente_id=ente_id, media_type=media_type, content=content, sha256=digest))
    record(session, by, "logo.changed", ente_id, {"sha256": old.sha256 if old else ""}, {"sha256": digest})


def managed(session: Session, by: Principal, ente_id: int) -> Ente:
    """The ente, locked: who administers it is alone. Raises `NotFoundError`, or `ForbiddenError` for anybody else."""
    ente = session.get(Ente, ente_id, with_for_update=True)
    if ente is None:
        raise NotFoundError("Questo ente non esiste.")
    require_on(session, by, Permission.ENTE_MANAGE, ente_id=ente_id)
    return ente


def contracts_under(session: Session, by: Principal, ente_id: int) -> list[int]:
    """The contracts under which somebody writes about an ente that he manages: his own, or all for the ente's own."""
    covering = {one for one, covered in coverage(session).items() if ente_id in covered}
    if ente_id not in by.enti_for(Permission.ENTE_MANAGE):
        covering &= by.contracts_for(Permission.ENTE_MANAGE)
    return sorted(covering)


def require_under(session: Session, by: Principal, contract_id: int, ente_id: int | None) -> None:
    """Raise unless `by` manages the contract, or this ente under it."""
    if ente_id is None:
        by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    else:
        require_on(session, by, Permission.ENTE_MANAGE, ente_id=ente_id)
        if contract_id not in contracts_under(session, by, ente_id):
            raise ForbiddenError("Non amministri questo ente in quel contratto.")


def own_rows(
    model: type[SpecialDay | ServiceTopic], contract_id: int, ente_id: int | None
) -> tuple[ColumnElement[bool], ...]:
    """A contract's own rows, or those of an ente under it."""
    whose = model.ente_id.is_(None) if ente_id is None else model.ente_id == ente_id
    return (model.contract_id == contract_id, whose)


def _office(session: Session, ente_id: int, office_id: int) -> Office:
    row = session.get(Office, office_id)
    if row is None or row.ente_id != ente_id:
        raise NotFoundError("Questo ufficio non esiste.")
    return row


def _refuse_taken(session: Session, new: Identity, *, besides: int | None) -> None:
    codes = ("istat_code", "cadastral_code", "codice_fiscale")
    rows = session.scalars(select(Ente).where(or_(*(getattr(Ente, name) == getattr(new, name) for name in codes))))
    wrong = [
        InvalidError("Questo codice è già di un altro ente.", field=name)
        for row in rows
        for name in codes
        if row.id != besides and getattr(row, name) == getattr(new, name)
    ]
    if wrong:
        raise InvalidError("C'è già un ente con questi codici.", parts=wrong)


def record(
    session: Session, by: Principal, kind: str, ente_id: int | None, before: Mapping[str, Any],
    after: Mapping[str, Any], *, contract_id: int | None = None,
) -> None:  # fmt: skip
    """Note what was changed, with what was there before, and tell the pages of whom it concerns."""
    session.flush()
    subject = f"contract:{contract_id}" if contract_id else ""
    audit.note(session, by, kind=kind, ente_id=ente_id, subject=subject, before=before, after=after)
    concerned: Sequence[int] = [ente_id] if ente_id else sorted(enti_of(session, contract_id)) if contract_id else []
    touch(session, *(topics.ente(one) for one in concerned))
