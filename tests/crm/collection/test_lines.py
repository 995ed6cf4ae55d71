"""Reading the file itself: sizes, encodings, archives."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.collection import lines
from crm.collection.errors import CollectionError
from crm.collection.lines import FeedFile, WholeFileRefused, examine, read_lines


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return tmp_path / "feed"


@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=8), st.booleans())
def test_reading_on_from_any_line_is_like_reading_through(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], ended: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / "feed"
    path.write_bytes(b"\n".join(texts) + (b"\n" if ended else b""))
    file = FeedFile(path, "", path.stat().st_size, packed=False)
    through = list(read_lines(file))
    assert [line.number for line in through] == list(range(1, len(through) + 1))
    for line in through:
        rest = list(read_lines(file, offset=line.end, number=line.number))
        assert rest == through[line.number :]


def test_a_huge_line_is_passed_over(feed: Path) -> None:
    feed.write_bytes(b"{}\n" + b"x" * (lines.MAX_LINE_BYTES * 3) + b"\n{}\n")
    first, huge, last = read_lines(examine(feed))
    assert (first.content, huge.content, last.content) == (b"{}", None, b"{}")
    assert (huge.number, huge.ended, last.end) == (2, True, feed.stat().st_size)


def test_a_byte_order_mark_is_no_text(feed: Path) -> None:
    feed.write_bytes(b"\xef\xbb\xbf{}\r\n")
    assert [line.content for line in read_lines(examine(feed))] == [b"{}"]


def test_gzip_reads_like_plain(feed: Path) -> None:
    feed.write_bytes(gzip.compress(b"{}\n[]\n"))
    file = examine(feed)
    assert (file.packed, file.size) == (True, 6)
    assert [line.content for line in read_lines(file, offset=3, number=1)] == [b"[]"]


def refusal(path: Path) -> str:
    with pytest.raises(WholeFileRefused) as refused:
        examine(path)
    return str(refused.value)


def test_a_bomb_is_not_unpacked(feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "RATIO_FREE_BYTES", 1_000_000)
    feed.write_bytes(gzip.compress(b" " * 50_000_000))
    assert refusal(feed) == lines.BOMB


@pytest.mark.parametrize("cut", [5, 15])
def test_a_damaged_archive(feed: Path, cut: int) -> None:
    feed.write_bytes(gzip.compress(b"{}\n" * 100)[:cut])
    assert refusal(feed) == lines.DAMAGED


@pytest.mark.parametrize("raw", ["{}\n{«à»}\n".encode("latin-1"), "{}\nà".encode()[:-1], "{}\n".encode("utf-16")])
def test_another_encoding(feed: Path, raw: bytes) -> None:
    feed.write_bytes(raw)
    assert refusal(feed).startswith("Il file non è UTF-8 (riga ")


def test_an_empty_file(feed: Path) -> None:
    feed.write_bytes(b"")
    assert refusal(feed) == "Il file è vuoto: rigenerarlo."


def test_no_file(feed: Path) -> None:
    with pytest.raises(CollectionError, match="Impossibile leggere feed: No such file"):
        examine(feed)
