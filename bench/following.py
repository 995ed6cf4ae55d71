"""The next contact of a campaign, chosen from as many as its list has: claimed, judged, and his, in one transaction."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import event, text

from bench.lists import fill, processor_ms
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median, percentile
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.models import ImportRun, ImportState
from crm.core.db import Database, Scope
from outbound.campaigns import admission, contacts, service
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.plan import Phase, Plan
from outbound.cati import quota_setting
from outbound.cati.quotas import STRATUM
from tests.cast import EMPOLI_LINE

QUICK, WITHIN_MS, CHOSEN, AT_ONCE = 20_000, 10.0, 1_000, 8
ONE = text("SELECT 1")
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)  # a Tuesday
LISTED = """INSERT INTO contact_list (ente_id, name, origin, state, made_by, made_at, members, rows, wrong, unknown,
                                      several, twice)
            VALUES (%(ente)s, 'x', 'file', 'ready', %(by)s, now(), 0, 0, 0, 0, 0, 0) RETURNING id"""
MEMBERS = """INSERT INTO contact_list_member (list_id, contact_id, ente_id)
             SELECT %(list)s, id, ente_id FROM contact WHERE ente_id = %(ente)s AND id >= 1000"""
# Every second of those who come first is out, the others wait.
ASIDE = (
    """UPDATE campaign_contact SET state = CASE WHEN contact_id %% 2 = 0 THEN 'out' ELSE 'later' END,
              why = CASE WHEN contact_id %% 2 = 0 THEN 'nothing_due' ELSE 'tried' END,
              due_at = due_at + interval '1 day'
       WHERE campaign_id = %(campaign)s AND contact_id IN (
           SELECT contact_id FROM campaign_contact WHERE campaign_id = %(campaign)s AND state = 'ready'
           ORDER BY priority DESC, due_at, contact_id LIMIT %(some)s
       )""",
)
# A hundred operators have one each; the others were let go.
LET_GO = (
    """UPDATE campaign_contact SET state = 'later', due_at = due_at + interval '1 day', claimed_by = NULL
       WHERE campaign_id = %(campaign)s AND state = 'claimed' AND contact_id NOT IN (
           SELECT contact_id FROM campaign_contact WHERE campaign_id = %(campaign)s AND state = 'claimed' LIMIT 100
       )""",
)
# Nine of ten are of a stratum of which no more are wanted.
SURVEY = (
    """UPDATE campaign_version SET plan = plan || jsonb_build_object('purpose', 'survey', 'form_id', %(form)s::int)
       WHERE campaign_id = %(campaign)s""",
    """INSERT INTO survey_case (campaign_id, contact_id, ente_id, stratum, replicate, refusals)
       SELECT campaign_id, contact_id, ente_id, CASE WHEN contact_id %% 10 > 0 THEN 'a' ELSE 'b' END, 0, 0
       FROM campaign_contact WHERE campaign_id = %(campaign)s""",
    f"""INSERT INTO survey_quota (ente_id, campaign_id, first, value, second, second_value, target, taken)
        SELECT ente_id, id, '{STRATUM}', stratum, '', '', 100, taken FROM campaign,
            (VALUES ('a', 100), ('b', 0)) AS cell (stratum, taken)
        WHERE id = %(campaign)s""",
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A campaign of so many contacts on a database of its own."""

    centre: Centre
    database: Database
    many: int
    campaign_id: int
    list_id: int
    admitted_s: float

    @property
    def scope(self) -> Scope:
        """Its ente's."""
        return Scope.of_enti([self.centre.cast.empoli], [self.centre.cast.contract])

    @property
    def dsn(self) -> str:
        """Of whoever may do everything."""
        return self.centre.place.postgres.dsn(self.centre.name)


def filled(place: Place, options: Options) -> Filled:
    """The campaign that measurements share; it is Tuesday noon."""

    def make() -> Filled:
        many = QUICK if options.quick else options.contacts
        centre = place.centre("following")
        database = Database(
            centre.settings.database_url, centre.settings.database_routing_url, pool_size=AT_ONCE, clock=lambda: NOON
        )
        database.transact(Scope.of_enti([centre.cast.empoli]), lambda session: session.add(_heard(centre.cast.empoli)))
        list_id = _listed(centre, many)
        campaign_id, admitted_s = _started(centre, database, list_id)
        found = Filled(centre, database, many, campaign_id, list_id, admitted_s)
        _settle(found)
        return found

    return place.once("following", make)


