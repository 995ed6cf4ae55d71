"""Asking a gestionale over HTTP, by the contract in docs/gestionale-api.yaml, and writing its answer as a feed file."""

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote
from uuid import UUID

import httpx

from crm.collection.feed import VERSION
from crm.collection.models import FeedMode
from crm.collection.sources.endpoints import Endpoint
from crm.collection.sources.pages import KINDS, Answers, Page, Totals, line_of, read
from crm.collection.sources.port import Fetched, Known, NotAllowedError, SourceError, ThisOneError

PAGE_RECORDS = 1_000
MAX_PAGE_BYTES = 64_000_000  # unpacked
MAX_PAGES = 100_000
MAX_FEED_BYTES = 20_000_000_000  # of all pages
TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=5.0)  # seconds; all together they are less than a job's lease
LONGEST_ANSWER_S = 600.0  # from its first byte to its last
TRIES = 4
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
NOT_MODIFIED, GONE = HTTPStatus.NOT_MODIFIED, HTTPStatus.GONE
OF_ONE = {400, 404, 409, 413, 415, 422}  # statuses that are about what was asked or sent, not about the gestionale

UNREACHABLE = "Il gestionale non risponde ({error}): si riprova da solo."
BUSY = "Il gestionale non riesce a rispondere (stato {status}): si riprova da solo."
NOT_ALLOWED = "Il gestionale rifiuta la nostra credenziale (stato {status}): chiederne una valida a chi lo gestisce."
ODD_STATUS = "Il gestionale risponde con lo stato {status}, non previsto dal contratto: avvisare chi lo gestisce."
TOO_SLOW = "Il gestionale risponde troppo lentamente: si riprova da solo."
TOO_LARGE = "Una pagina del gestionale supera 64 MB: avvisare chi lo gestisce, che ne mandi di più piccole."
ENDLESS = "Il gestionale manda pagine senza fine: avvisare chi lo gestisce."
NOT_THERE = "Il gestionale non ha questo documento (stato {status})."
LONGER = "Il documento del gestionale è più lungo di quanto aveva annunciato."
NOT_TAKEN = "Il gestionale non prende questo flusso (stato {status}): avvisare chi lo gestisce."
CHANGED = "Lo stato completo è cambiato mentre lo si leggeva: si riprova da solo."


@dataclass(frozen=True, slots=True)
class Sent:
    """What a POST carries."""

    content: bytes
    headers: dict[str, str]


