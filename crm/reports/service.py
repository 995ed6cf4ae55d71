"""Making reports: by themselves once a period has settled, anew when somebody asks; and telling whoever wants it."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from crm.access.models import RoleGrant, User
from crm.access.permissions import PERMISSIONS, Permission, Principal
from crm.access.queries import kept_away
from crm.access.service import in_force, require_on
from crm.audit import service as audit
from crm.conditions.queries import conditions
from crm.core import clock, jobs, topics
from crm.core.clock import start_of_day
from crm.core.db import Database, Scope, table_of, touch
from crm.core.each import total_of_each
from crm.core.errors import ConflictError
from crm.core.jobs import Runner, Taken
from crm.enti import queries as enti
from crm.levels import queries as levels
from crm.levels.agreement import Period
from crm.levels.closing import Read, closed, done_of, due
from crm.levels.queries import BY_HOUR
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.reports import queries, reading
from crm.reports.addressees import addressees
from crm.reports.due import TOLD_WITHIN, Span, settled, span, told_at
from crm.reports.models import ReportWish, ServiceReport
from crm.reports.queries import MAKE
from crm.reports.reading import FoundShut
from crm.reports.report import Report, seal, stored

TELL = "report.tell"
LANGUAGE = "it"  # of an ente's offices
_ROLES = [role for role, allowed in PERMISSIONS.items() if Permission.ENTE_WATCH in allowed]


def owe_due(database: Database) -> int:
    """Owe the reports of periods that have settled and have none yet; how many. Nothing is owed twice."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(
        contracts, lambda one: database.transact(Scope.of_contract(one), partial(_owe, contract_id=one))
    )


def _owe(session: Session, *, contract_id: int) -> int:
    return sum(_owed(session, contract_id, ente_id, one, after=0) for one, ente_id in _missing(session, contract_id))


def _owed(
    session: Session, contract_id: int, ente_id: int | None, one: Span, *, after: int, by: int | None = None
) -> bool:  # fmt: skip
    """A job belongs to an ente: that of a whole contract's report to the first that it covers."""
    argument = {"contract": contract_id, "period": one.period.value, "first": one.first.isoformat(), "after": after}
    argument |= {"whole": True} if ente_id is None else {}
    argument |= {} if by is None else {"by": by}
    where = min(enti.enti_of(session, contract_id)) if ente_id is None else ente_id
    return jobs.enqueue_once(session, ente_id=where, kind=MAKE, argument=argument)


def _missing(session: Session, contract_id: int) -> Iterator[tuple[Span, int | None]]:
    """What is not made yet: of each ente, and of the whole where there are several.

    A report waits for the closings of its days: made before, it would be without their penalties.
    """
    now = clock.now(session)
    closings = set(due(levels.agreements(session, frozenset({contract_id})), now, done_of(session, contract_id)))
    covered = sorted(enti.enti_of(session, contract_id))
    whole = [None] if len(covered) > 1 else []
    for one in settled(now):
        for ente_id in (*covered, *whole):
            if not _was_served(session, contract_id, ente_id, one) or queries.exists(
                session, contract_id=contract_id, ente_id=ente_id, period=one.period, first=one.first
            ):
                continue
            if all(
                closed(session, contract_id, *days, ente_id=ente_id) is not None
                for days in closings
                if one.first <= days[0] and days[1] <= one.last
            ):
                yield one, ente_id


def ask_anew(session: Session, by: Principal, *, report_id: int) -> None:
    """Have a report made again: a further version beside those there are. Raises `ConflictError` while one is made."""
    made, _ = queries.read(session, by, report_id)
    if made.ente_id is not None:
        require_on(session, by, Permission.ENTE_WATCH, ente_id=made.ente_id)
    one = span(made.period, made.first)
    if not _owed(session, made.contract_id, made.ente_id, one, after=made.of, by=by.user_id):
        raise ConflictError("Questa relazione si sta già preparando.")
    for ente_id in sorted(enti.enti_of(session, made.contract_id)) if made.ente_id is None else [made.ente_id]:
        audit.note(
            session, by, kind="report.asked_anew", ente_id=ente_id, subject=f"report:{report_id}",
            after={"period": made.period.value, "first": made.first.isoformat()},
        )  # fmt: skip


def wish(session: Session, by: Principal, *, ente_id: int, wanted: bool) -> None:
    """Somebody wants, or no longer wants, an e-mail once a report of this ente's is ready."""
    require_on(session, by, Permission.ENTE_WATCH, ente_id=ente_id)
    table = table_of(ReportWish)
    if wanted:
        row = {"ente_id": ente_id, "user_id": by.user_id, "wished_at": clock.now(session)}
        session.execute(insert(table).values(row).on_conflict_do_nothing())
    else:
        session.execute(delete(table).where(table.c.ente_id == ente_id, table.c.user_id == by.user_id))


def maker(days_of: Read, found_shut: FoundShut | None = None) -> Runner:
    """Makes the report that a job names. `days_of` tells what is known of an ente's days, `found_shut` how many called
    closed numbers.
    """
    return Runner(partial(_make, days_of, found_shut))


def teller(public_url: str) -> Runner:
    """Writes to those who want to be told of a report."""
    return Runner(partial(_tell, public_url))