def measure(place: Place, options: Options) -> list[Result]:
    """One operator after the other, and eight at once; then where those who come first are none to be called."""
    its = filled(place, options)
    few = CHOSEN // 5
    results = [
        *_chosen(its, its.campaign_id, f"next contact of {its.many:,}", CHOSEN),
        Result(
            f"{its.many:,} contacts of a list made a campaign's", "", "", f"{its.many / its.admitted_s:,.0f}/s",
            f"{its.admitted_s:.1f} s", None, {},
        ),
    ]  # fmt: skip
    _change(its, ASIDE, campaign=its.campaign_id, some=its.many // 10)
    results += _chosen(its, its.campaign_id, f"the first {its.many // 10:,} are out or wait", few)
    _change(its, LET_GO, campaign=its.campaign_id)
    other, _ = _started(its.centre, its.database, its.list_id)
    _settle(its)
    results += _chosen(its, other, "another campaign over the same list", few)
    _change(its, SURVEY, campaign=other, form=1)
    results += _chosen(its, other, "a survey, of which all strata but a tenth are full", few)
    return results


def _chosen(its: Filled, campaign_id: int, what: str, times: int) -> list[Result]:
    agents = [_agent(its.centre, one) for one in (its.centre.cast.anna, its.centre.cast.luca)]
    asked: list[str] = []

    def choose(n: int) -> float:
        began = time.perf_counter()
        chosen = its.database.transact(
            its.scope, lambda session: contacts.next_contact(session, agents[n % 2], campaign_id=campaign_id)
        )
        assert chosen is not None
        return (time.perf_counter() - began) * 1000

    for n in range(50):
        choose(n)
    event.listen(its.database.app_engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    spent, backends = time.process_time(), _backends_ms(its)
    alone = [choose(n) for n in range(times)]
    spent_ms = (time.process_time() - spent) * 1000 / times + (_backends_ms(its) - backends) / times
    statements = round(len(asked) / times)
    nothing = _nothing(its, statements, times)
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = list(pool.map(choose, range(times)))
    a_second = times / (time.perf_counter() - began)
    p95 = percentile(alone, 0.95)
    detail = {"contacts": its.many, "alone_ms": alone, "together_ms": together, "processor_ms": spent_ms}
    return [
        Result(
            what, f"p95 ≤ {WITHIN_MS:.0f} ms", f"{statements} × SELECT 1: p95 {percentile(nothing, 0.95):.1f} ms",
            f"median {median(alone):.1f} ms, of a processor {spent_ms:.1f}", f"{p95:.1f} ms", p95 <= WITHIN_MS, detail,
        ),
        Result(
            f"{what}: {AT_ONCE} at once", "", "", f"{a_second:.0f}/s", f"p95 {percentile(together, 0.95):.1f} ms", None,
            {},
        ),
    ]  # fmt: skip


def _nothing(its: Filled, statements: int, times: int) -> list[float]:
    """The milliseconds of a transaction of as many statements that read nothing."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        with its.database.begin(its.scope) as session:
            for _ in range(statements - 1):  # the first one opens it
                session.execute(ONE)
        took.append((time.perf_counter() - began) * 1000)
    return took


def _backends_ms(its: Filled) -> float:
    """What the database's processes for this pool have used of a processor."""
    with psycopg.connect(its.dsn) as connection:
        pids = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'filodiretto'").fetchall()
    return sum(processor_ms(int(pid)) for (pid,) in pids)


def _settle(its: Filled) -> None:
    """What a night does: a million rows that were just written are not still being written while others are timed."""
    with psycopg.connect(its.dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _change(its: Filled, statements: Sequence[str], **about: object) -> None:
    with psycopg.connect(its.dsn) as connection:
        for one in statements:
            connection.execute(one, about)
    its.database.transact(its.scope, lambda session: quota_setting.rank(session, int(str(about["campaign"]))))
    _settle(its)


def _heard(ente_id: int) -> ImportRun:
    """The collection system was heard an hour ago."""
    at = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), NOON - timedelta(hours=1))
    return ImportRun(ente_id=ente_id, file_name="x", file_bytes=1, totals=[], state=ImportState.DONE, **at)


def _listed(centre: Centre, many: int) -> int:
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        fill(connection, centre.cast.empoli, 1_000, many)
        of = {"ente": centre.cast.empoli, "by": centre.cast.sara}
        made = connection.execute(LISTED, of).fetchone()
        assert made is not None
        connection.execute(MEMBERS, {**of, "list": made[0]})
        return int(str(made[0]))


def _started(centre: Centre, database: Database, list_id: int) -> tuple[int, float]:
    """The campaign, and the seconds in which the list's members became its contacts."""
    cast, scope = centre.cast, Scope.of_enti([centre.cast.empoli], [centre.cast.contract])
    sara = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    vera = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
    plan = replace(Plan(), queue_id=cast.operator, line=EMPOLI_LINE, scripts={Phase.PERSONAL: "x"})
    campaign_id = database.transact(
        scope,
        lambda session: service.begin(
            session, sara, ente_id=cast.empoli, contract_id=cast.contract, list_id=list_id, name="x", plan=plan
        ),
    )
    for by, deed in ((sara, Deed.SUBMIT), (vera, Deed.APPROVE), (sara, Deed.START)):
        with database.begin(scope) as session:
            service.act(session, by, campaign_id=campaign_id, deed=deed)
    began = time.perf_counter()
    database.transact(scope, lambda session: admission.admit(session, campaign_id=campaign_id))
    return campaign_id, time.perf_counter() - began


def _agent(centre: Centre, user_id: int) -> Principal:
    return Principal(user_id, "", "it", frozenset({Held(Role.AGENT, None, centre.cast.contract)}))
