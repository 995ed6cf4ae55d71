"""A call in words: what a caller would hear on a line, with nobody called and nothing written.

The self-service speaks of an invented debt, and of badges one invented is valid: whoever draws flows need not read
anybody's; of appointments the free times
are read, and none is held. Where he is put through to a
number outside, or asked a questionnaire, whoever plays says what comes of it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.phone import to_e164
from crm.core.clock import business_day
from crm.enti import queries as enti
from crm.enti.calendar import opening
from crm.positions import queries as positions
from telephony.appointments import example as invented
from telephony.appointments.offers import offered as bookable
from telephony.ivr import outside, queries, walk
from telephony.ivr.definition import OPERATOR_KEY, Appointment, Flow, Questions, ToNumber, ToQueue
from telephony.ivr.turns import Arrange, Bearer, Consult, Facts, LookUp, Place, Reached, Turn, Verify
from telephony.lines import queries as lines
from telephony.lines.queries import LineView
from telephony.recording import queries as recordings
from telephony.selfservice import example
from telephony.selfservice import queries as offered

EXAMPLE_CODE, EXAMPLE = "12345678", Bearer("Mario Esempio", 1, date(2099, 12, 31))  # the only badge that is valid
DONE = "1"  # a questionnaire is answered to its end; by anything else it is not
OUTSIDE = {"1": Reached.ANSWERED, "2": Reached.BUSY}  # anything else: nobody answers


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A flow, and what it knows of the line and the caller that are played."""

    flow: Flow
    facts: Facts
    ente_id: int | None

    def begin(self) -> Turn:
        """The call arrives."""
        return walk.begin(self.flow, self.facts)

    def answer(self, session: Session, place: Place, *, keys: str = "", speech: str = "") -> Turn:
        """The caller keys or says something, or nothing. The session must see the line's enti."""
        if isinstance(self.flow.nodes.get(place.node), ToNumber) and keys != OPERATOR_KEY:
            return walk.on_put_through(self.flow, place, self.facts, OUTSIDE.get(keys, Reached.NOBODY))
        if isinstance(self.flow.nodes.get(place.node), Questions) and keys != OPERATOR_KEY:
            return walk.on_questioned(self.flow, place, self.facts, done=keys == DONE)
        turn = walk.on_input(self.flow, place, self.facts, keys=keys, speech=speech)
        if isinstance(turn.then, Consult):
            today = business_day(self.facts.now)
            answer = example.answer(turn.then.request, today, turn.place.language)
            return walk.on_answer(self.flow, turn.place, self.facts, turn.then.request, answer)
        if isinstance(turn.then, Arrange):
            wants, at = turn.then.request, turn.place
            came = invented.answer(session, wants, self.facts.bookable, self.facts.now, at.language)
            return walk.on_arranged(self.flow, at, self.facts, wants, came)
        if isinstance(turn.then, Verify):
            bearer = EXAMPLE if turn.then.code == EXAMPLE_CODE else None
            return walk.on_verified(self.flow, turn.place, self.facts, bearer)
        if not isinstance(turn.then, LookUp):
            return turn
        found = positions.by_notice(session, turn.then.notice)
        owners = {(one.ente_id, one.contact_id) for one in found if self.ente_id in {None, one.ente_id}}
        return walk.on_notice(self.flow, turn.place, self.facts, found=len(owners) == 1)


def rehearse(
    session: Session, line: LineView, *, at: datetime, caller: str = "", version_id: int | None = None,
    full: bool = False, calls_back: bool = True,
) -> Rehearsal:  # fmt: skip
    """Play a call from this number at this instant: along the line's flow, or along another version, a draft too.

    `full`: the queues hold all that they may; `calls_back`: the caller has not asked never to be called.
    """
    current = queries.current(session, line.number)
    taken = current.flow if version_id is None else queries.of_call(session, version_id)
    typed = to_e164(caller) if caller else None
    number = lines.of_his_own(session, typed)
    reached = contacts.reached_at(session, number) if number else []
    known = [one for one in reached if line.ente_id in {None, one.ente_id}]
    ente_id = line.ente_id or (known[0].ente_id if len(known) == 1 else None)
    name = enti.badges(session)[ente_id].name if ente_id else enti.contract_name(session, line.contract_id)
    books = any(isinstance(one, Appointment) for one in taken.nodes.values())
    facts = Facts(
        ente=name, opening=opening(lines.timetable(session, line.number, line.contract_id, ente_id), at), now=at,
        caller_known=len(known) == 1, caller=number, calls_back=calls_back,
        full=frozenset(one.queue for one in taken.nodes.values() if isinstance(one, ToQueue)) if full else frozenset(),
        urgent=queries.urgent(session, line.contract_id, ente_id),
        offers=offered.offers(session, line.contract_id, ente_id),
        bookable=bookable(session, line.contract_id, line.ente_id) if books else (),
        records=recordings.purpose_of(session, ente_id=ente_id, call_id=UUID(int=0)),  # as if it were drawn
        reaches=outside.reached_from(session, line.contract_id, taken, line=line.number, caller=typed),
    )  # fmt: skip
    return Rehearsal(taken, facts, ente_id)
