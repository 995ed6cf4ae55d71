"""What people told of some of the demonstration's taxpayers: heirs, representatives, an accountant, wishes, consents.

It is written through the same services as by the people of the demonstration, so that the audit has it too.
"""

import random
from dataclasses import dataclass
from datetime import date, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.contacts import conditions, consents, mandates, preferences, relations, told
from crm.contacts.addresses import Address
from crm.contacts.disclosure import Matter, RelationKind, Term
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    ConsentText,
    Contact,
    ContactReach,
    LastOutcome,
    PersonKind,
    Purpose,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.preferences import Wishes
from crm.contacts.recording import Telling
from crm.contacts.told import Detail
from crm.core import clock
from web.demo.people import Registry
from web.demo.places import MUNICIPALITIES, Municipality

TEXTS = {
    Purpose.DIGITAL_MESSAGES: (
        "Acconsento a ricevere dal %s avvisi e promemoria sui miei tributi per SMS ed e-mail ai recapiti che ho"
        " indicato. Posso revocare il consenso in ogni momento."
    ),
    Purpose.SURVEY: (
        "Acconsento a essere richiamato dal servizio tributi del %s per domande sulla qualità del servizio. Le risposte"
        " sono esaminate in forma anonima."
    ),
}
STUDIO = "Studio Lapi e Nesi, commercialisti"
SOME = 40  # taxpayers of each kind that are drawn from
BY_TAXPAYER, BY_RELATED, BY_ENTE = Telling(), Telling(Source.RELATED), Telling(Source.ENTE)


@dataclass(frozen=True, slots=True)
class Scene:
    """One ente's taxpayers, and who writes down what they tell."""

    session: Session
    by: Principal
    dice: random.Random
    today: date
    persons: list[int]
    companies: list[int]
    spare: Registry
    place: Municipality


def tell(session: Session, *, ente_id: int, place: Municipality, today: date, username: str, manager: str) -> None:
    """Write it all, once."""
    if session.scalar(select(ConsentText.id).where(ConsentText.ente_id == ente_id).limit(1)) is not None:
        return
    dice = random.Random(f"told:{place.cadastral_code}:{today}")  # noqa: S311 (invented data)
    for purpose, text in TEXTS.items():
        consents.publish(
            session, _principal(session, manager), ente_id=ente_id, purpose=purpose, text=text % place.name
        )
    scene = Scene(
        session, _principal(session, username), dice, today, _some(session, ente_id, PersonKind.NATURAL),
        _some(session, ente_id, PersonKind.LEGAL), Registry(dice, today), place,
    )  # fmt: skip
    _heirs(scene)
    _companies(scene)
    _accountant(scene)
    _reaches(scene)
    _wishes(scene)


def _some(session: Session, ente_id: int, kind: PersonKind) -> list[int]:
    """The same ones at each making of the demonstration."""
    rows = session.execute(
        select(Contact.id)
        .where(Contact.ente_id == ente_id, Contact.kind == kind)
        .order_by(Contact.codice_fiscale)
        .limit(SOME)
    )
    return list(rows.scalars())


def _principal(session: Session, username: str) -> Principal:
    user = session.execute(select(User.id, User.name).where(User.username == username)).one()
    held = session.execute(
        select(RoleGrant.role, RoleGrant.ente_id, RoleGrant.contract_id).where(
            RoleGrant.user_id == user.id, RoleGrant.valid_from <= clock.now(session), RoleGrant.valid_to.is_(None)
        )
    )
    return Principal(user.id, user.name, "it", frozenset(Held(*grant) for grant in held))


def _heirs(scene: Scene) -> None:
    """Two dead: one with two heirs on the phone, one of whom only the ente wrote."""
    mourned, other = scene.persons[0], scene.persons[1]
    conditions.report(
        scene.session, scene.by, contact_id=mourned, kind=ConditionKind.DECEASED, telling=BY_RELATED,
        since=scene.today - timedelta(days=140), note="Lo dice la figlia; certificato chiesto",
    )  # fmt: skip
    conditions.report(
        scene.session, scene.by, contact_id=other, kind=ConditionKind.DECEASED, telling=BY_ENTE,
        since=scene.today - timedelta(days=400), note="Dall'anagrafe",
    )  # fmt: skip
    for contact_id in (mourned, mourned, other):
        heir = scene.spare.citizen(scene.place)
        relations.relate(
            scene.session, scene.by, contact_id=contact_id, kind=RelationKind.HEIR,
            codice_fiscale=heir.record["codice_fiscale"], name=heir.name, phone=scene.spare.number(scene.place),
            source=Source.RELATED,
        )  # fmt: skip


