"""Where citizens of an ente book on the web: the name in the address, its own host name, who may embed the pages."""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas.models import BookingSite
from crm.agendas.queries import ServiceView
from crm.audit import service as audit
from crm.core.configuration import changed, kept
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from crm.messages.templates import LONGEST_OWN

PATH, REQUESTS = "/prenota", "/segnala"
APPOINTMENT, WISH, OFFER = "appuntamento", "attesa", "posto"  # what a link's token is about
MOST_FRAMES, LONGEST_SLUG, LONGEST_HOST = 10, 40, 253
TOKEN = 53  # signs, at the end of a link to somebody's appointment
TOO_LONG = "Con questo sito e questo nome i collegamenti nei messaggi sono troppo lunghi: accorcia il nome."
_WEB = re.compile(r"https://[!-~]{1,400}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_ORIGIN = re.compile(rf"https://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?")


class Link(StrEnum):
    """What the foot of the pages leads to, as the Modello Comuni has it."""

    PRIVACY = "privacy"
    ACCESSIBILITY = "accessibility"
    CONTACTS = "contacts"
    LEGAL = "legal"
    FAQ = "faq"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Site:
    """An ente's pages of booking. `framed_by`: the origins, such as https://www.comune.example.it, that embed them.

    `needs_code`: an address is confirmed by a code whatever is booked, and not for the services alone that ask for it.
    """

    ente_id: int
    slug: str
    host: str | None = None
    framed_by: tuple[str, ...] = ()
    needs_code: bool = False
    links: Mapping[Link, str] = field(default_factory=dict)

    def address(self, public_url: str) -> str:
        """Where they are, seen from outside: on the ente's own host name where it has one."""
        return self.page(public_url, PATH)

    def page(self, public_url: str, path: str) -> str:
        """The same of another of the ente's pages, by its path before the name, such as that of requests."""
        return f"{f'https://{self.host}' if self.host else public_url}{path}/{self.slug}"

    def manage_at(self, public_url: str) -> str:
        """Under which a citizen manages his appointments: his token follows."""
        return f"{self.address(public_url)}/{APPOINTMENT}"


@kept
def sites(session: Session) -> tuple[Site, ...]:
    """All there are."""
    rows = session.scalars(select(BookingSite).order_by(BookingSite.slug))
    return tuple(
        Site(
            row.ente_id, row.slug, row.host, tuple(row.framed_by), row.needs_code,
            MappingProxyType({Link(name): address for name, address in row.links.items()}),
        )
        for row in rows
    )  # fmt: skip


def needs_code(session: Session, ente_id: int, service: ServiceView) -> bool:
    """Whether whoever books this service on the web first shows that an address is his."""
    site = of_ente(session, ente_id)
    return service.needs_code or (site is not None and site.needs_code)


def by_slug(session: Session, slug: str) -> Site | None:
    """The one with this name in its address."""
    return next((one for one in sites(session) if one.slug == slug), None)


def of_ente(session: Session, ente_id: int) -> Site | None:
    """An ente's."""
    return next((one for one in sites(session) if one.ente_id == ente_id), None)


def manage_at(session: Session, ente_id: int, public_url: str) -> str:
    """Under which citizens of an ente manage their appointments, for the messages that tell them."""
    site = of_ente(session, ente_id)
    assert site is not None  # opened with the first agenda that was published: before that nobody has any
    return site.manage_at(public_url)


def beside(manage_at: str, page: str) -> str:
    """The address of another page of a site, by that under which appointments are managed. Pure."""
    return f"{manage_at.rpartition('/')[0]}/{page}"


def by_host(session: Session, host: str) -> Site | None:
    """The one of an ente's own host name."""
    return next((one for one in sites(session) if one.host is not None and one.host == host.lower()), None)


def open_pages(session: Session, by: Principal, *, ente_id: int, public_url: str = "") -> None:
    """Give an ente that publishes its first agenda an address, after its name; one that has an address keeps it.

    Under a long `public_url` the name is shorter: an SMS holds a link of `LONGEST_OWN` characters.
    """
    if of_ente(session, ente_id) is not None:
        return
    name = enti.badges(session, frozenset({ente_id}))[ente_id].short_name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    most = max(4, min(LONGEST_SLUG, room_for_slug(public_url)) - 6)  # "-2" follows where another has the name
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:most].strip("-") or "ente"
    taken = {one.slug for one in sites(session)}
    names = itertools.chain([slug], (f"{slug}-{n}" for n in itertools.count(2)))
    slug = next(one for one in names if one not in taken)
    save(session, by, ente_id=ente_id, slug=slug, public_url=public_url)


