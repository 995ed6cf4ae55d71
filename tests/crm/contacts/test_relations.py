"""Mario is dead and his son calls; an accountant acts for many; an agent writes it down, a stranger cannot."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from crm.access.permissions import Held, Permission, Principal
from crm.audit import queries as audit
from crm.contacts import mandates, queries, relations
from crm.contacts.disclosure import EVERYTHING, GENERAL, Ground, Matter, RelationKind, Term
from crm.contacts.models import ConditionKind, Contact, ContactCondition, DisclosureRule, PersonKind, Source
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from tests.cast import AS_OF, Cast, principal_of

pytestmark = pytest.mark.integration
SON = {"codice_fiscale": "rssmra80a01d403t", "name": " Paolo  Bianchi ", "phone": "348 000 0002"}
STUDIO = "00975370487"


@pytest.fixture
def anna(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.anna)


def today(session: Session) -> date:
    return clock.business_day(clock.now(session))


def dies(session: Session, cast: Cast) -> None:
    session.add(
        ContactCondition(
            ente_id=cast.empoli, contact_id=cast.mario, kind=ConditionKind.DECEASED, source=Source.RELATED, note="",
            told_at=clock.now(session), told_by=cast.anna,
        )
    )  # fmt: skip
    session.flush()


def told(session: Session, contact_id: int, relation_id: int | None) -> dict[int, Any]:
    rows = queries.same_person(session, contact_id)
    return relations.may_be_told(session, rows, relation_id=relation_id)


def test_a_son_is_told_only_once_the_death_is_known(everything: Session, cast: Cast, anna: Principal) -> None:
    son = relations.relate(everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    (view,) = relations.of_contacts(everything, [cast.mario])
    assert (view.name, view.codice_fiscale, view.phone) == ("Paolo Bianchi", "RSSMRA80A01D403T", "+393480000002")
    assert (view.source, view.stated, view.other_id) == (Source.TAXPAYER, False, None)
    assert told(everything, cast.mario, son)[cast.empoli].ground is Ground.NOT_DEAD
    dies(everything, cast)
    assert told(everything, cast.mario, son)[cast.empoli].allows(Matter.AMOUNTS)
    assert told(everything, cast.mario, None)[cast.empoli].told == GENERAL
    rows = queries.same_person(everything, cast.mario)
    assert relations.told_himself(everything, rows)[cast.empoli].ground is Ground.DEAD


def test_said_again_it_is_the_same_relation_and_each_word_is_audited(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    first = relations.relate(everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    again = relations.relate(
        everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON | {"phone": "0571 700123"}
    ).id
    assert first == again
    entries = audit.of_contact(everything, cast.empoli, [cast.mario])[::-1]
    assert [(one.kind, one.contact_id, one.actor_id) for one in entries] == [
        ("relation.recorded", cast.mario, cast.anna)
    ] * 2
    assert entries[1].after["relation"] == first
    assert not {"name", "phone", "codice_fiscale"} & set(entries[1].after)  # who he is, is not Mario's to keep


def test_a_relation_that_ended_opens_nothing(everything: Session, cast: Cast, anna: Principal) -> None:
    dies(everything, cast)
    son = relations.relate(everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    relations.end(everything, anna, relation_id=son, on=today(everything))
    assert told(everything, cast.mario, son)[cast.empoli].told != GENERAL  # the last day counts
    relations.end(everything, anna, relation_id=son, on=today(everything) - timedelta(days=1))
    assert told(everything, cast.mario, son)[cast.empoli].ground is Ground.ENDED
    relations.remove(everything, anna, relation_id=son)
    assert relations.of_contacts(everything, [cast.mario]) == []


def test_an_accountant_hears_what_his_mandate_covers_of_each_client(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    who = {"kind": RelationKind.ACCOUNTANT, "codice_fiscale": STUDIO, "name": "Studio Verdi"}
    mine = relations.relate(everything, anna, contact_id=cast.mario, **who).id
    assert told(everything, cast.mario, mine)[cast.empoli].ground is Ground.NO_MANDATE
    mandate = mandates.give(
        everything, anna, relation_id=mine, document="Prot. 12/2026", covers=[Matter.ACTS, Matter.AMOUNTS],
        term=Term(ends=today(everything)),
    )  # fmt: skip
    other = _contact(everything, cast.empoli, "VRDLCU70A01D403O", "VERDI")
    relations.relate(everything, anna, contact_id=other, mandate_id=mandate, **who)
    assert told(everything, cast.mario, mine)[cast.empoli].told == GENERAL | {Matter.ACTS, Matter.AMOUNTS}
    assert [one.contact_id for one in relations.clients_of(everything, STUDIO)] == [cast.mario, other]
    assert [one.id for one in mandates.held_by(everything, ente_id=cast.empoli, codice_fiscale=STUDIO)] == [mandate]
    yesterday = today(everything) - timedelta(days=1)
    with pytest.raises(InvalidError):  # before it began
        mandates.end(everything, anna, mandate_id=mandate, on=yesterday)


def test_a_mandate_given_to_one_ente_says_nothing_to_another(everything: Session, cast: Cast, anna: Principal) -> None:
    _contact(everything, cast.vinci, "BNCMRA62A01D403X", "BIANCHI")  # Mario, in Vinci too
    mine = relations.relate(
        everything, anna, contact_id=cast.mario, kind=RelationKind.DELEGATE, codice_fiscale=STUDIO, name="Studio"
    ).id
    mandates.give(
        everything, anna, relation_id=mine, document="Prot. 1", covers=EVERYTHING, term=Term()
    )  # fmt: skip
    found = told(everything, cast.mario, mine)
    assert found[cast.empoli].told == EVERYTHING
    assert found[cast.vinci].ground is Ground.NO_MANDATE


def test_an_ente_may_tell_less(everything: Session, cast: Cast, anna: Principal) -> None:
    dies(everything, cast)
    son = relations.relate(everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    everything.add(DisclosureRule(ente_id=cast.empoli, relation=RelationKind.HEIR, matters=[Matter.ACTS]))
    everything.flush()
    assert told(everything, cast.mario, son)[cast.empoli].told == GENERAL | {Matter.ACTS}


def test_another_persons_relation_opens_nothing(everything: Session, cast: Cast, anna: Principal) -> None:
    son = relations.relate(everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    with pytest.raises(NotFoundError):
        told(everything, cast.gina, son)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"codice_fiscale": "RSSMRA80A01D403X"}, ["codice_fiscale"]),
        ({"codice_fiscale": "", "name": " "}, ["name"]),
        ({"phone": "12"}, ["phone"]),
        ({"kind": RelationKind.PARTNER}, ["kind"]),
        ({"name": "x" * 161, "phone": "casa"}, ["phone", "name"]),
        ({"name": "Pa\x00olo"}, ["name"]),
        ({"term": Term(date(2026, 2, 1), date(2026, 1, 1))}, ["valid_to"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(
    everything: Session, cast: Cast, anna: Principal, wrong: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidError) as refusal:
        relations.relate(everything, anna, contact_id=cast.mario, **({"kind": RelationKind.HEIR} | SON | wrong))
    assert [part.field for part in refusal.value.parts] == fields
    assert relations.of_contacts(everything, [cast.mario]) == []


def test_who_may_only_look_writes_nothing(everything: Session, cast: Cast, anna: Principal) -> None:
    vera = principal_of(everything, cast.vera)
    assert not vera.can(Permission.CONTACT_RECORD)
    son = relations.relate(everything, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    for attempt in (
        lambda by: relations.relate(everything, by, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id,
        lambda by: relations.end(everything, by, relation_id=son, on=today(everything)),
        lambda by: relations.remove(everything, by, relation_id=son),
        lambda by: mandates.give(everything, by, relation_id=son, document="x", covers=EVERYTHING, term=Term()),
    ):
        with pytest.raises(ForbiddenError):
            attempt(vera)
        with pytest.raises(ForbiddenError):  # an agent, but of another contract
            attempt(replace(anna, held=frozenset({Held(one.role, None, cast.other_contract) for one in anna.held})))


def test_another_ente_does_not_find_what_it_could_forge(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        anna = principal_of(session, cast.anna)
        son = relations.relate(session, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id
    with database.begin(Scope.of_contract(cast.other_contract)) as session:
        for attempt in (
            lambda: relations.get(session, son),
            lambda: relations.end(session, anna, relation_id=son, on=AS_OF.date()),
            lambda: relations.relate(session, anna, contact_id=cast.mario, kind=RelationKind.HEIR, **SON).id,
        ):
            with pytest.raises(NotFoundError):
                attempt()
        assert relations.clients_of(session, "RSSMRA80A01D403T") == []


def _contact(session: Session, ente_id: int, codice_fiscale: str, surname: str) -> int:
    row = Contact(
        ente_id=ente_id, codice_fiscale=codice_fiscale, kind=PersonKind.NATURAL, surname=surname, given_name="X",
        name_key=f"{surname} X", as_of=AS_OF, digest="x",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id
