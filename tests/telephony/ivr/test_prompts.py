"""What is spoken."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm.core.clock import ROME
from crm.enti.calendar import ClosedBecause, Opening
from telephony.calls import reception
from telephony.ivr import prompts, standard, walk
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence


def rome(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME).astimezone(UTC)


NOW = rome(11, 20, 7)  # a Friday


@pytest.mark.parametrize(
    ("instant", "spoken"),
    [
        (rome(11, 20, 8, 30), "oggi alle 8 e 30"),
        (rome(11, 20, 15), "oggi alle 15"),
        (rome(11, 21, 0, 30), "domani alle 0 e 30"),
        (rome(11, 21, 1), "domani all'1"),
        (rome(11, 21, 11), "domani alle 11"),
        (rome(11, 23, 8, 30), "lunedì 23 novembre alle 8 e 30"),
        (rome(12, 8, 9), "martedì 8 dicembre alle 9"),
        (rome(12, 1, 8, 30), "martedì primo dicembre alle 8 e 30"),
    ],
)
def test_an_instant_as_one_says_it(instant: datetime, spoken: str) -> None:
    assert prompts.spoken_instant(instant, NOW) == spoken


def test_tomorrow_is_rome_s_tomorrow() -> None:
    late = rome(11, 20, 23, 45)  # 22:45 in Greenwich: there, both are the same day
    assert prompts.spoken_instant(rome(11, 21, 0, 15), late) == "domani alle 0 e 15"


@pytest.mark.parametrize(
    ("opening", "spoken"),
    [
        (
            Opening(is_open=False, because=ClosedBecause.HOURS, opens_at=rome(11, 20, 8, 30)),
            "In questo momento gli uffici sono chiusi. Il servizio riapre oggi alle 8 e 30. Arrivederci.",
        ),
        (
            Opening(is_open=False, because=ClosedBecause.HOLIDAY, opens_at=rome(11, 23, 9)),
            "Oggi gli uffici sono chiusi per festività. Il servizio riapre lunedì 23 novembre alle 9. Arrivederci.",
        ),
        (
            Opening(is_open=False, because=ClosedBecause.CLOSURE, reason="Guasto."),
            "Il servizio è momentaneamente chiuso. Guasto. La preghiamo di richiamare più tardi. Arrivederci.",
        ),
        (
            Opening(is_open=False, because=ClosedBecause.CLOSURE, reason="", opens_at=rome(11, 21, 9)),
            "Il servizio è momentaneamente chiuso. Il servizio riapre domani alle 9. Arrivederci.",
        ),
    ],
)
def test_why_nobody_answers_and_when_somebody_will(opening: Opening, spoken: str) -> None:
    assert prompts.closed(opening, NOW) == spoken


def test_the_reason_of_a_closure_is_not_read_out_by_a_voice_of_another_language() -> None:
    shut = Opening(is_open=False, because=ClosedBecause.CLOSURE, reason="Assemblea del personale.")
    assert "Assemblea" in prompts.closed(shut, NOW)
    assert not any("Assemblea" in prompts.closed(shut, NOW, other) for other in (Language.ENGLISH, Language.GERMAN))


@pytest.mark.parametrize(
    ("ahead", "spoken"),
    [
        (0, "Lei è il prossimo: le risponderemo appena un operatore si libera."),
        (1, "Prima di lei c'è una persona."),
        (2, "Prima di lei ci sono 2 persone."),
    ],
)
def test_how_many_come_first(ahead: int, spoken: str) -> None:
    assert prompts.position(ahead) == spoken


@pytest.mark.parametrize(
    ("wait", "italian", "english", "german"),
    [
        ((0, 1), "è inferiore a un minuto.", "is less than a minute.", "weniger als eine Minute."),
        ((0, 4), "è inferiore a 4 minuti.", "is less than 4 minutes.", "weniger als 4 Minuten."),
        ((2, 5), "è tra 2 e 5 minuti.", "is between 2 and 5 minutes.", "zwischen 2 und 5 Minuten."),
        ((60, None), "supera un'ora.", "is over an hour.", "über eine Stunde."),
    ],
)
def test_how_long_it_may_take(wait: tuple[int, int | None], italian: str, english: str, german: str) -> None:
    ends = {Language.ITALIAN: italian, Language.ENGLISH: english, Language.GERMAN: german}
    assert all(prompts.expected_wait(*wait, language).endswith(end) for language, end in ends.items())


DEBT = re.compile(
    r"€|\beuro\b|\bdebit|\bdeve pagare|\bimport[oi]\b|\bscadut|\bmora\b|\bsanzion|\bsaldo\b", re.IGNORECASE
)


def spoken_texts(module: object) -> list[str]:
    """Every piece of text in a module's code, docstrings apart."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    documents = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documents
    ]


@pytest.mark.parametrize("module", [prompts, standard, walk, reception], ids=lambda module: str(module.__name__))
def test_no_prompt_says_that_anybody_owes_anything(module: object) -> None:
    """Whoever holds the telephone need not be the taxpayer."""
    texts = spoken_texts(module)
    assert texts
    assert not [text for text in texts if DEBT.search(text)]


@pytest.mark.parametrize("language", Language)
def test_every_sentence_is_spoken_in_every_language(language: Language) -> None:
    assert all(sentence(one, language).strip() for one in Sentence)
    assert {one: prompts.position(1, one) for one in Language}.keys() == set(Language)


@pytest.mark.parametrize(
    ("instant", "english", "german"),
    [
        (rome(11, 20, 8, 30), "today at 8:30 a.m.", "heute um 8 Uhr 30"),
        (rome(11, 21, 15), "tomorrow at 3 p.m.", "morgen um 15 Uhr"),
        (rome(11, 23, 12), "on Monday 23 November at 12 p.m.", "am Montag, 23. November um 12 Uhr"),
    ],
)
def test_an_instant_in_other_languages(instant: datetime, english: str, german: str) -> None:
    assert prompts.spoken_instant(instant, NOW, Language.ENGLISH) == english
    assert prompts.spoken_instant(instant, NOW, Language.GERMAN) == german
