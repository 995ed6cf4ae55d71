"""Anna answers Mario by post: the page, the file, the case's page; Sara has the batch printed, and reads back."""

import re
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from tests.cast import Cast
from tests.web.conftest import csrf_of
from tests.web.test_campaign_letters import PRICES, done
from tests.web.test_cases import Desk, desk
from web.wiring import Runtime

pytestmark = pytest.mark.integration
__all__ = ("desk",)


def begun(desk: Desk) -> tuple[str, dict[str, str]]:
    """A complaint that Anna has taken up, and the fields of the letter as its page has them."""
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="complaint", channel="phone", reasons="La cartella")
    desk.steps("take")
    assert f'href="{at}/letter"' in desk.sees(at)
    assert "La risposta può andare per lettera" in desk.sees(at), "he has no address that somebody verified"
    page = desk.sees(f"{at}/letter")
    fields = dict(re.findall(r'name="(name|street|postcode|town|province|subject)"[^>]* value="([^"]*)"', page))
    assert (fields["name"], fields["street"], fields["postcode"]) == ("MARIO BIANCHI", "Via Roma 1", "50053")
    return at, {**fields, "body": "La sua segnalazione è fondata.\nCi scusi.", "once": str(uuid4())}


def test_an_answer_is_written_seen_printed_posted_and_read_back(desk: Desk, client: TestClient) -> None:
    at, letter = begun(desk)
    shown = client.post(f"{at}/letter/preview", data={"csrf": csrf_of(client), **letter})
    assert shown.content.startswith(b"%PDF")
    assert "street" in desk.sends(f"{at}/letter", 422, version=desk.case().version, **{**letter, "street": "Via Roma"})
    seen = desk.case().version
    for _ in range(2):
        assert desk.sends(f"{at}/letter", version=seen, **letter) == at
    page = desk.sees(at)
    assert page.count("aspetta il prossimo lotto") == 1
    assert f"{at}/letter/withdraw" in page

    desk.comes("sara")
    assert "1 risposta" in desk.sees("/letters/answers")
    batch = desk.sends(f"/letters/answers/{desk.cast.empoli}/{desk.cast.contract}", **PRICES)
    done(desk.runtime, desk.cast)
    shown_batch = desk.sees(batch)
    assert f'<a href="{at}">' in shown_batch
    (code,) = set(re.findall(r">(L\d+-\d{6}-\d\d)<", shown_batch))
    desk.sends(f"{batch}/hand-over", to="Tipografia Arno")
    done(desk.runtime, desk.cast)
    desk.comes("anna")
    page = desk.sees(at)
    assert "spedita" in page
    assert "Chiusa" in page
    (file,) = set(re.findall(r"/letters/[0-9a-f-]{36}/file", page))
    assert client.get(file).content.startswith(b"%PDF")

    desk.comes("sara")
    outcomes = f"Numero;Esito;Data\n{code};Trasferito;{desk.case().closed_at:%d/%m/%Y}\n".encode()
    reading = desk.sends(
        f"/letters/answers/{desk.cast.empoli}/returns/file", files={"file": ("esiti.csv", outcomes)}
    )  # fmt: skip
    desk.sends(f"{reading}/believe")
    done(desk.runtime, desk.cast)
    page = desk.sees(at)
    assert "trasferito" in page
    assert "tornata indietro" in page
    assert "Scrivila di nuovo" in page
    assert "La lettera di prima è tornata indietro" in desk.sees(f"{at}/letter")


def test_it_is_withdrawn_from_the_case_and_whoever_may_not_gets_nothing(
    desk: Desk, client: TestClient, runtime: Runtime, cast: Cast
) -> None:
    at, letter = begun(desk)
    desk.sends(f"{at}/letter", version=desk.case().version, **letter)
    assert "già una risposta per lettera" in desk.sees(f"{at}/letter", 409)
    (answer,) = set(re.findall(r'name="answer_id" value="([0-9a-f-]{36})"', desk.sees(at)))
    desk.comes("vera")
    desk.sees(f"{at}/letter", 403)
    desk.sees("/letters/answers", 403)
    desk.sends(f"{at}/letter/withdraw", 403, answer_id=answer)
    desk.comes("anna")
    desk.sees("/letters/answers", 403)
    desk.sends(f"{at}/letter/withdraw", answer_id=answer)
    desk.sends(f"{at}/letter/withdraw", 409, answer_id=answer)
    assert "non parte" in desk.sees(at)
