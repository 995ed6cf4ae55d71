"""The ways in which people write lists down; and what others send as one."""

import io
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from crm.core.errors import InvalidError
from outbound.lists import sheets
from outbound.lists.columns import By, Columns, Key, Wrong
from outbound.lists.sheets import FileRefusedError, read

MARIO = "BNCMRA62A01D403X"


def rows(path: Path, content: bytes) -> list[tuple[str, ...]]:
    path.write_bytes(content)
    return [line.cells for line in read(path)]


@pytest.mark.parametrize("separator", sheets.SEPARATORS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_as_people_write_it(tmp_path: Path, separator: str, encoding: str) -> None:
    text = f'CF{separator}Città\n{MARIO}{separator}"Forlì{separator} ""alta"""\n\n'
    assert rows(tmp_path / "a", text.encode(encoding)) == [("CF", "Città"), (MARIO, f'Forlì{separator} "alta"')]


def test_a_cell_without_end_spoils_its_row_and_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b'cf;note\n"' + b"x" * 400_000 + b"\nb;c\n")
    lines = list(read(path))
    assert lines[0].cells == ("cf", "note")
    assert any(line.broken for line in lines)
    assert all(len(cell) <= sheets.LONGEST_CELL for line in lines for cell in line.cells)


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        assert all(
            isinstance(cell, str) and "\x00" not in cell for row in rows(tmp_path / "a", content) for cell in row
        )
    except FileRefusedError as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017  # it may also be read


def workbook(*lines: list[object]) -> bytes:
    book, held = Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(held)
    return held.getvalue()


def with_parts(content: bytes, **parts: bytes) -> bytes:
    held = io.BytesIO(content)
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name.replace("__", "/"), part)
    return held.getvalue()


def test_an_excel_file_is_read_as_text_and_a_formula_as_what_it_last_was(tmp_path: Path) -> None:
    content = workbook(
        ["cf", "nav", "giorno", "f"], [MARIO, 301000000000012373, date(2026, 1, 2), "=1+1"], [None], [1234567890.0]
    )
    assert rows(tmp_path / "a", content) == [
        ("cf", "nav", "giorno", "f"), (MARIO, "301000000000012…", "02/01/2026"), ("1234567890",),
    ]  # fmt: skip


def test_macros_bombs_and_what_is_no_sheet_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet, path = workbook(["cf"], [MARIO]), tmp_path / "a"
    for content, sentence in (
        (with_parts(sheet, xl__vbaProject__bin=b"x").replace(b"vbaProject/bin", b"vbaProject.bin"), sheets.MACROS),
        (with_parts(sheet, bomb=bytes(30 * 1024**2)), sheets.TOO_DENSE),
        (with_parts(b"", a=b"x"), sheets.NOT_A_SHEET),
        (sheet[: len(sheet) // 2], sheets.NOT_A_SHEET),
    ):
        with pytest.raises(FileRefusedError) as refusal:
            rows(path, content)
        assert str(refusal.value) == sentence
    monkeypatch.setattr(sheets, "MOST_ROWS", 3)
    with pytest.raises(FileRefusedError, match="3 righe"):
        rows(path, b"cf\n" * 9)
    monkeypatch.setattr(sheets, "MOST_BYTES", 3)
    with pytest.raises(FileRefusedError, match="troppo grande"):
        rows(path, b"cf\nx\n")


def test_the_first_key_that_a_row_has_says_who_is_meant() -> None:
    columns = Columns.of(["Note", "Cod. Fiscale", "N. tel", "Telefono", "Numero avviso"])
    assert columns.key(("", MARIO.lower(), "", "", "")) == Key(By.CODE, MARIO)
    assert columns.key(("", "", "", "3480000001", "")) == Key(By.PHONE, "+393480000001")
    assert columns.key(("", "", "", "3480000001", "3010 0000 0000 0123 73")) == Key(By.NOTICE, "301000000000012373")
    wrong = columns.key(("", "BNCMRA62A01D403Y", "", "3480000001", ""))
    assert isinstance(wrong, Wrong)
    assert wrong.heading == "Cod. Fiscale"
    assert isinstance(columns.key(()), Wrong)
    rounded = columns.key(("", "", "", "", "301000000000012…"))
    assert isinstance(rounded, Wrong)
    assert "come testo" in rounded.reason
    assert columns.given(("a", MARIO, "", "", "")) == {"Note": "a"}
    assert columns.given(("", MARIO)) is None
    with pytest.raises(InvalidError, match="prima riga"):
        Columns.of(["nome"])
