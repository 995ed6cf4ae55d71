"""Seeding a demonstration: enti, their contract, its people, and the three feeds through the real importer."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User
from crm.access.passwords import hash_password
from crm.collection.importer import Progress, import_feed
from crm.collection.models import ImportRun, ImportState
from crm.conditions import service as conditions
from crm.core.clock import now
from crm.core.db import Database, Scope
from crm.documents.intake import take_in
from crm.documents.store import FolderStore
from crm.enti.calendar import BEGINNING
from crm.enti.models import Contract, ContractEnte, Ente, OpeningWeek
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period
from crm.levels.presets import PRESETS, agreement_from
from web.demo.accounts import ADMINISTRATOR, DEMO_USERS, NEWCOMER, DemoUser
from web.demo.field_agents import enrol
from web.demo.generate import generate
from web.demo.judged import draws
from web.demo.monitored import agree
from web.demo.oversight import seed_oversight
from web.demo.places import MUNICIPALITIES, OVERSEEN, Municipality
from web.demo.recorded import RECORDS, record
from web.demo.served import offer
from web.demo.staff import tell_story
from web.demo.told import tell

CONTRACT = "Anci Toscana (demo)"
LIKE = "anci_toscana"  # the preset that it begins as


def seed(
    db: Database,
    *,
    data_dir: Path,
    today: date,
    on_progress: Callable[[str, Progress], None] = lambda _ente, _progress: None,
) -> None:
    """Make the demonstration exist. Called again, it finishes what is missing, at once when nothing is.

    `today` is the day in Rome; `on_progress` is told the ente's codice catastale and how far its feed has come.
    """
    enti = db.transact(Scope.nothing(), _seed_accounts)
    with db.begin(Scope.nothing()) as session:
        contract_id = session.scalars(select(Contract.id).where(Contract.name == CONTRACT)).one()
    db.transact(Scope.of_contract(contract_id), partial(_open_always, contract_id=contract_id))
    db.transact(Scope.of_contract(contract_id), partial(agree, contract_id=contract_id))
    db.transact(Scope.of_contract(contract_id), partial(draws, contract_id=contract_id))
    db.transact(Scope.of_contract(contract_id), partial(tell_story, contract_id=contract_id, ente_code="D403"))
    db.transact(Scope.of_contract(contract_id), partial(enrol, contract_id=contract_id))
    if not all(_imported(db, ente_id) for ente_id in enti.values()):
        files = generate(data_dir, today)
        for code, path in files.feeds.items():
            import_feed(db, path, ente_code_expected=code, on_progress=partial(on_progress, code))
        store = FolderStore(data_dir / "documents")
        for code, path in files.documents.items():
            take_in(db, store, ente_id=enti[code], path=path)
    for place in MUNICIPALITIES:
        db.transact(
            Scope.of_contract(contract_id),
            partial(
                tell, ente_id=enti[place.cadastral_code], place=place, today=today, username=NEWCOMER.username,
                manager=ADMINISTRATOR.username,
            ),
        )  # fmt: skip
        db.transact(Scope.of_contract(contract_id), partial(offer, ente_id=enti[place.cadastral_code]))
    db.transact(Scope.of_contract(contract_id), partial(record, ente_id=enti[RECORDS]))
    looked_at = partial(seed_oversight, contract_id=contract_id, ente_id=enti[OVERSEEN])
    db.transact(Scope.of_contract(contract_id), looked_at)


def _open_always(session: Session, contract_id: int) -> None:
    """Open at any hour of any day: whoever tries the demonstration at night finds it at work."""
    if session.scalar(select(OpeningWeek.id).where(OpeningWeek.contract_id == contract_id).limit(1)) is None:
        at = now(session)
        always = ["00:00-24:00"] * 7
        session.add(OpeningWeek(contract_id=contract_id, ente_id=None, since=BEGINNING, days=always, written_at=at))
        session.flush()


def _imported(db: Database, ente_id: int) -> bool:
    with db.begin(Scope.of_enti([ente_id])) as session:
        done = select(ImportRun.id).where(ImportRun.ente_id == ente_id, ImportRun.state == ImportState.DONE)
        return session.execute(done.limit(1)).first() is not None


def _seed_accounts(session: Session) -> dict[str, int]:
    """Enti, contract, levels, hours, users and grants, unless they are there. Ente ids by codice catastale."""
    if session.scalar(select(Contract.id).where(Contract.name == CONTRACT)) is None:
        _create(session)
    rows = session.execute(
        select(Ente.cadastral_code, Ente.id).where(
            Ente.cadastral_code.in_([place.cadastral_code for place in MUNICIPALITIES])
        )
    )
    return {row.cadastral_code: row.id for row in rows}


def _create(session: Session) -> None:
    enti = {place.cadastral_code: _ente(place) for place in MUNICIPALITIES}
    contract = Contract(name=CONTRACT, called_back=["0:00-24:00"] * 7)  # nobody is woken: who is called is invented
    session.add_all([*enti.values(), contract])
    session.flush()
    session.add_all(ContractEnte(contract_id=contract.id, ente_id=ente.id) for ente in enti.values())
    put(session, agreement_from(LIKE, Agreement(contract.id, EVER, Period.MONTH, ())))
    conditions.put(session, contract_id=contract.id, said=PRESETS[LIKE].conditions, preset=LIKE)
    users = {user.username: _user(user) for user in DEMO_USERS}
    session.add_all(users.values())
    session.flush()
    session.add_all(
        RoleGrant(
            user_id=users[user.username].id,
            role=user.role,
            ente_id=enti[user.ente].id if user.ente else None,
            contract_id=None if user.ente else contract.id,
            valid_from=now(session),
        )
        for user in DEMO_USERS
    )
    session.flush()


def _ente(place: Municipality) -> Ente:
    return Ente(
        name=place.name, short_name=place.short_name, istat_code=place.istat_code,
        cadastral_code=place.cadastral_code, codice_fiscale=place.codice_fiscale, province=place.province,
        band=place.band, patron_name=place.patron_name, patron_month=place.patron_month,
        patron_day=place.patron_day, observes_holidays=False,
    )  # fmt: skip


def _user(user: DemoUser) -> User:
    return User(
        username=user.username, name=user.name, password_hash=hash_password(user.password),
        qualification=user.qualification,
    )  # fmt: skip
