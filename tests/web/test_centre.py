"""The page of numbers and queues."""

from typing import Any

import pytest
from sqlalchemy import select, update

from crm.access.models import Role, RoleGrant
from crm.core.db import Database, Scope
from telephony.lines.models import PhoneLine
from telephony.queues.models import QueueMember
from tests.cast import Cast
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


@pytest.fixture
def ada(client: Any, database: Database, cast: Cast) -> Any:
    """Posts as the contract's administrator."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(role=Role.ADMINISTRATOR))
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}

    def press(path: str, **fields: Any) -> Any:
        return client.post(path, data=fields, headers=headers)

    return press


def test_a_queue_and_a_number_are_written_and_shown(ada: Any, client: Any, database: Database, cast: Cast) -> None:
    wrong = ada(f"/centre/{cast.contract}/queues", name="", digit="1", label="", ring="x", wrap="60")
    assert wrong.json()["fields"] == {"ring": "Scrivi un numero di secondi."}
    wrong = ada(f"/centre/{cast.contract}/queues", name="", digit="1", label="", ring="20", wrap="60")
    assert set(wrong.json()["fields"]) == {"name", "digit", "label"}
    assert ada(f"/centre/{cast.contract}/queues", name="Rate", digit="2", label="le rate", ring="20",
               wrap="60").status_code == 204  # fmt: skip
    page = client.get("/centre").text
    assert "non risponde nessuno" in page
    queue = page.split("<strong>Rate</strong>")[1].split("/centre/queues/")[1].split('"')[0]
    assert (
        ada(
            f"/centre/queues/{queue}/members",
            **{f"level-{cast.anna}": 1, f"level-{cast.luca}": 3, f"level-{cast.marta}": ""},
        ).status_code
        == 204
    )
    with database.begin(Scope.nothing()) as session:
        chosen = select(QueueMember.agent_id, QueueMember.level).where(QueueMember.queue_id == int(queue))
        assert {(*row,) for row in session.execute(chosen)} == {(cast.anna, 1), (cast.luca, 3)}
    assert ada(f"/centre/{cast.contract}/agents/{cast.anna}/languages", language="de").status_code == 204
    assert ada(f"/centre/{cast.contract}/lines", number="0571 700 555", label="Rate", kind="geographic",
               ente=cast.empoli, queue=queue).status_code == 204  # fmt: skip
    page = client.get("/centre").text
    assert "0571 700555" in page
    assert "Manca un numero da mostrare a chi è chiamato." in page  # the regional line is toll-free, and alone
    assert "direttamente a Rate" in page
    assert "il gestore telefonico non lo sa ancora" in page
    wrong = ada("/centre/lines/%2B390571700555/hours", **{"day-0": "dalle nove"})
    assert "Scrivi gli orari così" in wrong.json()["fields"]["day-0"]
    assert ada("/centre/lines/%2B390571700555/hours", **{"day-0": "9-12"}).status_code == 204
    page = client.get("/centre").text
    assert "orari propri" in page
    assert 'value="09:00-12:00"' in page
    assert ada("/centre/lines/%2B390571700555/remove").status_code == 204
    with database.begin(Scope.nothing()) as session:
        assert session.get(PhoneLine, "+390571700555") is None


def test_a_supervisor_sees_numbers_and_writes_queues_alone(client: Any, cast: Cast) -> None:
    let_in(client, "sara")
    page = client.get("/centre").text
    assert ("/centre/queues/" in page, "/centre/lines/" in page) == (True, False)
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    refused = client.post(f"/centre/{cast.contract}/lines", headers=headers,
                          data={"number": "0571 700 555", "label": "x", "kind": "geographic"})  # fmt: skip
    assert refused.status_code == 403
    client.cookies.clear()
    let_in(client, "anna")
    assert client.get("/centre").status_code == 403
