"""A closed period judged again: from what was kept of it, which must come out the same, and by what is known now.

Nothing is written unless somebody wants a further version, which stands beside the first with the reason why.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.reasons import words_given
from crm.enti.queries import enti_of
from crm.levels.closing import ONE_DAY, Closed, Days, closed, frozen_now
from crm.levels.differences import WhyChanged
from crm.levels.formulas import Standing
from crm.levels.frozen import Frozen, judged_again, seal, stored
from crm.levels.later import Changes, changes
from crm.levels.metrics import METRICS, Source
from crm.levels.models import ClosedPeriod
from crm.levels.penalties import Penalty, penalties
from crm.levels.remarks import Remark, left_out, remarks
from crm.levels.verdicts import Verdict

Key = tuple[tuple[str, str, str], tuple[date, date] | None]  # a level's, and its own period where it has one


@dataclass(frozen=True, slots=True)
class Stood:
    """How a level stood, and what was owed for it."""

    standing: Standing
    measured: Decimal | None
    euro: Decimal | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A level that stands otherwise than it was closed, or is paid for otherwise; none: it was not promised."""

    key: Key
    was: Stood | None
    now: Stood | None
    causes: tuple[WhyChanged, ...]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """`is_sound`: what was kept comes out the same, and its seal too. `now` is what a further version would keep."""

    kept: Closed
    is_sound: bool
    now: Frozen
    changes: Changes
    moved: tuple[Moved, ...]

    @property
    def is_the_same(self) -> bool:
        """Whether nothing is known now that was not when the period was closed."""
        return not self.changes and not self.moved


def periods(session: Session, contract_id: int, *, ente_id: int | None, begins: date | None) -> list[tuple[date, date]]:
    """The closed periods of a contract, or of one of its enti, the earliest first; or the one that begins on a day."""
    rows = session.execute(
        select(ClosedPeriod.first, ClosedPeriod.last)
        .distinct()
        .where(ClosedPeriod.contract_id == contract_id, ClosedPeriod.ente_id.is_not_distinct_from(ente_id))
        .order_by(ClosedPeriod.first, ClosedPeriod.last)
    ).all()
    return [(row.first, row.last) for row in rows if begins in {None, row.first}]


def recompute(
    session: Session, contract_id: int, ente_id: int | None, first: date, last: date, days: Days
) -> Recomputed:
    """Judge a closed period again. The session sees the whole contract; `days` tells what is known of days now."""
    kept = closed(session, contract_id, first, last, ente_id=ente_id)
    assert kept is not None
    now = frozen_now(session, contract_id, first, last, days)
    said = {
        key: mine
        for key, some in remarks(session, contract_id, first, last + ONE_DAY).items()
        if (mine := [one for one in some if ente_id in {None, one.ente_id}])
    }
    found = changes(session, contract_id, ente_id, kept, now.evidence)
    is_sound = judged_again(kept.frozen) == kept.frozen.verdicts and seal(kept.frozen) == kept.seal
    return Recomputed(kept, is_sound, now, found, tuple(moved(kept, now, found, said)))


def write_version(session: Session, contract_id: int, ente_id: int | None, found: Recomputed, *, reason: str) -> int:
    """Keep what is known now as a further version, by an operator's command; its number."""
    reason = words_given(reason, "reason")
    kept, version = found.kept, found.kept.version + 1
    session.execute(
        insert(ClosedPeriod).values(
            contract_id=contract_id, ente_id=ente_id, first=kept.first, last=kept.last, version=version, reason=reason,
            closed_at=clock.now(session), seal=seal(found.now), kept=stored(found.now),
        )
    )  # fmt: skip
    for one in sorted(enti_of(session, contract_id)) if ente_id is None else [ente_id]:
        audit.note(
            session, None, kind="levels.recomputed", ente_id=one, reason=reason,
            subject=f"{kept.first.isoformat()} – {kept.last.isoformat()}", after={"version": version},
        )  # fmt: skip
    touch(session, topics.board(contract_id))
    return version


def moved(kept: Closed, now: Frozen, found: Changes, said: Mapping[tuple[str, str], list[Remark]]) -> Iterator[Moved]:
    """The levels that stand otherwise, or are paid for otherwise, each with why. Pure.

    What was paid for then is without the exclusions that were agreed by then.
    """
    then = kept.frozen
    by_then = {
        key: [one for one in some if one.decided_at is None or one.decided_at <= kept.closed_at]
        for key, some in said.items()
    }
    was_out, is_out = left_out(by_then, then.verdicts), left_out(said, now.verdicts)
    was = _stood(then, penalties(then.agreement, then.verdicts, excluded=was_out))
    is_ = _stood(now, penalties(now.agreement, now.verdicts, excluded=is_out))
    for key in [*was, *(one for one in is_ if one not in was)]:
        if was.get(key) != is_.get(key):
            (metric, _, _), _ = key
            causes = _causes(then, now, metric, found, is_out=any(one == metric for one, _ in is_out - was_out))
            yield Moved(key, was.get(key), is_.get(key), causes)


def _stood(frozen: Frozen, owed: Iterable[Penalty]) -> dict[Key, Stood]:
    euro = {one.promise.key: one.euro for one in owed}
    return {_key(one): Stood(one.standing, one.measured, euro.get(one.promise.key)) for one in frozen.verdicts}


def _key(one: Verdict) -> Key:
    return one.promise.key, one.span


def _causes(then: Frozen, now: Frozen, metric: str, found: Changes, *, is_out: bool) -> tuple[WhyChanged, ...]:
    causes: set[WhyChanged] = set()
    if [one for one in then.agreement.levels if one.metric == metric] != [
        one for one in now.agreement.levels if one.metric == metric
    ] or then.agreement.net_value != now.agreement.net_value:
        causes.add(WhyChanged.LEVELS_CHANGED)
    if then.terms != replace(now.terms, valid_from=then.terms.valid_from):
        causes.add(WhyChanged.TERMS_CHANGED)
    if is_out:
        causes.add(WhyChanged.EXCLUSION_AGREED)
    of_calls = metric in METRICS and METRICS[metric].source is Source.CALLS
    for one in found.of_days if of_calls else found.of_period:
        causes |= set(one.causes)
    return tuple(one for one in WhyChanged if one in causes) or (WhyChanged.RECOUNTED,)
