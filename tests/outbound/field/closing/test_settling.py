"""Quarters as they are settled: from the gestionale's feeds to sealed lines, and verified again."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope, table_of
from crm.core.errors import ConflictError, DomainError, ForbiddenError, InvalidError
from crm.privacy.holders import Person
from outbound.field.closing import agreeing, counted, settling, verification
from outbound.field.closing.agreed import Band, Conditions, TermsState
from outbound.field.closing.commission import Why
from outbound.field.closing.models import Settlement, SettlementLine
from outbound.field.closing.settlement import Line
from outbound.field.closing.verification import Break
from outbound.field.practices.lifecycle import Closed, MandateState
from outbound.field.practices.models import FieldMandate
from outbound.field.privacy import HOLDERS
from tests.outbound.field.closing.conftest import World

pytestmark = pytest.mark.integration
FEB, APR, MAY, JUN, AUG = (date(2026, month, 3) for month in (2, 4, 5, 6, 8))


def lines_of(world: World, quarter: str) -> list[Line]:
    """What was settled."""

    def work(session: Session) -> list[Line]:
        row = session.scalars(select(Settlement).where(Settlement.quarter == quarter)).one()
        found = session.execute(
            select(table_of(SettlementLine)).where(SettlementLine.settlement_id == row.id).order_by("number")
        )
        return [settling.line_of(one) for one in found]

    return world.work(work)


def verified(world: World) -> verification.Verdict:
    """Empoli's settlements."""
    return world.work(lambda session: verification.settlements(session, ente_id=world.cast.empoli))


def told(found: list[Line]) -> list[tuple[Why, int, int]]:
    """Why, what was paid, what it earns."""
    return [(line.why, line.cents, line.commission_cents) for line in found]


def test_a_quarter_is_settled_when_its_days_for_registering_are_over_and_the_gestionale_has_told(world: World) -> None:
    world.tells(date(2026, 2, 5), (FEB, "100.00"))
    assert world.settle() == 0  # nothing is agreed
    world.agree()
    world.at(APR)
    assert world.settle() == 0  # it may be registered until the thirtieth of April
    world.at(MAY)
    assert world.settle() == 0  # the gestionale has told nothing since February
    world.tells(MAY, (FEB, "100.00"))
    assert world.settle() == 1
    assert world.settle() == 0
    assert told(lines_of(world, "2026-1")) == [(Why.EARNED, 10_000, 900)]
    assert verified(world) == verification.Verdict(1, 1)


def test_before_after_and_too_late_are_on_the_statement_with_their_reason(world: World) -> None:
    world.agree()
    day = date(2026, 1, 9)  # the practice was opened, and not accepted yet
    world.tells(date(2026, 2, 5), (day, "10.00"), (FEB, "20.00"))
    world.tells(MAY, (day, "10.00"), (FEB, "20.00"), (date(2026, 3, 1), "30.00"), (APR, "40.00"))
    world.settle()
    assert told(lines_of(world, "2026-1")) == [
        (Why.BEFORE, 1_000, 0), (Why.EARNED, 2_000, 180), (Why.LATE, 3_000, 0),
    ]  # fmt: skip
    world.tells(AUG, (day, "10.00"), (FEB, "20.00"), (date(2026, 3, 1), "30.00"), (APR, "40.00"))
    world.settle()
    assert told(lines_of(world, "2026-2")) == [(Why.AFTER, 4_000, 0)]


def test_what_the_ente_says_it_registered_in_time_earns_though_it_was_told_late(world: World) -> None:
    world.agree()
    world.at(MAY)
    payment = {"paid_on": "2026-02-03", "amount": "50.00", "registered_on": "2026-02-10"}
    world.feed({"reference": "T-1", "payments": [payment]})
    world.settle()
    assert told(lines_of(world, "2026-1")) == [(Why.EARNED, 5_000, 450)]


def test_a_reversal_after_the_settlement_is_a_negative_line_of_its_own_quarter(world: World) -> None:
    world.agree()
    world.tells(date(2026, 2, 5), (FEB, "100.00"))
    world.tells(MAY, (FEB, "100.00"))
    world.settle()
    world.tells(JUN)
    world.tells(AUG)
    world.settle()
    (back,) = lines_of(world, "2026-2")
    assert (back.why, back.commission_cents, back.back, back.original) == (Why.REVERSED, -900, True, "2026-1/1")
    assert verified(world) == verification.Verdict(2, 2)


def test_rates_of_a_plan_granted_in_its_days_are_settled_as_they_are_paid(world: World) -> None:
    world.agree()
    rates = [
        {"number": n, "due_on": f"2026-0{2 + n}-15", "amount": "100.00"} for n in range(1, 5)
    ]  # fmt: skip
    plan = {"granted_on": "2026-03-01"}
    paid = [{**one, "paid_on": one["due_on"]} for one in rates]
    for day, done in ((date(2026, 3, 16), 1), (MAY, 2), (AUG, 4)):
        world.tells(day, instalments=[*paid[:done], *rates[done:]], plan=plan, state="in_instalments")
        world.settle()
    assert told(lines_of(world, "2026-1")) == [(Why.INSTALMENT, 10_000, 900)]
    # The last rate was told 49 days after it was paid.
    assert told(lines_of(world, "2026-2")) == [
        (Why.INSTALMENT, 10_000, 900), (Why.LATE, 10_000, 0), (Why.LATE, 10_000, 0),
    ]  # fmt: skip
    assert verified(world).broken is None


