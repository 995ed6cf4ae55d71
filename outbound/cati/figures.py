"""How a survey stands: every case with its disposition, and what its interviewers did."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import String, case, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core.db import table_of
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Use
from outbound.campaigns.counted import counted
from outbound.campaigns.models import Attempt, CampaignContact
from outbound.cati import drawing, surveys
from outbound.cati.aapor import Cases, Disposition, Group, rates
from outbound.cati.cases import Heard, disposition
from outbound.cati.comparing import DONT_KNOW, Work, usual_seconds, whole
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState, Mode, SurveyCase
from outbound.compliance.rules import Ended, Reason

SHEET = ("case", "stratum", "weight", "replicate", "disposition", "group", "attempts", "mode")
SUMS = ("what", "code", "value")
_CC, _A, _I, _CASE = (table_of(one) for one in (CampaignContact, Attempt, Interview, SurveyCase))


@dataclass(frozen=True, slots=True)
class Interviewer:
    """What one did, and where chance does not explain that he differs. `locked`: nothing of him may be shown."""

    name: str
    locked: bool
    work: Work
    speeders: int
    refusals_differ: bool
    dont_know_differs: bool


_DISPOSITIONS = TypeAdapter(dict[Disposition, int])


def dispositions(session: Session, campaign_id: int) -> dict[Disposition, int]:
    """How many cases of a survey stand how: all of the sample, the not attempted too; of a large one, as they were
    counted a moment ago. Of whom was erased, what his interview came to stays.
    """
    now = partial(_dispositions, session, campaign_id)
    return counted(session, campaign_id, "dispositions", _DISPOSITIONS, now, rows=lambda found: sum(found.values()))


def _dispositions(session: Session, campaign_id: int) -> dict[Disposition, int]:
    standing: dict[Disposition, int] = defaultdict(int)
    tried = _tried(campaign_id).subquery()
    led = _interviews(campaign_id).subquery()
    rows = session.execute(
        select(tried.c.ended, led.c.disposition, _CC.c.why, func.count())
        .select_from(_CC)
        .outerjoin(tried, tried.c.contact_id == _CC.c.contact_id)
        .outerjoin(led, led.c.contact_id == _CC.c.contact_id)
        .where(_CC.c.campaign_id == campaign_id)
        .group_by(tried.c.ended, led.c.disposition, _CC.c.why)
    )
    for ended, interview, why, count in rows:
        standing[disposition(_heard(ended, interview, why))] += count
    gone = session.execute(
        select(_I.c.disposition, func.count())
        .where(_I.c.campaign_id == campaign_id, _I.c.contact_id.is_(None), _I.c.disposition.is_not(None))
        .group_by(_I.c.disposition)
    )
    for interview, count in gone:
        standing[interview] += count
    return dict(standing)


def sheet(session: Session, by: Principal, *, campaign_id: int) -> Iterator[list[object]]:
    """A row for each case, without who he is: stratum, base weight, reserve, disposition, attempts."""
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.INTERVIEW_EXPORT, ente_id=found.ente_id)
    drawn = drawing.sample(session, campaign_id)
    weights = {one.name: one.weight for one in drawn.strata} if drawn is not None else {}
    tried, led = _tried(campaign_id).subquery(), _interviews(campaign_id).subquery()
    rows = session.execute(
        select(
            _CASE.c.stratum, _CASE.c.replicate, tried.c.ended, tried.c.times, led.c.disposition, led.c.mode, _CC.c.why
        )
        .select_from(_CC)
        .outerjoin(tried, tried.c.contact_id == _CC.c.contact_id)
        .outerjoin(led, led.c.contact_id == _CC.c.contact_id)
        .outerjoin(_CASE, (_CASE.c.campaign_id == _CC.c.campaign_id) & (_CASE.c.contact_id == _CC.c.contact_id))
        .where(_CC.c.campaign_id == campaign_id)
        .order_by(func.md5(func.concat(campaign_id, ":", _CC.c.contact_id)))
    ).all()
    audit.note(session, by, kind="interview.exported", ente_id=found.ente_id, after={"kind": "cases"})
    for number, row in enumerate(rows, 1):
        stands = disposition(_heard(row.ended, row.disposition, row.why))
        weight = weights.get(row.stratum or "") if drawn is not None else 1
        yield [
            number, row.stratum or "", "" if weight is None else f"{float(weight):.6f}", row.replicate or 0,
            stands.value, stands.group.value, row.times or 0, row.mode.value if row.mode else "",
        ]  # fmt: skip
    gone = session.execute(
        select(_I.c.stratum, _I.c.disposition, _I.c.mode)
        .where(_I.c.campaign_id == campaign_id, _I.c.contact_id.is_(None), _I.c.disposition.is_not(None))
        .order_by(func.md5(cast(_I.c.id, String)))
    ).all()
    for number, (stratum, ended, mode) in enumerate(gone, len(rows) + 1):  # the rest of what was known is erased
        weight = weights.get(stratum) if drawn is not None else 1
        told = "" if weight is None else f"{float(weight):.6f}"
        yield [number, stratum, told, "", ended.value, ended.group.value, "", mode.value]


def by_mode(session: Session, campaign_id: int) -> dict[Mode, int]:
    """How many of a survey's complete interviews were led how."""
    rows = session.execute(
        select(_I.c.mode, func.count())
        .where(_I.c.campaign_id == campaign_id, _I.c.disposition == Disposition.COMPLETE)
        .group_by(_I.c.mode)
    )
    return dict(rows.all())


