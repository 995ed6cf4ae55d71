"""Writing a survey's quotas, and whom they make the next to be called."""

from collections.abc import Mapping

from sqlalchemy import Integer, String, case, column, delete, func, select, update, values
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.each import total_of_each
from crm.core.errors import ConflictError, FieldError, InvalidError
from crm.enti import queries as enti
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, ContactState
from outbound.cati import drawing, places, queries, surveys
from outbound.cati.models import Interview, SurveyCase, SurveyForm, SurveyQuota
from outbound.cati.questionnaire.definition import Questionnaire
from outbound.cati.quotas import MOST_CELLS, STRATUM, distance, variables

MOST_WANTED = 1_000_000
_CC, _CASE, _QUOTA, _INTERVIEW = (table_of(one) for one in (CampaignContact, SurveyCase, SurveyQuota, Interview))
Values = tuple[tuple[str, str], ...]  # of a variable: each with what it is called


def offered(session: Session, campaign_id: int) -> dict[str, Values]:
    """What can make a survey's quotas: its strata, if a sample was drawn, and questions of one choice."""
    _, form_id = surveys.get(session, campaign_id)
    drawn = drawing.sample(session, campaign_id)
    strata = tuple((one.name, one.name) for one in drawn.strata) if drawn is not None else ()
    known = _form(session, form_id)
    return {**({STRATUM: strata} if len(strata) > 1 else {}), **(variables(known) if known is not None else {})}


def titles(session: Session, campaign_id: int) -> dict[str, str]:
    """What the questions ask, by name."""
    _, form_id = surveys.get(session, campaign_id)
    known = _form(session, form_id)
    if known is None:
        return {}
    return {one.name: known.said(one.label, known.default_language) or one.name for one in known.questions()}


def save(
    session: Session, by: Principal, *, campaign_id: int, first: str, second: str = "",
    targets: Mapping[tuple[str, str], int],
) -> None:  # fmt: skip
    """Write the quotas: by one variable (`second` empty), or by two crossed. Targets may change while it runs.

    A cell without a target has no limit, and there are none without targets. Raises `InvalidError` at the cell that
    has more interviews already, `ConflictError` where other variables are chosen and interviews have places.
    """
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    if second == STRATUM:
        first, second = second, first
        targets = {(other, value): count for (value, other), count in targets.items()}
    known = offered(session, campaign_id)
    if targets and (first not in known or (second and second not in known) or first == second):
        raise FieldError("Scegli per che cosa si contano.", "first")
    session.execute(select(_QUOTA.c.id).where(_QUOTA.c.campaign_id == campaign_id).order_by("id").with_for_update())
    before = places.cells(session, campaign_id)
    if any(one.taken and (one.first, one.second) != (first, second) for one in before):
        raise ConflictError("Ci sono già interviste che contano: si possono cambiare i numeri, non le domande.")
    taken = {(one.value, one.second_value): one.taken for one in before if (one.first, one.second) == (first, second)}
    _check(known, first, second, targets, taken)
    gone = [one.id for one in before if (one.first, one.second) != (first, second)]
    gone += [one.id for one in before if one.id not in gone and (one.value, one.second_value) not in targets]
    held = update(_INTERVIEW).where(_INTERVIEW.c.quota_id.in_(gone))
    session.execute(held.values(quota_id=None))  # a cell that is no more limits nobody
    session.execute(delete(_QUOTA).where(_QUOTA.c.id.in_(gone)))
    session.expire_all()
    of_survey = select(SurveyQuota).where(SurveyQuota.campaign_id == campaign_id)
    rows = {(one.value, one.second_value): one for one in session.scalars(of_survey)}
    for (value, other), target in targets.items():
        if (row := rows.get((value, other))) is not None:
            row.target = target
            continue
        session.add(
            SurveyQuota(
                ente_id=found.ente_id, campaign_id=campaign_id, first=first, value=value, second=second,
                second_value=other, target=target, taken=0,
            )
        )  # fmt: skip
    session.flush()
    rank(session, campaign_id)
    audit.note(
        session, by, kind="survey.quotas", ente_id=found.ente_id,
        subject=session.get_one(Campaign, campaign_id).name, after={"cells": len(targets)},
    )  # fmt: skip
    touch(session, topics.campaigns(found.ente_id))


def rank(session: Session, campaign_id: int) -> int:
    """Whose stratum is furthest from what is wanted is called first; of how many that changed the place.

    Only where strata make the quotas: of anything else nobody knows before he is asked. Those of a full stratum have no
    place at all (0), so that nobody looks at each of them to find the next; unless they are asked once more.
    """
    wanted: dict[str, tuple[int, int]] = {}
    for one in places.cells(session, campaign_id):
        if one.first == STRATUM:
            target, taken = wanted.get(one.value, (0, 0))
            wanted[one.value] = (target + one.target, taken + one.taken)
    if not wanted:
        return 0
    ranks = values(column("name", String), column("rank", Integer), name="ranks").data(
        sorted((name, distance(*one)) for name, one in wanted.items())
    )
    place = case((_CASE.c.asked.is_not(None), func.greatest(ranks.c.rank, 1)), else_=ranks.c.rank)
    done = session.execute(
        update(_CC)
        .where(
            _CC.c.campaign_id == campaign_id, _CC.c.state.in_([ContactState.READY, ContactState.LATER]),
            _CASE.c.campaign_id == campaign_id, _CASE.c.contact_id == _CC.c.contact_id,
            _CASE.c.stratum == ranks.c.name, _CC.c.priority != place,
        )
        .values(priority=place)
    )  # fmt: skip
    return int(done.rowcount)  # type: ignore[attr-defined]


def rank_all(database: Database) -> int:
    """The same of every survey that runs; of how many people."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(contracts, lambda one: database.transact(Scope.of_contract(one), _rank_running))


def _rank_running(session: Session) -> int:
    running = session.scalars(
        select(SurveyQuota.campaign_id)
        .join(Campaign, Campaign.id == SurveyQuota.campaign_id)
        .where(Campaign.state == State.RUNNING, SurveyQuota.first == STRATUM)
        .group_by(SurveyQuota.campaign_id)
        .having(func.count() > 0)
    )
    return sum(rank(session, one) for one in running.all())


def _form(session: Session, form_id: int) -> Questionnaire | None:
    form = session.get_one(SurveyForm, form_id)
    return queries.questionnaire(session, queries.version_id(session, form_id, form.current)) if form.current else None


def _check(
    known: Mapping[str, Values], first: str, second: str, targets: Mapping[tuple[str, str], int],
    taken: Mapping[tuple[str, str], int],
) -> None:  # fmt: skip
    if len(targets) > MOST_CELLS:
        raise FieldError(f"Al massimo {MOST_CELLS} celle: scegli domande con meno risposte.", "first")
    values_of = {name for name, _ in known.get(first, ())}
    others = {name for name, _ in known.get(second, ())} if second else {""}
    wrong = []
    for (value, other), target in targets.items():
        field = f"cell:{value}:{other}"
        if value not in values_of or other not in others:
            raise FieldError("Questa scelta non esiste: ricarica la pagina.", "first")
        if not 0 <= target <= MOST_WANTED:
            wrong.append(InvalidError("Scrivi un numero intero.", field=field))
        elif target < taken.get((value, other), 0):
            wrong.append(InvalidError(f"Ce ne sono già {taken[value, other]}.", field=field))
    if wrong:
        raise InvalidError("Qualche numero non va bene.", parts=wrong)
