"""Where citizens of an ente book on the web: the name in the address, its own host name, who may embed the pages."""

import itertools
import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas.models import BookingSite
from crm.audit import service as audit
from crm.core.configuration import changed, kept
from crm.core.errors import FieldError
from crm.enti import queries as enti

PATH = "/prenota"
MOST_FRAMES = 10
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_ORIGIN = re.compile(rf"https://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?")


@dataclass(frozen=True, slots=True)
class Site:
    """An ente's pages of booking. `framed_by`: the origins, such as https://www.comune.example.it, that embed them."""

    ente_id: int
    slug: str
    host: str | None = None
    framed_by: tuple[str, ...] = ()

    def address(self, public_url: str) -> str:
        """Where they are, seen from outside: on the ente's own host name where it has one."""
        return f"{f'https://{self.host}' if self.host else public_url}{PATH}/{self.slug}"

    def manage_at(self, public_url: str) -> str:
        """Under which a citizen manages his appointments: his token follows."""
        return f"{self.address(public_url)}/appuntamento"


@kept
def sites(session: Session) -> tuple[Site, ...]:
    """All there are."""
    rows = session.scalars(select(BookingSite).order_by(BookingSite.slug))
    return tuple(Site(row.ente_id, row.slug, row.host, tuple(row.framed_by)) for row in rows)


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


def by_host(session: Session, host: str) -> Site | None:
    """The one of an ente's own host name."""
    return next((one for one in sites(session) if one.host is not None and one.host == host.lower()), None)


def open_pages(session: Session, by: Principal, *, ente_id: int) -> None:
    """Give an ente that publishes its first agenda an address, after its name; one that has an address keeps it."""
    if of_ente(session, ente_id) is not None:
        return
    name = enti.badges(session, frozenset({ente_id}))[ente_id].short_name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:34].strip("-") or "ente"
    taken = {one.slug for one in sites(session)}
    names = itertools.chain([slug], (f"{slug}-{n}" for n in itertools.count(2)))
    save(session, by, ente_id=ente_id, slug=next(one for one in names if one not in taken))


def save(session: Session, by: Principal, *, ente_id: int, slug: str, host: str = "", framed_by: str = "") -> Site:
    """Open an ente's pages, or change their addresses. `framed_by`: origins, one a line. Raises `FieldError`."""
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    slug, host = slug.strip().lower(), host.strip().lower()
    frames = tuple(dict.fromkeys(one.rstrip("/") for one in framed_by.lower().split()))
    if not _SLUG.fullmatch(slug) or len(slug) > 40:
        raise FieldError("Scrivi lettere minuscole, cifre e trattini, come in «san-vincenzo».", "slug")
    if host and (not _HOST.fullmatch(host) or len(host) > 253):
        raise FieldError("Scrivi il nome del sito senza https, come in «prenota.comune.example.it».", "host")
    if len(frames) > MOST_FRAMES or not all(_ORIGIN.fullmatch(one) and len(one) <= 253 for one in frames):
        raise FieldError("Scrivi un indirizzo per riga, come in «https://www.comune.example.it».", "framed_by")
    changed(session)
    for other in sites(session):
        if other.ente_id != ente_id and other.slug == slug:
            raise FieldError("Un altro ente ha già questo nome.", "slug")
        if other.ente_id != ente_id and host and other.host == host:
            raise FieldError("Un altro ente ha già questo sito.", "host")
    session.merge(BookingSite(ente_id=ente_id, slug=slug, host=host or None, framed_by=list(frames)))
    session.flush()
    audit.note(
        session, by, kind="booking_site.changed", ente_id=ente_id, subject=f"ente:{ente_id}",
        after={"slug": slug, "host": host or None},
    )  # fmt: skip
    return Site(ente_id, slug, host or None, frames)
