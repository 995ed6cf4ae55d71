"""A number finds its taxpayer however it was written."""

import pytest

from crm.collection.feed import TaxpayerRecord
from crm.collection.statements import contact_statement
from crm.contacts import told
from crm.contacts.models import ReachKind
from crm.contacts.recording import Telling
from crm.contacts.service import state_details
from tests.cast import AS_OF, EMPOLI_LINE
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration
CALLS_FROM = "+390571700700"
WRITINGS = ("0571/700.700", "0571 - 70 07 00", "0039 0571/700700", "(0571) 700-700", "+39 0571 700 700")


@pytest.mark.parametrize("written", WRITINGS)
def test_a_number_told_in_any_writing_is_kept_in_one_and_matched(stage: Stage, written: str) -> None:
    """Rule: one writing of numbers. What an agent is told."""
    anna = stage.principal(stage.cast.anna)
    row = stage.work(
        lambda s: told.add_reach(
            s, anna, contact_id=stage.cast.mario, kind=ReachKind.PHONE, value=written, telling=Telling()
        )
    )
    assert row.id
    call = stage.arrives(CALLS_FROM, EMPOLI_LINE)
    assert (stage.call(call).contact_id, stage.call(call).caller) == (stage.cast.mario, CALLS_FROM)


@pytest.mark.parametrize("written", WRITINGS)
def test_a_number_that_a_collection_system_has_in_any_writing_is_matched(stage: Stage, written: str) -> None:
    """Rule: one writing of numbers. What a feed states; and the carrier's own writing of who calls."""
    record = TaxpayerRecord.model_validate(
        {"record": "taxpayer", "codice_fiscale": "BNCMRA62A01D403X", "surname": "Bianchi", "phones": [written],
         "as_of": AS_OF}
    )  # fmt: skip
    statement, left_out = contact_statement(record, AS_OF)
    assert left_out == []
    mario, empoli = stage.cast.mario, stage.cast.empoli
    stage.work(lambda s: state_details(s, ente_id=empoli, statements={mario: statement}, known=[mario]))
    assert stage.call(stage.arrives("0571700700", EMPOLI_LINE)).contact_id == mario
