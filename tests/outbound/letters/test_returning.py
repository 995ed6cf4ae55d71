"""What the post says of letters: read, looked at, believed; and what follows from each outcome, once."""

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.contacts import queries as contacts
from crm.contacts.models import ContactAddress, LastOutcome, Source, Verification
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError
from crm.follow_ups.models import FollowUp, FollowUpKind
from crm.timeline.models import TimelineEntry
from outbound.campaigns.models import ContactState
from outbound.compliance.rules import Reason
from outbound.letters import outcomes, queries, returning
from outbound.letters.codes import Code
from outbound.letters.models import LetterOutcome, LetterReturn, LetterState, ReadingState
from outbound.letters.outcomes import Mistake, Said
from outbound.lists.sheets import Line, named
from tests.cast import Cast
from tests.outbound.letters.press import LETTERS, Press
from tests.outbound.test_campaigns import DAY

TODAY = date(2026, 11, 24)
HEAD = ("Numero lettera", "ESITO", "Data esito", "Nuovo indirizzo", "Nuovo CAP", "Nuovo comune", "Nuova prov.")


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("Consegnata", LetterOutcome.DELIVERED), ("RECAPITATO AL DESTINATARIO", LetterOutcome.DELIVERED),
        ("Mancata consegna - destinatario sconosciuto", LetterOutcome.UNKNOWN), ("Trasferito", LetterOutcome.MOVED),
        ("Non consegnata: indirizzo inesistente", LetterOutcome.INSUFFICIENT), ("Rifiutato", LetterOutcome.REFUSED),
        ("Compiuta giacenza", LetterOutcome.UNCLAIMED), ("Non ritirata", LetterOutcome.UNCLAIMED),
        ("Destinatario deceduto", LetterOutcome.DECEASED), ("irreperibile", LetterOutcome.INSUFFICIENT),
    ],
)  # fmt: skip
def test_the_posts_words_are_understood(words: str, outcome: LetterOutcome) -> None:
    assert outcomes.outcome_of(words) is outcome


@pytest.mark.parametrize("words", ["", "Boh", "Non consegnata", "Mancato recapito", "In lavorazione"])
def test_words_that_say_no_outcome_are_refused(words: str) -> None:
    with pytest.raises(InvalidError, match="non si capisce"):
        outcomes.outcome_of(words)


@given(st.lists(st.text(max_size=20), max_size=9).map(tuple), st.integers(1, 10**6), st.booleans())
def test_any_row_is_understood_or_says_why_not(cells: tuple[str, ...], number: int, broken: bool) -> None:
    at = outcomes.columns(HEAD)
    one = outcomes.said(Line(number, cells, broken), at, TODAY)
    assert one.line == number
    assert isinstance(one, Said) or one.reason


def test_a_row_says_the_letter_the_outcome_the_day_and_the_new_address() -> None:
    at = outcomes.columns(HEAD)
    row = (str(Code(3, 12)), "Trasferito", "2026-11-20", "Via Nuova 3", "50018", "Scandicci", "fi")
    one = outcomes.said(Line(2, row), at, TODAY)
    assert isinstance(one, Said)
    assert (one.code, one.outcome, one.on) == (Code(3, 12), LetterOutcome.MOVED, date(2026, 11, 20))
    assert one.address is not None
    assert one.address.line == "Via Nuova 3, 50018 Scandicci (FI)"
    late = outcomes.said(Line(3, (row[0], "Consegnata", "25/11/2026")), at, TODAY)
    assert late == Mistake(3, "La data è nel futuro.")
    with pytest.raises(InvalidError, match="«Esito», «Data»"):
        outcomes.columns(("Numero", "Nota"))


def row_of(press: Press, kind: Any, *which: Any) -> list[Any]:
    return list(press.work(lambda s: s.execute(select(kind).where(*which)).scalars().all()))


def file(*rows: tuple[object, ...]) -> str:
    return "\n".join(";".join(map(str, row)) for row in (HEAD, *rows))


