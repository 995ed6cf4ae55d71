"""Writing campaigns, asking for the ente's approval, giving it, running them. Who is in them: `contacts`."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, jobs, topics
from crm.core.db import touch
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti import queries as enti
from outbound.campaigns import plan as plans
from outbound.campaigns.lifecycle import OF_THE_ENTE, Deed, State, after
from outbound.campaigns.models import Campaign, CampaignContact, CampaignVersion
from outbound.campaigns.plan import Plan
from outbound.cati import queries as questionnaires
from outbound.lists import service as lists
from telephony.lines import queries as phone_lines
from telephony.queues import queries as queues

ADMIT = "campaigns.admit"  # the kind of the job that makes a list's members its contacts
LONGEST_NAME, LONGEST_REASON = 80, 400

NOT_BY_KEYS = "Non si può compilare con i tasti del telefono: quali domande lo impediscono è scritto nella sua pagina."


def begin(
    session: Session, by: Principal, *, ente_id: int, contract_id: int, list_id: int, name: str,
    plan: Plan | None = None,
) -> int:  # fmt: skip
    """Begin to write a campaign about those on a list of the ente's; its id.

    Raises `ConflictError` when the list is not ready, and as everything here `ForbiddenError` unless `by` may.
    """
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=ente_id)
    lists.usable(session, ente_id=ente_id, list_id=list_id)
    if contract_id not in enti.contracts_of(session, ente_id):
        raise NotFoundError("Questo ente non è servito da questo contratto.")
    now = clock.now(session)
    made = Campaign(
        ente_id=ente_id, contract_id=contract_id, list_id=list_id, name=_named(name),
        state=State.DRAFT, version=1, made_by=by.user_id, made_at=now, changed_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.add(_version(session, by, made, plan or Plan()))
    _note(session, by, made, "campaign.begun", {"list": list_id})
    return made.id


def write(session: Session, by: Principal, *, campaign_id: int, name: str, plan: Plan) -> None:
    """Write its plan, while it is a draft. Raises `InvalidError` with what is wrong at each field."""
    found = _locked(session, by, campaign_id, Permission.CAMPAIGN_MANAGE)
    if found.state is not State.DRAFT:
        raise FieldError("Questa campagna non è una bozza: per cambiarla premi «Modifica».", "name")
    plans.check(plan)
    if plan.form_id is not None and plan.form_id not in {
        one.id for one in questionnaires.usable(session, contract_id=found.contract_id, ente_id=found.ente_id)
    }:
        raise FieldError("Questo questionario non è in uso, o non è di questo ente.", "form_id")
    if plan.by_ivr and plan.form_id is not None and not questionnaires.by_keys(session, plan.form_id):
        raise FieldError(NOT_BY_KEYS, "by_ivr")
    found.name = _named(name)
    row = _current(session, found)
    _check_whose(session, found, was=plans.parsed(row.plan), plan=plan)
    gone = _furthest(session, found) + 1
    if plan.steps[:gone] != plans.parsed(row.plan).steps[:gone]:
        raise FieldError("I passi già cominciati restano come sono: cambia solo quelli dopo.", "steps")
    row.plan, row.written_by, row.written_at = plans.kept(plan), by.user_id, clock.now(session)
    _note(session, by, found, "campaign.written", {"version": found.version})


def act(session: Session, by: Principal, *, campaign_id: int, deed: Deed, reason: str = "") -> State:
    """Do something to it. Raises `ConflictError` when that cannot be done now, `InvalidError` for what it lacks.

    The company asks and runs; the ente approves, refuses (saying why), stops at any time, and releases what it stopped.
    """
    needed = Permission.CAMPAIGN_APPROVE if deed in OF_THE_ENTE else Permission.CAMPAIGN_MANAGE
    found = _locked(session, by, campaign_id, needed)
    was, now = found.state, clock.now(session)
    state = after(was, deed)
    row = _current(session, found)
    reason = " ".join(reason.split())
    match deed:
        case Deed.SUBMIT:
            lists.usable(session, ente_id=found.ente_id, list_id=found.list_id)
            if lacks := plans.missing(plans.parsed(row.plan)):
                raise InvalidError("Prima di chiedere l'approvazione manca qualcosa.", parts=lacks)
            row.submitted_by, row.submitted_at = by.user_id, now
        case Deed.TAKE_BACK:
            row.submitted_by = row.submitted_at = None
        case Deed.APPROVE:
            row.approved, row.decided_by, row.decided_at = True, by.user_id, now
        case Deed.REFUSE | Deed.STOP if not reason or len(reason) > LONGEST_REASON:
            raise FieldError(
                f"Scrivi perché, in al massimo {LONGEST_REASON} caratteri: lo legge chi la prepara.", "reason"
            )
        case Deed.REFUSE:
            row.approved, row.decided_by, row.decided_at, row.reason = False, by.user_id, now, reason
            _next_version(session, by, found, row)
        case Deed.CHANGE:
            _next_version(session, by, found, row)
        case Deed.START if found.admitted_at is None:
            found.started_at = now
            found.job_id = jobs.enqueue(session, ente_id=found.ente_id, kind=ADMIT, argument={"campaign": found.id})
        case Deed.END:
            found.ended_at = now
    found.state, found.changed_at = state, now
    _note(session, by, found, f"campaign.{deed}", {"state": state.value, **({"reason": reason} if reason else {})})
    return state


def clone(session: Session, by: Principal, *, campaign_id: int, name: str, list_id: int | None = None) -> int:
    """A new one with the same plan, for the same list or another; its id."""
    found = _locked(session, by, campaign_id, Permission.CAMPAIGN_MANAGE)
    plan = plans.parsed(_current(session, found).plan)
    return begin(
        session, by, ente_id=found.ente_id, contract_id=found.contract_id, list_id=list_id or found.list_id,
        name=name, plan=plan,
    )  # fmt: skip


def _check_whose(session: Session, found: Campaign, *, was: Plan, plan: Plan) -> None:
    """Raise `InvalidError` for a queue of another contract, or a number that is not the ente's or its contract's: it is
    shown to whoever is called, and printed on letters as the one to phone.
    """
    wrong = []
    its = {one.id for one in queues.queues(session, frozenset({found.contract_id}))}
    if plan.queue_id not in {None, was.queue_id, *its}:
        wrong.append(InvalidError("Questa coda non è di questo contratto.", field="queue_id"))
    if plan.line not in {"", was.line}:
        line = phone_lines.line(session, plan.line)
        if line is None or line.contract_id != found.contract_id or line.ente_id not in {None, found.ente_id}:
            wrong.append(InvalidError("Questo numero non è di questo ente.", field="line"))
    if wrong:
        raise InvalidError("La campagna non è ancora completa.", parts=wrong)


def _furthest(session: Session, found: Campaign) -> int:
    """The step to which anybody came; -1 before it has contacts."""
    step = session.scalar(select(func.max(CampaignContact.step)).where(CampaignContact.campaign_id == found.id))
    return -1 if step is None else int(step)


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise FieldError(f"Scrivi un nome, di al massimo {LONGEST_NAME} caratteri.", "name")
    return name


def _next_version(session: Session, by: Principal, found: Campaign, row: CampaignVersion) -> None:
    found.version += 1
    session.add(_version(session, by, found, plans.parsed(row.plan)))


def _version(session: Session, by: Principal, found: Campaign, plan: Plan) -> CampaignVersion:
    return CampaignVersion(
        campaign_id=found.id, number=found.version, ente_id=found.ente_id, plan=plans.kept(plan),
        written_by=by.user_id, written_at=clock.now(session), reason="",
    )  # fmt: skip


def _current(session: Session, found: Campaign) -> CampaignVersion:
    return session.scalars(
        select(CampaignVersion).where(
            CampaignVersion.campaign_id == found.id, CampaignVersion.number == found.version
        )
    ).one()  # fmt: skip


def _locked(session: Session, by: Principal, campaign_id: int, needed: Permission) -> Campaign:
    found = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa campagna non c'è.")
    require_on(session, by, needed, ente_id=found.ente_id)
    return found


def _note(session: Session, by: Principal, about: Campaign, kind: str, what: dict[str, Any]) -> None:
    session.flush()
    audit.note(session, by, kind=kind, ente_id=about.ente_id, subject=about.name, after={"campaign": about.id, **what})
    touch(session, topics.campaigns(about.ente_id))
