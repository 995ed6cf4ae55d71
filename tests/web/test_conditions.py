"""What a contract agrees besides its levels: proposed by a preset, changed, written, and read where it counts."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import ProgrammingError

from crm.access.models import Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.conditions import queries, service
from crm.conditions.agreed import Arrangement, Conditions, Reinforcement
from crm.conditions.models import ContractCondition
from crm.core import clock
from crm.core.clock import start_of_day
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError
from crm.enti import details
from crm.enti.models import ContractEnte
from crm.levels.agreement import Period
from crm.levels.presets import PRESETS
from telephony.alerts import measures
from telephony.alerts import service as alerts
from telephony.alerts.judging import AlertKind
from telephony.alerts.measures import Threshold
from telephony.alerts.models import AlertRule
from telephony.staffing import service as staffing
from telephony.staffing import unstaffed
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in
from web.alerts.saying import say
from web.levels.view import days_of

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)
Press = Callable[..., Any]
ZERO = Decimal(0)


@pytest.fixture
def ada(client: Any, database: Database, cast: Cast) -> Press:
    """Posts as the contract's administrator."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(role=Role.ADMINISTRATOR))
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}

    def press(path: str, **fields: Any) -> Any:
        return client.post(path, data={name.replace("__", "-"): text for name, text in fields.items()}, headers=headers)

    return press


def fields_of(one: Arrangement, **more: str) -> dict[str, str]:
    """The form as a page fills it."""
    said = one.conditions
    fields = {f"day-{n}": text for n, text in enumerate(one.hours)}
    fields |= {f"staffed-{n}": text for n, text in enumerate(said.staffed)}
    fields |= {f"desks-{n}": text for n, text in enumerate(said.desks)}
    for number in said.numbers:
        fields |= {f"number-{number.kind}": "1", f"callers-{number.kind}": number.callers or ""}
        fields |= {f"pays-{number.kind}": "1"} if number.caller_pays else {}
    if (extra := said.reinforcement) is not None:
        fields |= {
            "extra": "1", "before": str(extra.before), "after": str(extra.after), "operators": str(extra.operators),
            "due": extra.due,
        }  # fmt: skip
    fields |= {f"report-{period}": "1" for period in said.reports}
    return fields | {
        "queues": "\n".join(said.queues), "weekly_hours": str(said.weekly_hours or ""),
        "desk_hours": str(said.desk_hours or ""), "replacement_days": str(one.replacement_days), **more,
    }  # fmt: skip


def proposed(database: Database, cast: Cast, key: str) -> Arrangement:
    with database.begin(Scope.nothing()) as session:
        now = queries.arrangement(session, cast.contract)
    preset = PRESETS[key]
    return Arrangement(
        preset.hours if any(preset.hours) else now.hours, preset.replacement_days or now.replacement_days,
        preset.conditions,
    )  # fmt: skip


@pytest.mark.parametrize("key", sorted(PRESETS))
def test_a_preset_is_proposed_beside_what_is_there_and_kept_as_it_stands(
    ada: Press, client: Any, database: Database, cast: Cast, key: str
) -> None:
    path, wanted = f"/enti/contracts/{cast.contract}/conditions", proposed(database, cast, key)
    page = client.get(path, params={"preset": key}).text
    assert "Rispetto a quel che c'è cambierebbe" in page.replace("&#39;", "'")
    with database.begin(Scope.nothing()) as session:
        assert queries.conditions(session, cast.contract) == Conditions()  # nothing was written by looking
    if key == "anci_toscana":
        assert page.count("Adesso: 00:00-24:00.") == 7
        assert "Manca ancora" not in page  # a freephone and a geographic number are there
    if key == "sercom":
        assert "Gare e contratti, Assistenza, DPO" in page  # queues that are not there
    assert ada(path, preset=key, **fields_of(wanted)).status_code == 204
    with database.begin(Scope.nothing()) as session:
        assert queries.arrangement(session, cast.contract) == wanted
        (kept,) = queries.versions(session, cast.contract)
        assert (kept.preset, kept.written_by) == (key, cast.sara)
    assert "Il modulo propone quel che c" in client.get(path, params={"preset": key}).text
    assert ada(path, preset=key, **fields_of(wanted)).status_code == 204
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert len(queries.versions(session, cast.contract)) == 1  # the same again is no version
        told = session.scalar(select(func.count()).where(AuditEntry.kind == "contract.conditions"))
        assert told == 2  # of each ente
    assert client.get("/enti").status_code == 200