class Gestionale:
    """One ente's state at one gestionale. `wait` sleeps for so many seconds."""

    def __init__(
        self,
        endpoint: Endpoint,
        ente: str,
        *,
        wait: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._ente, self._wait, self._monotonic, self._chance = ente, wait, monotonic, chance
        self._root = f"{endpoint.url}/v1/enti/{ente}"
        headers = {"Authorization": f"Bearer {endpoint.token}", "Accept": "application/json, application/problem+json"}
        self._options: dict[str, Any] = {
            "headers": headers, "timeout": TIMEOUT, "follow_redirects": False, "trust_env": False,
            "transport": transport,
        }  # fmt: skip

    def fetch(self, into: Path, known: Known, alive: Callable[[], None]) -> Fetched:
        """The changes since last time; the first time, or when they are no longer kept, the whole state."""
        with httpx.Client(**self._options) as client:
            fetched = self._changes(client, into, known, alive) if known.cursor is not None else None
            return fetched or self._feed(client, into, FeedMode.FULL, Known(), None, alive)

    def done(self, read: Known) -> None:
        """A gestionale keeps its own."""

    def propose(self, feed: bytes, key: UUID, alive: Callable[[], None]) -> Answers:
        """Hand a proposals feed over: the answers there are already. Under the same key it is taken once.

        Raises `ThisOneError` when this feed is not taken, `SourceError` when nothing is for now.
        """
        sent = Sent(feed, {"Idempotency-Key": str(key), "Content-Type": "application/jsonl"})
        with httpx.Client(**self._options) as client:
            url = f"{self._root}/proposals"
            response = self._ask(client, url, {}, None, alive, MAX_PAGE_BYTES, sent=sent)
        return read(Answers, response.content, ente=self._ente)

    def answers(self, since: str | None, alive: Callable[[], None]) -> Answers:
        """Answers to proposals since a cursor; from the first one when that is no longer kept. Raises `SourceError`."""
        with httpx.Client(**self._options) as client:
            query = {"limit": str(PAGE_RECORDS)} | ({"since": since} if since else {})
            response = self._ask(client, f"{self._root}/answers", query, None, alive, MAX_PAGE_BYTES)
        if response.status_code == GONE and since:
            return self.answers(None, alive)
        return read(Answers, response.content, ente=self._ente)

    def document(self, reference: str, into: Path, alive: Callable[[], None], *, most_bytes: int) -> str:
        """Write a document's contents; its media type. Raises `ThisOneError`, or `SourceError`."""
        with httpx.Client(**self._options) as client:
            url = f"{self._root}/documents/{quote(reference, safe='')}"
            response = self._ask(client, url, {}, None, alive, most_bytes, into)
        media_type: str = response.headers.get("content-type", "application/octet-stream")
        return media_type.partition(";")[0].strip().lower()

    def _changes(self, client: httpx.Client, into: Path, known: Known, alive: Callable[[], None]) -> Fetched | None:
        """What has changed; None: so much time has passed that the whole state must be asked for."""
        query = {"limit": str(PAGE_RECORDS), "since": known.cursor or ""}
        response = self._ask(client, f"{self._root}/records", query, known.etag, alive, MAX_PAGE_BYTES)
        if response.status_code == GONE:
            return None
        if response.status_code == NOT_MODIFIED:
            return Fetched(known, is_feed=False)
        first = read(Page, response.content, ente=self._ente)
        if not first.records and not first.more:
            return Fetched(Known(first.next, _mark(response)), is_feed=False)
        return self._feed(client, into, FeedMode.INCREMENTAL, known, first, alive)

    def _feed(
        self, client: httpx.Client, into: Path, mode: FeedMode, known: Known, first: Page | None,
        alive: Callable[[], None],
    ) -> Fetched:  # fmt: skip
        """Write pages until there are no more, then the header before them, and the totals and the end after.

        Who is told comes first, so that nothing need wait for its taxpayer: pages may have any order.
        """
        people, rest = into.with_suffix(".people"), into.with_suffix(".rest")
        counts: Counter[str] = Counter()
        with people.open("w", encoding="utf-8") as first_part, rest.open("w", encoding="utf-8") as second_part:
            for page in self._pages(client, mode, known, first, alive):
                for record in page.records:
                    kind, line = line_of(record, page=page)
                    is_person = "taxpayer" in (kind, record.get("of") if kind else None)
                    (first_part if is_person else second_part).write(line)
                    counts[kind] += 1
                if first_part.tell() + second_part.tell() > MAX_FEED_BYTES:
                    raise SourceError(ENDLESS, permanent=True)
        answer = self._ask(client, f"{self._root}/totals", {}, None, alive, MAX_PAGE_BYTES)
        totals = read(Totals, answer.content, ente=self._ente)
        header = {
            "record": "feed", "version": VERSION, "ente": self._ente, "mode": mode.value,
            "as_of": page.as_of.isoformat(), "source": "HTTP",
        }  # fmt: skip
        with into.open("wb") as whole:
            whole.write(_line(header))
            for part in (people, rest):
                _copy(part, whole, alive)
                part.unlink()
            if totals.as_of == page.as_of:  # else something has happened in between, and they would not agree
                whole.writelines(_line({**one, "record": "totals"}) for one in totals.totals if isinstance(one, dict))
            whole.write(_line(_end(counts)))
        return Fetched(Known(page.next), is_feed=True)

    def _pages(
        self, client: httpx.Client, mode: FeedMode, known: Known, first: Page | None, alive: Callable[[], None]
    ) -> Iterator[Page]:
        url = f"{self._root}/{'full' if mode is FeedMode.FULL else 'records'}"
        page, asked, as_of = first, known.cursor, None
        seen = {asked}
        for _ in range(MAX_PAGES):
            if page is None:
                query = {"limit": str(PAGE_RECORDS)} | ({"since": asked} if asked is not None else {})
                response = self._ask(client, url, query, None, alive, MAX_PAGE_BYTES)
                page = read(Page, response.content, ente=self._ente)
            if mode is FeedMode.FULL and page.as_of != (as_of := as_of or page.as_of):
                raise SourceError(CHANGED, permanent=False)
            yield page
            if not page.more:
                return
            if page.next in seen:
                break
            asked, page = page.next, None
            seen.add(asked)
        raise SourceError(ENDLESS, permanent=True)

    def _ask(
        self, client: httpx.Client, url: str, query: dict[str, str], etag: str | None, alive: Callable[[], None],
        most_bytes: int, into: Path | None = None, sent: Sent | None = None,
    ) -> httpx.Response:  # fmt: skip
        """An answer that the contract knows; temporary trouble is tried again, with longer and longer waits."""
        for attempt in range(TRIES):
            alive()
            try:
                with client.stream(
                    "POST" if sent else "GET", url, params=query, content=sent.content if sent else None,
                    headers=sent.headers if sent else {"If-None-Match": etag} if etag else {},
                ) as response:  # fmt: skip
                    if response.status_code not in TEMPORARY:
                        return self._checked(response, most_bytes, into, alive, is_sent=sent is not None)
                    trouble = SourceError(
                        BUSY.format(status=response.status_code), permanent=False,
                        retry_after=_retry_after(response),
                    )  # fmt: skip
            except httpx.HTTPError as error:
                trouble = SourceError(UNREACHABLE.format(error=type(error).__name__), permanent=False)
            wait = max(FIRST_WAIT_S * 2**attempt * (0.5 + self._chance() / 2), trouble.retry_after or 0)
            if attempt == TRIES - 1 or wait > LONGEST_WAIT_S:
                raise trouble
            alive()
            self._wait(wait)
        raise AssertionError("unreachable")

    def _checked(
        self, response: httpx.Response, most_bytes: int, into: Path | None, alive: Callable[[], None], *, is_sent: bool
    ) -> httpx.Response:
        """The answer with its contents, which are in the file `into` where there is one."""
        status = response.status_code
        if status in {401, 403}:
            raise NotAllowedError(NOT_ALLOWED.format(status=status))
        if status in OF_ONE and (is_sent or into):
            raise ThisOneError((NOT_TAKEN if is_sent else NOT_THERE).format(status=status))
        if status not in ({200, HTTPStatus.ACCEPTED} if is_sent else {200, NOT_MODIFIED, GONE}):
            raise SourceError(ODD_STATUS.format(status=status), permanent=True)
        content, size, begun = bytearray(), 0, self._monotonic()
        with contextlib.ExitStack() as opened:
            file = opened.enter_context(into.open("wb")) if into else None
            for chunk in response.iter_bytes(1 << 18):
                alive()
                if self._monotonic() - begun > LONGEST_ANSWER_S:
                    raise SourceError(TOO_SLOW, permanent=False)
                size += len(chunk)
                if size > most_bytes:
                    raise ThisOneError(LONGER) if into else SourceError(TOO_LARGE, permanent=True)
                if file is None:
                    content += chunk
                else:
                    file.write(chunk)
        kept = {name: response.headers[name] for name in ("etag", "content-type") if name in response.headers}
        return httpx.Response(status, headers=kept, content=bytes(content))


def _copy(source: Path, target: IO[bytes], alive: Callable[[], None]) -> None:
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            target.write(chunk)
            alive()


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _end(counts: Counter[str]) -> dict[str, Any]:
    """The last line. What is of no kind is refused, and counted, as a record: it goes with the positions."""
    known = {f"{kind}s": counts[kind] for kind in KINDS if kind != "position"}
    return {"record": "end", "positions": counts.total() - sum(known.values()), **known}


def _mark(response: httpx.Response) -> str | None:
    """The answer's `ETag`, where it is one that can be kept and sent back."""
    mark: str = response.headers.get("etag", "")
    return mark if 0 < len(mark) <= 200 and mark.isascii() and mark.isprintable() else None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, of which this header may tell; a date is not worth the trouble of two clocks."""
    text = response.headers.get("retry-after", "")
    return min(float(text), 86_400.0) if text.isascii() and text.isdigit() else None
