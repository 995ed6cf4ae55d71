"""Who may be told what of a taxpayer's file: facts in, the matters he may hear of and the sentence for the agent out.

Debts are told to nobody but the person and those entitled to act for him; not to family, colleagues or neighbours
(Garante per la protezione dei dati personali, general measure of 30 November 2005 on debt recovery). How collection
works in general, `PROCEDURE`, anybody may hear. An ente may tell less than this table, never more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from crm.core.errors import InvalidError


class Matter(StrEnum):
    """What a conversation can be about."""

    PROCEDURE = "procedure"  # in general: how to pay, to ask for instalments, to appeal
    AMOUNTS = "amounts"
    ACTS = "acts"
    PAYMENTS = "payments"
    PLANS = "plans"
    DOCUMENTS = "documents"
    CONTACT_DATA = "contact_data"


class RelationKind(StrEnum):
    HEIR = "heir"
    LEGAL_REPRESENTATIVE = "legal_representative"  # of a company or body
    GUARDIAN = "guardian"  # of a person: a parent, a guardian, an administrator named by the judge
    PARTNER = "partner"
    DELEGATE = "delegate"
    ACCOUNTANT = "accountant"


class Ground(StrEnum):
    """Why somebody may be told what he may be told."""

    HIMSELF = "himself"
    ENTITLED = "entitled"
    MANDATE = "mandate"
    STRANGER = "stranger"
    DEAD = "dead"
    NOT_DEAD = "not_dead"
    COMPANY = "company"
    ENDED = "ended"
    NO_MANDATE = "no_mandate"
    MANDATE_ENDED = "mandate_ended"
    STILL_A_COMPANY = "still_a_company"
    NOT_OF_A_PERSON = "not_of_a_person"
    NOT_OF_A_COMPANY = "not_of_a_company"


@dataclass(frozen=True, slots=True)
class Person:
    """The taxpayer, as far as it matters here. `ceased`: a company that exists no more."""

    legal: bool = False
    deceased: bool = False
    ceased: bool = False
    insolvent: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """From a day to another, both included; none is open."""

    starts: date | None = None
    ends: date | None = None

    def holds(self, today: date) -> bool:
        """Whether `today` lies in it."""
        return (self.starts is None or self.starts <= today) and (self.ends is None or today <= self.ends)


OPEN = Term()


@dataclass(frozen=True, slots=True)
class Cover:
    """What a mandate in writing covers, and for how long."""

    matters: frozenset[Matter]
    term: Term


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whoever is on the line: the taxpayer himself, somebody in a relation to him, or (neither) anybody else."""

    himself: bool = False
    relation: RelationKind | None = None
    term: Term = OPEN
    mandate: Cover | None = None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be told and why, with the sentence an agent reads before he speaks."""

    told: frozenset[Matter]
    ground: Ground
    sentence: str

    def allows(self, matter: Matter) -> bool:
        """Whether this matter may be spoken of."""
        return matter in self.told


TAXPAYER, STRANGER = Speaker(himself=True), Speaker()
GENERAL = frozenset({Matter.PROCEDURE})
EVERYTHING = frozenset(Matter)
# What a relation opens by itself; a delegate and an accountant hear what their mandate covers.
_OPENED = {
    RelationKind.HEIR: EVERYTHING - {Matter.CONTACT_DATA},
    RelationKind.LEGAL_REPRESENTATIVE: EVERYTHING,
    RelationKind.GUARDIAN: EVERYTHING,
    RelationKind.PARTNER: frozenset({Matter.PROCEDURE, Matter.AMOUNTS, Matter.ACTS, Matter.PAYMENTS}),
}
BY_MANDATE = frozenset({RelationKind.DELEGATE, RelationKind.ACCOUNTANT})
_OF_COMPANIES = frozenset({RelationKind.LEGAL_REPRESENTATIVE, RelationKind.PARTNER})
_OF_PERSONS = frozenset({RelationKind.HEIR, RelationKind.GUARDIAN})

_WORDS = {
    Matter.AMOUNTS: "importi", Matter.ACTS: "atti", Matter.PAYMENTS: "pagamenti", Matter.PLANS: "rate",
    Matter.DOCUMENTS: "documenti", Matter.CONTACT_DATA: "recapiti", Matter.PROCEDURE: "informazioni generali",
}  # fmt: skip
_SPOKEN = tuple(_WORDS)  # in this order
_WHY = {
    Ground.HIMSELF: "È il contribuente.",
    Ground.ENTITLED: "Ha titolo per lui.",
    Ground.MANDATE: "Ha un mandato scritto valido.",
    Ground.STRANGER: "Non risulta alcun titolo: nemmeno a familiari, colleghi o vicini si dice se esistono debiti.",
    Ground.DEAD: "Il contribuente risulta deceduto: chi parla non può essere lui, né agire per suo mandato.",
    Ground.NOT_DEAD: "Il decesso non risulta: prima va registrato, con la fonte.",
    Ground.COMPANY: "È una società o un ente: si parla con il legale rappresentante o con chi ha un mandato scritto.",
    Ground.ENDED: "Il suo titolo non è in corso di validità.",
    Ground.NO_MANDATE: "Manca il mandato scritto: spiega come inviarlo.",
    Ground.MANDATE_ENDED: "Il mandato scritto non è in corso di validità: spiega come rinnovarlo.",
    Ground.STILL_A_COMPANY: "La società non risulta cessata: si parla con il legale rappresentante.",
    Ground.NOT_OF_A_PERSON: "Una persona fisica non ha legali rappresentanti né soci: correggi la relazione.",
    Ground.NOT_OF_A_COMPANY: "Una società o un ente non ha eredi né tutori: correggi la relazione.",
}
BEYOND = "In questa relazione non si può dire: l'ente può togliere, non aggiungere."
_INSOLVENT = "È in corso una procedura concorsuale: per pagamenti e rate si rimanda al curatore."


def disclosure(
    person: Person, speaker: Speaker, *, today: date, narrowed: Collection[Matter] | None = None
) -> Disclosure:
    """What `speaker` may be told about `person`. `narrowed` are the only matters the ente tells in that relation."""
    ground = _ground(person, speaker, today)
    told = _told(speaker, ground)
    if narrowed is not None and not speaker.himself:
        told &= frozenset(narrowed)
    told |= GENERAL
    return Disclosure(told, ground, _sentence(told, ground, insolvent=person.insolvent))


def at_most(kind: RelationKind) -> frozenset[Matter]:
    """Everything that a relation may ever open; of one by mandate, whatever the mandate covers."""
    return EVERYTHING if kind in BY_MANDATE else _OPENED[kind]


def narrow(kind: RelationKind, chosen: Collection[Matter]) -> frozenset[Matter] | None:
    """The only matters to tell in a relation; none when it is left as it is. Raises `InvalidError` for any other."""
    told = frozenset(chosen) | GENERAL
    wrong = [InvalidError(BEYOND, field=f"{kind.value}-{matter.value}") for matter in sorted(told - at_most(kind))]
    if wrong:
        raise InvalidError(BEYOND, parts=wrong)
    return None if told == at_most(kind) else told


def at_best(kind: RelationKind, *, today: date, narrowed: Collection[Matter] | None = None) -> Disclosure:
    """What somebody with a full title, or a mandate that covers everything, is told in a relation."""
    person = Person(
        legal=kind in _OF_COMPANIES, deceased=kind is RelationKind.HEIR, ceased=kind is RelationKind.PARTNER
    )
    mandate = Cover(EVERYTHING, OPEN) if kind in BY_MANDATE else None
    return disclosure(person, Speaker(relation=kind, mandate=mandate), today=today, narrowed=narrowed)


def kinds_of(*, legal: bool) -> tuple[RelationKind, ...]:
    """The relations that somebody can have to a company, or to a person; those that need a mandate come last."""
    fit = (kind for kind in RelationKind if _nonsense(kind, legal=legal) is None)
    return tuple(sorted(fit, key=lambda kind: kind in BY_MANDATE))


def check_relation(kind: RelationKind, *, legal: bool) -> None:
    """Raise `InvalidError` when such a relation to a company, or to a person, makes no sense."""
    match _nonsense(kind, legal=legal):
        case Ground.NOT_OF_A_PERSON:
            raise InvalidError(
                "Una persona fisica non ha legali rappresentanti né soci: scegli un'altra relazione.", field="kind"
            )
        case Ground.NOT_OF_A_COMPANY:
            raise InvalidError("Una società o un ente non ha eredi né tutori: scegli un'altra relazione.", field="kind")


def _ground(person: Person, speaker: Speaker, today: date) -> Ground:
    if speaker.himself:
        return Ground.DEAD if person.deceased else Ground.COMPANY if person.legal else Ground.HIMSELF
    if speaker.relation is None:
        return Ground.STRANGER
    if (nonsense := _nonsense(speaker.relation, legal=person.legal)) is not None:
        return nonsense
    if not speaker.term.holds(today):
        return Ground.ENDED
    if speaker.relation in BY_MANDATE:
        return _by_mandate(person, speaker.mandate, today)
    return _by_title(person, speaker.relation)


def _nonsense(kind: RelationKind, *, legal: bool) -> Ground | None:
    if legal and kind in _OF_PERSONS:
        return Ground.NOT_OF_A_COMPANY
    if not legal and kind in _OF_COMPANIES:
        return Ground.NOT_OF_A_PERSON
    return None


def _by_mandate(person: Person, mandate: Cover | None, today: date) -> Ground:
    """A mandate ends with the death of whoever gave it (art. 1722 c.c.)."""
    if person.deceased:
        return Ground.DEAD
    if mandate is None:
        return Ground.NO_MANDATE
    return Ground.MANDATE if mandate.term.holds(today) else Ground.MANDATE_ENDED


def _by_title(person: Person, kind: RelationKind) -> Ground:
    """Partners answer for a company that was struck off (art. 2495 c.c.); before, its representative speaks for it."""
    if kind is RelationKind.HEIR and not person.deceased:
        return Ground.NOT_DEAD
    if kind is RelationKind.GUARDIAN and person.deceased:
        return Ground.DEAD
    if kind is RelationKind.PARTNER and not person.ceased:
        return Ground.STILL_A_COMPANY
    return Ground.ENTITLED


def _told(speaker: Speaker, ground: Ground) -> frozenset[Matter]:
    if ground is Ground.HIMSELF:
        return EVERYTHING
    if ground is Ground.ENTITLED and speaker.relation is not None:
        return _OPENED[speaker.relation]
    if ground is Ground.MANDATE and speaker.mandate is not None:
        return speaker.mandate.matters
    return GENERAL


def _sentence(told: frozenset[Matter], ground: Ground, *, insolvent: bool) -> str:
    withheld = EVERYTHING - told
    if told == GENERAL:
        may = "Puoi dare solo informazioni generali: niente importi, atti, pagamenti, né se esistono debiti."
    elif withheld:
        may = f"Puoi parlare di {_list(told)}; non di {_list(withheld)}."
    else:
        may = "Puoi parlare di tutto ciò che è nel fascicolo."
    parts = (may, _WHY[ground], _INSOLVENT if insolvent and told != GENERAL else "")
    return " ".join(part for part in parts if part)


def _list(matters: frozenset[Matter]) -> str:
    words = [_WORDS[matter] for matter in _SPOKEN if matter in matters]
    return " e ".join(filter(None, (", ".join(words[:-1]), words[-1])))