def test_each_figure_is_edited_before_it_is_kept_and_what_held_before_stays_written(
    ada: Press, client: Any, database: Database, cast: Cast
) -> None:
    path, wanted = f"/enti/contracts/{cast.contract}/conditions", proposed(database, cast, "intercent_er")
    ada(path, **fields_of(wanted))
    answer = ada(path, **fields_of(wanted, operators="3", due="TARI", after="10", replacement_days="15"))
    assert answer.status_code == 204
    with database.begin(Scope.nothing()) as session:
        first, second = queries.versions(session, cast.contract)
        assert first.said == wanted.conditions
        assert second.said.reinforcement == Reinforcement(0, 10, 3, "TARI")
        assert details.contract_days(session, cast.contract).replacement == 15
    with pytest.raises(ProgrammingError), database.begin(Scope.nothing()) as session:
        session.execute(update(ContractCondition).values(preset=""))


def test_what_is_wrong_stands_at_its_field_and_nothing_of_it_is_written(
    ada: Press, database: Database, cast: Cast
) -> None:
    path, wanted = f"/enti/contracts/{cast.contract}/conditions", proposed(database, cast, "anci_toscana")
    unreadable = ada(path, **fields_of(wanted, weekly_hours="tante"))
    assert (unreadable.status_code, set(unreadable.json()["fields"])) == (422, {"weekly_hours"})
    wrong = {"day-0": "18-9", "staffed-1": "mai", "replacement_days": "0", "extra": "1", "after": "99"}
    answer = ada(path, **fields_of(wanted, **wrong))
    assert set(answer.json()["fields"]) == {"day-0", "staffed-1", "replacement_days", "after"}
    nothing = {f"day-{n}": "" for n in range(7)}
    assert ada(path, **fields_of(wanted, **nothing)).status_code == 422
    with database.begin(Scope.nothing()) as session:
        assert queries.versions(session, cast.contract) == ()
        assert details.own_week(session, cast.contract, None) == ("00:00-24:00",) * 7


def test_where_the_reports_of_a_contract_are(ada: Press, client: Any, database: Database, cast: Cast) -> None:
    """Of one ente: the ente's report is the contract's, so that nobody looks for another in vain."""
    path = f"/enti/contracts/{cast.contract}/conditions"
    assert 'href="/reports">' in client.get(path).text
    with database.begin(Scope.nothing()) as session:
        session.execute(delete(ContractEnte).where(ContractEnte.ente_id == cast.vinci))
        changed(session)
    assert f'href="/reports?ente={cast.empoli}">' in client.get(path).text


def test_nobody_else_writes_them_nor_anybody_another_contract_s(
    ada: Press, client: Any, database: Database, cast: Cast
) -> None:
    assert client.get(f"/enti/contracts/{cast.other_contract}/conditions").status_code == 404
    wanted = proposed(database, cast, "anci_toscana")
    assert ada(f"/enti/contracts/{cast.other_contract}/conditions", **fields_of(wanted)).status_code == 403
    with database.begin(Scope.of_contract(cast.contract)) as session, pytest.raises(ForbiddenError):
        service.write(session, principal_of(session, cast.anna), contract_id=cast.contract, wanted=wanted)
    let_in(client, "vera")
    assert client.get(f"/enti/contracts/{cast.contract}/conditions").status_code in {403, 404}


def test_an_ente_is_proposed_the_hours_of_a_preset_and_keeps_its_own_until_they_are_saved(
    ada: Press, client: Any, database: Database, cast: Cast
) -> None:
    page = client.get(f"/enti/{cast.empoli}", params={"hours": "sercom"}).text
    assert page.count('value="09:00-13:00, 15:00-19:00"') == 5
    assert page.count("Adesso: 00:00-24:00.") == 7
    with database.begin(Scope.nothing()) as session:
        assert details.own_week(session, cast.contract, cast.empoli) == ("",) * 7
    assert "Adesso:" not in client.get(f"/enti/{cast.empoli}", params={"hours": "step"}).text


