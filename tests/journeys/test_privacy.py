"""The administrator: who looked at whom, a person's copy, his erasure, and seals that verify."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import ROOT, Centre, Desk
from tests.journeys.test_files import is_read
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
ADA = {
    "record": "taxpayer", "codice_fiscale": "VNNDAA50A41D403G", "surname": "Vannini", "given_name": "Ada",
    "phones": ["0571 700321"],
}  # fmt: skip


def arrives(centre: Centre, admin: Desk, folder: Path) -> None:
    """Ada, who owes nothing, is in Empoli's archive."""
    header = json.loads((centre.data / "feed-empoli.jsonl").read_text(encoding="utf-8").splitlines()[0])
    as_of = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    told = [header | {"mode": "incremental", "as_of": as_of}, ADA, {"record": "end", "taxpayers": 1, "positions": 0}]
    feed = folder / "ada.jsonl"
    feed.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")
    is_read(admin, feed)
    expect(admin.page.locator(".run", has_text="ada.jsonl")).to_contain_text("Letto per intero")


def find(page: Page, path: str) -> None:
    """Look her up in the page's box, and go to her."""
    page.goto(path)
    page.locator("#q").fill("vanini ada")  # as people write it
    page.locator("#found a", has_text="Vannini").click()


def test_a_person_is_copied_looked_up_in_the_log_and_erased(
    centre: Centre, sit_down: SitDown, tmp_path: Path
) -> None:  # fmt: skip
    admin = sit_down("admin", "/imports")
    page = admin.page
    arrives(centre, admin, tmp_path)
    page.goto("/privacy")
    assert_accessible(page)

    find(page, "/privacy")
    assert_accessible(page)
    page.get_by_role("button", name="Prepara la copia").click()
    take = page.locator("tr", has_text="Ada Vannini").get_by_role("button", name="Scarica")
    expect(take).to_be_visible()  # within seconds, without reloading
    with page.expect_download() as download:
        take.click()
    copy = zipfile.ZipFile(download.value.path())
    assert ADA["codice_fiscale"] in "".join(copy.read(name).decode() for name in copy.namelist())
    page.goto("/privacy")
    expect(page.locator("tr", has_text="Ada Vannini")).to_contain_text("Scaricata")
    expect(page.locator("tr", has_text="Ada Vannini").get_by_role("button")).to_have_count(0)

    find(page, "/access-log")
    expect(page.locator(".log-whose")).to_contain_text("Ada Vannini")
    assert_accessible(page)
    taken = page.locator(".log-lines tbody tr", has_text=re.compile("scaric", re.IGNORECASE)).first
    expect(taken).to_contain_text("Ada Vannini")
    admin.shot("access-log")
    with page.expect_download() as download:
        page.get_by_role("link", name="Scarica CSV").click()
    assert "Ada Vannini" in Path(download.value.path()).read_text(encoding="utf-8-sig")

    find(page, "/privacy")
    expect(page.locator("#protocol")).to_be_visible()
    late: list[Route] = []

    def holds(route: Route) -> None:
        late.append(route)

    page.route("**/keys.js", holds)
    page.reload(wait_until="commit")
    page.get_by_role("button", name="Cancella i dati").click()  # before the scripts are here: asked once they are
    assert late
    late.pop().continue_()
    page.unroute("**/keys.js")
    expect(page.locator("#sure-error")).to_contain_text("Conferma")
    assert "?" not in page.url, "what is typed in a form stays out of the address"
    page.locator("#sure").check()
    page.locator("#protocol").fill("prot. 4471 del 20/11/2026")
    page.get_by_role("button", name="Cancella i dati").click()
    expect(page.get_by_role("heading", name=re.compile("cancellazione n"))).to_be_visible()
    expect(page.get_by_text("Che cosa ne è")).to_be_visible(timeout=20_000)
    assert_accessible(page)
    admin.shot("erasure")
    page.goto("/privacy")
    page.locator("#q").fill("vannini ada")
    expect(page.locator("#found")).to_contain_text("Nessuno con questi dati")
    page.goto("/access-log")
    expect(page.locator(".log-lines")).to_contain_text("Persona cancellata")
    expect(page.locator(".log-lines")).not_to_contain_text("Vannini")


def test_the_seals_verify(centre: Centre) -> None:
    verified = verify(centre)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def verify(centre: Centre) -> subprocess.CompletedProcess[str]:
    """The seals, computed again by the command."""
    return subprocess.run(
        [sys.executable, "-m", "web.cli", "verify-audit"], cwd=ROOT, env=centre.environ(), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
