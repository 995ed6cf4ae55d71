"""What a large campaign's pages and chores read, of a million contacts and 300,000 attempts: each as its page reads it
the first time, and as whoever looks next has it.
"""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.following import Filled, filled
from bench.lists import processor_ms
from bench.options import Options
from bench.place import Place
from bench.results import Result, median
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from outbound.campaigns import contacts, queries, ripening
from outbound.dialer import queries as dialer
from outbound.results import reading, watching
from outbound.results.reading import USUAL

LIVE_MS, ASKED_MS = 150.0, 2_000.0
TRIED = 10, 3  # three of ten contacts
STATEMENTS = (
    "UPDATE campaign SET started_at = started_at - interval '21 days' WHERE id = %(campaign)s",
    """INSERT INTO attempt (id, ente_id, contract_id, campaign_id, version, contact_id, number, at, begun, reasons,
                            agent_id, operator, ended, ended_at)
       SELECT gen_random_uuid(), cc.ente_id, c.contract_id, c.id, 1, cc.contact_id,
              '+39348' || lpad(cc.contact_id::text, 7, '0'), c.started_at + (3 - n %% 3) * interval '7 days', true,
              '{}', %(agent)s, n %% 10 < 3, (ARRAY['spoken', 'answered', 'no_answer', 'no_answer', 'no_answer',
              'no_answer', 'machine', 'busy', 'failed', 'no_answer'])[1 + n %% 10],
              c.started_at + (3 - n %% 3) * interval '7 days'
       FROM (SELECT *, row_number() OVER () AS n FROM campaign_contact
             WHERE campaign_id = %(campaign)s AND contact_id %% %(of)s < %(some)s) cc
       JOIN campaign c ON c.id = cc.campaign_id""",
    """UPDATE campaign_contact cc SET state = CASE WHEN a.ended = 'spoken' THEN 'done' ELSE 'later' END,
              why = CASE WHEN a.ended = 'spoken' THEN NULL ELSE 'tried' END
       FROM attempt a WHERE a.campaign_id = cc.campaign_id AND a.contact_id = cc.contact_id
                        AND cc.campaign_id = %(campaign)s""",
    """INSERT INTO outcome_given (id, ente_id, campaign_id, contact_id, attempt_id, call_id, said, given_at, given_by,
                                  note, deeds)
       SELECT gen_random_uuid(), ente_id, campaign_id, contact_id, id, gen_random_uuid(), 'refuses', at, %(agent)s, '',
              '{}' FROM attempt WHERE ended = 'spoken' AND campaign_id = %(campaign)s""",
    """UPDATE position SET payments = jsonb_build_array(jsonb_build_object(
              'paid_on', (now()::date - (contact_id %% 14)::int)::text, 'cents', 1000, 'channel', 'x'))
       WHERE contact_id IN (SELECT contact_id FROM campaign_contact WHERE campaign_id = %(campaign)s)
         AND contact_id %% 10 = 0""",
)


def measure(place: Place, options: Options) -> list[Result]:
    """Read each twice over."""
    its = filled(place, options)
    sara = Principal(its.centre.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, its.centre.cast.contract)}))
    of, some = TRIED
    about = {"campaign": its.campaign_id, "agent": its.centre.cast.anna, "of": of, "some": some}
    with psycopg.connect(its.dsn) as connection:
        for one in STATEMENTS:
            connection.execute(one, about)
    with psycopg.connect(its.dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    key = its.campaign_id

    def explained(session: Session) -> object:
        some = queries.first(session, key, of=queries.one(session, key))
        return contacts.explain(session, sara, campaign_id=key, contact_ids=some)

    pages: dict[str, tuple[float, Callable[[Session], object]]] = {
        "how far it has come": (LIVE_MS, lambda session: queries.progress(session, key)),
        "live board": (LIVE_MS, lambda session: dialer.board(session, key)),
        "dry run of the first": (LIVE_MS, explained),
        "all campaigns": (ASKED_MS, queries.campaigns),
        "results": (LIVE_MS, lambda session: reading.live(session, campaign_id=key)),
        "what was collected, before it is counted": (
            LIVE_MS,
            lambda session: watching.watched(session, campaign_id=key, days=USUAL),
        ),
        "whose time has come": (ASKED_MS, lambda session: ripening.ripen(session, campaign_id=key)),
    }
    results = [_read(its, what, within, read, options) for what, (within, read) in pages.items()]
    counting = _read(
        its, "counting what was collected", ASKED_MS, lambda session: watching.count(session, key), options
    )
    after = _read(its, "what was collected", LIVE_MS, pages["what was collected, before it is counted"][1], options)
    return [*results, counting, after]


def _read(its: Filled, what: str, within: float, read: Callable[[Session], Any], options: Options) -> Result:
    """The first time, and then the median of those who look next; each in a transaction of its own."""

    def once() -> tuple[float, float]:
        with its.database.begin(its.scope) as session:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            began, before = time.perf_counter(), processor_ms(pid)
            read(session)
            return (time.perf_counter() - began) * 1000, processor_ms(pid) - before

    first, spent = once()
    next_ones = [once()[0] for _ in range(options.repeats)]
    return Result(
        f"{what}, of {its.many:,}", f"≤ {within:.0f} ms", f"first {first:.0f} ms, of a processor {spent:.0f}", "",
        f"{median(next_ones):.0f} ms", median(next_ones) <= within, {"first": first, "next": next_ones},
    )  # fmt: skip
