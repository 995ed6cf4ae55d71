"""The register of breaches: the clock of the 72 hours, and what may not be left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit import queries as log
from crm.audit.queries import Wanted
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.privacy import breaches
from crm.privacy.breaches import Account, Standing, check, standing
from crm.privacy.models import Risk
from tests.cast import Cast

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LOST = Account(what="Un portatile smarrito", known_at=NOW - timedelta(hours=10), risk=Risk.RISK)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (LOST, Standing.TO_NOTIFY),
        (replace(LOST, risk=Risk.UNKNOWN), Standing.TO_ASSESS),
        (replace(LOST, known_at=NOW - timedelta(hours=72)), Standing.TO_NOTIFY),
        (replace(LOST, known_at=NOW - timedelta(hours=72, seconds=1)), Standing.LATE),
        (replace(LOST, known_at=NOW - timedelta(days=9), risk=Risk.UNKNOWN), Standing.LATE),
        (replace(LOST, risk=Risk.UNLIKELY), Standing.DEALT_WITH),
        (replace(LOST, garante_told_at=NOW), Standing.DEALT_WITH),
        (replace(LOST, garante_told_at=NOW, risk=Risk.HIGH), Standing.TO_COMMUNICATE),
        (replace(LOST, garante_told_at=NOW, risk=Risk.HIGH, persons_told_at=NOW), Standing.DEALT_WITH),
        (replace(LOST, garante_told_at=NOW, risk=Risk.HIGH, persons_not_told="Cifrato"), Standing.DEALT_WITH),
        (replace(LOST, closed_at=NOW), Standing.CLOSED),
    ],
)
def test_where_a_breach_stands(account: Account, expected: Standing) -> None:
    assert standing(account, NOW) is expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": "  "}, "what"),
        ({"what": "x" * 4001}, "what"),
        ({"known_at": NOW + timedelta(seconds=1)}, "known_at"),
        ({"happened_at": NOW}, "known_at"),
        ({"garante_told_at": NOW - timedelta(hours=11)}, "garante_told_at"),
        ({"known_at": NOW - timedelta(hours=80), "garante_told_at": NOW}, "late_reason"),
        ({"persons": -1}, "persons"),
        ({"closed_at": NOW}, "closed_at"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check(replace(LOST, **change), NOW)  # type: ignore[arg-type]
    assert field in [part.field for part in refused.value.parts]


@pytest.mark.integration
def test_a_breach_is_kept_apart_by_ente_and_its_history_in_the_log(database: Database, cast: Cast) -> None:
    by = Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, cast.contract)}))
    siena = Principal(cast.vera, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, cast.other_contract)}))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        account = replace(LOST, known_at=session.info["now"] - timedelta(hours=10))
        breach = breaches.record(session, by, ente_id=cast.empoli, account=account)
        told = replace(account, garante_told_at=session.info["now"])
        breaches.change(session, by, breach_id=breach, account=told)
        assert breaches.one(session, by, breach).account == told
        with pytest.raises(ForbiddenError):
            breaches.record(session, by, ente_id=cast.siena, account=account)
        noted = log.some(session, Wanted(frozenset({cast.empoli})), after=None, limit=5)
    assert [one.kind for one in noted] == ["breach.changed", "breach.recorded"]
    assert noted[0].changed == ["garante_told_at"]
    with database.begin(Scope.of_contract(cast.other_contract)) as session:
        assert breaches.register(session, siena) == []
        for attempt in (breaches.one, lambda s, b, i: breaches.change(s, b, breach_id=i, account=account)):
            with pytest.raises(NotFoundError):
                attempt(session, siena, breach)
