"""Writing what a contract promises, and how its figures are computed. What was in force in the past stays."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import InvalidError, NotFoundError
from crm.enti.queries import contract_name, enti_of
from crm.levels import queries
from crm.levels.agreement import AGREED_OF_A_LEVEL, OPS, Agreement, Promise, begins, cut_by
from crm.levels.agreement import in_force as agreed
from crm.levels.judgement import is_judged
from crm.levels.metering import Callers
from crm.levels.metrics import METRICS, WAITING_OVER, Metric, MetricName, Unit
from crm.levels.models import ContractAgreement, ContractLevel, ContractTerms
from crm.levels.terms import Terms, in_force

MOST_LEVELS = 60
SECONDS = {"within_ms": "within", "short_ms": "short", "over_ms": "over"}  # the fields that ask for them
COUNTED = "In questo periodo si sono già contate chiamate con altri secondi: cambiali dal primo giorno del prossimo."


def put(session: Session, agreement: Agreement, *, written_by: int | None = None) -> int:
    """Write a version of what a contract promises, by which one of the same day is valid no more; its id."""
    changed(session)
    row = ContractAgreement(
        contract_id=agreement.contract_id, valid_from=agreement.valid_from, period=agreement.period,
        net_value=agreement.net_value, preset=agreement.preset, written_by=written_by, written_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    if agreement.levels:
        session.execute(
            insert(ContractLevel),
            [
                {"agreement_id": row.id} | {name: getattr(one, name) for name in AGREED_OF_A_LEVEL}
                for one in agreement.levels
            ],
        )
    return row.id


def write(session: Session, by: Principal, agreement: Agreement, terms: Terms) -> None:
    """What a contract promises from a day on, and by which formula and thresholds its calls are measured.

    The day is the first of a period (`agreement.begins`), of the running one or a later: what was promised before is
    closed, and judged. All of it holds from that day on; but seconds, which are stamped on each call, do not change for
    a period in which calls were counted. Of a contract's first version they hold from the next full hour, then. The
    threshold of a share of waits is its level's. Raises `InvalidError`.
    """
    contract_id = agreement.contract_id
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    today = clock.business_day(clock.now(session))
    levels = tuple(replace(one, contract_id=contract_id) for one in agreement.levels)
    versions = queries.agreements(session, frozenset({contract_id}))
    _check(replace(agreement, levels=levels), today, versions)
    asked_at = dict(SECONDS)
    for place, one in enumerate(levels):
        if one.metric == WAITING_OVER and one.threshold_s is not None:
            terms = replace(terms, over_ms=int(one.threshold_s * 1000))
            asked_at["over_ms"] = f"threshold-{place}"
    before = agreed(versions, agreement.valid_from)
    known = queries.terms(session, contract_id)
    begun = _begins(session, agreement, terms, known, asked_at, is_first=before is None)
    terms = replace(terms, valid_from=begun)
    was = in_force(known, terms.valid_from)
    agreement_id = put(session, replace(agreement, levels=levels), written_by=by.user_id)
    if terms != replace(was, valid_from=terms.valid_from):
        session.add(ContractTerms(contract_id=contract_id, agreement_id=agreement_id, **asdict(terms)))
        session.flush()
    told_before = _told(before, was) if before is not None else {}
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(
            session, by, kind="contract.levels", ente_id=ente_id, subject=contract_name(session, contract_id),
            before=told_before, after=_told(agreement, terms),
        )  # fmt: skip
    touch(session, topics.board(contract_id))


def withdraw(session: Session, by: Principal, *, contract_id: int, agreement_id: int) -> None:
    """What was written for a day that has not come is not to begin, with its terms; it stays in the history.

    Raises `InvalidError` when its day has come.
    """
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    row = session.get(ContractAgreement, agreement_id)
    if row is None or row.contract_id != contract_id or row.withdrawn_at is not None:
        raise NotFoundError("Questi livelli non ci sono.")
    now = clock.now(session)
    if row.valid_from <= clock.business_day(now):
        raise InvalidError("Questi livelli sono già in vigore: scrivine di nuovi da un altro giorno.")
    changed(session)
    gone = queries.agreement(session, contract_id, row.valid_from)
    assert gone is not None
    session.execute(  # those whose place it took, too: else they would come back
        update(ContractAgreement)
        .where(
            ContractAgreement.contract_id == contract_id, ContractAgreement.valid_from == row.valid_from,
            ContractAgreement.withdrawn_at.is_(None),
        )
        .values(withdrawn_by=by.user_id, withdrawn_at=now)
    )  # fmt: skip
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(
            session, by, kind="contract.levels_withdrawn", ente_id=ente_id,
            subject=contract_name(session, contract_id),
            before={"levels": _sentences(gone), "valid_from": gone.valid_from.isoformat()},
        )  # fmt: skip


def _begins(
    session: Session, agreement: Agreement, terms: Terms, known: tuple[Terms, ...], asked_at: Mapping[str, str],
    *, is_first: bool,
) -> datetime:  # fmt: skip
    """When the terms of a version that is written now begin to hold; those that hold by now are not older.

    Raises `InvalidError` when their seconds are not those by which its calls were counted.
    """
    now = clock.now(session)
    begun = clock.start_of_day(agreement.valid_from)
    current = in_force(known, now)
    if begun > now or not queries.is_counted(session, agreement.contract_id, begun):
        return begun
    if is_first:
        return now.replace(minute=0, second=0, microsecond=0) + clock.HOUR
    wrong = [field for name, field in asked_at.items() if getattr(terms, name) != getattr(current, name)]
    if wrong:
        raise InvalidError(
            "I livelli non sono scritti bene.", parts=[InvalidError(COUNTED, field=field) for field in wrong]
        )
    return max(begun, current.valid_from)


def _check(agreement: Agreement, today: date, versions: Collection[Agreement]) -> None:
    """Raises `InvalidError` with what is wrong at each field; a level's are named after its place."""
    wrong: list[InvalidError] = []
    if wrong_day := _wrong_day(agreement, today, versions):
        wrong.append(wrong_day)
    if agreement.net_value is not None and agreement.net_value < 0:
        wrong.append(InvalidError("Il valore del contratto non può essere negativo.", field="net_value"))
    if len(agreement.levels) > MOST_LEVELS:
        wrong.append(InvalidError("Sono troppi livelli per un contratto solo.", field="levels"))
    waits = [one.threshold_s for one in agreement.levels if one.metric == WAITING_OVER]
    twice = {key for key, times in Counter(one.key for one in agreement.levels).items() if times > 1}
    for place, one in enumerate(agreement.levels):
        wrong += _wrong_in(one, place)
        if one.key in twice:
            wrong.append(InvalidError("Questo livello c'è due volte.", field=f"metric-{place}"))
        if one.metric == WAITING_OVER and one.threshold_s != waits[0]:
            wrong.append(
                InvalidError(
                    "Le attese si contano oltre una soglia sola: scrivi la stessa in tutti i livelli.",
                    field=f"threshold-{place}",
                )
            )
    if any(one.penalty_per_mille for one in agreement.levels) and agreement.net_value is None:
        wrong.append(
            InvalidError("Scrivi il valore netto del contratto: le penali sono per mille di quello.", field="net_value")
        )
    if wrong:
        raise InvalidError("I livelli non sono scritti bene.", parts=wrong)


