"""What a printing house downloads: one archive with the manifest, the digests and every letter, as it is written."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime

from crm.core.clock import in_rome
from crm.documents.store import DocumentStore
from outbound.letters import manifest
from outbound.letters.queries import BatchView, LetterView


class _Pipe(io.RawIOBase):
    """Takes what is written until somebody fetches it; it cannot be wound back, and the archive is so made."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Hold some more."""
        self._held += memoryview(data).cast("B")  # type: ignore[arg-type]
        return memoryview(data).nbytes  # type: ignore[arg-type]

    def fetched(self) -> bytes:
        """What was held."""
        held, self._held = bytes(self._held), bytearray()
        return held


def streamed(batch: BatchView, letters: Sequence[LetterView], store: DocumentStore, at: datetime) -> Iterator[bytes]:
    """The archive, piece by piece: of all letters one is in memory. The same batch makes the same bytes.

    Nothing in it is compressed: PDF hardly can be. Raises `StoreError` where a letter is missing, which ends it before
    its directory is written: what was received of it does not open.
    """
    pipe = _Pipe()
    listed = manifest.csv(batch, letters)
    sums = [(hashlib.sha256(listed).hexdigest(), manifest.MANIFEST)]
    sums += [(one.sha256 or "", manifest.path(one)) for one in letters]
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry(manifest.MANIFEST, at), listed)
        archive.writestr(_entry(manifest.SUMS, at), manifest.sums(sums))
        yield pipe.fetched()
        for one in letters:
            assert one.sha256 is not None, "letters without a file are not listed"
            archive.writestr(_entry(manifest.path(one), at), store.read(one.ente_id, one.sha256, most=one.size))
            yield pipe.fetched()
    yield pipe.fetched()


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    local = in_rome(at)
    return zipfile.ZipInfo(name, (local.year, local.month, local.day, local.hour, local.minute, local.second))
