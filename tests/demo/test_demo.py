"""The demonstration's data: complete, coherent, the same for the same day, and taken whole by the importer."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from codicefiscale import codicefiscale
from sqlalchemy import func, select

from crm.access.models import RoleGrant, User
from crm.collection.items import Item, Reader
from crm.collection.lines import examine, read_lines
from crm.collection.models import CollectionSource, ImportRun, ImportState
from crm.contacts.models import Contact
from crm.core.db import Database, Scope
from crm.core.jobs import Job
from crm.duplicates.service import SEARCH
from crm.enti.models import ContractEnte, Ente, OpeningWeek
from crm.follow_ups.models import FollowUp
from crm.levels.agreement import EVER, Agreement, Period
from crm.levels.models import ContractLevel
from crm.levels.presets import agreement_from
from crm.positions.models import ActKind, NotificationState, Position, PositionState, Tax
from crm.proposals.models import DELIVER, ProposalExport
from telephony.ivr.models import IvrVersion
from web.demo.accounts import DEMO_USERS
from web.demo.centre import seed_demo
from web.demo.generate import DemoFiles, generate
from web.demo.places import BIRTHPLACES, LINES, MUNICIPALITIES
from web.demo.promises import DUE
from web.demo.seed import LIKE

TODAY = date(2026, 11, 20)
Record = dict[str, Any]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return generate(tmp_path_factory.mktemp("demo"), TODAY)


@pytest.fixture(scope="module")
def records(files: DemoFiles) -> list[Record]:
    return [json.loads(line) for path in files.feeds.values() for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def debts(records: list[Record]) -> list[Record]:
    return [record for record in records if record["record"] == "position"]


def cents(text: str) -> int:
    return int(text.replace(".", ""))


def test_every_line_is_taken(files: DemoFiles) -> None:
    instant = datetime(2026, 11, 20, tzinfo=UTC)
    for path in files.feeds.values():
        file = examine(path)
        items: list[Item] = list(Reader(instant, instant, file.size).read(read_lines(file)))[1:]
        assert [item for item in items if item.refusal or item.warning] == []


def test_the_same_day_gives_the_same_files(files: DemoFiles, tmp_path: Path) -> None:
    again = generate(tmp_path, TODAY)
    for code, path in files.feeds.items():
        assert again.feeds[code].read_bytes() == path.read_bytes()
    assert again.callers.read_bytes() == files.callers.read_bytes()


def test_numbers_and_variety(records: list[Record], debts: list[Record]) -> None:
    people = [record for record in records if record["record"] == "taxpayer"]
    assert len(people) == 5000
    assert 11_500 <= len(debts) <= 12_500
    assert {debt["state"] for debt in debts} == set(PositionState)
    assert {debt["tax"] for debt in debts} == set(Tax)
    assert {debt["act_kind"] for debt in debts} == set(ActKind)
    assert {debt["notification"] for debt in debts} == set(NotificationState)
    codes = Counter(person["codice_fiscale"] for person in people)
    assert 150 <= sum(count == 2 for count in codes.values()) <= 200
    assert any(codicefiscale.is_omocode(code) for code in codes if len(code) == 16)
    assert sum("business_name" in person for person in people) > 400


def test_debts_are_coherent(debts: list[Record]) -> None:
    assert len({debt["notice_number"] for debt in debts}) == len(debts)
    for debt in debts:
        amounts = {name: cents(text) for name, text in debt["amounts"].items()}
        total = sum(amounts[part] for part in ("tax", "sanctions", "interest", "costs"))
        state = PositionState(debt["state"])
        assert amounts["paid"] == sum(cents(payment["amount"]) for payment in debt.get("payments", []))
        extinct = state in {PositionState.ANNULLED, PositionState.RELIEVED}
        assert amounts["residual"] == (0 if extinct else total - amounts["paid"])
        assert (state is PositionState.PAID) <= (amounts["residual"] == 0)
        assert (state is PositionState.PARTLY_PAID) <= (0 < amounts["paid"] < total)
        assert (debt["due_on"] >= TODAY.isoformat()) == (state is PositionState.TO_PAY)
        told = [debt.get("notified_on"), debt.get("state_on"), *(p["paid_on"] for p in debt.get("payments", []))]
        assert all(debt["issued_on"] <= day <= TODAY.isoformat() for day in told if day)
        rates = debt.get("instalments", [])
        assert bool(rates) == (state is PositionState.IN_INSTALMENTS)
        assert not rates or sum(cents(rate["amount"]) for rate in rates) == total
    late = [
        debt for debt in debts
        if any("paid_on" not in rate and rate["due_on"] < TODAY.isoformat() for rate in debt.get("instalments", []))
    ]  # fmt: skip
    assert len(late) > 100


def test_birthplaces_are_real() -> None:
    for town, code, _ in BIRTHPLACES:
        assert codicefiscale.encode_birthplace(code) == code
        if not code.startswith("Z"):  # countries have longer official names
            assert codicefiscale.encode_birthplace(town) == code


def test_callers_are_taxpayers_and_strangers(files: DemoFiles) -> None:
    callers = json.loads(files.callers.read_text("utf-8"))
    assert len(callers) == 460
    assert sum(not caller["name"] for caller in callers) == 60
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(caller["from"])) for caller in callers)
    assert {caller["ente"] for caller in callers} == {place.cadastral_code for place in MUNICIPALITIES}
    assert 100 < sum(caller["notice_number"] is not None for caller in callers) < 350


def test_a_caller_calls_his_municipality_toll_free_from_a_landline_alone(files: DemoFiles) -> None:
    numbers = {code: numbers for code, *numbers in LINES}
    for caller in json.loads(files.callers.read_text("utf-8")):
        freephone, geographic = numbers[caller["ente"]]
        assert caller["to"] == (geographic if caller["from"].startswith("+393") else freephone)


@pytest.mark.integration
def test_seeding_twice_is_seeding_once(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = [replace(place, taxpayers=place.taxpayers // 5) for place in MUNICIPALITIES]
    monkeypatch.setattr("web.demo.generate.MUNICIPALITIES", fewer)
    monkeypatch.setattr("web.demo.calls.WEEKS", 2)
    follow_ups = []
    for _ in range(2):
        seed_demo(database, data_dir=tmp_path, today=TODAY)
        with database.begin(Scope.nothing()) as session:
            enti = list(session.scalars(select(Ente.id)))
        with database.begin(Scope.of_enti(enti)) as session:
            by_somebody = select(func.count(), func.count(FollowUp.made_by)).select_from(FollowUp)
            follow_ups.append(tuple(session.execute(by_somebody).one()))
    ((owed, by_hand),) = set(follow_ups)
    assert (owed > by_hand, by_hand) == (True, len(DUE))  # a message did not arrive
    with database.begin(Scope.nothing()) as session:
        assert session.scalar(select(func.count()).select_from(ContractEnte)) == 3
        promised = agreement_from(LIKE, Agreement(0, EVER, Period.MONTH, ())).levels
        assert session.scalar(select(func.count()).select_from(ContractLevel)) == len(promised)
        assert session.scalar(select(func.count()).select_from(User)) == len(DEMO_USERS)
        assert session.scalar(select(func.count()).select_from(RoleGrant)) == len(DEMO_USERS)
        (contract_id,) = set(session.scalars(select(ContractEnte.contract_id)))
    with database.begin(Scope.of_contract(contract_id)) as session:
        assert session.scalar(select(func.count()).select_from(OpeningWeek)) == 1
    with database.begin(Scope.of_enti(enti)) as session:
        assert set(session.scalars(select(ImportRun.state))) == {ImportState.DONE}
        assert session.scalar(select(func.count()).select_from(ImportRun)) == 3
        assert session.scalar(select(func.count()).select_from(Contact)) == 1000
        assert session.scalar(select(func.count(Position.state.distinct()))) == len(PositionState)
        sources = {row.ente_id: row.takes_proposals for row in session.scalars(select(CollectionSource))}
        sent = {row.ente_id: row.delivery_key is not None for row in session.scalars(select(ProposalExport))}
        assert sources == sent  # the stand-in is owed the proposals of two enti
        assert sorted(sent.values()) == [False, True, True]
        assert session.scalar(select(func.count()).where(Job.kind == DELIVER)) == 2
        assert session.scalar(select(func.count()).where(Job.kind == SEARCH)) == 3
    with database.begin(Scope.of_contract(contract_id)) as session:
        (drawn,) = session.scalars(select(IvrVersion.definition).where(IvrVersion.flow_id.is_not(None))).all()
    assert drawn["nodes"]["ufficio"]["number"].startswith("+39")
