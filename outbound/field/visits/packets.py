"""What an agent's telephone is given for today and tomorrow: of whom he goes to, what the door needs and no more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.contacts.models import PersonKind
from crm.contacts.queries import ContactView
from crm.core import clock
from crm.core.errors import ConflictError
from crm.positions import queries as positions
from crm.positions.payable import Payable, payable_now
from crm.positions.views import PositionView
from outbound.field.agents.models import AgentFile, FieldAgent
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits import asking, devices, wording
from outbound.field.visits.asking import Checked
from outbound.field.visits.codes import code_of
from outbound.field.visits.models import FieldDevice, FieldPacket, Visit
from outbound.field.visits.words import Words

DAYS = 2  # today and tomorrow
MOST = 120  # practices on a telephone
END = datetime.max.replace(tzinfo=UTC)  # after whatever is planned


@dataclass(frozen=True, slots=True)
class Asked:
    """A debt of a practice as it is now, and what can be paid of it; none: the collection system has it no more."""

    reference: str
    position: PositionView | None
    payable: tuple[Payable, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody to be visited. `left`: visits that the mandate still allows; `code`: for the notice at a closed door;
    `planned`: when the visit begins in the round that he was given; `checked`: what the gestionale last answered about
    him, where it answers about one taxpayer.
    """

    practice: Practice
    mandate: FieldMandate
    person: ContactView
    company: bool
    debts: tuple[Asked, ...]
    left: int
    code: str
    planned: datetime | None = None
    checked: Checked | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """Everything that a telephone is given. `words`: of each ente, with their versions; `photo`: of his badge, a JPEG;
    `keep_days`: after so many without contact it forgets all; `asking`: gestionali are being asked, and what they say
    is in the next one.
    """

    agent: FieldAgent
    device_id: UUID
    made_at: datetime
    stops: tuple[Stop, ...]
    words: dict[int, Words]
    versions: dict[int, int]
    photo: bytes | None = None
    asking: bool = False

    @property
    def keep_days(self) -> int:
        """The shortest that any of its enti wants."""
        return min((one.keep_days for one in self.words.values()), default=Words().keep_days)


def give(session: Session, by: Principal, *, token: str) -> Packet:
    """What the telephone with this token gets now; it is written down what that is.

    Raises `ConflictError` for a telephone that was revoked, or is not that of who asks.
    """
    by.require(Permission.FIELD_VISIT)
    device = devices.of_token(session, token, lock=True)
    if device.revoked_at is not None or device.user_id != by.user_id:
        raise ConflictError(devices.GONE)
    agent = session.get_one(FieldAgent, device.agent_id)
    made = clock.now(session)
    stops = tuple(stops_of(session, by, agent, clock.business_day(made)))
    said = {ente_id: wording.of_ente(session, ente_id) for ente_id in sorted({one.practice.ente_id for one in stops})}
    for ente_id in said:
        of_ente = [one for one in stops if one.practice.ente_id == ente_id]
        _written_down(session, by, device, ente_id, of_ente, made)
    device.enti = sorted({*device.enti, *said})
    device.contacted_at = made
    session.flush()
    asks = [asking.owe(session, ente_id=ente_id, agent_id=agent.id) for ente_id in said]
    photo = session.get(AgentFile, agent.photo) if agent.photo else None
    return Packet(
        agent, device.id, made, stops, {ente_id: words for ente_id, (_, words) in said.items()},
        {ente_id: version for ente_id, (version, _) in said.items()}, photo.content if photo else None, any(asks),
    )  # fmt: skip


def stops_of(session: Session, by: Principal, agent: FieldAgent, today: date) -> Iterable[Stop]:
    """His accepted practices with a mandate for today or tomorrow: those of the rounds that he was given in their
    order, then the others, by priority.
    """
    enti = scope_for(session, by, Permission.FIELD_VISIT).enti or frozenset()
    hours = _planned(session, agent.id, today)
    pairs = asking.accepted(session, enti, agent.id, today, days=DAYS, first=hours, most=MOST)
    pairs.sort(key=lambda one: hours.get(one[0].id, END))
    ids = [practice.id for practice, _ in pairs]
    answers = asking.checked(session, [practice for practice, _ in pairs])
    counted = select(Visit.practice_id, func.count()).where(Visit.practice_id.in_(ids)).group_by(Visit.practice_id)
    made: dict[int, int] = {practice_id: number for practice_id, number in session.execute(counted)}  # noqa: C416
    debts = _debts(session, [practice for practice, _ in pairs], today)
    for practice, mandate in pairs:
        person = contacts.get(session, practice.contact_id)
        yield Stop(
            practice, mandate, person, person.kind is not PersonKind.NATURAL, debts.get(practice.id, ()),
            max(0, mandate.most_visits - made.get(practice.id, 0)), code_of(practice.id), hours.get(practice.id),
            answers.get(practice.id),
        )  # fmt: skip


def _planned(session: Session, agent_id: int, today: date) -> dict[int, datetime]:
    """When he is at each practice of his rounds; of one that is in both days' the first."""
    found: dict[int, datetime] = {}
    for ahead in range(DAYS):
        found = asking.planned(session, agent_id, today + timedelta(days=ahead)) | found
    return found


def _debts(session: Session, practices: Sequence[Practice], today: date) -> dict[int, tuple[Asked, ...]]:
    known = {
        (one.contact_id, one.reference): one
        for one in positions.of_contact(session, [practice.contact_id for practice in practices])
    }
    contact_of = {one.id: one.contact_id for one in practices}
    found: dict[int, list[Asked]] = {}
    rows = session.scalars(
        select(PracticeDebt).where(PracticeDebt.practice_id.in_(contact_of)).order_by(PracticeDebt.reference)
    )
    for row in rows:
        position = known.get((contact_of[row.practice_id], row.reference))
        asked = Asked(row.reference, position, payable_now(position, today) if position else ())
        found.setdefault(row.practice_id, []).append(asked)
    return {practice_id: tuple(of) for practice_id, of in found.items()}


def _written_down(
    session: Session, by: Principal, device: FieldDevice, ente_id: int, stops: Sequence[Stop], at: datetime
) -> None:
    session.add(
        FieldPacket(ente_id=ente_id, device_id=device.id, made_at=at, practice_ids=[one.practice.id for one in stops])
    )
    for one in stops:
        audit.note_once(
            session, by, kind="field_packet.given", ente_id=ente_id, contact_id=one.practice.contact_id
        )  # fmt: skip
