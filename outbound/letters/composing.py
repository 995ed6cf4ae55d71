"""From what is known of people to what their letters say, and to whom no letter goes."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.orm import Session

from crm.collection import queries as collection
from crm.contacts import queries as contacts
from crm.positions import queries as positions
from outbound.campaigns.plan import Phase
from outbound.campaigns.running import Running
from outbound.compliance import correspondence
from outbound.compliance.rules import Reason, Verdict, Written
from outbound.compliance.writing import judge_written
from outbound.letters import senders
from outbound.letters.address import Addressee, addressee
from outbound.letters.content import Facts, Item, Sender, asked
from outbound.letters.models import Letter
from outbound.letters.usual import USUAL
from outbound.letters.wording import LetterText

# What halts a whole batch, or says nothing of him for longer than a moment; a letter is no second one to itself.
OF_THE_BATCH = frozenset({Reason.NOT_RUNNING, Reason.STALE, Reason.CLAIMED, Reason.WRITTEN})


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
    known = correspondence.writable(session, campaign, contact_ids, running=running)
    persons = {contact_id: one.contact_ids for contact_id, (one, _) in known.items()}
    items = _asked(session, persons, phase, day)
    found = []
    for contact_id in contact_ids:
        rows = [contact_id, *sorted(persons[contact_id] - {contact_id})]
        to = addressee(contacts.get(session, row) for row in rows)
        person = known[contact_id][0]
        postal = {**person.addresses, Written.LETTER: (str(to.address_id),) if to else ()}
        person = replace(person, addresses=MappingProxyType(postal))
        verdict = judge_written(person, campaign.rules, now, Written.LETTER)
        if verdict.allowed and not items[contact_id]:
            verdict = Verdict(verdict.number, (Reason.NOTHING_DUE,))
        found.append(Candidate(contact_id, verdict, to, items[contact_id]))
    return found


def judged_again(
    session: Session, campaign: Running, letters: Collection[Letter], *, day: date, now: datetime
) -> dict[UUID, Verdict]:
    """Of letters that are made and have not left: those that would not be written now, and why. A few statements.

    Each is judged as if it had not been written. A letter that asks for more than there is to be paid by now is one of
    them: its addressee gets another. That the campaign halts, or the ente's data are old, is the batch's matter; that
    those of one person are, though the ente's are not, is his.
    """
    of_batch = OF_THE_BATCH if are_old(session, campaign, now) else OF_THE_BATCH - {Reason.STALE}
    ids = {one.contact_id for one in letters}
    known = correspondence.writable(session, campaign, ids)
    persons = {contact_id: one.contact_ids for contact_id, (one, _) in known.items()}
    items = _asked(session, persons, campaign.plan.phase(day), day)
    found = {}
    for one in letters:
        person = known[one.contact_id][0]
        there = str(one.address_id) in person.addresses.get(Written.LETTER, ())
        postal = {**person.addresses, Written.LETTER: (str(one.address_id),) if there else ()}
        verdict = judge_written(
            replace(person, addresses=MappingProxyType(postal)), campaign.rules, now, Written.LETTER
        )
        reasons = tuple(reason for reason in verdict.reasons if reason not in of_batch)
        if not reasons and sum(item.cents for item in items[one.contact_id]) < one.asked_cents:
            reasons = (Reason.STALE if items[one.contact_id] else Reason.NOTHING_DUE,)
        if reasons:
            found[one.id] = replace(verdict, reasons=reasons)
    return found


def are_old(session: Session, campaign: Running, now: datetime) -> bool:
    """Whether what an ente's collection system told is older than a campaign allows."""
    heard, fresh = collection.heard(session, [campaign.ente_id]).get(campaign.ente_id), campaign.rules.fresh
    return fresh is not None and (heard is None or now - heard > fresh)


def _asked(
    session: Session, persons: Mapping[int, Collection[int]], phase: Phase, day: date
) -> dict[int, tuple[Item, ...]]:
    """By contact, what a letter may ask of him, under whichever of his rows."""
    owed = defaultdict(list)
    for one in positions.of_contact(session, {row for his in persons.values() for row in his}, brief=True):
        owed[one.contact_id].append(one)
    return {
        contact_id: asked((one for row in rows for one in owed[row]), phase, day)
        for contact_id, rows in persons.items()
    }
