"""Whom a campaign may write to now, and with which words: the rules' answer and the values of each."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from babel.dates import format_date
from babel.numbers import format_currency
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas import sites
from crm.contacts import calling
from crm.contacts.models import Contact, PersonKind
from crm.contacts.phone import spaced
from crm.core import clock
from crm.core.db import table_of
from crm.enti import queries as enti
from crm.enti.calendar import Hours, Timetable
from crm.messages import queries as messages
from crm.messages.fields import Name
from crm.positions import queries as positions
from crm.positions.summary import HALTED, owed_cents
from outbound.campaigns.lifecycle import State
from outbound.campaigns.running import Running
from outbound.cati import codes, online
from outbound.compliance import correspondence
from outbound.compliance.rules import Rules, Verdict, Written
from outbound.compliance.writing import judge_written
from outbound.messages.text import USUAL, Field, Words
from telephony.lines import queries as lines

_C = table_of(Contact)
WEEKDAYS = 7


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody as a message to him needs him. `verified`: the address is known to be his."""

    contact_id: int
    name: str
    verdict: Verdict
    verified: bool
    values: dict[Field, str]


def letterhead(session: Session, campaign: Running, *, public_url: str) -> dict[Field, str]:
    """What is the same in all messages of a campaign: the ente's name, the number to call, its pages."""
    badge = enti.badges(session)[campaign.ente_id]
    name = badge.name if len(badge.name) <= Name().longest else badge.short_name
    line = campaign.plan.line or lines.sender(session, campaign.ente_id)
    site = sites.of_ente(session, campaign.ente_id)
    values = {Field.ENTE: name, **{one: USUAL[one] for one in (Field.SURVEY, Field.CODE)}}
    if line:
        values[Field.LINE] = spaced(line)
    if site is not None:
        values[Field.BOOKING] = site.address(public_url)
        values[Field.REQUESTS] = site.page(public_url, sites.REQUESTS)
    return values


def written_rules(session: Session, campaign: Running) -> Rules:
    """The campaign's rules, and the hours in which its ente lets SMS arrive."""
    quiet = messages.quiet(session, campaign.ente_id)
    hours = tuple(Hours(day, quiet.ends, quiet.starts) for day in range(WEEKDAYS))
    return replace(campaign.rules, quiet=Timetable(hours, observes_holidays=False))


def addressees(
    session: Session, campaign: Running, contact_ids: Collection[int], *, channel: Written, rules: Rules,
    head: dict[Field, str], now: datetime, public_url: str, dry: bool = False,
) -> list[Addressee]:  # fmt: skip
    """Each of these contacts, judged at `now`; of those who may be written to, the values of every field.

    `dry`: as if the campaign ran, for whoever looks before, who is shown a link that leads nowhere.
    """
    found = correspondence.writable(session, campaign, contact_ids, running=dry or campaign.state is State.RUNNING)
    verdicts = {key: judge_written(person, rules, now, channel) for key, (person, _) in found.items()}
    wanted = {key for key, verdict in verdicts.items() if verdict.allowed or dry}
    names, owed = _names(session, contact_ids), _owed(session, wanted)
    links = {} if dry else _links(session, campaign, wanted, public_url)
    return [
        Addressee(
            key, names.get(key, ""), verdict, verdict.number in found[key][1].verified,
            {**head, **_called(names.get(key, "")), **owed.get(key, {}), **links.get(key, {})},
        )
        for key, verdict in verdicts.items()
    ]  # fmt: skip


def words_of(campaign: Running, channel: Written, now: datetime) -> Words:
    """What is written on the day of an instant."""
    plan = campaign.plan
    phase = plan.phase(clock.business_day(now))
    return plan.words(channel, phase if phase in plan.phases else plan.phases[0])


def _links(
    session: Session, campaign: Running, contact_ids: Collection[int], public_url: str
) -> dict[int, dict[Field, str]]:
    """How each answers a survey by himself, where it may be answered so. Nobody else gets to see it."""
    plan = campaign.plan
    if plan.form_id is None:
        return {}
    ente_id, campaign_id = campaign.ente_id, campaign.id

    def link(contact_id: int) -> str:
        return online.address(
            session, ente_id=ente_id, campaign_id=campaign_id, contact_id=contact_id, public_url=public_url
        )

    def ways(contact_id: int) -> dict[Field, str]:
        by_web = {Field.SURVEY: link(contact_id)} if plan.by_web else {}
        if not plan.by_ivr:
            return by_web
        return by_web | {Field.CODE: codes.code(session, campaign_id=campaign_id, contact_id=contact_id)}

    return {one: ways(one) for one in contact_ids}


def _called(name: str) -> dict[Field, str]:
    return {Field.NAME: name} if name else {}


def _names(session: Session, contact_ids: Collection[int]) -> dict[int, str]:
    """As one speaks to him: given name first."""
    rows = session.execute(select(_C.c.id, _C.c.given_name, _C.c.surname, _C.c.kind).where(_C.c.id.in_(contact_ids)))
    return {
        row.id: f"{row.given_name} {row.surname}" if row.given_name and row.kind is PersonKind.NATURAL else row.surname
        for row in rows
    }


def _owed(session: Session, contact_ids: Collection[int]) -> dict[int, dict[Field, str]]:
    """What there is to pay: the sum, how many notices, the oldest one's number and date."""
    persons = calling.persons(session, contact_ids)
    by_row = defaultdict(list)
    rows = {row for his in persons.values() for row in his}
    for one in positions.of_contact(session, rows, brief=True):
        if owed_cents(one) and one.state not in HALTED:
            by_row[one.contact_id].append(one)
    found = {}
    for contact_id, his in persons.items():
        owed = [one for row in his for one in by_row[row]]
        if not owed:
            continue
        cents = sum(owed_cents(one) for one in owed)
        values = {Field.AMOUNT: format_currency(cents / 100, "EUR", locale="it"), Field.NOTICES: str(len(owed))}
        oldest = min(owed, key=lambda one: (one.due_on is None, one.due_on, one.id))
        if oldest.notice_number:
            values[Field.NOTICE] = oldest.notice_number
        if oldest.due_on:
            values[Field.DUE] = format_date(oldest.due_on, "d MMMM y", locale="it")
        found[contact_id] = values
    return found
