"""What is known of people to whom a campaign would write, gathered for `writing.judge_written`."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts import writing
from crm.contacts.writing import Correspondent
from crm.core import clock
from crm.core.db import table_of
from crm.messages import queries as messages
from crm.messages.models import MessageChannel
from crm.messages.rules import Address
from outbound.campaigns.models import WrittenAttempt
from outbound.campaigns.running import Running
from outbound.compliance import facts
from outbound.compliance.rules import Person, Written, Wrote
from outbound.compliance.windows import WEEK

_W = table_of(WrittenAttempt)
_DIGITAL = {Written.SMS: MessageChannel.SMS, Written.EMAIL: MessageChannel.EMAIL}


def writable(
    session: Session, campaign: Running, contact_ids: Collection[int], *, running: bool = True
) -> dict[int, tuple[Person, Correspondent]]:
    """Each of these contacts as `facts.people` has him, with what only whoever writes has to know, and where each is
    reached.
    """
    found = facts.people(session, campaign, contact_ids, running=running)
    persons = {contact_id: one.contact_ids for contact_id, one in found.items()}
    reached = writing.correspondents(session, persons)
    addresses = [
        Address(channel, value)
        for one in reached.values()
        for channel, values in ((MessageChannel.SMS, one.mobiles), (MessageChannel.EMAIL, one.emails))
        for value in values
    ]
    stopped = messages.stopped(session, campaign.ente_id, addresses)
    since = clock.now(session) - WEEK
    wrote = defaultdict(list)
    rows = {row for his in persons.values() for row in his}
    these = select(_W.c.contact_id, _W.c.at, _W.c.channel).where(
        _W.c.begun, _W.c.contact_id.in_(rows), _W.c.at > since
    )  # fmt: skip
    for row in session.execute(these):
        wrote[row.contact_id].append(Wrote(row.at, row.channel))
    whole = {}
    for contact_id, person in found.items():
        his = reached[contact_id]
        where = {Written.SMS: his.mobiles, Written.EMAIL: his.emails, Written.LETTER: tuple(map(str, his.postal))}
        good = {
            channel: tuple(one for one in values if (_DIGITAL.get(channel), one) not in stopped)
            for channel, values in where.items()
        }
        person = replace(  # noqa: PLW2901  # the same one, more of him
            person, addresses=good, stopped=frozenset(one for one in where if where[one] and not good[one]),
            to_messages=his.agreed, written=tuple(one for row in persons[contact_id] for one in wrote[row]),
        )  # fmt: skip
        whole[contact_id] = (person, his)
    return whole
