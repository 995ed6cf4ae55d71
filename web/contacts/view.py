"""The contact's card as it is shown: one region, pushed when something of the contact changes."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from babel import Locale
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.contacts import card as cards
from crm.contacts import queries as contacts
from crm.contacts.card import Card
from crm.contacts.disclosure import Matter, RelationKind, kinds_of
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    LastOutcome,
    PersonKind,
    Purpose,
    ReachKind,
    Verification,
)
from crm.contacts.preferences import LANGUAGES
from crm.contacts.recording import TELLERS
from crm.core import clock, topics
from crm.core.errors import ForbiddenError
from crm.enti import queries as enti
from crm.files import queries as files
from web.drafts.written import Written
from web.edge.i18n import LANGUAGES as LOCALES
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.live.hub import Render, Rendered
from web.wiring import Runtime

COVERABLE = tuple(matter for matter in Matter if matter is not Matter.PROCEDURE)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the card's forms offer: words that depend on the reader's language, kinds that fit the person."""

    languages: tuple[tuple[str, str], ...]
    countries: tuple[tuple[str, str], ...]
    days: tuple[str, ...]
    address_kinds: tuple[AddressKind, ...]
    condition_kinds: tuple[ConditionKind, ...]
    relation_kinds: tuple[RelationKind, ...]
    reach_kinds: tuple[ReachKind, ...] = tuple(ReachKind)
    tellers: tuple[Any, ...] = TELLERS
    judgements: tuple[Verification, ...] = (Verification.VERIFIED, Verification.WRONG)  # pressed again: neither
    outcomes: tuple[LastOutcome, ...] = tuple(LastOutcome)
    channels: tuple[Channel, ...] = tuple(Channel)
    purposes: tuple[Purpose, ...] = tuple(Purpose)
    collected: tuple[Collected, ...] = tuple(Collected)
    matters: tuple[Matter, ...] = COVERABLE


@lru_cache(maxsize=8)
def choices(language: str, *, legal: bool, seated: bool) -> Choices:
    """For a person or a company. Seated: the row is a company's, or a sole trader's business, which has a seat."""
    locale = Locale.parse(LOCALES[language])
    countries = {code: name for code, name in locale.territories.items() if len(code) == 2 and code.isalpha()}
    return Choices(
        languages=tuple((code, locale.languages.get(code, code)) for code in LANGUAGES),
        countries=tuple(sorted(countries.items(), key=lambda one: (one[0] != "IT", one[1]))),
        days=tuple(locale.days["stand-alone"]["wide"][day] for day in range(7)),
        address_kinds=(AddressKind.SEAT,) if seated else tuple(AddressKind),
        condition_kinds=tuple(one for one in ConditionKind if not (legal and one is ConditionKind.DECEASED)),
        relation_kinds=kinds_of(legal=legal),
    )  # fmt: skip


def read(session: Session, visit: Visit, contact_id: int) -> Card:
    """The card, for somebody who may read files of its ente. While the person's file is open before somebody who may
    not hear how to reach him, that stays on the server.
    """
    person = contacts.same_person(session, contact_id)
    if person[0].ente_id not in (scope_for(session, visit.principal, Permission.FILE_READ).enti or ()):
        raise ForbiddenError("Non hai il permesso di leggere i contatti di questo ente.")
    card = cards.read(session, person)
    opening = files.opening(session, visit.principal, contact_id=contact_id)
    told = opening.told.get(contact_id) if opening else None
    return cards.discreet(card) if told is not None and Matter.CONTACT_DATA not in told else card


def shown(session: Session, visit: Visit, card: Card, *, beside: bool = False) -> str:
    """The region; beside a file or a call, which says whose it is, without that."""
    recordable = scope_for(session, visit.principal, Permission.CONTACT_RECORD).enti or ()
    return fragment(
        "contacts/card.html", visit.language, card=card, beside=beside, may_record=card.contact.ente_id in recordable,
        written=Written.about(session, visit, [card.contact.id]),
        badges=enti.badges(session), today=clock.business_day(clock.now(session)),
        offer=choices(visit.language, legal=card.legal, seated=card.contact.kind is PersonKind.LEGAL),
    )  # fmt: skip


def render(runtime: Runtime, visit: Visit, contact_id: int) -> Rendered:
    """The card as it is now."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        card = read(session, visit, contact_id)
        html = shown(session, visit, card)
    return Rendered({"card": html}, frozenset(topics.contact(one.id) for one in card.rows))


def join(runtime: Runtime, visit: Visit, contact_id: int) -> list[tuple[str, Render]]:
    """What is shown depends on what its reader may do and see."""
    render(runtime, visit, contact_id)
    return [
        (
            f"contact:{contact_id}:{visit.principal.user_id}:{visit.language}",
            partial(render, runtime, visit, contact_id),
        )
    ]
