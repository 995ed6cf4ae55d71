"""What callers may book by themselves: services by voice, at offices with an agenda and places for the telephone."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.agendas import queries, sites
from crm.agendas.queries import said
from crm.agendas.rules import Channel
from crm.enti import queries as enti


@dataclass(frozen=True, slots=True)
class OfficeOffered:
    id: int
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ServiceOffered:
    """Texts by language; `bring` has one thing a line."""

    id: int
    name: Mapping[str, str]
    bring: Mapping[str, str]
    offices: tuple[OfficeOffered, ...]

    def called(self, language: str) -> str:
        """Its name in a language, else in Italian."""
        return said(self.name, language)


@dataclass(frozen=True, slots=True)
class EnteOffered:
    id: int
    name: str
    services: tuple[ServiceOffered, ...]


def offered(session: Session, contract_id: int, ente_id: int | None) -> tuple[EnteOffered, ...]:
    """What is offered on a line: by its ente, or by each of those that the contract covers, in the order of names.

    An ente, a service or an office with nothing to book is not among them.
    """
    ours = enti.enti_of(session, contract_id) if ente_id is None else frozenset({ente_id})
    badges = enti.badges(session, ours)
    found = (
        EnteOffered(one, badges[one].name, _services(session, one))
        for one in sorted(badges, key=lambda id_: badges[id_].name)
        if sites.of_ente(session, one) is not None  # where his SMS leads
    )
    return tuple(one for one in found if one.services)


def _services(session: Session, ente_id: int) -> tuple[ServiceOffered, ...]:
    found = (
        ServiceOffered(
            one.id,
            one.name,
            one.bring,
            tuple(_office(session, each) for each in sorted(one.offices) if _gives(session, each)),
        )
        for one in queries.services(session, ente_id)
        if one.active and one.by_voice
    )
    return tuple(one for one in found if one.offices)


def _gives(session: Session, office_id: int) -> bool:
    """Whether an office has anything to give away by telephone at all."""
    published = queries.plan(session, office_id).agendas
    return bool(published) and queries.quotas(session, office_id).get(Channel.PHONE, 1) > 0


def _office(session: Session, office_id: int) -> OfficeOffered:
    found = queries.office(session, office_id)
    return OfficeOffered(found.id, found.name, found.address)
