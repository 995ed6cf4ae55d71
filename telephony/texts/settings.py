"""What a contract wants of conversations by SMS, and its writing by supervisors."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import topics
from crm.core.configuration import changed, kept
from crm.core.db import signal, table_of, touch
from crm.core.errors import InvalidError
from crm.enti.queries import enti_of
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.texts.lifecycle import Patience
from telephony.texts.models import TextSetting

OFFER_S = 45  # who is on the telephone needs longer than a ring to look up
MOST, WAITING, IDLE_MIN, CLOSE_H, KEPT_DAYS = range(1, 11), range(1, 501), range(1, 241), range(1, 73), range(1, 3651)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`TextSetting` as it is read; the defaults are what a new one begins with."""

    queue_id: int
    most: int = 3
    beside_calls: bool = True
    most_waiting: int | None = None
    idle_min: int = 15
    close_h: int = 8
    kept_days: int = 365

    @property
    def patience(self) -> Patience:
        """In seconds."""
        return Patience(OFFER_S, self.idle_min * 60, self.close_h * 3600)

    @property
    def kept_for(self) -> timedelta:
        """For how long what was written is kept."""
        return timedelta(days=self.kept_days)


_SETTING = table_of(TextSetting)
_NAMES = tuple(one.name for one in fields(Wanted))


@kept
def all_settings(session: Session) -> Mapping[int, Wanted]:
    """By contract; a contract that is not among them reads no SMS."""
    rows = session.execute(select(_SETTING.c.contract_id, *(_SETTING.c[name] for name in _NAMES)))
    return MappingProxyType({row[0]: Wanted(*row[1:]) for row in rows})


def of_contract(session: Session, contract_id: int) -> Wanted | None:
    """What a contract wants; none: it reads no SMS."""
    return all_settings(session).get(contract_id)


def save(session: Session, by: Principal, *, contract_id: int, wanted: Wanted | None) -> None:
    """Have conversations by SMS held so, or no more; those under way go on by what was.

    Raises `InvalidError` with what is wrong with each field.
    """
    by.require(Permission.QUEUE_MANAGE, contract_id=contract_id)
    before = of_contract(session, contract_id)
    if wanted is not None:
        _check(session, contract_id, wanted)
    if wanted == before:
        return
    changed(session)
    row = session.get(TextSetting, contract_id, with_for_update=True)
    if wanted is None:
        if row is not None:
            session.delete(row)
    else:
        row = row or TextSetting(contract_id=contract_id)
        for name, value in asdict(wanted).items():
            setattr(row, name, value)
        session.add(row)
    session.flush()
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(
            session, by, kind="texts.changed", ente_id=ente_id, before=_told(session, before),
            after=_told(session, wanted),
        )  # fmt: skip
    for domain in queues.domains(session, frozenset({contract_id})):
        signal(session, MatchDue(domain))
    touch(session, topics.board(contract_id))


def _check(session: Session, contract_id: int, wanted: Wanted) -> None:
    wrong = []
    if wanted.queue_id not in queues.open_ids(session, contract_id):
        wrong.append(InvalidError("Scegli una coda del contratto.", field="queue"))
    if wanted.most not in MOST:
        wrong.append(InvalidError("Le conversazioni insieme vanno da 1 a 10.", field="most"))
    if wanted.most_waiting is not None and wanted.most_waiting not in WAITING:
        wrong.append(InvalidError("Il massimo in attesa va da 1 a 500; vuoto, nessun limite.", field="most_waiting"))
    if wanted.idle_min not in IDLE_MIN:
        wrong.append(InvalidError("I minuti di silenzio vanno da 1 a 240.", field="idle_min"))
    if wanted.close_h not in CLOSE_H:
        wrong.append(InvalidError("Le ore di silenzio vanno da 1 a 72.", field="close_h"))
    if wanted.kept_days not in KEPT_DAYS:
        wrong.append(InvalidError("I giorni vanno da 1 a 3650.", field="kept_days"))
    if wrong:
        raise InvalidError("Le conversazioni per SMS non sono scritte bene.", parts=wrong)


def _told(session: Session, wanted: Wanted | None) -> dict[str, object] | None:
    """As the audit's reader knows it: the queue by its name."""
    if wanted is None:
        return None
    rest = {name: value for name, value in asdict(wanted).items() if name != "queue_id"}
    return {"queue": queues.queue(session, wanted.queue_id).name, **rest}
