"""The register of operations: numbered without gaps, chained, never changed, and without a taxpayer's name."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm.core.db import Scope, table_of
from crm.core.errors import FieldError, ForbiddenError, NotFoundError
from outbound.field.closing import register, reports, verification
from outbound.field.closing.chain import BEGINNING, Entry, Operation, digest
from outbound.field.closing.models import RegisterEntry
from outbound.field.closing.verification import Break
from tests.outbound.field.closing.conftest import World

pytestmark = pytest.mark.integration
_ENTRY = table_of(RegisterEntry)


def entries(world: World) -> list[Any]:
    """All of them."""
    return world.work(lambda session: list(session.execute(select(_ENTRY).order_by(_ENTRY.c.number))))


def verified(world: World) -> verification.Verdict:
    """The whole register, over all enti."""
    cast = world.cast
    return world.work(verification.register, cast.empoli, cast.vinci, cast.siena)


def test_each_deed_has_the_next_number_with_its_client_agent_and_fee(world: World) -> None:
    world.agree()
    world.work(lambda session: register.mandate_accepted(session, mandate_id=world.mandate))  # it is there already
    world.at(date(2026, 2, 3))
    world.close()
    world.work(lambda session: reports.make(session, practice_id=world.practice, at=world.clock[0]))
    found = entries(world)
    assert [(one.number, one.operation, one.practice, one.agent) for one in found] == [
        (1, Operation.MANDATE_GIVEN, 1, 1), (2, Operation.MANDATE_ACCEPTED, 1, 1),
        (3, Operation.PRACTICE_CLOSED, 1, 1),
    ]  # fmt: skip
    assert {(one.client, one.client_code) for one in found} == {("Comune di Empoli", "00000000001")}
    assert found[2].outcome == "promised"
    written = " ".join(str(value) for one in found for value in one)
    assert "BIANCHI" not in written
    assert "BNCMRA" not in written
    assert verified(world) == verification.Verdict(3, 3)


def test_what_is_rolled_back_leaves_no_gap_and_many_at_once_neither(world: World) -> None:
    cast = world.cast

    def fails(session: Session) -> None:
        register.settled(session, ente_id=cast.empoli, quarter="2020-1", cents=1, fee_cents=1)
        raise NotFoundError("x")

    with pytest.raises(NotFoundError):
        world.work(fails)

    def write(n: int) -> int:
        ente = (cast.empoli, cast.vinci, cast.siena)[n % 3]
        return world.work(
            lambda session: register.settled(session, ente_id=ente, quarter=f"{2000 + n}-1", cents=n, fee_cents=n), ente
        )

    with ThreadPoolExecutor(6) as threads:
        numbers = list(threads.map(write, range(24)))
    assert sorted(numbers) == list(range(3, 27))
    assert verified(world) == verification.Verdict(26, 26)
    assert {one.ente_id for one in entries(world)} == {cast.empoli}  # whoever serves one sees its own alone


def test_what_is_wrong_is_corrected_by_an_entry_that_says_so(world: World) -> None:
    made = world.work(lambda session: register.correct(session, world.sara, number=1, words="  era   la pratica 2 "))
    last = entries(world)[-1]
    assert (made, last.operation, last.corrects, last.words) == (3, Operation.CORRECTION, 1, "era la pratica 2")
    for words in (" ", "x" * 401):
        with pytest.raises(FieldError):
            world.work(lambda session, words=words: register.correct(session, world.sara, number=1, words=words))
    with pytest.raises(ForbiddenError):
        world.work(lambda session: register.correct(session, world.vera, number=1, words="x"))
    with pytest.raises(NotFoundError):
        world.work(lambda session: register.correct(session, world.sara, number=1, words="x"), world.cast.siena)
    assert verified(world).broken is None


ATTACKS = (
    ("UPDATE field_register SET words = 'altro' WHERE number = 1", Break.ENTRY_ALTERED),
    ("DELETE FROM field_register WHERE number = 1", Break.ENTRY_MISSING),
    ("DELETE FROM field_register WHERE number = 2", Break.HEAD_ALTERED),
    ("UPDATE field_register SET mark = decode(repeat('00', 32), 'hex') WHERE number = 2", Break.ENTRY_FORGED),
    ("UPDATE field_register_head SET number = 9", Break.HEAD_ALTERED),
    (
        "INSERT INTO field_mandate SELECT (jsonb_populate_record(m, '{\"id\":"
        " \"00000000-0000-0000-0000-000000000009\", \"given_at\": \"2026-02-01T00:00:00Z\", \"state\": \"ended\"}')).*"
        " FROM field_mandate m",
        Break.UNREGISTERED,
    ),
)  # fmt: skip


@pytest.mark.parametrize(("attack", "broken"), ATTACKS, ids=[f"{n}" for n, _ in enumerate(ATTACKS)])
def test_whatever_is_altered_removed_or_left_out_is_found(
    world: World, superuser: psycopg.Connection[Any], attack: str, broken: Break
) -> None:
    assert verified(world).broken is None
    superuser.execute(attack.encode())
    assert verified(world).broken is broken


def test_a_chain_written_anew_lacks_the_installations_mark(world: World, superuser: psycopg.Connection[Any]) -> None:
    before = BEGINNING
    for row in entries(world):
        forged = Entry(*(getattr(row, name) if name != "words" else "altro" for name in Entry.__dataclass_fields__))
        before = digest(before, forged)
        superuser.execute(
            "UPDATE field_register SET words = 'altro', digest = %s WHERE number = %s", [before, row.number]
        )
    superuser.execute("UPDATE field_register_head SET digest = %s", [before])
    assert verified(world).broken is Break.ENTRY_FORGED


@pytest.mark.parametrize("deed", ["UPDATE field_register SET words = ''", "DELETE FROM field_register"])
def test_the_product_itself_may_change_no_entry(world: World, deed: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        world.work(lambda session: session.execute(text(deed)))


def test_siena_reads_no_entry_of_empolis(world: World) -> None:
    with world.database.begin(Scope.of_enti([world.cast.siena])) as session:
        assert session.execute(select(_ENTRY)).all() == []