def _companies(scene: Scene) -> None:
    """Representatives of some; one company that is no more, with its partners; one insolvent."""
    for contact_id in scene.companies[:6]:
        head = scene.spare.citizen(scene.place)
        relations.relate(
            scene.session, scene.by, contact_id=contact_id, kind=RelationKind.LEGAL_REPRESENTATIVE,
            codice_fiscale=head.record["codice_fiscale"], name=head.name, source=Source.RELATED,
        )  # fmt: skip
    ceased, insolvent = scene.companies[6], scene.companies[7]
    conditions.report(
        scene.session, scene.by, contact_id=ceased, kind=ConditionKind.CEASED, telling=Telling(Source.ARCHIVE),
        since=scene.today - timedelta(days=220), note="Cancellata dal registro delle imprese",
    )  # fmt: skip
    for _ in range(2):
        partner = scene.spare.citizen(scene.place)
        relations.relate(
            scene.session, scene.by, contact_id=ceased, kind=RelationKind.PARTNER, name=partner.name,
            codice_fiscale=partner.record["codice_fiscale"], source=Source.ARCHIVE,
        )  # fmt: skip
    conditions.report(
        scene.session, scene.by, contact_id=insolvent, kind=ConditionKind.INSOLVENT, telling=BY_ENTE,
        since=scene.today - timedelta(days=90), note="Liquidazione giudiziale, Tribunale di Firenze",
    )  # fmt: skip


def _accountant(scene: Scene) -> None:
    """One studio for several: a mandate that holds, one about to end, one client without."""
    studio = Registry(random.Random(f"{STUDIO}:{scene.today}"), scene.today)  # noqa: S311 (the same to every ente)
    code, phone = studio.partita_iva(MUNICIPALITIES[0]), studio.number(MUNICIPALITIES[0])
    clients = [*scene.companies[8:11], *scene.persons[2:4]]
    made = [
        relations.relate(
            scene.session, scene.by, contact_id=contact_id, kind=RelationKind.ACCOUNTANT, codice_fiscale=code,
            name=STUDIO, phone=phone, source=Source.RELATED,
        ).id
        for contact_id in clients
    ]  # fmt: skip
    covers = [Matter.AMOUNTS, Matter.ACTS, Matter.PAYMENTS, Matter.PLANS]
    term = Term(scene.today - timedelta(days=300), scene.today + timedelta(days=430))
    lasting = mandates.give(
        scene.session, scene.by, relation_id=made[0], document="Prot. 4471/2026", covers=covers, term=term,
        telling=BY_RELATED,
    )  # fmt: skip
    for relation_id in made[1:3]:
        mandates.extend(scene.session, scene.by, relation_id=relation_id, mandate_id=lasting, telling=BY_RELATED)
    mandates.give(
        scene.session, scene.by, relation_id=made[3], document="Prot. 1180/2025", covers=covers[:2],
        term=Term(scene.today - timedelta(days=350), scene.today + timedelta(days=12)), telling=BY_RELATED,
    )  # fmt: skip


def _reaches(scene: Scene) -> None:
    """Numbers told on the phone, old ones found wrong, one verified; a domicile beside the residence."""
    for contact_id in scene.persons[4:12]:
        told.add_reach(
            scene.session, scene.by, contact_id=contact_id, kind=ReachKind.PHONE,
            value=scene.spare.number(scene.place), telling=BY_TAXPAYER,
        )  # fmt: skip
        old = scene.session.execute(
            select(ContactReach.id).where(
                ContactReach.contact_id == contact_id, ContactReach.kind == ReachKind.PHONE, ContactReach.stated
            )
        ).scalars().first()  # fmt: skip
        if old is not None and scene.dice.random() < 0.6:
            told.judge(scene.session, scene.by, detail=Detail.REACH, row_id=old, verification=Verification.WRONG)
            told.tried(scene.session, scene.by, detail=Detail.REACH, row_id=old, outcome=LastOutcome.WRONG_PERSON)
    address = scene.spare.address(scene.place)
    told.add_address(
        scene.session, scene.by, contact_id=scene.persons[4], kind=AddressKind.DOMICILE, telling=BY_TAXPAYER,
        address=Address(address["address"], address["postcode"], address["town"], scene.place.province),
    )  # fmt: skip


def _wishes(scene: Scene) -> None:
    """Hours, channels, one who will not be called; consents given, refused and withdrawn."""
    evening = Wishes(channel=Channel.PHONE, weekdays=(0, 1, 2, 3, 4), hours_from=time(17), hours_to=time(19, 30))
    for contact_id, wishes in zip(scene.persons[5:8], (evening, Wishes(channel=Channel.EMAIL), evening), strict=True):
        preferences.wish(scene.session, scene.by, contact_id=contact_id, wishes=wishes)
    preferences.do_not_call(
        scene.session, scene.by, contact_id=scene.persons[8], why="Vuole solo lettere: sente male al telefono"
    )
    for place, contact_id in enumerate(scene.persons[4:12]):
        consents.record(
            scene.session, scene.by, contact_id=contact_id, purpose=Purpose.DIGITAL_MESSAGES, given=place != 3,
            collected=Collected.SPOKEN,
        )  # fmt: skip
    consents.record(
        scene.session, scene.by, contact_id=scene.persons[5], purpose=Purpose.SURVEY, given=True,
        collected=Collected.WRITTEN, on=scene.today - timedelta(days=30),
    )  # fmt: skip
    consents.record(
        scene.session, scene.by, contact_id=scene.persons[5], purpose=Purpose.SURVEY, given=False,
        collected=Collected.SPOKEN,
    )  # fmt: skip
