"""What a gestionale answers about one taxpayer, by docs/gestionale-api.yaml: asked for over HTTP, and understood.

Nobody waits for it for long: somebody is about to be telephoned. An answer is taken whole, or not at all.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import httpx

from crm.collection.items import Item, Reader
from crm.collection.lines import Line
from crm.collection.merge import Withdrawal
from crm.collection.models import Of
from crm.collection.sources.endpoints import Endpoint
from crm.collection.sources.http import BUSY, NOT_ALLOWED, ODD_STATUS, TEMPORARY, TOO_SLOW, UNREACHABLE
from crm.collection.sources.pages import OfOne, line_of, read
from crm.collection.sources.port import NotAllowedError, SourceError, ThisOneError

LONGEST_S = 2.0  # from the question to the last byte of the answer
TIMEOUT = httpx.Timeout(1.5, connect=1.0, pool=0.5)  # seconds without a byte
MOST_BYTES = 2_000_000

NOT_HIM = "Il gestionale ha risposto con i dati di un altro contribuente: avvisare chi lo gestisce."
UNREADABLE = "Ciò che il gestionale ha risposto di questo contribuente non si può leggere: {reason}"
WITHOUT_HIM = "Il gestionale ha risposto senza il contribuente: avvisare chi lo gestisce."
UNKNOWN = "Il gestionale non conosce questo contribuente."
TOO_LONG = "La risposta del gestionale è troppo lunga: avvisare chi lo gestisce."


class UnknownTaxpayerError(ThisOneError):
    """The gestionale does not know him."""


@dataclass(frozen=True, slots=True)
class Question:
    """About whom, and where. `mark` is that of the last answer about him, if that still stands."""

    endpoint: Endpoint
    ente: str
    codice_fiscale: str
    mark: str | None = None


def client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Asks whatever gestionale, from any thread; connections stay open between questions."""
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False, transport=transport)


def ask(http: httpx.Client, question: Question, *, monotonic: Callable[[], float] = time.monotonic) -> OfOne:
    """The answer, once. Raises `UnknownTaxpayerError`, `NotAllowedError`, else `SourceError`."""
    endpoint, content, until = question.endpoint, bytearray(), monotonic() + LONGEST_S
    try:
        with http.stream(
            "POST", f"{endpoint.url}/v1/enti/{question.ente}/lookups",
            json={"codice_fiscale": question.codice_fiscale, "mark": question.mark or ""},
            headers={"Authorization": f"Bearer {endpoint.token}", "Accept": "application/json"},
        ) as response:  # fmt: skip
            _check(response.status_code)
            for chunk in response.iter_bytes(1 << 16):
                content += chunk
                if monotonic() > until:
                    raise SourceError(TOO_SLOW, permanent=False)
                if len(content) > MOST_BYTES:
                    raise SourceError(TOO_LONG, permanent=True)
    except httpx.HTTPError as error:
        raise SourceError(UNREACHABLE.format(error=type(error).__name__), permanent=False) from None
    return read(OfOne, bytes(content), ente=question.ente)


def understood(answer: OfOne, codice_fiscale: str, *, stored: Collection[str], latest: datetime) -> list[Item]:
    """What an answer about him says, for the importer; of his positions, those `stored` that it does not name are gone.

    Raises `SourceError` for somebody else's records, for any that cannot be read, and for an instant after `latest`.
    """
    lines = [
        Line(number, number, line_of(record, page=answer)[1].encode("utf-8", "surrogateescape"), ended=True)
        for number, record in enumerate(answer.records, 1)
    ]
    items = list(Reader(answer.as_of, latest, len(lines) + 1).read(lines))
    for item in items:
        if item.refusal is not None:
            raise SourceError(UNREADABLE.format(reason=item.refusal), permanent=True)
        if not _is_of(item, codice_fiscale, stored):
            raise SourceError(NOT_HIM, permanent=True)
    told = {item.contact.key for item in items if item.contact}
    gone = {one.key for of, one in (item.withdrawal for item in items if item.withdrawal) if of is Of.TAXPAYER}
    if not told | gone:
        raise SourceError(WITHOUT_HIM, permanent=True)
    if answer.as_of > latest:
        raise SourceError(UNREADABLE.format(reason="as_of"), permanent=True)
    named = {item.subject.key for item in items if item.position} | {
        item.withdrawal[1].key for item in items if item.withdrawal
    }
    silent = sorted(set(stored) - named)
    return items + [
        Item(len(items) + n, len(items) + n, withdrawal=(Of.POSITION, Withdrawal(key, answer.as_of)))
        for n, key in enumerate(silent, 1)
    ]


def _is_of(item: Item, codice_fiscale: str, stored: Collection[str]) -> bool:
    if item.withdrawal is None:
        return item.subject.codice_fiscale == codice_fiscale
    of, one = item.withdrawal
    return one.key == codice_fiscale if of is Of.TAXPAYER else one.key in stored


def _check(status: int) -> None:
    if status in {401, 403}:
        raise NotAllowedError(NOT_ALLOWED.format(status=status))
    if status == HTTPStatus.NOT_FOUND:
        raise UnknownTaxpayerError(UNKNOWN)
    if status in TEMPORARY:
        raise SourceError(BUSY.format(status=status), permanent=False)
    if status != HTTPStatus.OK:
        raise SourceError(ODD_STATUS.format(status=status), permanent=True)