def test_a_withdrawn_position_takes_back_what_it_earned_and_gives_it_again_when_it_returns(world: World) -> None:
    world.agree()
    world.tells(date(2026, 2, 5), (FEB, "100.00"))
    world.tells(MAY, (FEB, "100.00"))
    world.settle()
    world.at(JUN)
    world.feed({"reference": "T-9"})  # what a full feed does not name is withdrawn
    world.tells(AUG, (FEB, "100.00"))
    world.settle()
    assert told(lines_of(world, "2026-2")) == [(Why.WITHDRAWN, -10_000, -900)]
    world.tells(date(2026, 11, 3), (FEB, "100.00"))
    world.settle()
    assert told(lines_of(world, "2026-3")) == [(Why.EARNED, 10_000, 900)]
    assert verified(world).broken is None


def test_a_revoked_mandate_earns_until_its_day_and_a_closed_practice_until_the_mandate_is_over(world: World) -> None:
    world.agree()
    world.at(date(2026, 2, 10))
    world.close(Closed.PROMISED)
    world.tells(date(2026, 2, 20), (date(2026, 2, 15), "100.00"))
    world.tells(MAY, (date(2026, 2, 15), "100.00"))
    (standing,) = world.work(lambda session: settling.opened(session, ente_id=world.cast.empoli))[:1]
    assert told(list(standing.lines)) == [(Why.EARNED, 10_000, 900)]

    def revoke(session: Session) -> None:
        session.get_one(FieldMandate, world.mandate).state = MandateState.REVOKED

    world.work(revoke)
    (standing,) = world.work(lambda session: settling.opened(session, ente_id=world.cast.empoli))[:1]
    assert told(list(standing.lines)) == [(Why.AFTER, 10_000, 0)]


