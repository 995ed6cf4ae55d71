"""From what is known of people to what their letters say, and to whom no letter goes."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from crm.contacts import calling
from crm.contacts import queries as contacts
from crm.positions import queries as positions
from outbound.campaigns.plan import Phase
from outbound.campaigns.running import Running
from outbound.compliance import facts
from outbound.compliance.rules import Reason, Verdict, Written, judge_written
from outbound.letters import senders
from outbound.letters.address import Addressee, addressee
from outbound.letters.content import Facts, Item, Sender, asked
from outbound.letters.usual import USUAL
from outbound.letters.wording import LetterText


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody to whom a letter may go. If `verdict` allows it, he has an address and something to pay."""

    contact_id: int
    verdict: Verdict
    to: Addressee | None
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """What is the same for all letters of a batch."""

    phase: Phase
    text: LetterText
    sender: Sender
    day: date
    until: date | None

    def facts(self, code: str, to: Addressee, items: tuple[Item, ...]) -> Facts:
        """What one letter is about."""
        return Facts(code, self.phase, self.text, self.day, self.until, self.sender, to, items)


def writing(session: Session, campaign: Running, day: date) -> Writing:
    """How a campaign writes on a day. A text that is still to be written is the usual one."""
    plan = campaign.plan
    phase = plan.phase(day)
    sender = senders.sender(
        session, ente_id=campaign.ente_id, contract_id=campaign.contract_id, line=plan.line
    )  # fmt: skip
    return Writing(phase, plan.letters.get(phase) or USUAL[phase], sender, day, plan.voluntary_until)


def candidates(
    session: Session, campaign: Running, contact_ids: Collection[int], *, phase: Phase, day: date, now: datetime,
    running: bool = True,
) -> list[Candidate]:  # fmt: skip
    """Each of these contacts of a campaign, judged now, in their order. A few statements and one a person."""
    known = facts.writable(
        session, ente_id=campaign.ente_id, contact_ids=contact_ids, campaign_id=campaign.id, running=running
    )
    persons = calling.persons(session, contact_ids)
    owed = defaultdict(list)
    for one in positions.of_contact(session, {row for his in persons.values() for row in his}, brief=True):
        owed[one.contact_id].append(one)
    found = []
    for contact_id in contact_ids:
        rows = [contact_id, *sorted(persons[contact_id] - {contact_id})]
        to = addressee(contacts.get(session, row) for row in rows)
        person = known[contact_id][0]
        postal = {**person.addresses, Written.LETTER: (str(to.address_id),) if to else ()}
        person = replace(person, addresses=MappingProxyType(postal))
        verdict = judge_written(person, campaign.rules, now, Written.LETTER)
        items = asked((one for row in rows for one in owed[row]), phase, day)
        if verdict.allowed and not items:
            verdict = Verdict(verdict.number, (Reason.NOTHING_DUE,))
        found.append(Candidate(contact_id, verdict, to, items))
    return found
