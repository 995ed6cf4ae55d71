"""Letters in the browser: written, asked for, downloaded, handed over, read back; and who may do none of it."""

import hashlib
import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.collection.models import ImportRun, ImportState
from crm.core import clock, jobs
from crm.core.db import Scope
from crm.documents.store import FolderStore, StoreError
from crm.positions.models import Position, PositionState
from outbound.campaigns import admission, service
from outbound.campaigns.lifecycle import Deed, State
from outbound.campaigns.models import Campaign
from outbound.letters import queries
from outbound.letters.models import BatchState, Letter, LetterState
from outbound.lists.models import ContactList, ContactListMember, ListState, Origin
from tests.cast import Cast, principal_of
from tests.outbound.letters.press import LETTERS
from tests.web.conftest import csrf_of, let_in
from web.letters.forms import prices
from web.letters.package import streamed
from web.wiring import Runtime
from web.worker.main import runners

PRICES = {"postage-20": "0,95", "postage-50": "2.40", "sheet_cents": "0,03", "letter_cents": "0,12", "duplex": "1"}


def in_scope(runtime: Runtime, cast: Cast, work: Any) -> Any:
    return runtime.database.transact(Scope.of_enti([cast.empoli], [cast.contract]), work)


def running(runtime: Runtime, cast: Cast) -> int:
    """Sara's campaign about Mario, which runs: the ente's data are an hour old."""

    def begin(session: Any) -> int:
        by, now, of = principal_of(session, cast.sara), clock.now(session), {"ente_id": cast.empoli}
        heard = {"file_name": "feed.jsonl", "file_bytes": 1, "totals": [], "state": ImportState.DONE}
        when = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), now - timedelta(hours=1))
        its = ContactList(
            **of, name="Mario", origin=Origin.FILE, state=ListState.READY, made_by=cast.sara, made_at=now, members=1,
        )  # fmt: skip
        session.add_all([ImportRun(**of, **heard, **when), its])
        session.flush()
        session.add(ContactListMember(**of, list_id=its.id, contact_id=cast.mario))
        campaign = service.begin(
            session, by, **of, contract_id=cast.contract, list_id=its.id, name="Solleciti", plan=LETTERS
        )
        service.act(session, by, campaign_id=campaign, deed=Deed.SUBMIT)
        approver = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
        service.act(session, approver, campaign_id=campaign, deed=Deed.APPROVE)
        service.act(session, by, campaign_id=campaign, deed=Deed.START)
        admission.admit(session, campaign_id=campaign)
        return campaign

    return int(in_scope(runtime, cast, begin))


def done(runtime: Runtime, cast: Cast) -> None:
    """The worker does what is owed."""
    known = runners(runtime.documents)
    while due := in_scope(runtime, cast, jobs.due):
        for job_id, ente_id in due:
            jobs.run(runtime.database, known, job_id=job_id, ente_id=ente_id)


@pytest.mark.integration
def test_a_letter_goes_from_its_text_to_what_the_post_says_of_it(
    client: TestClient, runtime: Runtime, cast: Cast
) -> None:
    campaign = running(runtime, cast)
    let_in(client, "sara")
    csrf = {"csrf": csrf_of(client)}
    page = client.get(f"/campaigns/{campaign}/letters").text
    assert "Tocca una lettera a 1 contribuente." in page
    assert client.get(f"/campaigns/{campaign}/letters/preview.pdf").content.startswith(b"%PDF")
    wrong = client.post(f"/campaigns/{campaign}/letters/batches", data={**csrf, **PRICES, "postage-20": "poco"})
    assert wrong.status_code == 422
    asked = client.post(f"/campaigns/{campaign}/letters/batches", data={**csrf, **PRICES})
    at = asked.headers["HX-Redirect"]
    assert client.get(f"{at}/package.zip").status_code == 409, "it is still being made"
    done(runtime, cast)
    shown = client.get(at).text
    assert "pronto per la stampa" in shown
    assert "1,10 €" in shown.replace("\xa0", " ")

    first = client.get(f"{at}/package.zip").content
    assert client.get(f"{at}/package.zip").content == first, "printed again it is the same"
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        sums = dict(line.split("  ")[::-1] for line in archive.read("SHA256SUMS").decode().splitlines())
        assert sums == {
            name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if name != "SHA256SUMS"
        }
        (file,) = [name for name in archive.namelist() if name.endswith(".pdf")]
        letter = archive.read(file)
        assert archive.read("manifest.csv") == client.get(f"{at}/manifest.csv").content
    (its,) = re.findall(r"/letters/([0-9a-f-]{36})/file", shown)
    assert client.get(f"/letters/{its}/file").content == letter
    kinds = in_scope(runtime, cast, lambda s: set(s.scalars(select(AuditEntry.kind))))
    assert kinds >= {"letters.taken", "letter.opened", "letter.previewed"}

    assert client.post(f"{at}/hand-over", data={**csrf, "to": ""}).status_code == 422
    assert client.post(f"{at}/hand-over", data={**csrf, "to": "Tipografia Arno"}).status_code == 204
    done(runtime, cast)
    today = in_scope(runtime, cast, lambda s: clock.business_day(clock.now(s)))
    number = Path(file).stem
    outcomes = f"Numero;Esito;Data\n{number};Sconosciuto;{today:%d/%m/%Y}\nL1-000009-99;Consegnata;{today:%d/%m/%Y}\n"
    sent = client.post(
        f"/campaigns/{campaign}/letters/returns", data=csrf, files={"file": ("esiti.csv", outcomes.encode())}
    )
    reading = sent.headers["HX-Redirect"]
    assert "destinatario sconosciuto" in client.get(reading).text
    assert client.post(f"{reading}/believe", data=csrf).status_code == 204
    done(runtime, cast)
    assert "confermato" in client.get(f"{reading}/now").text
    assert "destinatario sconosciuto" in client.get(f"{at}/now").text
    (row,) = in_scope(runtime, cast, lambda s: s.execute(select(Letter.state, Letter.number)).all())
    assert row.state is LetterState.RETURNED