def _make(days_of: Read, found_shut: FoundShut | None, database: Database, job: Taken) -> None:
    """Read in one snapshot, then write one version: killed anywhere, done again, there is one all the same."""
    contract_id, after = int(job.argument["contract"]), int(job.argument["after"])
    one = span(Period(job.argument["period"]), date.fromisoformat(job.argument["first"]))
    by, ente_id = job.argument.get("by"), None if job.argument.get("whole") else job.ente_id
    with database.snapshot(Scope.of_contract(contract_id)) as session:
        if _versions(session, ente_id, contract_id, one) > after:
            return
        days = days_of(session, contract_id, ente_id)
        found = reading.read(session, contract_id, ente_id, one, days, turn=job.renew, found_shut=found_shut)
    job.renew()
    write = partial(_write, found=found, after=after, by=None if by is None else int(by))
    database.transact(Scope.of_enti([job.ente_id], [contract_id]), write)


def _write(session: Session, *, found: Report, after: int, by: int | None) -> None:
    made = session.execute(
        insert(table_of(ServiceReport))
        .values(
            contract_id=found.contract_id, ente_id=found.ente_id, period=found.period, first=found.first,
            last=found.last, version=after + 1, made_at=found.made_at, made_by=by, seal=seal(found),
            kept=stored(found),
        )
        .on_conflict_do_nothing()
        .returning(table_of(ServiceReport).c.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None or found.ente_id is None:  # of the whole contract nobody is written to
        return
    touch(session, topics.ente(found.ente_id))
    now, end = clock.now(session), span(found.period, found.first).after
    if after == 0 and now < start_of_day(end) + TOLD_WITHIN:
        at = max(now, told_at(enti.timetable(session, found.contract_id, found.ente_id), end))
        jobs.enqueue(session, ente_id=found.ente_id, kind=TELL, argument={"report": made}, due_at=at)


def _tell(public_url: str, database: Database, job: Taken) -> None:
    with database.begin(Scope.of_enti([job.ente_id])) as session:
        row = _newest(session, int(job.argument["report"]))
        if row is None or row.ente_id is None:
            return
        values = {"first": row.first, "last": row.last, "link": f"{public_url}/reports/{row.id}"}
        for address, (cause, language) in _told(session, row).items():
            order = Order(
                row.ente_id, MessageTemplate.REPORT_READY, values, channel=MessageChannel.EMAIL, address=address,
                language=language,
            )  # fmt: skip
            messages.owe(session, None, order, cause=cause_of(row.id, cause))


def _newest(session: Session, report_id: int) -> ServiceReport | None:
    """What that report has become: made again before anybody was told, it is the newer version that he wants."""
    first, other = aliased(ServiceReport), ServiceReport
    return session.scalar(
        select(other)
        .join(
            first,
            (other.ente_id == first.ente_id) & (other.contract_id == first.contract_id)
            & (other.period == first.period) & (other.first == first.first),
        )
        .where(first.id == report_id)
        .order_by(other.version.desc())
        .limit(1)
    )  # fmt: skip


def cause_of(report_id: int, whom: str) -> str:
    """Why a message is written that announces a report to somebody: once."""
    return f"report:{report_id}:{whom}"


def report_of(cause: str) -> int:
    """The report that such a message announces."""
    return int(cause.split(":")[1])


def _told(session: Session, row: ServiceReport) -> dict[str, tuple[str, str]]:
    """Who is told of a report, by address: the cause that is told once, and the language.

    The ente's offices are told of the periods for which the contract wants reports, of each month where it does not say
    (Anci Toscana 4.1.1; STEP: months and quarters); who asked for it, of all of them.
    """
    assert row.ente_id is not None
    found: dict[str, tuple[str, str]] = {}
    if row.period in (conditions(session, row.contract_id, row.last).reports or (Period.MONTH,)):
        for address in addressees(session, [row.ente_id]).get(row.ente_id, ()):
            found[address] = f"to:{sha256(address.encode()).hexdigest()[:32]}", LANGUAGE
    for user_id, address, language in _who_wants(session, row.ente_id, row.contract_id):
        found[address.lower()] = str(user_id), language
    return found


def _who_wants(session: Session, ente_id: int, contract_id: int) -> list[tuple[int, str, str]]:
    """Id, e-mail and language of those who want to be told and may still watch the ente."""
    on = (RoleGrant.ente_id == ente_id) | (RoleGrant.contract_id == contract_id)
    rows = session.execute(
        select(User.id, User.email, User.language)
        .distinct()
        .join(ReportWish, ReportWish.user_id == User.id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            ReportWish.ente_id == ente_id, User.active, User.email.is_not(None), RoleGrant.role.in_(_ROLES), on,
            *in_force(session), ~kept_away(User.id, [ente_id]),
        )
        .order_by(User.id)
    )  # fmt: skip
    return [(user_id, email, language) for user_id, email, language in rows if email]


def _was_served(session: Session, contract_id: int, ente_id: int | None, one: Span) -> bool:
    """Whether any call was counted by the end of a period: of before there is nothing to report."""
    until = start_of_day(one.after)
    return any(
        session.scalar(
            select(table.c.contract_id)
            .where(table.c.contract_id == contract_id, at < until)
            .where(*([] if ente_id is None else [table.c.ente_id == ente_id]))
            .limit(1)
        )
        is not None
        for table, at, _ in BY_HOUR
    )


def _versions(session: Session, ente_id: int | None, contract_id: int, one: Span) -> int:
    return queries.exists(session, contract_id=contract_id, ente_id=ente_id, period=one.period, first=one.first)
