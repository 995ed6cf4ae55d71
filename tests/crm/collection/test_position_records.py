"""What a position record may tell beside the debt itself, and how its numbers are found."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from crm.collection.importer import import_feed
from crm.collection.models import ImportRefusal
from crm.contacts.search import search
from crm.core.db import Database, Scope
from crm.positions import queries as positions
from crm.positions.models import ActKind, NotificationChannel, StepKind
from crm.positions.views import PositionView
from tests.crm.conftest import WriteFeed

pytestmark = pytest.mark.integration
RATE_NOTICE = "301000000000012474"
MORE: dict[str, Any] = {
    "acts": [
        {"kind": "sollecito", "number": "2023/0007", "issued_on": "2023-05-02", "notifications": [
            {"outcome": "failed", "channel": "pec", "sent_on": "2023-05-03", "reason": "casella piena"}]},
        {"kind": "ingiunzione", "number": "2024/118", "issued_on": "2024-08-20"},
    ],
    "steps": [{"kind": "relief", "on": "2025-04-01", "amount": "50.00", "reference": "12/2025"}],
    "plan": {"granted_on": "2025-05-02", "reference": "R/9"},
    "instalments": [{"number": 1, "due_on": "2025-06-01", "amount": 406, "notice_number": RATE_NOTICE}],
    "payments": [{"paid_on": "2025-02-01", "amount": 10, "channel": "pagoPA", "receipt": "Q-1"}],
}  # fmt: skip


def read(db: Database, text: str) -> list[PositionView]:
    with db.begin(Scope.of_enti([1, 2])) as session:
        return positions.of_contact(session, [one.id for one in search(session, text).people])


def test_the_whole_history_of_a_debt_is_kept(db: Database, write_feed: WriteFeed, records: dict[str, Any]) -> None:
    summary = import_feed(db, write_feed(records["rossi"], records["tari"] | MORE))
    assert (summary.counts.created, summary.counts.refused) == (2, 0)
    (debt,) = read(db, "2024 00118")
    assert [(act.kind, act.number) for act in debt.acts] == [
        (ActKind.SOLLECITO, "2023/0007"), (ActKind.INGIUNZIONE, "2024/118"),
    ]  # fmt: skip
    (notification,) = debt.acts[0].notifications
    assert (notification.channel, notification.reason) == (NotificationChannel.PEC, "casella piena")
    assert [(step.kind, step.cents) for step in debt.steps] == [(StepKind.RELIEF, 5000)]
    assert debt.plan is not None
    assert debt.plan.granted_on == date(2025, 5, 2)
    assert debt.instalments[0].notice_number == RATE_NOTICE
    assert debt.payments[0].receipt == "Q-1"


def test_an_earlier_act_and_an_instalments_notice_lead_to_the_taxpayer(
    db: Database, write_feed: WriteFeed, records: dict[str, Any]
) -> None:
    import_feed(db, write_feed(records["rossi"], records["tari"] | MORE))
    with db.begin(Scope.of_enti([1])) as session:
        for typed in ("2024-118", "2023/7", RATE_NOTICE, records["tari"]["notice_number"]):
            assert [one.codice_fiscale for one in search(session, typed).people] == ["RSSMRA80A01D403T"], typed
        assert search(session, "2023/8").people == ()
    with db.begin(Scope.of_enti([2])) as session:
        assert search(session, "2023/7").people == ()


def test_a_number_that_is_told_no_more_is_not_found_any_more(
    db: Database, write_feed: WriteFeed, records: dict[str, Any]
) -> None:
    import_feed(db, write_feed(records["rossi"], records["tari"] | MORE))
    import_feed(db, write_feed(records["tari"], name="later", header={"as_of": "2026-01-11T06:00:00+01:00"}))
    assert read(db, "2023/7") == []
    assert len(read(db, "2024/118")) == 1


@pytest.mark.parametrize(("change", "reason"), [
    ({"acts": [{"kind": "lettera", "number": "1", "issued_on": "2024-01-01"}]}, "«lettera» non previsto"),
    ({"acts": [{"kind": "sollecito", "number": "", "issued_on": "2024-01-01"}]}, "acts.0.number: è vuoto"),
    ({"acts": [{"kind": "sollecito", "number": "1", "issued_on": "2024-02-30"}]}, "«2024-02-30» non valida"),
    ({"steps": [{"kind": "relief", "on": "2025-04-01", "amount": "-5"}]}, "negativo"),
    ({"steps": [{"kind": "relief", "on": "2025-04-01", "amount": "999999999"}]}, "oltre 99999999.99"),
    ({"plan": {"note": "senza data"}}, "plan.granted_on: campo obbligatorio"),
    ({"plan": "sì"}, "serve un oggetto JSON"),
    ({"instalments": [{"number": 1, "due_on": "2025-06-01", "amount": 1, "notice_number": "12"}]}, "18 cifre"),
    ({"acts": [{"kind": "sollecito", "number": "1", "issued_on": "2024-01-01"}] * 51}, "al massimo 50"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(
    db: Database, write_feed: WriteFeed, records: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    import_feed(db, write_feed(records["rossi"], records["tari"] | change))
    with db.begin(Scope.of_enti([1])) as session:
        (told,) = session.scalars(select(ImportRefusal.reason)).all()
    assert reason in told