def room_for_slug(base: str) -> int:
    """How long a name in the address may be, for links under this origin to fit into an SMS. Pure."""
    return LONGEST_OWN - len(Site(0, "").manage_at(base)) - 1 - TOKEN


def save(
    session: Session, by: Principal, *, ente_id: int, slug: str, host: str = "", framed_by: str = "",
    needs_code: bool = False, links: Mapping[str, str] | None = None, public_url: str = "",
) -> Site:  # fmt: skip
    """Open an ente's pages, or change what it decides about them. `framed_by`: origins, one a line; `links`: addresses
    by the value of a `Link`; `public_url`: where the pages are without a host of its own. Raises `InvalidError` with
    what is wrong at each field.
    """
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    slug, host = slug.strip().lower(), host.strip().lower()
    frames = tuple(dict.fromkeys(one.rstrip("/") for one in framed_by.lower().split()))
    told = {name: address for name in Link if (address := (links or {}).get(name.value, "").strip())}
    wrong = list(_wrong(slug, host, frames, told, public_url))
    changed(session)
    for other in sites(session):
        if other.ente_id != ente_id and other.slug == slug:
            wrong.append(InvalidError("Un altro ente ha già questo nome.", field="slug"))
        if other.ente_id != ente_id and host and other.host == host:
            wrong.append(InvalidError("Un altro ente ha già questo sito.", field="host"))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    before = of_ente(session, ente_id)
    session.merge(
        BookingSite(
            ente_id=ente_id, slug=slug, host=host or None, framed_by=list(frames), needs_code=needs_code,
            links={name.value: address for name, address in told.items()},
        )
    )  # fmt: skip
    session.flush()
    audit.note(
        session, by, kind="booking_site.changed", ente_id=ente_id, subject=f"ente:{ente_id}",
        before=_noted(before) if before else None,
        after=_noted(found := Site(ente_id, slug, host or None, frames, needs_code, MappingProxyType(told))),
    )  # fmt: skip
    return found


def _noted(one: Site) -> dict[str, object]:
    return {"slug": one.slug, "host": one.host, "framed_by": ", ".join(one.framed_by), "needs_code": one.needs_code}


def _wrong(
    slug: str, host: str, frames: tuple[str, ...], links: Mapping[Link, str], public_url: str
) -> Iterator[InvalidError]:  # fmt: skip
    """What is wrong, each with its field. Pure."""
    if not _SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
        yield InvalidError("Scrivi lettere minuscole, cifre e trattini, come in «san-vincenzo».", field="slug")
    if host and (not _HOST.fullmatch(host) or len(host) > LONGEST_HOST):
        yield InvalidError("Scrivi il nome del sito senza https, come in «prenota.comune.example.it».", field="host")
    elif len(slug) > room_for_slug(f"https://{host}" if host else public_url):
        yield InvalidError(TOO_LONG, field="host" if host else "slug")
    if len(frames) > MOST_FRAMES or not all(_ORIGIN.fullmatch(one) and len(one) <= LONGEST_HOST for one in frames):
        yield InvalidError("Scrivi un indirizzo per riga, come in «https://www.comune.example.it».", field="framed_by")
    for name, address in links.items():
        if not _WEB.fullmatch(address):
            yield InvalidError(
                "Scrivi un indirizzo intero, come in «https://www.comune.example.it/privacy».", field=name.value
            )
