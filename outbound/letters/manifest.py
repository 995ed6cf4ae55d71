"""What a printing house is told of a batch: a row for each letter, and the digests of all files. Pure."""

from collections.abc import Iterable, Iterator

from crm.core.spreadsheet import csv_lines
from outbound.letters.queries import BatchView, LetterView

LINES = 6  # of an address
HEAD = (
    "numero", "file", "sha256", "byte", "pagine", "fogli", "stampa", "colore", "grammi", "scaglione_grammi", "busta",
    *(f"riga_{n}" for n in range(1, LINES + 1)), "centesimi",
)  # fmt: skip
PULLED = ("numero", "file")
MANIFEST, SUMS = "manifest.csv", "SHA256SUMS"


def path(letter: LetterView) -> str:
    """The file of a letter within the archive."""
    return f"lettere/{letter.code}.pdf"


def rows(batch: BatchView, letters: Iterable[LetterView]) -> Iterator[tuple[object, ...]]:
    """A row for each letter, as `HEAD` says. The number is also what the code printed on the letter holds."""
    steps = sorted(batch.prices.postage)
    for one in letters:
        step = next((int(step) for step in steps if one.grams <= step), "")
        lines = (*one.lines, *[""] * LINES)[:LINES]
        yield (
            str(one.code), path(one), one.sha256, one.size, one.pages, one.sheets,
            "fronte e retro" if batch.duplex else "solo fronte", "nero", one.grams, step,
            one.envelope.value if one.envelope else "", *lines, one.cents,
        )  # fmt: skip


def csv(batch: BatchView, letters: Iterable[LetterView]) -> bytes:
    """The manifest as a file; the same letters make the same bytes."""
    return "".join(csv_lines(HEAD, rows(batch, letters))).encode()


def pulled(letters: Iterable[LetterView]) -> bytes:
    """Which letters of an archive that was downloaded are to be pulled out: their numbers and files, and not why."""
    return "".join(csv_lines(PULLED, ((str(one.code), path(one)) for one in letters))).encode()


def sums(files: Iterable[tuple[str, str]]) -> bytes:
    """Digests and paths, as `sha256sum -c` reads them."""
    return "".join(f"{digest}  {name}\n" for digest, name in files).encode()
