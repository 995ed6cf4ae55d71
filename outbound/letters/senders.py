"""Who writes: what the ente publishes, and what it has set for its letters alone."""

import re
from dataclasses import asdict, dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.phone import spaced
from crm.core import clock
from crm.core.errors import InvalidError
from crm.enti import details
from crm.enti.hours import DAYS
from outbound.letters import bulletin
from outbound.letters.bulletin import Postal
from outbound.letters.content import Sender
from outbound.letters.models import LetterSender

LONGEST = {"sector": 60, "back": 240, "privacy": 600}
MOST_BACK_LINES = 4
_CBILL = re.compile(r"[A-Z0-9]{5}")
_DAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
PRIVACY = (
    "I suoi dati sono trattati da {ente}, titolare, per la riscossione delle proprie entrate (art. 6, par. 1, lett. e, "
    "del Regolamento UE 2016/679). L'informativa completa è nel sito dell'ente."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is written once for an ente's letters. Empty: the usual."""

    sector: str = ""
    cbill: str = ""
    back: str = ""
    privacy: str = ""
    postal_account: str = ""
    postal_holder: str = ""
    postal_permit: str = ""

    @property
    def postal(self) -> Postal | None:
        """The account for the bulletins; none: there are none."""
        whole = Postal(self.postal_account, self.postal_holder, self.postal_permit)
        return whole if self.postal_account else None


FIELDS = tuple(Settings.__dataclass_fields__)


def settings(session: Session, ente_id: int) -> Settings:
    """As they stand."""
    row = session.get(LetterSender, ente_id)
    return Settings(**{one: getattr(row, one) for one in FIELDS}) if row else Settings()


def write(session: Session, by: Principal, *, ente_id: int, written: Settings) -> None:
    """Set them. Raises `InvalidError` with what is wrong at each field, `ForbiddenError`."""
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=ente_id)
    _check(written)
    row = session.get(LetterSender, ente_id, with_for_update=True)
    before = asdict(settings(session, ente_id))
    row = row or LetterSender(ente_id=ente_id)
    for name, value in asdict(written).items():
        setattr(row, name, value)
    row.written_by, row.written_at = by.user_id, clock.now(session)
    session.add(row)
    session.flush()
    audit.note(session, by, kind="letters.sender", ente_id=ente_id, before=before, after=asdict(written))


def sender(session: Session, *, ente_id: int, contract_id: int, line: str) -> Sender:
    """As it stands on a letter. `line`: the number that people are to call, E.164."""
    ente, own = details.identity(session, ente_id), settings(session, ente_id)
    offices = details.offices(session, ente_id)
    usual = f"{ente.name}\n{offices[0].address}" if offices else ""
    weeks = (details.own_week(session, contract_id, whose) for whose in (ente_id, None))
    week = next((one for one in weeks if any(one)), ("",) * DAYS)
    return Sender(
        ente.name, ente.codice_fiscale, tuple((own.back or usual).splitlines()), own.sector, own.cbill,
        spaced(line).removeprefix("+39 ") if line else "", opening(week), details.payment_ways(session, ente_id),
        own.privacy or PRIVACY.format(ente=ente.name), own.postal,
    )  # fmt: skip


def opening(week: tuple[str, ...]) -> tuple[str, ...]:
    """`lunedì–venerdì 9:00-13:00`: days in a row with the same hours are said once. Pure."""
    said = []
    for hours, days in groupby(range(DAYS), key=lambda day: week[day]):
        first, *rest = days
        if hours:
            said.append(f"{_DAYS[first]}{f'–{_DAYS[rest[-1]]}' if rest else ''} {hours}")
    return tuple(said)


def _check(written: Settings) -> None:
    wrong = [
        InvalidError(f"Al massimo {longest} caratteri.", field=name)
        for name, longest in LONGEST.items()
        if len(getattr(written, name)) > longest
    ]
    if written.cbill and not _CBILL.fullmatch(written.cbill):
        wrong.append(InvalidError("Il codice CBILL ha cinque lettere o cifre.", field="cbill"))
    if len(written.back.splitlines()) > MOST_BACK_LINES:
        wrong.append(InvalidError(f"Al massimo {MOST_BACK_LINES} righe.", field="back"))
    wrong += bulletin.check(written.postal_account, written.postal_holder, written.postal_permit)
    if wrong:
        raise InvalidError("Qualcosa non va bene.", parts=wrong)
