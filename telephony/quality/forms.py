"""Writing a contract's form and its rules of sampling, and reading them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti.queries import enti_of
from telephony.quality.models import QualityForm, SamplingRule, Spread
from telephony.quality.presets import COLLECTION, PASS_MARK
from telephony.quality.scoring import Criterion, Scale
from telephony.queues import queries as queues

MOST_CRITERIA, MOST_WORDS, MOST_HELP = 30, 120, 300
WEIGHTS = range(1, 101)


@dataclass(frozen=True, slots=True)
class Form:
    """A version of a form. `id` none: the preset, which nobody has written yet."""

    id: int | None
    version: int
    criteria: tuple[Criterion, ...]
    pass_mark: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What somebody wants drawn. `least_s`: the shortest conversation, in seconds; `days` to score what was drawn."""

    queue_id: int | None
    per_agent: int
    least_s: int
    spread: frozenset[Spread]
    evaluators: frozenset[int]
    days: int


LIMITS = {"per_agent": (1, 20), "least_s": (0, 3600), "days": (1, 60)}
PRESET = Form(None, 0, COLLECTION, PASS_MARK)


def form(session: Session, contract_id: int) -> Form:
    """The newest version of a contract's form; the preset while there is none."""
    newest = select(QualityForm).where(QualityForm.contract_id == contract_id).order_by(QualityForm.version.desc())
    row = session.scalars(newest.limit(1)).one_or_none()
    return PRESET if row is None else read(row)


def form_by_id(session: Session, form_id: int) -> Form:
    """The version that an evaluation was made on."""
    return read(session.get_one(QualityForm, form_id))


def read(row: QualityForm) -> Form:
    """A version as its row holds it."""
    criteria = (Criterion(**{**one, "scale": Scale(one["scale"])}) for one in row.criteria)
    return Form(row.id, row.version, tuple(criteria), row.pass_mark)


def write_form(
    session: Session, by: Principal, *, contract_id: int, criteria: Sequence[Criterion], pass_mark: int
) -> int:  # fmt: skip
    """A new version; what was drawn before is scored on the one of then. Raises `InvalidError`, field by field.

    The fields are those of each criterion by its place: `words-0`, `help-0`, `weight-0`.
    """
    by.require(Permission.QUALITY_MANAGE, contract_id=contract_id)
    wrong: list[InvalidError] = []
    for place, one in enumerate(criteria):
        if len(one.words) > MOST_WORDS:
            wrong.append(InvalidError("Al massimo 120 caratteri.", field=f"words-{place}"))
        if len(one.help) > MOST_HELP:
            wrong.append(InvalidError("Al massimo 300 caratteri.", field=f"help-{place}"))
        if one.weight not in WEIGHTS:
            wrong.append(InvalidError("Scrivi un numero da 1 a 100.", field=f"weight-{place}"))
    if len({one.key for one in criteria}) < len(criteria):
        wrong.append(InvalidError("Due criteri hanno lo stesso codice: ricarica la pagina.", field="words-0"))
    if not criteria:
        wrong.append(InvalidError("Scrivi almeno un criterio.", field="words-0"))
    if len(criteria) > MOST_CRITERIA:
        wrong.append(InvalidError("Al massimo 30 criteri.", field="words-0"))
    if not 0 <= pass_mark <= 100:
        wrong.append(InvalidError("Scrivi un numero da 0 a 100.", field="pass_mark"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    return _write(session, by.user_id, contract_id, Form(None, 0, tuple(criteria), pass_mark), by)


def ensure(session: Session, contract_id: int, user_id: int) -> Form:
    """The newest version, which is the preset's when nobody wrote one before the first draw."""
    found = form(session, contract_id)
    if found.id is None:
        _write(session, user_id, contract_id, found, None)
        found = form(session, contract_id)
    return found


def rules(session: Session, contract_id: int) -> list[SamplingRule]:
    """The rules that draw, the oldest first."""
    active = SamplingRule.contract_id == contract_id, SamplingRule.ended_at.is_(None)
    return list(session.scalars(select(SamplingRule).where(*active).order_by(SamplingRule.id)))


def rule(session: Session, rule_id: int) -> SamplingRule:
    """One rule, also one that ended."""
    return session.get_one(SamplingRule, rule_id)


def begin_rule(session: Session, by: Principal, *, contract_id: int, wanted: Rule) -> int:
    """A rule that draws from this week on. Raises `InvalidError`, field by field."""
    by.require(Permission.QUALITY_MANAGE, contract_id=contract_id)
    wrong = [
        InvalidError(f"Scrivi un numero da {least} a {most}.", field=name)
        for name, (least, most) in LIMITS.items()
        if not least <= getattr(wanted, name) <= most
    ]
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    here = {one.id for one in queues.with_closed(session, frozenset({contract_id}))}
    if wanted.queue_id is not None and wanted.queue_id not in here:
        raise FieldError("Questa coda non è del contratto.", "queue")
    if not wanted.evaluators <= set(access.able(session, Permission.QUALITY_EVALUATE, contract_id=contract_id)):
        raise FieldError("Chi valuta deve poterlo fare su questo contratto.", "evaluators")
    row = SamplingRule(
        contract_id=contract_id, queue_id=wanted.queue_id, per_agent=wanted.per_agent, least_s=wanted.least_s,
        spread=sorted(wanted.spread), evaluators=sorted(wanted.evaluators), days=wanted.days, written_by=by.user_id,
        written_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    after = {"per_agent": wanted.per_agent, "least_s": wanted.least_s, "spread": sorted(wanted.spread)}
    _note(session, by, "quality.rule_written", contract_id, after)
    return row.id


def end_rule(session: Session, by: Principal, *, rule_id: int) -> int:
    """It draws no more; on which contract. Asked twice, it is done once."""
    row = session.get(SamplingRule, rule_id, with_for_update=True)
    if row is None or row.contract_id not in by.contracts_for(Permission.QUALITY_MANAGE):
        raise NotFoundError("Questa regola non c'è.")
    if row.ended_at is None:
        row.ended_at, row.ended_by = clock.now(session), by.user_id
        session.flush()
        _note(session, by, "quality.rule_ended", row.contract_id, {"per_agent": row.per_agent})
    return row.contract_id


def _write(session: Session, user_id: int, contract_id: int, wanted: Form, by: Principal | None) -> int:
    of = select(func.coalesce(func.max(QualityForm.version), 0)).where(QualityForm.contract_id == contract_id)
    version = session.execute(of).scalar_one() + 1
    row = QualityForm(
        contract_id=contract_id, version=version, criteria=[asdict(one) for one in wanted.criteria],
        pass_mark=wanted.pass_mark, written_by=user_id, written_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, by, "quality.form_written", contract_id, {"version": version, "pass_mark": wanted.pass_mark})
    return row.id


def _note(session: Session, by: Principal | None, kind: str, contract_id: int, after: dict[str, Any]) -> None:
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(session, by, kind=kind, ente_id=ente_id, after=after)