def test_the_levels_of_a_preset_say_what_they_would_change(ada: Press, client: Any, cast: Cast) -> None:
    """The contract has two of Anci Toscana's levels already."""
    page = client.get(f"/enti/contracts/{cast.contract}/levels", params={"preset": "anci_toscana"}).text
    new = len(PRESETS["anci_toscana"].promises) - 2
    assert f"cambierebbero {new} livelli" in page
    assert page.count("</span>nuovo") + page.count(">nuovo<") == new
    other = client.get(f"/enti/contracts/{cast.contract}/levels", params={"preset": "sercom"}).text
    assert "Non ci sarebbero più" in other
    assert "Chiamate perse" in other


def test_lines_that_will_be_open_with_nobody_on_shift_are_told_before(
    client: Any, database: Database, cast: Cast
) -> None:
    """Lines from 8:30 to 18:30 every day; operators are wanted from 8:30 to 13 and 14 to 18, planned to 12 and 18."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara, today = principal_of(session, cast.sara), clock.business_day(clock.now(session))
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(role=Role.ADMINISTRATOR))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        ada = principal_of(session, cast.sara)
        said = Conditions(staffed=("8:30-13, 14-18",) * 7)
        wanted = Arrangement(("8:30-18:30",) * 7, 20, said)
        service.write(session, ada, contract_id=cast.contract, wanted=wanted)
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(role=Role.SUPERVISOR))
    tomorrow = today + DAY
    with database.begin(Scope.of_contract(cast.contract)) as session:
        monday = tomorrow - tomorrow.weekday() * DAY
        staffing.save_week(
            session, sara, contract_id=cast.contract, monday=monday,
            cells={(cast.anna, tomorrow): "8:30-12", (cast.luca, tomorrow): "8:30-10, 14-18"},
        )  # fmt: skip
    with database.begin(Scope.of_contract(cast.contract)) as session:
        found = unstaffed.gaps_of(session, cast.contract, today, 2)
        told = [(since_midnight(one.since, tomorrow), one.length, one.asked) for one in found[tomorrow]]
        assert told == [
            (timedelta(hours=12), timedelta(hours=1), True), (timedelta(hours=13), timedelta(hours=1), False),
            (timedelta(hours=18), timedelta(minutes=30), False),
        ]  # fmt: skip
        rest_of_today = sum((one.length for one in found[today] if one.asked), timedelta())
        minutes = unstaffed.minutes_ahead(session, cast.contract)
        assert minutes == (rest_of_today + timedelta(hours=1)) // timedelta(minutes=1)
        facts = measures.read(session, cast.contract, None, plan=True)
        assert measures.measured(Threshold(AlertKind.UNSTAFFED, ZERO), facts) == minutes
        none = measures.read(session, cast.contract, None)
        assert measures.measured(Threshold(AlertKind.UNSTAFFED, ZERO), none) == 0  # it was not asked for
        of = Threshold(AlertKind.UNSTAFFED, Decimal(30))
        alerts.add_rule(
            session, sara, contract_id=cast.contract, of=of, after_s=0, by_mail=False, by_push=False
        )  # fmt: skip
        raised = alerts.look(session, contract_id=cast.contract, read=days_of, say=say, link_to=str)
        assert raised == 1
        (rule,) = session.scalars(select(AlertRule)).all()
        assert f"restano aperte {minutes} minuti" in say(session, rule, Decimal(minutes), "it")
    let_in(client, "sara")
    page = client.get("/staffing").text
    assert "12:00–13:00" in page
    assert "Manca chi risponde" in page
    assert "Il contratto non vi chiede operatori" in page


def test_what_the_contract_agrees_around_due_dates_is_said_on_staffing(
    client: Any, database: Database, cast: Cast
) -> None:
    let_in(client, "sara")
    assert "Il contratto non ne chiede" in client.get("/staffing").text
    with database.begin(Scope.nothing()) as session:
        said = Conditions(reinforcement=Reinforcement(3, 12, 4, "TARI"), reports=(Period.MONTH,))
        service.put(session, contract_id=cast.contract, said=said)
    page = client.get("/staffing").text
    assert "almeno 4" in page
    assert "da 3 giorni prima a 12 dopo" in page
    assert "«TARI»" in page


def since_midnight(at: Any, day: date) -> timedelta:
    found: timedelta = at - start_of_day(day)
    return found