def _wrong_day(agreement: Agreement, today: date, versions: Collection[Agreement]) -> InvalidError | None:
    """Why a version cannot begin on its day."""
    running = agreed(versions, today) or agreement
    earliest, field = running.period.around(today)[0], "valid_from"
    if agreement.valid_from < earliest:
        return InvalidError(f"Quel che c'era prima è già chiuso: scegli un giorno dal {_read(earliest)}.", field=field)
    if divided := begins(versions, agreement):
        days = ", ".join(_read(one) for one in divided if one >= earliest)
        return InvalidError(f"Una versione vale dal primo giorno di un periodo, come {days}.", field=field)
    if cut := cut_by(versions, agreement):
        return InvalidError(f"Un'altra versione comincia il {_read(cut)}, a metà di un periodo.", field=field)
    return None


def _read(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _wrong_in(one: Promise, place: int) -> list[InvalidError]:
    metric = METRICS.get(one.metric)
    if metric is None:
        return [InvalidError("Scegli una misura dall'elenco.", field=f"metric-{place}")]
    wrong = []
    if one.op not in OPS:
        wrong.append(InvalidError("Scegli un confronto dall'elenco.", field=f"op-{place}"))
    if metric.unit is Unit.SHARE and not 0 <= one.target <= 1:
        wrong.append(InvalidError("Una percentuale va da 0 a 100.", field=f"target-{place}"))
    if not 0 <= one.target < Decimal(10) ** 8:
        wrong.append(InvalidError("Scrivi un numero da zero in su.", field=f"target-{place}"))
    if metric.has_threshold and (one.threshold_s is None or not 0 < one.threshold_s <= 3600):
        wrong.append(InvalidError("Scrivi oltre quanti secondi, da 1 a 3600.", field=f"threshold-{place}"))
    if not metric.has_threshold and one.threshold_s is not None:
        wrong.append(InvalidError("Questa misura non ha una soglia.", field=f"threshold-{place}"))
    if one.callers is not None and (not metric.by_callers or one.callers not in set(Callers)):
        wrong.append(InvalidError("Questa misura vale per tutti.", field=f"callers-{place}"))
    if one.share_of_days is not None and not 0 < one.share_of_days <= 1:
        wrong.append(InvalidError("La parte dei giorni va da 1 a 100 per cento.", field=f"share_of_days-{place}"))
    if one.share_of_days is not None and not metric.by_days:
        wrong.append(InvalidError("Questa misura si fa su tutto il periodo.", field=f"share_of_days-{place}"))
    if one.service and is_judged(one) and one.metric != MetricName.COMPLAINTS:
        wrong.append(InvalidError("Questa misura non distingue fra i servizi.", field=f"service-{place}"))
    wrong += _wrong_penalty(one, metric, place)
    return wrong


def _wrong_penalty(one: Promise, metric: Metric, place: int) -> list[InvalidError]:
    wrong = []
    if one.penalty_each is not None and metric.paid_for is None:
        wrong.append(InvalidError("Di questa misura non si sa contare una penale.", field=f"each-{place}"))
    elif one.penalty_each not in {None, metric.paid_for}:
        wrong.append(InvalidError("La penale di questa misura si conta in un altro modo.", field=f"each-{place}"))
    if (one.penalty_per_mille is None) != (one.penalty_each is None):
        wrong.append(InvalidError("Una penale vuole un importo e per che cosa si conta.", field=f"penalty-{place}"))
    if one.period is not None and one.penalty_per_mille is not None:
        wrong.append(
            InvalidError(
                "Le penali si contano nel periodo del contratto: qui non può averne uno suo.", field=f"own-{place}"
            )
        )
    if one.penalty_per_mille is not None and not 0 < one.penalty_per_mille <= 1000:
        wrong.append(InvalidError("Una penale va da più di 0 a 1000 per mille.", field=f"penalty-{place}"))
    return wrong


def _told(agreement: Agreement, terms: Terms) -> dict[str, Any]:
    return {
        "valid_from": agreement.valid_from.isoformat(), "period": agreement.period.value,
        "net_value": "" if agreement.net_value is None else str(agreement.net_value),
        "levels": _sentences(agreement), "formula": terms.formula.value, "within_ms": terms.within_ms,
        "short_ms": terms.short_ms, "over_ms": terms.over_ms, "denominator": terms.denominator.value,
    }  # fmt: skip


def _sentences(agreement: Agreement) -> list[str]:
    """The levels as the audit keeps them: their names and figures, in no language."""
    return [
        " ".join(
            str(part)
            for part in (
                one.metric, f"> {one.threshold_s} s" if one.threshold_s else "", one.callers or "", one.service, one.op,
                one.target, f"/ {one.share_of_days}" if one.share_of_days else "",
                f"{one.penalty_per_mille} ‰ {one.penalty_each}" if one.penalty_per_mille else "",
            )
            if part != ""
        )
        for one in agreement.levels
    ]  # fmt: skip