@pytest.mark.integration
def test_whoever_may_not_gets_nothing_of_it(client: TestClient, runtime: Runtime, cast: Cast) -> None:
    campaign = running(runtime, cast)
    let_in(client, "sara")
    asked = client.post(f"/campaigns/{campaign}/letters/batches", data={"csrf": csrf_of(client), **PRICES})
    at = asked.headers["HX-Redirect"]
    done(runtime, cast)
    (letter,) = in_scope(runtime, cast, lambda s: s.scalars(select(Letter.id)).all())
    for name in ("anna", "vera"):
        let_in(client, name)
        csrf = {"csrf": csrf_of(client)}
        for path in (
            f"/campaigns/{campaign}/letters", f"/campaigns/{campaign}/letters/preview.pdf", at, f"{at}/package.zip",
            f"{at}/manifest.csv", f"/letters/{letter}/file",
        ):  # fmt: skip
            assert client.get(path).status_code in {403, 404}, (name, path)
        for path in (f"{at}/hand-over", f"{at}/cancel", f"/campaigns/{campaign}/letters/text"):
            assert client.post(path, data={**csrf, "to": "x"}).status_code in {403, 404}, (name, path)
    assert in_scope(runtime, cast, lambda s: s.scalar(select(Campaign.state))) == "running"
    view = in_scope(runtime, cast, lambda s: queries.batches(s, campaign)[0])
    assert view.state is BatchState.MADE
    letters = in_scope(runtime, cast, lambda s: list(queries.every(s, view.id)))
    pieces = streamed(view, letters, FolderStore(Path("/nowhere")), view.made_at)
    with pytest.raises(StoreError):
        list(pieces)


@pytest.mark.parametrize("text", ["-1", "1e9", "NaN", "Infinity", "101", "poco", "0,0,1"])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="si legge"):
        prices({"postage-20": text})
    assert prices({"postage-20": "0,95 €"})[0].postage == {20: 95}


@pytest.mark.integration
def test_who_pays_after_his_letter_was_made_is_seen_taken_out_and_pulled_from_the_heap(
    client: TestClient, runtime: Runtime, cast: Cast
) -> None:
    campaign = running(runtime, cast)
    let_in(client, "sara")
    csrf = {"csrf": csrf_of(client)}
    at = client.post(f"/campaigns/{campaign}/letters/batches", data={**csrf, **PRICES}).headers["HX-Redirect"]
    done(runtime, cast)
    assert "Ora tutte le lettere possono partire." in client.get(at).text
    assert client.get(f"{at}/package.zip").status_code == 200
    paid = update(Position).values(residual_cents=0, state=PositionState.PAID)
    in_scope(runtime, cast, lambda s: s.execute(paid))
    assert re.search(r"non deve niente</th><td class=\"r num\">1<", client.get(at).text)
    assert client.post(f"{at}/check", data=csrf).status_code == 204
    assert "Le lettere si ricontrollano una per una" in client.get(f"{at}/now").text
    assert client.get(f"{at}/package.zip").status_code == 409
    done(runtime, cast)
    shown = client.get(at).text
    (number,) = re.findall(r"letters-pulled num\">([^<]+)<", shown)
    rows = client.get(f"{at}/withdrawn.csv").content.decode("utf-8-sig").splitlines()
    assert rows == ["numero;file", f"{number};lettere/{number}.pdf"]
    assert "package.zip" not in shown, "no letter is left"
    assert client.post(f"{at}/hand-over", data={**csrf, "to": "Tipografia Arno"}).status_code == 409
    kinds = in_scope(runtime, cast, lambda s: set(s.scalars(select(AuditEntry.kind))))
    assert kinds >= {"letters.checked", "letters.looked", "letters.taken_withdrawn"}
    in_scope(runtime, cast, lambda s: s.execute(update(Campaign).values(state=State.STOPPED)))
    assert "ha fermato la campagna" in client.get(at).text
    assert client.post(f"{at}/check", data=csrf).status_code == 409
