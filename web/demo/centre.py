"""The demonstration's telephony: lines, queues, and who answers them; and the files that the simulator plays from."""

import json
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.collection.importer import Progress
from crm.core.db import Database, Scope
from crm.documents.store import FolderStore
from crm.enti.models import Contract, Ente
from telephony.agents import service as agents
from telephony.agents.models import PauseLimit, PauseReason
from telephony.lines.models import LineKind, PhoneLine
from telephony.queues.models import Queue, QueueMember
from telephony.texts.models import TextSetting
from web.demo.accounts import COLLEAGUES, NEWCOMER
from web.demo.appointments import receive
from web.demo.calls import remember
from web.demo.campaigns import campaign_some
from web.demo.cases import ask
from web.demo.enti import seed_enti
from web.demo.field_closing import settle_some
from web.demo.field_practices import have_visited
from web.demo.field_rounds import walk
from web.demo.flows import answer_with_machine
from web.demo.interviews import interview_some
from web.demo.knowledge import teach
from web.demo.letters import write_to
from web.demo.mail import post
from web.demo.opinions import give_opinions
from web.demo.places import LINES
from web.demo.promises import promise
from web.demo.seed import CONTRACT, seed
from web.demo.sources import settle_sources
from web.demo.submitted import hand_over, submit
from web.demo.texts import write

DOMAIN = "toscana"
COLLEAGUES_FILE = "colleagues.json"
REGIONAL = "+390550000800"
PAUSES = {PauseReason.BREAK: 15, PauseReason.MEETING: 60, PauseReason.TRAINING: 120, PauseReason.MISSED_CALL: 5}
QUEUES = (
    ("Avvisi e ingiunzioni", "1", "informazioni su un avviso o un'ingiunzione", True, False),
    ("Rate e pagamenti", "2", "rate e pagamenti", True, True),  # offers callbacks, and asks for satisfaction
    ("Operatore", None, None, False, False),
)


def seed_demo(
    database: Database,
    *,
    data_dir: Path,
    today: date,
    on_progress: Callable[[str, Progress], None] = lambda _ente, _progress: None,
    mail_port: int | None = None,
    public_url: str = "http://localhost",
) -> None:
    """Everything the demonstration needs; a second time it does nothing. `mail_port`: of the mail server that stands in
    for a real one, another one each time; `public_url`: where links in messages lead.
    """
    seed(database, data_dir=data_dir, today=today, on_progress=on_progress)
    with database.begin(Scope.nothing()) as session:
        contract_id = session.execute(select(Contract.id).where(Contract.name == CONTRACT)).scalar_one()
        if session.execute(select(Queue.id).where(Queue.contract_id == contract_id).limit(1)).first() is None:
            _centre(session, contract_id)
    remember(database, contract_id=contract_id, data_dir=data_dir, today=today)
    database.transact(Scope.of_contract(contract_id), partial(give_opinions, contract_id=contract_id))
    database.transact(Scope.of_contract(contract_id), settle_sources)
    with database.begin(Scope.of_contract(contract_id)) as session:
        seed_enti(session, contract_id=contract_id, today=today)
        answer_with_machine(session, contract_id=contract_id, number=REGIONAL)  # it leads to an office, too
    database.transact(Scope.of_contract(contract_id), partial(promise, contract_id=contract_id, today=today))
    database.transact(Scope.of_contract(contract_id), partial(write_to, today=today))  # what fails is owed in its list
    database.transact(Scope.of_contract(contract_id), partial(write, contract_id=contract_id))
    store = FolderStore(data_dir / "documents")
    post(database, store, contract_id=contract_id, smtp_port=mail_port)
    database.transact(Scope.of_contract(contract_id), partial(teach, contract_id=contract_id, today=today))
    database.transact(Scope.of_contract(contract_id), receive)
    database.transact(Scope.of_contract(contract_id), partial(interview_some, contract_id=contract_id))
    database.transact(Scope.of_contract(contract_id), partial(campaign_some, contract_id=contract_id, today=today))
    database.transact(Scope.of_contract(contract_id), partial(ask, contract_id=contract_id, today=today))
    database.transact(Scope.of_contract(contract_id), partial(submit, public_url=public_url))
    hand_over(database, store, contract_id=contract_id, public_url=public_url)
    database.transact(Scope.of_contract(contract_id), partial(have_visited, contract_id=contract_id, today=today))
    database.transact(Scope.of_contract(contract_id), partial(walk, contract_id=contract_id, today=today))
    database.transact(Scope.of_contract(contract_id), partial(settle_some, contract_id=contract_id, today=today))
    colleagues = [{"username": user.username, "password": user.password} for user in COLLEAGUES]
    (data_dir / COLLEAGUES_FILE).write_text(json.dumps(colleagues), encoding="utf-8")


def _centre(session: Session, contract_id: int) -> None:
    enti = {ente.cadastral_code: ente for ente in session.execute(select(Ente)).scalars()}
    for code, freephone, geographic in LINES:
        for number, kind, label in (
            (freephone, LineKind.FREEPHONE, "numero verde"),
            (geographic, LineKind.GEOGRAPHIC, "da cellulare"),
        ):
            session.add(
                PhoneLine(
                    number=number, label=f"{enti[code].short_name}, {label}", kind=kind, contract_id=contract_id,
                    ente_id=enti[code].id,
                )
            )  # fmt: skip
    session.add(
        PhoneLine(
            number=REGIONAL, label="Numero regionale", kind=LineKind.GEOGRAPHIC, contract_id=contract_id, ente_id=None
        )
    )
    queues = [
        Queue(
            contract_id=contract_id, name=name, domain=DOMAIN, menu_digit=digit, menu_label=label, asks_notice=asks,
            ring_timeout_s=20, wrap_up_s=60, calls_back=more, asks_survey=more,
        )
        for name, digit, label, asks, more in QUEUES
    ]  # fmt: skip
    session.add_all(queues)
    session.add_all(
        PauseLimit(contract_id=contract_id, reason=reason, minutes=minutes) for reason, minutes in PAUSES.items()
    )
    session.flush()
    usernames = [user.username for user in (NEWCOMER, *COLLEAGUES)]
    for agent_id in session.execute(select(User.id).where(User.username.in_(usernames))).scalars():
        agents.enrol(session, agent_id=agent_id, domain=DOMAIN)
        session.add_all(QueueMember(queue_id=queue.id, agent_id=agent_id) for queue in queues)
    session.flush()
    session.add(
        TextSetting(
            contract_id=contract_id, queue_id=queues[-1].id, most=3, beside_calls=True, most_waiting=30, idle_min=15,
            close_h=8, kept_days=365,
        )
    )  # fmt: skip