def test_many_payments_are_counted_by_a_job_and_shown_with_its_instant_and_no_position(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.agree()
    world.tells(date(2026, 2, 20), (date(2026, 2, 15), "100.00"))
    ente = world.cast.empoli
    live = world.work(lambda session: counted.standing(session, ente_id=ente))
    monkeypatch.setattr(counted, "LARGE", 1)
    first = world.work(lambda session: counted.standing(session, ente_id=ente))
    assert (first.quarters, first.counted_at, first.counting) == ((), None, True)
    world.work(lambda session: counted.count(session, ente_id=ente))
    kept = world.work(lambda session: counted.standing(session, ente_id=ente))
    assert kept.counted_at is not None
    assert kept.quarters[0].shares == live.quarters[0].shares
    assert [one.reference for one in kept.quarters[0].lines] == [""]
    own = world.work(lambda session: counted.standing(session, ente_id=ente, agent_id=world.agent))
    assert own.quarters[0].shares == live.quarters[0].shares


def test_an_empty_quarter_is_settled_too_and_those_that_are_open_are_shown_as_they_stand(world: World) -> None:
    world.agree(date(2025, 7, 1))
    world.tells(date(2026, 2, 5), (FEB, "100.00"))
    assert world.settle() == 2  # the third and fourth quarter of 2025
    assert lines_of(world, "2025-3") == []
    standing = world.work(lambda session: settling.opened(session, ente_id=world.cast.empoli))
    assert [(str(one.quarter), told(list(one.lines)), one.due_on) for one in standing] == [
        ("2026-1", [(Why.EARNED, 10_000, 900)], date(2026, 5, 1)),
    ]  # fmt: skip


# -- conditions ---------------------------------------------------------------------------------------------------


def test_conditions_are_proposed_by_the_company_and_accepted_by_the_ente(world: World) -> None:
    ente, nine = world.cast.empoli, Conditions((Band(Decimal(90)),))
    first = date(2026, 1, 1)

    def propose(session: Session) -> int:
        return agreeing.propose(session, world.sara, ente_id=ente, valid_from=first, conditions=nine)

    made = world.work(propose)
    with pytest.raises(ConflictError):
        world.work(propose)
    with pytest.raises(ForbiddenError):
        world.work(lambda session: agreeing.decide(session, world.sara, terms_id=made, accepts=True))
    with pytest.raises(ForbiddenError):
        world.work(
            lambda session: agreeing.propose(session, world.vera, ente_id=ente, valid_from=first, conditions=nine)
        )
    with pytest.raises(InvalidError):
        world.work(lambda session: agreeing.decide(session, world.vera, terms_id=made, accepts=False))
    world.work(lambda session: agreeing.decide(session, world.vera, terms_id=made, accepts=False, reason="è troppo"))
    with pytest.raises(ConflictError):
        world.work(lambda session: agreeing.withdraw(session, world.sara, terms_id=made))
    again = world.work(propose)
    world.work(lambda session: agreeing.withdraw(session, world.sara, terms_id=again))
    world.agree()
    found = world.work(lambda session: agreeing.proposals(session, [ente]))
    assert [one.state for one in found] == [TermsState.ACCEPTED, TermsState.WITHDRAWN, TermsState.REFUSED]


def test_what_is_settled_is_no_longer_agreed_on_otherwise(world: World) -> None:
    world.agree()
    late = Conditions((Band(Decimal(200)),))
    world.tells(MAY)
    waiting = world.work(
        lambda session: agreeing.propose(
            session, world.sara, ente_id=world.cast.empoli, valid_from=date(2026, 3, 1), conditions=late
        )
    )
    world.settle()
    with pytest.raises(ConflictError):
        world.work(lambda session: agreeing.decide(session, world.vera, terms_id=waiting, accepts=True))
    world.work(lambda session: agreeing.withdraw(session, world.sara, terms_id=waiting))
    with pytest.raises(DomainError):
        world.agree(date(2026, 3, 31), late)
    world.agree(date(2026, 4, 1), late)


# -- attacks ------------------------------------------------------------------------------------------------------


ATTACKS = (
    ("UPDATE field_settlement_line SET commission_cents = 90000 WHERE number = 1", Break.LINE_ALTERED),
    ("DELETE FROM field_settlement_line WHERE number = 1", Break.LINE_MISSING),
    ("UPDATE field_settlement SET commission_cents = 90000", Break.SUMS_ALTERED),
    ("UPDATE field_settlement SET known_on = known_on + 1 WHERE quarter = '2026-1'", Break.SEAL_ALTERED),
    ("UPDATE field_payment_event SET cents = cents * 2", Break.NOT_REPRODUCED),
    ("UPDATE field_mandate SET valid_to = valid_from", Break.NOT_REPRODUCED),
    (
        "DELETE FROM field_settlement_line WHERE settlement_id = (SELECT id FROM field_settlement WHERE quarter ="
        " '2026-2'); DELETE FROM field_settlement WHERE quarter = '2026-2'",
        Break.QUARTER_MISSING,
    ),
)  # fmt: skip


@pytest.mark.parametrize(("attack", "broken"), ATTACKS, ids=[broken.name for _, broken in ATTACKS])
def test_whatever_is_altered_afterwards_is_found(
    world: World, superuser: psycopg.Connection[Any], attack: str, broken: Break
) -> None:
    world.agree()
    world.tells(date(2026, 2, 5), (FEB, "100.00"), (date(2026, 2, 4), "7.00"))
    for day in (MAY, AUG, date(2026, 11, 3)):
        world.tells(day, (FEB, "100.00"), (date(2026, 2, 4), "7.00"))
    assert world.settle() == 3
    assert verified(world).broken is None
    superuser.execute(attack.encode())
    assert verified(world).broken is broken


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE field_settlement SET commission_cents = 0", "UPDATE field_settlement_line SET commission_cents = 0",
        "UPDATE field_payment_event SET cents = 0", "UPDATE field_report SET seal = ''",
    ],
)  # fmt: skip
def test_the_product_itself_may_alter_nothing(world: World, statement: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        world.work(lambda session: session.execute(text(statement)))


def test_whoever_is_erased_is_in_no_line_and_everything_still_verifies(world: World) -> None:
    world.agree()
    world.tells(date(2026, 2, 5), (FEB, "100.00"))
    world.close()
    mario = Person(world.cast.empoli, (world.cast.mario,))
    obstacles = world.work(lambda session: [one for each in HOLDERS for one in each.obstacles(session, mario)])
    assert obstacles == [
        "Un pagamento su una sua pratica di visita non è ancora in una liquidazione delle provvigioni."
    ]
    world.tells(MAY, (FEB, "100.00"))
    world.settle()
    assert world.work(lambda session: [one for each in HOLDERS for one in each.obstacles(session, mario)]) == []
    world.work(lambda session: [each.erase(session, mario) for each in HOLDERS])
    assert [line.reference for line in lines_of(world, "2026-1")] == [""]
    assert verified(world) == verification.Verdict(1, 1, erased=1)
    world.at(AUG + timedelta(days=1))
    world.feed()
    world.settle()
    assert lines_of(world, "2026-2") == []
    assert verified(world).broken is None


def test_what_can_never_be_settled_keeps_nobody_from_being_erased(world: World) -> None:
    world.tells(date(2026, 2, 5), (FEB, "100.00"))  # nothing was ever agreed with Empoli
    world.close()
    mario = Person(world.cast.empoli, (world.cast.mario,))
    assert world.work(lambda session: [one for each in HOLDERS for one in each.obstacles(session, mario)]) == []


def test_another_ente_has_none_of_it(world: World, database: Database) -> None:
    world.agree()
    world.tells(date(2026, 2, 5), (FEB, "100.00"))
    world.tells(MAY, (FEB, "100.00"))
    world.settle()
    with database.begin(Scope.of_enti([world.cast.siena])) as session:
        assert session.scalars(select(Settlement)).all() == []
        assert session.scalars(select(SettlementLine)).all() == []