def sums(session: Session, by: Principal, *, campaign_id: int) -> Iterator[list[object]]:
    """A row for each disposition, each rate and the e that was used, as `SUMS` names them."""
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.INTERVIEW_EXPORT, ente_id=found.ente_id)
    counted = dispositions(session, campaign_id)
    reckoned = rates(Cases.of(counted))
    audit.note(session, by, kind="interview.exported", ente_id=found.ente_id, after={"kind": "rates"})
    for one, count in sorted(counted.items()):
        yield ["disposition", one.value, count]
    for rate, value in reckoned.values.items():
        yield ["rate", rate.value, "" if value is None else f"{float(value):.6f}"]
    yield ["rate", "e", "" if reckoned.e is None else f"{float(reckoned.e):.6f}"]
    for mode, count in sorted(by_mode(session, campaign_id).items()):
        yield ["complete", mode.value, count]


def interviewers(session: Session, by: Principal, *, campaign_id: int) -> list[Interviewer]:
    """What each did, by name. Of whom figures are locked (L. 300/1970, art. 4) nothing but that he took part."""
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    works = _works(session, campaign_id)
    locks = monitoring.locks(session, Use.FIGURES, contract_id=found.contract_id, agent_ids=set(works))
    names: dict[int, str] = dict(session.execute(select(User.id, User.name).where(User.id.in_(works))).all())
    open_to_all = {one: work for one, work in works.items() if locks[one] is None}
    usual = usual_seconds(list(works.values()))
    refusals = whole({one: work.refusals for one, work in works.items()})
    unknown = whole({one: work.dont_know for one, work in works.items()})
    return sorted(
        (
            Interviewer(
                names.get(one, "—"), one not in open_to_all,
                work if one in open_to_all else Work(one, 0, 0, 0, (), 0, 0),
                work.speeders(usual) if one in open_to_all else 0,
                one in open_to_all and work.refusals.differs(refusals),
                one in open_to_all and work.dont_know.differs(unknown),
            )
            for one, work in works.items()
        ),
        key=lambda one: one.name,
    )  # fmt: skip


def _works(session: Session, campaign_id: int) -> dict[int, Work]:
    dialed = session.execute(
        select(_A.c.agent_id, func.count())
        .where(_A.c.campaign_id == campaign_id, _A.c.begun, _A.c.agent_id.is_not(None))
        .group_by(_A.c.agent_id)
    )
    attempts: dict[int, int] = dict(dialed.all())
    event = InterviewEvent
    took = (
        select(event.interview_id, func.sum(event.took_ms).label("ms")).group_by(event.interview_id).subquery()
    )  # fmt: skip
    led = session.execute(
        select(Interview.interviewer_id, Interview.disposition, func.coalesce(took.c.ms, 0))
        .outerjoin(took, took.c.interview_id == Interview.id)
        .where(
            Interview.campaign_id == campaign_id, Interview.interviewer_id.is_not(None),
            Interview.disposition.is_not(None), Interview.state != InterviewState.RUNNING,
        )
    ).all()  # fmt: skip
    unknown = event.value.in_(["", *DONT_KNOW])
    said = session.execute(
        select(event.interviewer_id, func.sum(case((unknown, 1), else_=0)), func.count())
        .join(Interview, Interview.id == event.interview_id)
        .where(Interview.campaign_id == campaign_id, event.deed == InterviewDeed.ANSWERED)
        .group_by(event.interviewer_id)
    ).all()
    answers = {agent_id: (int(some or 0), int(count)) for agent_id, some, count in said if agent_id is not None}
    found = {}
    for agent_id in {*attempts, *answers, *(one for one, _, _ in led)}:
        his = [(disposition, int(ms) // 1000) for one, disposition, ms in led if one == agent_id]
        complete = tuple(seconds for disposition, seconds in his if disposition is Disposition.COMPLETE)
        found[agent_id] = Work(
            agent_id, attempts.get(agent_id, 0), len(complete),
            sum(disposition.group is Group.R for disposition, _ in his), complete, *answers.get(agent_id, (0, 0)),
        )  # fmt: skip
    return found


def _tried(campaign_id: int) -> Any:
    ended: Any = func.array_agg(
        func.distinct(cast(func.coalesce(_A.c.ended, Ended.UNKNOWN.value), String)), type_=ARRAY(String)
    )
    return (
        select(_A.c.contact_id, ended.label("ended"), func.count().label("times"))
        .where(_A.c.campaign_id == campaign_id, _A.c.begun)
        .group_by(_A.c.contact_id)
    )


def _interviews(campaign_id: int) -> Any:
    """Those that have an outcome."""
    its = (_I.c.campaign_id == campaign_id, _I.c.state != InterviewState.RUNNING)
    return select(_I.c.contact_id, _I.c.disposition, _I.c.mode).where(*its)


def _heard(ended: list[str] | None, interview: Disposition | None, why: Reason | None) -> Heard:
    return Heard.of([Ended(one) for one in ended or ()], interview, why)