@pytest.mark.integration
def test_each_outcome_has_what_follows_from_it_and_is_believed_once(press: Press, cast: Cast, tmp_path: Path) -> None:
    delivered, moved, dead, refused = press.people(4)
    campaign = press.run(delivered, moved, dead, refused, plan=LETTERS)
    batch = press.sent(campaign)
    code = {one.contact_id: str(Code(batch, one.number)) for one in press.letters(batch)}
    press.now += 6 * DAY
    text = file(
        (code[delivered], "Consegnata", "27/11/2026"),
        (code[moved], "Trasferito", "28/11/2026", "Via Nuova 3", "50018", "Scandicci", "FI"),
        (code[dead], "Deceduto", "28/11/2026"),
        (code[refused], "Rifiutata", "28/11/2026"),
        (code[refused], "Consegnata", "28/11/2026"),
        (code[delivered][:-2] + "xx", "Consegnata", "28/11/2026"),
        (str(Code(batch, 99)), "Consegnata", "28/11/2026"),
        (code[delivered], "Consegnata", "27/11/2026"),
    )
    reading = press.read(tmp_path / "esiti.csv", text)
    seen = press.work(lambda s: queries.reading(s, reading))
    assert (seen.rows, sum(seen.outcomes.values()), seen.wrong) == (8, 4, 3)
    assert [line for line, _ in seen.mistakes] == [6, 7, 8]
    assert press.letters(batch)[0].outcome is None, "nothing is believed before somebody has looked"
    press.work(lambda s: returning.believe(s, press.sara, reading_id=reading))
    with pytest.raises(ConflictError):
        press.work(lambda s: returning.believe(s, press.sara, reading_id=reading))
    press.jobs_done()
    assert press.work(lambda s: queries.reading(s, reading)).state is ReadingState.APPLIED
    states = {one.contact_id: one.state for one in press.letters(batch)}
    assert states[delivered] is LetterState.DELIVERED
    assert {states[one] for one in (moved, dead, refused)} == {LetterState.RETURNED}
    assert press.contact(campaign, delivered).due_at.date() == date(2026, 12, 6), "counted from the delivery"
    assert press.contact(campaign, refused).due_at == press.now, "he does not have the letter: nothing to wait for"
    kinds = [(one.kind, one.contact_id) for one in row_of(press, FollowUp)]
    assert kinds == [(FollowUpKind.CASE, dead)], "that he is dead somebody has to find out"
    assert Reason.COMPLAINT in press.why_not(campaign, dead)
    his = press.work(lambda s: contacts.get(s, moved)).addresses
    assert {(one.outcome, one.source, one.verification) for one in his} == {
        (LastOutcome.UNREACHABLE, Source.GESTIONALE, Verification.UNVERIFIED),
        (None, Source.ARCHIVE, Verification.UNVERIFIED),
    }
    (home,) = row_of(press, ContactAddress, ContactAddress.contact_id == delivered)
    assert home.outcome is LastOutcome.REACHED
    entries = {one.contact_id: one for one in row_of(press, TimelineEntry, TimelineEntry.kind == "letter")}
    assert (entries[moved].status, entries[moved].detail["outcome"]) == ("returned", "moved")

    again = press.read(tmp_path / "ancora.csv", text)
    seen = press.work(lambda s: queries.reading(s, again))
    assert (seen.known, sum(seen.outcomes.values())) == (4, 0)
    with pytest.raises(ConflictError, match="niente di nuovo"):
        press.work(lambda s: returning.believe(s, press.sara, reading_id=again))


@pytest.mark.integration
def test_a_file_of_letters_that_did_not_leave_or_of_somebody_else_is_explained(
    press: Press, cast: Cast, tmp_path: Path
) -> None:
    campaign = press.run(cast.mario, plan=LETTERS)
    batch = press.ask(campaign)
    press.jobs_done()
    path = tmp_path / "esiti.csv"
    reading = press.read(path, file((Code(batch, 1), "Consegnata", "24/11/2026")))
    assert press.work(lambda s: queries.reading(s, reading)).mistakes == ((2, returning.NOT_SENT),)
    press.work(lambda s: returning.discard(s, press.sara, reading_id=reading))
    assert row_of(press, LetterReturn) == []
    path.write_text("Nome;Cognome\nMario;Bianchi")
    with pytest.raises(FieldError, match="manca una colonna"):
        press.work(lambda s: returning.receive(s, press.sara, ente_id=cast.empoli, name="x", path=path))
    with pytest.raises(ForbiddenError):
        press.work(lambda s: returning.receive(s, press.anna, ente_id=cast.empoli, name="x", path=path))
    assert press.contact(campaign, cast.mario).state is ContactState.LATER


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("foto.jpg", b"\xff\xd8")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("write", "said"),
    [
        (a_zip, "non è un foglio Excel intero"),
        (lambda path: path.write_bytes(b""), "vuoto"),
        (lambda path: path.write_bytes("Numero;Esito;Data\n".encode("utf-16-le")), "non contiene testo"),
        (lambda path: path.write_bytes(b"Numero;Esito;Data\n" + b"a;b;c\n" * 1_000_000), "più di 50000 righe"),
    ],
)
def test_a_file_that_cannot_be_one_is_explained(
    press: Press, cast: Cast, tmp_path: Path, write: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "esiti"
    write(path)
    with pytest.raises(FieldError, match=said) as refused:
        press.work(lambda s: returning.receive(s, press.sara, ente_id=cast.empoli, name="x", path=path))
    assert [one.field for one in refused.value.parts] == ["file"]


@pytest.mark.integration
def test_a_file_in_utf_16_and_with_whatever_name_is_read(press: Press, cast: Cast, tmp_path: Path) -> None:
    batch = press.sent(press.run(cast.mario, plan=LETTERS))
    path = tmp_path / "esiti"
    path.write_bytes(file((Code(batch, 1), "Rifiutata", "24/11/2026")).encode("utf-16"))
    name = "C:\\posta\\" + "a" * 300 + "\x00\u202e.csv"
    reading = press.work(lambda s: returning.receive(s, press.sara, ente_id=cast.empoli, name=name, path=path))
    seen = press.work(lambda s: queries.reading(s, reading))
    assert (seen.name, seen.outcomes, seen.wrong) == ("a" * 116 + ".csv", {LetterOutcome.REFUSED: 1}, 0)


@given(st.text(max_size=400), st.integers(1, 200))
def test_no_file_s_name_is_more_than_a_screen_and_a_database_can_hold(name: str, longest: int) -> None:
    shown = named(name, longest)
    assert len(shown) <= longest
    assert shown.isprintable()
    assert "/" not in shown
